"""A Hugging Face Space of this project, made from `spaces.yaml`: rendered, checked, deployed."""
