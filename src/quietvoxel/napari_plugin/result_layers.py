"""A denoised volume in the viewer: made once, filled slice by slice, blended without computing anything anew."""

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from quietvoxel.engines.registry import engine_info
from quietvoxel.inference.provenance import NOT_FOR_DIAGNOSIS
from quietvoxel.jobs import DenoiseJob, DenoiseSummary, Prepared
from quietvoxel.napari_plugin.adapter import METADATA_KEY
from quietvoxel.napari_plugin.layer_chooser import ROLE
from quietvoxel.napari_plugin.pixels import Difference

RESIDUAL_WINDOW = 3.0
"""The residual's window goes this many noise standard deviations to either side of zero."""

LOOKS = ("scale", "translate", "rotate", "shear", "units", "axis_labels", "gamma")


def looks_of(layer: Image) -> dict[str, Any]:
    """Where and how a layer is shown, as arguments of `add_image`."""
    return {name: getattr(layer, name) for name in LOOKS} | {
        "affine": layer.affine.affine_matrix.copy(),
        "colormap": layer.colormap.name,
        "contrast_limits": tuple(layer.contrast_limits),
        "interpolation2d": str(layer.interpolation2d),
    }


def add_above(viewer: Any, below: list[Any], data: Any, **options: Any) -> Image:
    """Add an image above the topmost of some layers, and leave the selection as it was."""
    selected = set(viewer.layers.selection)
    active = viewer.layers.selection.active
    layer = viewer.add_image(data, **options)
    there = [viewer.layers.index(one) for one in below if one in viewer.layers]
    if there and max(there) + 1 != len(viewer.layers) - 1:
        viewer.layers.move(len(viewer.layers) - 1, max(there) + 1)
    viewer.layers.selection = selected
    viewer.layers.selection.active = active
    return layer


class ResultLayer:
    """The result of one job.

    Parameters
    ----------
    viewer : where it is shown.
    source : layer the job was started from; it may have left the viewer.
    looks : of the source when the job was started, from `looks_of`.
    name : of the source then.
    job : what is run.
    prepared : the result before its first slice.

    Attributes
    ----------
    layer : the image layer.
    sides : layers shown about it, by role ("residual", "uncertainty").
    """

    def __init__(
        self,
        viewer: Any,
        source: Image,
        looks: dict[str, Any],
        name: str,
        job: DenoiseJob,
        prepared: Prepared,
    ) -> None:
        self.viewer = viewer
        self.source = source
        self.job = job
        self.axis = prepared.axis
        self.blend = 1.0
        self.sigma = 0.0
        self.summary: DenoiseSummary | None = None
        self.sides: dict[str, Image] = {}
        self._looks = looks
        self._shown = prepared.data
        self._denoised: NDArray[Any] | None = None  # of its own only where a blend is shown
        self._to_blend: list[int] = []
        metadata = self._metadata("result") | {"source_name": name}
        title = engine_info(job.card.engine).title
        self.layer = add_above(
            viewer,
            [source],
            prepared.data,
            name=f"{name} [{title}]",
            metadata={METADATA_KEY: metadata},
            **looks,
        )

    @property
    def in_viewer(self) -> bool:
        """Whether the user has left it there."""
        return self.layer in self.viewer.layers

    def put(self, index: int, pixels: NDArray[Any]) -> None:
        """Fill in a slice; `refresh` shows it."""
        if self._denoised is not None:
            np.moveaxis(self._denoised, self.axis, 0)[index] = pixels
            self._mix(index)
        else:
            np.moveaxis(self._shown, self.axis, 0)[index] = pixels

    def refresh(self) -> None:
        """Draw again what is on screen; without thumbnails and extents, which cost more than the image."""
        for layer in (self.layer, *self.sides.values()):
            if layer in self.viewer.layers and layer.visible:
                layer.refresh(thumbnail=False, highlight=False, extent=False)

    def finish(self, summary: DenoiseSummary) -> None:
        """All slices are there: keep how they were made with them."""
        self.summary = summary
        self.sigma = summary.sigma
        self._record()
        self.layer.refresh()

    def set_blend(self, blend: float, first: int) -> None:
        """Mix with the original: slice `first` now, the others as `blend_some` is called.

        Parameters
        ----------
        blend : 1 for the denoised image, 0 for the original.
        """
        if blend == self.blend:
            return
        if self._denoised is None:
            self._denoised = self._shown.copy()
        self.blend = blend
        self._to_blend = sorted(range(self._shown.shape[self.axis]), key=lambda index: -abs(index - first))
        self._mix(self._to_blend.pop())
        self._record()
        self.refresh()

    def blend_some(self, slices: int) -> bool:
        """Mix a few more slices; False when there are none left."""
        for _ in range(min(slices, len(self._to_blend))):
            self._mix(self._to_blend.pop())
        return bool(self._to_blend)

    def show_side(self, role: str, shown: bool) -> None:
        """Show or take away the residual, or the uncertainty where the engine gave one."""
        layer = self.sides.pop(role, None)
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)
        if not shown:
            return
        high = RESIDUAL_WINDOW * (self.sigma or float(np.ptp(self.layer.contrast_limits)) / 20)
        if role == "residual":
            data: Any = Difference(self.job.volume.data, self._shown)
            window = (-high, high)
        else:
            assert self.summary is not None
            data, window = self.summary.uncertainty, (0.0, high / RESIDUAL_WINDOW)
        looks = self._looks | {"contrast_limits": window, "colormap": "gray", "gamma": 1.0}
        name = f"{self.layer.name} {role}"
        metadata = {METADATA_KEY: self._metadata(role)}
        self.sides[role] = add_above(self.viewer, [self.layer], data, name=name, metadata=metadata, **looks)

    def remove(self) -> None:
        """Take the result and what was shown about it away."""
        for layer in (*self.sides.values(), self.layer):
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)
        self.sides.clear()

    def _mix(self, index: int) -> None:
        assert self._denoised is not None
        shown, denoised, original = (
            np.moveaxis(data, self.axis, 0)[index]
            for data in (self._shown, self._denoised, self.job.volume.data)
        )
        shown[...] = mixed(denoised, original, self.blend, shown.dtype)

    def _metadata(self, role: str) -> dict[str, Any]:
        volume = self.job.volume
        from dataclasses import replace

        return {
            "geometry": volume.geometry,
            "modality": volume.modality,
            "source": replace(volume.source, derived_by_us=True),
            ROLE: role,
            "source_layer": self.job.purpose,
            "notice": NOT_FOR_DIAGNOSIS,
        }

    def _record(self) -> None:
        if self.summary is not None:
            record = self.summary.provenance | {"blend": self.blend}
            self.layer.metadata[METADATA_KEY]["provenance"] = record


def mixed(denoised: NDArray[Any], original: NDArray[Any], blend: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A mixture of two images, in a type; it lies between them, so that nothing has to be clipped."""
    if blend == 1.0:
        return denoised
    base = np.asarray(original, np.float32)
    image = base + np.float32(blend) * (np.asarray(denoised, np.float32) - base)
    return np.rint(image).astype(dtype) if dtype.kind in "iu" else image.astype(dtype)
