"""FFmpeg's own filters for one channel of 48 kHz float sound: what goes in comes out as arrays."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block

Samples = NDArray[np.float32]
"""float32 (n,), mono, 48 kHz; 1.0 is full scale, and more is possible."""

FULL_SCALE = 32768.0
"""Of a block's samples."""
_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)


def no_samples() -> Samples:
    """Samples, but none."""
    return np.zeros(0, np.float32)


def to_block(samples: Samples) -> Block:
    """int16 (n, 1), rounded; what is beyond full scale is cut off there."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    clipped: Block = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return clipped.reshape(-1, 1)


class MonoGraph:
    """A chain of filters from mono to mono. One thread at a time.

    Args:
        filters: Name and arguments of each, as FFmpeg's command line has them.
    """

    def __init__(self, *filters: tuple[str, str]) -> None:
        self._graph = Graph()
        self._given = 0
        last = self._graph.add_abuffer(
            sample_rate=SAMPLE_RATE_HZ, format="flt", layout="mono", time_base=_TIME_BASE
        )
        for name, arguments in (*filters, ("aformat", "sample_fmts=flt"), ("abuffersink", "")):
            step = self._graph.add(name, arguments or None)
            last.link_to(step)
            last = step
        self._graph.configure()

    def push(self, samples: Samples | None) -> Iterator[av.AudioFrame]:
        """Gives samples, ``None`` at their end; yields what comes out now."""
        if samples is None:
            self._graph.push(None)
        elif len(samples):
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, self._given, _TIME_BASE
            self._given += len(samples)
            self._graph.push(frame)
        yield from pulled(self._graph)


def pulled(graph: Graph) -> Iterator[av.AudioFrame]:
    """What a graph has ready."""
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, av.AudioFrame):
            yield frame
