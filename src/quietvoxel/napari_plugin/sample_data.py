"""Sample data that needs no download: noisy phantoms, drawn when asked for, with their truth beside them."""

from typing import Any

from quietvoxel.jobs.sample_job import Sample, draw_sample
from quietvoxel.napari_plugin.adapter import layer_data


def ct_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """A CT of chest and abdomen with the noise of a low dose, and the same without noise, hidden."""
    return _with_truth("CT phantom", draw_sample("CT"))


def mr_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """A T1 image of a head with Rician noise, and the same without noise, hidden."""
    return _with_truth("MR phantom", draw_sample("MR"))


def _with_truth(name: str, sample: Sample) -> list[tuple[Any, dict[str, Any], str]]:
    import napari

    viewer = napari.current_viewer()
    if viewer is not None:
        from quietvoxel.napari_plugin.view_bar import show_view_bar

        show_view_bar(viewer)
    data, options, kind = layer_data(sample.truth, f"{name} [truth]")
    _, shown, _ = layer_data(sample.noisy, name)
    hidden = options | {"visible": False, "contrast_limits": shown["contrast_limits"]}
    return [(data, hidden, kind), layer_data(sample.noisy, name)]
