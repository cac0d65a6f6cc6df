"""FDN: an invertible network puts content and noise into separate latent dimensions (Liu et al., Sensors 2022)."""
