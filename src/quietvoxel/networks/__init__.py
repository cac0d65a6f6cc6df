"""Neural networks: tensors in, tensors out; they know nothing of volumes, files or engines."""
