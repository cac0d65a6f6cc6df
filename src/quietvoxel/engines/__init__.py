"""The denoising engines, one folder each, all behind one contract."""
