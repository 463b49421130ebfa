"""Decoded frames of any format, rate and layout as mono 48 kHz."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.container import FAULTS, MOST_CHANNELS, RATES_HZ
from atlas_desktop.media.graphs import Samples, pulled
from atlas_desktop.media.mix import MixChoice, gives_array

# Unless told so, FFmpeg adds the channels of a stereo file at −3 dB each: a loud one clips.
_RESAMPLER = f"osr={SAMPLE_RATE_HZ}:out_chlayout=mono:osf=flt:rematrix_maxval=1"
# Frames are seldom longer than 4,096 samples; a broken or odd file's may be of any length.
_LONGEST_S = 0.35
_LONGEST_SAMPLES = 65_536
_SHORT_SAMPLES, _GATHERED_SAMPLES = 32, 1_024
_UNKNOWN = "NONE"

_Setup = tuple[str, str, int, int | None]


class MonoConverter:
    """Resamples and mixes down; the format may change in the middle. One thread.

    Channels that cancel each other out are not added: the louder one is heard alone. Times in the file are
    not looked at: where they jump, the sound goes on.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._setup: _Setup | None = None
        self._mix = MixChoice()
        self._gathered = _Gathered()

    def convert(self, frame: av.AudioFrame) -> Iterator[Samples | None]:
        """Takes a frame; gives what is ready, float32 (n,), and ``None`` where the mix changes at once.

        A frame that makes no sense is left out.
        """
        channels = frame.layout.nb_channels
        if not frame.samples or frame.sample_rate not in RATES_HZ or not 0 < channels <= MOST_CHANNELS:
            return
        is_usual = frame.samples >= _SHORT_SAMPLES and not self._gathered.holds
        for whole in (frame,) if is_usual else self._gathered.add(frame):
            for part in _parts(whole):
                for settled in self._mix.add(part):
                    yield from self._push(settled)

    def flush(self) -> Iterator[Samples | None]:
        """What the resampler still holds; the next frame begins anew."""
        for whole in self._gathered.flush():
            for settled in self._mix.add(whole):
                yield from self._push(settled)
        for settled in self._mix.flush():
            yield from self._push(settled)
        yield from self._end_graph()

    def _push(self, frame: av.AudioFrame) -> Iterator[Samples | None]:
        """Sends a frame through the graph; one that FFmpeg can't make anything of leaves a seam."""
        try:
            yield from self._through(frame)
        except FAULTS:
            self._graph = self._setup = None
            yield None

    def _through(self, frame: av.AudioFrame) -> Iterator[Samples | None]:
        setup = (frame.format.name, frame.layout.name, frame.sample_rate, self._mix.channel)
        if setup != self._setup:
            is_seam = self._setup is not None and self._setup[-1] != setup[-1]
            yield from self._end_graph()
            if is_seam:
                yield None
            self._graph, self._setup = _make_graph(frame, self._mix.channel), setup
        if self._graph is not None:
            frame.pts = None
            self._graph.push(frame)
            yield from _arrays(self._graph)

    def _end_graph(self) -> Iterator[Samples]:
        graph, self._graph, self._setup = self._graph, None, None
        if graph is not None:
            graph.push(None)
            yield from _arrays(graph)


class _Gathered:
    """Frames of a few samples, as odd files have them by the hundred thousand, become one of some more.

    Each costs the graph as much as a long one.
    """

    def __init__(self) -> None:
        self._frames: list[av.AudioFrame] = []
        self._samples = 0

    @property
    def holds(self) -> bool:
        """Whether some wait."""
        return bool(self._frames)

    def add(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Take a frame; give what is long enough, in order."""
        is_short = frame.samples < _SHORT_SAMPLES and gives_array(frame)
        if self._frames and not (is_short and _kind(frame) == _kind(self._frames[0])):
            yield from self.flush()
        if not is_short:
            yield frame
            return
        self._frames.append(frame)
        self._samples += frame.samples
        if self._samples >= _GATHERED_SAMPLES:
            yield from self.flush()

    def flush(self) -> Iterator[av.AudioFrame]:
        """Give what is left."""
        frames, self._frames, self._samples = self._frames, [], 0
        if len(frames) == 1:
            yield frames[0]
        elif frames:
            first = frames[0]
            content = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
            yield _frame_like(first, content)


def _kind(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _parts(frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
    """A frame of hours, as broken files have them, would take gigabytes when it is resampled whole."""
    most = min(_LONGEST_SAMPLES, max(1, round(frame.sample_rate * _LONGEST_S)))
    if frame.samples <= most or not gives_array(frame):
        yield frame
        return
    whole: NDArray[Any] = frame.to_ndarray()
    width = 1 if frame.format.is_planar else frame.layout.nb_channels
    for start in range(0, frame.samples, most):
        content = np.ascontiguousarray(whole[:, start * width : (start + most) * width])
        yield _frame_like(frame, content)


def _frame_like(frame: av.AudioFrame, content: NDArray[Any]) -> av.AudioFrame:
    """Other samples in the form of ``frame``; of no certain time."""
    other = av.AudioFrame.from_ndarray(content, frame.format.name, frame.layout.name)
    other.sample_rate = frame.sample_rate
    if frame.time_base is not None:
        other.time_base = frame.time_base
    return other


def _make_graph(frame: av.AudioFrame, channel: int | None) -> Graph:
    graph = Graph()
    last = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base,
    )
    steps: list[tuple[str, str | None]] = [("aresample", _RESAMPLER), ("abuffersink", None)]
    if channel is not None:
        steps.insert(0, ("pan", f"mono|c0=c{channel}"))
    elif any(known.name == _UNKNOWN for known in frame.layout.channels):
        # FFmpeg adds only what it knows the place of; with "<" the gains sum up to one.
        every = "+".join(f"c{number}" for number in range(frame.layout.nb_channels))
        steps.insert(0, ("pan", f"mono|c0<{every}"))
    for name, arguments in steps:
        step = graph.add(name, arguments)
        last.link_to(step)
        last = step
    graph.configure()
    return graph


def _arrays(graph: Graph) -> Iterator[Samples]:
    for frame in pulled(graph):
        samples: Samples = frame.to_ndarray()[0]
        yield samples
