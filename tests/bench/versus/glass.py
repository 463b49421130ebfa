"""Reads the bar code off the X screen, and notes when each number was there first.

``python -m tests.bench.versus.glass XWD LOG`` reads the frame buffer that ``Xvfb -fbdir`` keeps in a file:
the pixels themselves, in shared memory. So the X server, which works for the viewers, is asked nothing,
however often one looks; through it (MIT-SHM) each look would be a request in the queue of what is measured.
"""

import json
import mmap
import struct
import sys
import time
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from tests.bench.versus import bar_code
from tests.bench.versus.sender import prefer

EVERY_S = 0.002
_LOST_AFTER_S = 0.1
"""Longer than a picture half painted takes; a notice above the picture moves it."""
_PRIORITY = -5
# Source: XWDFile.h; words of 4 bytes, the header's own size first.
_HEADER = struct.Struct(">25I")


class FrameBuffer:
    """The pixels of a virtual screen.

    Attributes:
        pixels: uint8, (height, width, 4): blue, green, red, nothing. They change as the screen does.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        words = _HEADER.unpack_from(self._memory)
        header_bytes, width, height, stride, colours = words[0], words[4], words[5], words[12], words[19]
        start = header_bytes + colours * 12
        flat = np.frombuffer(self._memory, np.uint8, stride * height, start)
        self.pixels: NDArray[np.uint8] = flat.reshape(height, stride // 4, 4)[:, :width]

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """The same, red first; a view."""
        return self.pixels[:, :, 2::-1]


class Reader:
    """Finds the bar code, and writes a line when it shows another number."""

    def __init__(self, screen: NDArray[np.uint8], log: TextIO) -> None:
        self._screen = screen
        self._log = log
        self._place: bar_code.Place | None = None
        self._last: int | None = None
        self._seen_s = 0.0

    def look(self) -> None:
        """Looks once."""
        now_s = time.monotonic()
        if self._place is None:
            self._place = bar_code.find(self._screen)
            if self._place is None:
                return
            self._tell(place=[self._place.row, self._place.left, self._place.right])
        low = bar_code.read(self._screen, self._place)
        if low is None:
            if now_s - self._seen_s > _LOST_AFTER_S:
                self._place = None
            return
        self._seen_s = now_s
        if low != self._last:
            self._last = low
            self._tell(at_s=now_s, low=low)

    def _tell(self, **entry: object) -> None:
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()


def main(words: list[str]) -> None:
    """Looks until it is ended."""
    prefer(_PRIORITY)
    with Path(words[1]).open("a", encoding="utf-8") as log:
        reader = Reader(FrameBuffer(Path(words[0])).rgb, log)
        while True:
            reader.look()
            time.sleep(EVERY_S)


if __name__ == "__main__":
    main(sys.argv[1:])
