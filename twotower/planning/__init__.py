"""What a model will need, part by part and device by device, worked out before a byte of it is loaded."""
