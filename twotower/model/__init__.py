"""The model: tensors in, tensors out. Knows no text and no sampling."""
