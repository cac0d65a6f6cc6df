"""A process that trains along with others: `python -m quietvoxel.training.member FOLDER STAGE LOCAL NODE ADDR PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

from quietvoxel.training.control import TrainingControl
from quietvoxel.training.fine_tune import quiet_libraries
from quietvoxel.training.members import Place, end_with_parent
from quietvoxel.training.run_stage import train_along
from quietvoxel.training.runs import read_run


def main(words: list[str]) -> int:
    """Join the training of one stage."""
    folder, stage, local, node, address, port = words
    end_with_parent()
    quiet_libraries()
    record = read_run(Path(folder))
    if record is None:
        return 2
    place = Place(int(local), int(node), address, int(port))
    train_along(record, int(stage), Path(folder), TrainingControl(), place)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
