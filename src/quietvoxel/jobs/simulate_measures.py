"""By what a volume can be made noisier, in the words of the docks: one place for napari and Slicer."""

from __future__ import annotations

from dataclasses import dataclass

from quietvoxel.volume import Modality


@dataclass(frozen=True)
class Measure:
    """One measure; `name` is its field in `SimulateJob`.

    Attributes
    ----------
    title, tooltip : words of its control.
    result_name : for the result, with the value put in, such as "dose 0.25".
    lowest, highest, step, start : of its control.
    """

    name: str
    title: str
    result_name: str
    lowest: float
    highest: float
    step: float
    start: float
    tooltip: str


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "dose",
            "Dose fraction",
            "dose {:g}",
            0.005,
            1.0,
            0.05,
            0.25,
            "CT: the scan itself is 1, a quarter dose 0.25",
        ),
        Measure(
            "snr",
            "Signal-to-noise ratio",
            "SNR {:g}",
            0.1,
            10_000.0,
            1.0,
            10.0,
            "MR: mean signal over noise, to reach",
        ),
        Measure(
            "sigma",
            "Added noise (SD)",
            "noise {:g}",
            0.0,
            1e6,
            1.0,
            20.0,
            "In HU for CT, in the image's units for MR",
        ),
        Measure(
            "delta",
            "Degradation time Δ",
            "Δ {:g}",
            0.0,
            5.0,
            0.05,
            0.3,
            "Dose fraction exp(-5 Δ) for CT, variance 0.005 Δ of the signal for MR",
        ),
    )
}


def measures_for(modality: str) -> list[str]:
    """The measures that make sense for a modality."""
    return [name for name in MEASURES if name != ("snr" if modality == Modality.CT else "dose")]
