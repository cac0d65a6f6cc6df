"""What the noise estimate says at the standard points of noise-free images, where the noise is known.

python benchmarks/noise_estimates.py   # writes docs/tables/noise_estimates.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

from standard_points import points
from volumes import add_data_option

from quietvoxel.degradation.noise_level import estimate_noise

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "noise_estimates.md"
SAID = (
    "Made by `python benchmarks/noise_estimates.py`. CT: in HU, the noise that was added has this standard deviation in"
    " eroded soft tissue. MR: of the 99.5th percentile. A cleaned scan keeps its texture and a little of its own noise."
)


def main() -> None:
    """Estimate, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    options = parser.parse_args()
    lines = [
        "# Noise estimates where the noise is known",
        "",
        SAID,
        "",
        "| modality | image | added | estimated | ratio | read from | reliable |",
        "|---|---|---|---|---|---|---|",
    ]
    for modality in ("CT", "MR"):
        for point in points(options.data, modality=modality, kinds=("truth",)):
            found = estimate_noise(point.noisy, modality)
            lines.append(
                f"| {modality} | {point.name} | {point.level:g} | {found.sigma:.3g} | {found.sigma / point.level:.2f}"
                f" | {found.method} | {'yes' if found.reliable else 'no'} |"
            )
            print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
