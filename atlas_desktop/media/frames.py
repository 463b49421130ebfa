"""I420 frames in the SDK's own memory."""

from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]


class NativeMemory:
    """Native memory that is released with the last array on it.

    ``numpy.asarray(memory)`` is a read-only uint8 array (size,) without a copy; it and every view of it keep
    the memory alive. ``release`` is called once, in the thread that drops the last reference: it must neither
    block nor raise.
    """

    __slots__ = ("__weakref__", "_address", "_release", "_size")

    def __init__(self, address: int, size: int, release: Callable[[], None]) -> None:
        self._address = address
        self._size = size
        self._release = release

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {"shape": (self._size,), "typestr": "|u1", "data": (self._address, True), "version": 3}

    def __del__(self) -> None:
        self._release()


class ColourMatrix(Enum):
    """Matrix of the conversion from RGB; always limited range, as WebRTC sends."""

    BT601 = "BT.601"
    BT709 = "BT.709"

    @classmethod
    def of_codec(cls, mime_type: str) -> "ColourMatrix":
        """Return the matrix that a browser assumes without a label: measured with Chromium, VP8 and H264.

        VP8 can't label it and is BT.601; the others can, and BT.709 is their default. A label itself does not
        get past the SDK.
        """
        codec = mime_type.rpartition("/")[2].upper()
        return cls.BT601 if codec in ("", "VP8") else cls.BT709


def i420_size(width: int, height: int) -> int:
    """Return the bytes of an I420 picture without padding; chroma planes of odd sizes are rounded up."""
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


class I420Frame:
    """One decoded picture: consecutive Y, U and V planes, uint8, without padding.

    Attributes:
        width: Pixels, before rotation.
        height: Pixels, before rotation.
        timestamp_us: libwebrtc's render time, CLOCK_MONOTONIC.
        rotation_deg: 0, 90, 180 or 270, clockwise, still to be applied.
        received_us: CLOCK_MONOTONIC of its arrival.
        matrix: Its colour matrix.
    """

    __slots__ = (
        "__weakref__",
        "_data",
        "height",
        "matrix",
        "received_us",
        "rotation_deg",
        "timestamp_us",
        "width",
    )

    def __init__(
        self,
        data: Plane,
        width: int,
        height: int,
        timestamp_us: int = 0,
        rotation_deg: int = 0,
        received_us: int = 0,
        matrix: ColourMatrix = ColourMatrix.BT601,
    ) -> None:
        """Wrap ``data``: uint8, flat, at least ``i420_size(width, height)`` long; not copied."""
        self._data = data[: i420_size(width, height)]
        self.width = width
        self.height = height
        self.timestamp_us = timestamp_us
        self.rotation_deg = rotation_deg
        self.received_us = received_us
        self.matrix = matrix

    def __repr__(self) -> str:
        return f"I420Frame({self.width}×{self.height}, {self.timestamp_us} µs)"

    @property
    def is_even(self) -> bool:
        """Whether ``planes()`` exists."""
        return self.width % 2 == 0 and self.height % 2 == 0

    def planes(self) -> Plane:
        """Return all three planes as uint8 (height * 3 // 2, width), without a copy.

        Raises:
            ValueError: Width or height is odd; use ``y``, ``u`` and ``v``.
        """
        if not self.is_even:
            raise ValueError(f"{self!r} has no single array of planes: a side is odd")
        return self._data.reshape(self.height * 3 // 2, self.width)

    @property
    def y(self) -> Plane:
        """Luma, (height, width), without a copy."""
        return self._data[: self.width * self.height].reshape(self.height, self.width)

    @property
    def u(self) -> Plane:
        """First chroma plane, half size rounded up, without a copy."""
        return self._chroma(0)

    @property
    def v(self) -> Plane:
        """Second chroma plane, half size rounded up, without a copy."""
        return self._chroma(1)

    def _chroma(self, index: int) -> Plane:
        width, height = (self.width + 1) // 2, (self.height + 1) // 2
        start = self.width * self.height + index * width * height
        return self._data[start : start + width * height].reshape(height, width)
