"""Phantoms with a known truth: CT and MR volumes drawn from a seed, for tests, demonstrations and training.

An anatomy is a function of the seed and of millimetres only, never of the voxel grid: the same seed seen at
two resolutions is the same patient. Noise is not made here; that is the business of `quietvoxel.degradation`.
"""

from quietvoxel.phantoms.ct import ct_phantom
from quietvoxel.phantoms.mr import MRContrast, mr_phantom
from quietvoxel.phantoms.small_structures import scatter_structures
from quietvoxel.phantoms.texture import smooth_texture

__all__ = ["MRContrast", "ct_phantom", "mr_phantom", "scatter_structures", "smooth_texture"]
