"""Arrays that layers show without holding a copy: a slice laid over a volume, the difference of two volumes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ComputedArray(ABC):
    """As much of an array as napari asks of a layer's data; float32 values are made when they are looked at.

    Parameters
    ----------
    shape : of the whole array.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.ndim = len(shape)
        self.size = int(np.prod(shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            msg = "the values are computed, so that there is always a copy"
            raise ValueError(msg)
        whole = self[(slice(None),) * self.ndim]
        return whole if dtype is None else whole.astype(dtype)

    @abstractmethod
    def __getitem__(self, key: Any) -> NDArray[Any]: ...


class Difference(ComputedArray):
    """One volume minus another, as both are at the moment: what a denoiser has removed."""

    def __init__(self, before: NDArray[Any], after: NDArray[Any]) -> None:
        super().__init__(before.shape)
        self._before, self._after = before, after

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.asarray(self._before[key], np.float32) - np.asarray(self._after[key], np.float32)


class Overlay(ComputedArray):
    """A volume in which some slices are painted over.

    Parameters
    ----------
    base : (z, y, x) what is shown elsewhere.
    axis : array axis of the slices.
    mixed : turns (painted, base) pixels into those that are shown: the blend of the moment.
    """

    def __init__(
        self,
        base: NDArray[Any],
        axis: int,
        mixed: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]] = lambda painted, _base: painted,
    ) -> None:
        super().__init__(base.shape)
        self.axis = axis
        self._base = base
        self._mixed = mixed
        self._painted: dict[int, NDArray[np.float32]] = {}

    @property
    def painted(self) -> dict[int, NDArray[np.float32]]:
        """The slices laid over, by number."""
        return self._painted

    def paint(self, index: int, pixels: NDArray[np.float32]) -> None:
        """Lay a slice over."""
        self._painted[index] = pixels

    def wipe(self, but: int | None = None) -> None:
        """Take the slices away, except one."""
        self._painted = {i: p for i, p in self._painted.items() if i == but}

    def __getitem__(self, key: Any) -> NDArray[Any]:
        shown = np.array(self._base[key], np.float32)
        key = (
            (*key, *[slice(None)] * (3 - len(key)))
            if isinstance(key, tuple)
            else (key, slice(None), slice(None))
        )
        along, within = key[self.axis], key[: self.axis] + key[self.axis + 1 :]
        if isinstance(along, slice):
            kept = [d for d, k in enumerate(key) if isinstance(k, slice)].index(self.axis)
            view = np.moveaxis(shown, kept, 0)
            for place, index in enumerate(range(*along.indices(self.shape[self.axis]))):
                if index in self._painted:
                    view[place] = self._mixed(self._painted[index][within], view[place])
        elif int(along) % self.shape[self.axis] in self._painted:
            shown = self._mixed(self._painted[int(along) % self.shape[self.axis]][within], shown)
        return np.asarray(shown, np.float32)
