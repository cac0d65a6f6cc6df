#!/bin/sh
# Make the virtual environment $1 with the extras $2, in the versions of constraints.txt.
set -eu
venv=$1
extras=$2

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "QuietVoxel needs Python 3.11 or later; install it, or name one: make test PYTHON=/path/to/python3" >&2
    exit 1
}

python=$(find_python)
if ! [ -x "$venv/bin/python" ]; then
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv "$venv" || {
        echo "Python's venv module is missing; on Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    }
fi
install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt "$@"; }

echo "Installing the pinned versions (the first time takes some minutes)"
install --upgrade pip
# torch first and by its exact version: a build for this machine that pip already knows is then taken, and the other
# packages, which only ask for "torch", cannot pull in another one with gigabytes of CUDA.
install "torch==$(sed -n 's/^torch==//p' constraints.txt)"
install -e ".[$extras]" --group dev
