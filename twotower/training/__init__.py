"""Training the embedded model: text, tokenizer, objectives, loop, model card."""
