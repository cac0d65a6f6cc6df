"""Figures of image quality, all with their range, window and mask stated by the caller.

PSNR, RMSE and SSIM against a reference, the masks they are taken over, and what noise looks like: power
spectrum, lag correlation and residual statistics; figures of drawn regions and lines; the
structure check of a residual. Nothing here knows an
engine or a file format.
"""

from quietvoxel.quality.line_profile import line_profile
from quietvoxel.quality.masks import body_mask, foreground_mask, patient_mask, tissue_regions
from quietvoxel.quality.metrics import mse, psnr, rmse, ssim, ssim_map
from quietvoxel.quality.region_spectrum import region_spectrum
from quietvoxel.quality.region_statistics import RegionStatistics, contrast_to_noise, region_statistics
from quietvoxel.quality.residual import ResidualStatistics, residual_statistics
from quietvoxel.quality.residual_histogram import ResidualHistogram, residual_histogram
from quietvoxel.quality.spectrum import (
    NoisePowerSpectrum,
    lag_correlation,
    noise_power_spectrum,
    radial_average,
)
from quietvoxel.quality.structure_check import Place, StructureCheck, Verdict, check_structure

__all__ = [
    "NoisePowerSpectrum",
    "Place",
    "RegionStatistics",
    "ResidualHistogram",
    "ResidualStatistics",
    "StructureCheck",
    "Verdict",
    "body_mask",
    "check_structure",
    "contrast_to_noise",
    "foreground_mask",
    "lag_correlation",
    "line_profile",
    "mse",
    "noise_power_spectrum",
    "patient_mask",
    "psnr",
    "radial_average",
    "region_spectrum",
    "region_statistics",
    "residual_histogram",
    "residual_statistics",
    "rmse",
    "ssim",
    "ssim_map",
    "tissue_regions",
]
