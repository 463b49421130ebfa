"""Decoded frames of any format, rate and layout as mono 48 kHz."""

from collections.abc import Iterator

import av
from av.filter import Graph

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.graphs import Samples, pulled

# Unless told so, FFmpeg adds the channels of a stereo file at −3 dB each: a loud one clips.
_RESAMPLER = f"osr={SAMPLE_RATE_HZ}:out_chlayout=mono:osf=flt:rematrix_maxval=1"


class MonoConverter:
    """Resamples and mixes down; the format may change in the middle. One thread.

    Times in the file are not looked at: where they jump, the sound goes on.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._setup: tuple[str, str, int] | None = None

    def convert(self, frame: av.AudioFrame) -> Iterator[Samples]:
        """Takes a frame; gives what is ready, float32 (n,)."""
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != self._setup:
            yield from self.flush()
            self._graph, self._setup = _make_graph(frame), setup
        if self._graph is not None:
            frame.pts = None
            self._graph.push(frame)
            yield from _arrays(self._graph)

    def flush(self) -> Iterator[Samples]:
        """What the resampler still holds; the next frame begins anew."""
        graph, self._graph, self._setup = self._graph, None, None
        if graph is not None:
            graph.push(None)
            yield from _arrays(graph)


def _make_graph(frame: av.AudioFrame) -> Graph:
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base,
    )
    resampler = graph.add("aresample", _RESAMPLER)
    sink = graph.add("abuffersink")
    source.link_to(resampler)
    resampler.link_to(sink)
    graph.configure()
    return graph


def _arrays(graph: Graph) -> Iterator[Samples]:
    for frame in pulled(graph):
        samples: Samples = frame.to_ndarray()[0]
        yield samples
