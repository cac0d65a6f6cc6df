"""`python -m quietvoxel` is the command `quietvoxel`."""

import sys

from quietvoxel.cli import main

sys.exit(main())
