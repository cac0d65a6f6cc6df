"""RelativeFlow: flow matching from noisier to noisy images (Liu et al., CVPR 2026)."""
