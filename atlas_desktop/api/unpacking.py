"""Decompressing a response's body with a size limit: five kilobytes may hold gigabytes.

httpx decompresses each piece whole before it can be measured, and any number of layers.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from atlas_desktop.api.response import notice_line

ACCEPTED: Final = "gzip, deflate"
"""What requests ask for, as ``Accept-Encoding``."""

_PIECE_BYTES: Final = 65_536
_MOST_TIMES: Final = 3
_GZIP: Final = zlib.MAX_WBITS | 16
_PLAIN: Final = ("", "identity")


class TooLongError(Exception):
    """It decompresses to more than the limit."""


class Unpacker:
    """Decompresses one body as its ``Content-Encoding`` says, up to a limit at each of its layers.

    Args:
        coding: The header's value; empty for none.
        limit_bytes: The size limit of each layer.

    Attributes:
        problem: Why the body, or the rest of it, is left as it came: it may be uncompressed, whatever its
            header says. Empty while all is well.
    """

    def __init__(self, coding: str, limit_bytes: int) -> None:
        names = [name.strip().lower() for name in coding.split(",", _MOST_TIMES + 1)]
        layers = [name for name in names if name not in _PLAIN]
        is_known = len(layers) <= _MOST_TIMES and all(name in _STAGES for name in layers)
        self.problem = "" if is_known else f"the answer is packed as {notice_line(coding)[:40]}"
        self._limit_bytes = limit_bytes
        # Listed in the order in which they were applied.
        self._stages = [_STAGES[name]() for name in reversed(layers)] if is_known else []
        self._counts = [0] * (len(self._stages) + 1)

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """Yield the decompressed ``data``, piece by piece.

        Raises:
            TooLongError: The limit is exceeded.
        """
        if not self.problem:
            try:
                yield from self._unpacked(data)
            except zlib.error:
                self.problem = "the answer can't be unpacked"
            else:
                return
        yield from self._counted(len(self._stages), (data,))

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        pieces = self._counted(0, (data,))
        for number, stage in enumerate(self._stages, 1):
            pieces = self._counted(number, _through(stage, pieces))
        return pieces

    def _counted(self, layer: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._counts[layer] += len(piece)
            if self._counts[layer] > self._limit_bytes:
                raise TooLongError
            yield piece


def _through(stage: "_Zlib", pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from stage.unpack(piece)


class _Zlib:
    """One layer of gzip or deflate. Data after its end is dropped."""

    def __init__(self, *window_bits: int) -> None:
        self._window_bits = list(window_bits)
        self._unpacker = zlib.decompressobj(self._window_bits.pop(0))

    def unpack(self, data: bytes) -> Iterator[bytes]:
        is_full = True
        while is_full and not self._unpacker.eof:
            piece = self._next(data)
            self._window_bits.clear()
            data = self._unpacker.unconsumed_tail
            # A full piece may leave more behind, also where all of ``data`` was consumed.
            is_full = bool(data) or len(piece) == _PIECE_BYTES
            if piece:
                yield piece

    def _next(self, data: bytes) -> bytes:
        try:
            return self._unpacker.decompress(data, _PIECE_BYTES)
        except zlib.error:
            if not self._window_bits:
                raise
            self._unpacker = zlib.decompressobj(self._window_bits.pop(0))
            return self._next(data)


_STAGES: Final = {
    "gzip": lambda: _Zlib(_GZIP),
    "x-gzip": lambda: _Zlib(_GZIP),
    # With zlib's header, as specified, or without, as some servers send it.
    "deflate": lambda: _Zlib(zlib.MAX_WBITS, -zlib.MAX_WBITS),
}
