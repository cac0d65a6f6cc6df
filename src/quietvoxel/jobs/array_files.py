"""Arrays as .npy files between two processes: exact, whole or not there, refused in one sentence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError, QuietVoxelError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def read_array(path: Path) -> NDArray[Any]:
    """Read an array; nothing that could run code is unpickled.

    Raises
    ------
    BadInputError
        If there is no such file, or it holds no array.
    """
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except OSError as error:
        msg = f"{path.name} cannot be read ({error.strerror or error}); send the volume again."
        raise BadInputError(msg) from error
    except (ValueError, EOFError) as error:
        msg = f"{path.name} holds no array of voxels; send the volume again."
        raise BadInputError(msg) from error


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array whole or not at all.

    Raises
    ------
    QuietVoxelError
        If the disk refuses.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            np.save(file, array)
        partial.replace(path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


class SliceFile:
    """An array of slices that another process may read while it is filled.

    Slices lie one after the other, whatever their axis was, and each is written where it belongs as soon as it is
    there. Written with plain calls: a memory map would end the process where the disk is full.

    Parameters
    ----------
    path : of the .npy file.
    slices : (slices, H, W), what is there before the first slice is finished.

    Raises
    ------
    QuietVoxelError
        If the disk refuses.
    """

    def __init__(self, path: Path, slices: NDArray[Any]) -> None:
        self._path = path
        self._dtype = slices.dtype
        try:
            self._file = path.open("w+b", buffering=0)
            np.lib.format.write_array(self._file, np.ascontiguousarray(slices), allow_pickle=False)
            self._start = self._file.tell() - slices.nbytes
        except OSError as error:
            self.discard()
            raise _refused(path, error) from error

    def put(self, index: int, pixels: NDArray[Any]) -> None:
        """Write slice `index` (H, W); see the constructor for what is raised."""
        data = np.ascontiguousarray(pixels, self._dtype)
        try:
            self._file.seek(self._start + index * data.nbytes)
            self._file.write(data.tobytes())
        except OSError as error:
            raise _refused(self._path, error) from error

    def close(self) -> None:
        """All is written."""
        self._file.close()

    def discard(self) -> None:
        """Take the file away."""
        if hasattr(self, "_file"):
            self._file.close()
        self._path.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> QuietVoxelError:
    return QuietVoxelError(
        f"The result could not be written to {path.parent} ({error.strerror or error}); "
        "free some space there, or choose another folder for temporary files."
    )
