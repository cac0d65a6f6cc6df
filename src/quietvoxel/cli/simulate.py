"""`quietvoxel simulate IN OUT`: a lower-dose CT or a noisier MR."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def simulate(
    source: Path,
    output: Path,
    /,
    *,
    dose: Annotated[float | None, Parameter(help="CT: fraction of the dose, such as 0.25.")] = None,
    snr: Annotated[float | None, Parameter(help="MR: signal-to-noise ratio to reach.")] = None,
    delta: Annotated[
        float | None, Parameter(help="Degradation time: dose exp(-5 t), variance 0.005 t.")
    ] = None,
    sigma: Annotated[float | None, Parameter(help="SD of the added noise, in HU or MR units.")] = None,
    seed: Annotated[int, Parameter(help="Start of the random numbers.")] = 0,
    modality: Annotated[str | None, Parameter(help="CT or MR, where the file does not say.")] = None,
    series: Annotated[str | None, Parameter(help="Which series of a DICOM folder.")] = None,
    frame: Annotated[int | None, Parameter(help="Which frame of a 4-D file, from 0.")] = None,
    overwrite: Annotated[bool, Parameter(help="Replace the output where it exists.", negative="")] = False,
    quiet: Annotated[bool, Parameter(help="Print nothing but errors.", negative="")] = False,
) -> int:
    """Make a lower-dose CT or a noisier MR, to test an engine against a known reference.

    Parameters
    ----------
    source
        File or DICOM folder.
    output
        File to write.
    """
    from quietvoxel.cli.reporting import Reporter
    from quietvoxel.inference.simulate import simulate as run_simulate
    from quietvoxel.io import check_output, read, write

    reporter = Reporter("bar", quiet=quiet)
    check_output(output, overwrite=overwrite)
    volume = read(source, series=series, frame=frame, modality=modality)
    check_output(output, volume, overwrite=overwrite)
    result = run_simulate(volume, dose=dose, snr=snr, delta=delta, sigma=sigma, seed=seed)
    for note in (*volume.source.notes, *result.notes):
        reporter.say(note)
    report = write(result.volume, output, overwrite=overwrite)
    if report.clipped:
        reporter.say(f"{report.clipped} voxels lay outside the range of the stored type and were clipped.")
    reporter.say(f"Added noise of SD {result.sigma_added:.4g}; wrote {output}.")
    return 0
