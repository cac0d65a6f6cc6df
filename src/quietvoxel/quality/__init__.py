"""Figures of image quality, all with their range, window and mask stated by the caller.

PSNR, RMSE and SSIM against a reference, the masks they are taken over, and what noise looks like: power
spectrum, lag correlation and residual statistics. Nothing here knows an engine or a file format.
"""

from quietvoxel.quality.masks import body_mask, foreground_mask, tissue_regions
from quietvoxel.quality.metrics import mse, psnr, rmse, ssim, ssim_map
from quietvoxel.quality.residual import ResidualStatistics, residual_statistics
from quietvoxel.quality.spectrum import (
    NoisePowerSpectrum,
    lag_correlation,
    noise_power_spectrum,
    radial_average,
)

__all__ = [
    "NoisePowerSpectrum",
    "ResidualStatistics",
    "body_mask",
    "foreground_mask",
    "lag_correlation",
    "mse",
    "noise_power_spectrum",
    "psnr",
    "radial_average",
    "residual_statistics",
    "rmse",
    "ssim",
    "ssim_map",
    "tissue_regions",
]
