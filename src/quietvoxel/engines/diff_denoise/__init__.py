"""DiffDenoise: a blind-spot network guides a diffusion model, and a student learns the result (Demir et al., 2025)."""
