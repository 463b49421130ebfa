"""FFmpeg's audio filters: chains of them, fed with frames or with mono 48 kHz samples."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Samples

# PyAV has arrays for these alone; of planes beyond the eighth it has no address, and crashes the process.
_ARRAY_FORMATS = frozenset({"u8", "s16", "s32", "flt", "dbl", "u8p", "s16p", "s32p", "fltp", "dblp"})
_MOST_PLANES = 8
_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)

Filter = tuple[str, str]
"""Name and options, as on FFmpeg's command line."""


def gives_array(frame: av.AudioFrame) -> bool:
    """Return whether a frame may be asked for its samples as an array."""
    fits = not frame.format.is_planar or frame.layout.nb_channels <= _MOST_PLANES
    return fits and frame.format.name in _ARRAY_FORMATS


def frame_like(frame: av.AudioFrame, content: NDArray[Any]) -> av.AudioFrame:
    """Return other samples in the format of ``frame``, without a time."""
    other = av.AudioFrame.from_ndarray(content, frame.format.name, frame.layout.name)
    other.sample_rate = frame.sample_rate
    if frame.time_base is not None:
        other.time_base = frame.time_base
    return other


def build_graph(
    filters: Sequence[Filter], *, rate_hz: int, sample_format: str, layout: str, time_base: Fraction | None
) -> Graph:
    """Return a configured chain of ``filters`` for frames of one kind."""
    graph = Graph()
    last = graph.add_abuffer(sample_rate=rate_hz, format=sample_format, layout=layout, time_base=time_base)
    for name, options in (*filters, ("abuffersink", "")):
        step = graph.add(name, options or None)
        last.link_to(step)
        last = step
    graph.configure()
    return graph


def pull_frames(graph: Graph) -> Iterator[av.AudioFrame]:
    """Yield the frames that a graph has ready."""
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, av.AudioFrame):
            yield frame


class MonoGraph:
    """A chain of filters from mono to mono, 48 kHz float. One thread at a time."""

    def __init__(self, *filters: Filter) -> None:
        self._graph = build_graph(
            (*filters, ("aformat", "sample_fmts=flt")),
            rate_hz=SAMPLE_RATE_HZ,
            sample_format="flt",
            layout="mono",
            time_base=_TIME_BASE,
        )
        self._given = 0

    def push(self, samples: Samples | None) -> Iterator[av.AudioFrame]:
        """Give samples, or ``None`` at their end; yield the frames that come out now."""
        if samples is None:
            self._graph.push(None)
        elif len(samples):
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, self._given, _TIME_BASE
            self._given += len(samples)
            self._graph.push(frame)
        yield from pull_frames(self._graph)
