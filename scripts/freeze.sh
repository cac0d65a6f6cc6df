#!/bin/sh
# Write constraints.txt anew, from a clean environment with every extra and the newest versions allowed.
# Usage: sh scripts/freeze.sh [TORCH_VERSION]
set -eu
torch=${1:-$(sed -n 's/^torch==//p' constraints.txt)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
${PYTHON:-python3} -m venv "$scratch/venv"
pip() { "$scratch/venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --upgrade pip
pip install --quiet "torch==$torch"
pip install --quiet ".[train,napari,pyqt6,benchmark]" --group dev
{
    echo "# Versions that the tests pass with; 'make test' and 'make demo' use them. Written by scripts/freeze.sh."
    # The build of torch ("+cpu") is the machine's business.
    pip freeze --all --exclude quietvoxel --exclude setuptools | sed -E 's/^(torch==[0-9.]+)\+.*/\1/'
} >"$scratch/constraints.txt"
mv "$scratch/constraints.txt" constraints.txt
