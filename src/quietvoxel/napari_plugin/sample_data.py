"""Sample data that needs no download: noisy phantoms, drawn when asked for, with their truth beside them."""

from typing import Any

from quietvoxel.napari_plugin.adapter import layer_data

CT_SHAPE, CT_SPACING = (24, 256, 256), (3.0, 1.4, 1.4)
CT_NOISE_HU = 25.0
MR_SHAPE, MR_SPACING = (24, 224, 192), (5.0, 1.0, 1.0)
MR_NOISE = 0.06
"""SD of the noise as a share of the brightest tissue."""


def ct_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """A CT of chest and abdomen with the noise of a low dose, and the same without noise, hidden."""
    from quietvoxel.inference.simulate import simulate
    from quietvoxel.phantoms import ct_phantom

    truth = ct_phantom(CT_SHAPE, CT_SPACING, seed=7)
    return _with_truth("CT phantom", simulate(truth, sigma=CT_NOISE_HU, seed=7).volume, truth)


def mr_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """A T1 image of a head with Rician noise, and the same without noise, hidden."""
    from quietvoxel.inference.simulate import simulate
    from quietvoxel.phantoms import mr_phantom

    truth = mr_phantom(MR_SHAPE, MR_SPACING, seed=7)
    sigma = MR_NOISE * float(truth.data.max())
    return _with_truth("MR phantom", simulate(truth, sigma=sigma, seed=7).volume, truth)


def _with_truth(name: str, noisy: Any, truth: Any) -> list[tuple[Any, dict[str, Any], str]]:
    import napari

    viewer = napari.current_viewer()
    if viewer is not None:
        from quietvoxel.napari_plugin.view_bar import show_view_bar

        show_view_bar(viewer)
    data, options, kind = layer_data(truth, f"{name} [truth]")
    _, shown, _ = layer_data(noisy, name)
    hidden = options | {"visible": False, "contrast_limits": shown["contrast_limits"]}
    return [(data, hidden, kind), layer_data(noisy, name)]
