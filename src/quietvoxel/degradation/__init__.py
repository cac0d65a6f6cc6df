"""Degradation: operators that make an image noisier, the way a scanner would. Tensors in, tensors out."""
