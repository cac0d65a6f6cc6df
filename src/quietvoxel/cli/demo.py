"""`quietvoxel demo [STUDY]`: the main job once, on a phantom with known truth or on the user's own study."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from quietvoxel.cli.view import INSTALL_NAPARI, has_display

PHANTOM_SHAPE = (24, 320, 320)
PHANTOM_SPACING = (2.5, 1.1, 1.1)
PHANTOM_NOISE_HU = 25.0


def demo(
    study: Annotated[Path | None, Parameter(help="File or DICOM folder; a phantom when not given.")] = None,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the results.")] = Path("out"),
    modality: Annotated[str | None, Parameter(help="CT or MR, where the file does not say.")] = None,
    series: Annotated[str | None, Parameter(help="Which series of a DICOM folder.")] = None,
    frame: Annotated[int | None, Parameter(help="Which frame of a 4-D file, from 0.")] = None,
    viewer: Annotated[bool, Parameter(help="Open the viewer where there is a display.")] = True,
) -> int:
    """Denoise a phantom, or your own study, and show what happened: figures, one picture, one volume."""
    from quietvoxel.cli.interrupts import interruptible
    from quietvoxel.cli.outputs import sidecar, write_record
    from quietvoxel.cli.picture import before_after_residual
    from quietvoxel.cli.reporting import Reporter
    from quietvoxel.inference import InferenceOptions, denoise
    from quietvoxel.inference.simulate import simulate
    from quietvoxel.inference.statistics import estimated_noise
    from quietvoxel.io import read, write
    from quietvoxel.padding import padding_mask
    from quietvoxel.phantoms import ct_phantom
    from quietvoxel.quality.report import quality_figures
    from quietvoxel.volume import Modality

    reporter = Reporter("bar")
    truth = None
    if study is None:
        truth = ct_phantom(PHANTOM_SHAPE, PHANTOM_SPACING, seed=7)
        noisy = simulate(truth, sigma=PHANTOM_NOISE_HU, seed=7).volume
        name = "phantom"
        print(f"Phantom with known truth, {PHANTOM_NOISE_HU:g} HU of CT noise inserted.")
    else:
        noisy = read(study, modality=modality, series=series, frame=frame)
        name = "study"
        for note in noisy.source.notes:
            print(note)
    unit = " HU" if noisy.modality == Modality.CT else ""
    reporter.unit = unit
    print(f"{noisy.modality}, {' x '.join(map(str, noisy.shape))} voxels (z, y, x).")
    try:
        with interruptible() as cancelled:
            result = denoise(noisy, options=InferenceOptions(), on_event=reporter, cancelled=cancelled)
    finally:
        reporter.close()
    after = estimated_noise(result.volume, padding_mask(noisy))
    print(f"Noise before {result.sigma:.3g}{unit}, after {after.sigma:.3g}{unit} (estimated).")
    if truth is not None:
        for title, volume in (("noisy", noisy), ("denoised", result.volume)):
            figures = quality_figures(volume.data, truth.data, str(noisy.modality))
            print(f"{title:9}" + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))
    out.mkdir(parents=True, exist_ok=True)
    picture, nifti = out / f"{name}-before-after-residual.png", out / f"{name}-denoised.nii.gz"
    before_after_residual(noisy, result.volume, picture)
    write(result.volume, nifti, overwrite=True)
    write_record(result.provenance, sidecar(nifti))
    print(f"Wrote {picture} and {nifti}. Not for primary diagnosis.")
    if viewer and has_display():
        _open_viewer(name, noisy, result.volume)
    return 0


def _open_viewer(name: str, before: Any, after: Any) -> None:
    from importlib.util import find_spec

    if find_spec("napari") is None:
        print(f"No viewer opens, for napari is not installed: {INSTALL_NAPARI}.")
        return
    from quietvoxel.napari_plugin.launch import show_before_after

    show_before_after(name, before, after, "RelativeFlow")
