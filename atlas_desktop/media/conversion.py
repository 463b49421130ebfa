"""Decoded frames of any format, rate and layout as mono 48 kHz."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Samples
from atlas_desktop.media.container import FAULTS, MOST_CHANNELS, RATES_HZ
from atlas_desktop.media.fades import MAX_LEVEL
from atlas_desktop.media.graphs import build_graph, frame_like, gives_array, pull_frames

# By default FFmpeg adds the channels of a stereo file at −3 dB each: a loud one clips.
_RESAMPLER = f"osr={SAMPLE_RATE_HZ}:out_chlayout=mono:osf=flt:rematrix_maxval=1"
# Frames are seldom longer than 4,096 samples; a broken or odd file's may be of any length.
_LONGEST_S = 0.35
_LONGEST_SAMPLES = 65_536
_SHORT_SAMPLES, _GATHERED_SAMPLES = 32, 1_024
_UNKNOWN = "NONE"

# Frames are held for so long before it is decided how their channels are mixed.
_LOOK_S = 0.1
# Mean square of a channel, full scale 1.0 (−80 dBFS): below that there is nothing to lose.
_AUDIBLE = 1e-8
# Two equal channels add up to 2 of these, two unrelated ones to 1, two of opposite phase to 0.
_CANCELLED = 0.1
_RESTORED = 0.4
# Beside the loudest channel the mix is gone: all of it is in a channel that is left out, as the LFE is.
_LOST = 1e-4
_LFE = frozenset({"LFE", "LFE2"})

_Setup = tuple[str, str, int, int | None]


class MonoConverter:
    """Resampler and downmix to mono; the format may change in the middle. One thread.

    Channels that cancel each other out are not added: the louder one is heard alone. Timestamps are ignored:
    where they jump, the sound goes on.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._setup: _Setup | None = None
        self._mix = MixChoice()
        self._gathered = _Gathered()

    def convert(self, frame: av.AudioFrame) -> Iterator[Samples | None]:
        """Take a frame; yield samples, float32 (n,), and ``None`` where the mix changes abruptly.

        A frame of impossible rate or channels is skipped.
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
        """Yield what the resampler still holds; the next frame starts afresh."""
        for whole in self._gathered.flush():
            for settled in self._mix.add(whole):
                yield from self._push(settled)
        for settled in self._mix.flush():
            yield from self._push(settled)
        yield from self._end_graph()

    def _push(self, frame: av.AudioFrame) -> Iterator[Samples | None]:
        """Send a frame through the graph; yield ``None`` for one that FFmpeg fails on."""
        try:
            yield from self._through(frame)
        except FAULTS:
            self._graph = self._setup = None
            yield None

    def _through(self, frame: av.AudioFrame) -> Iterator[Samples | None]:
        setup = (frame.format.name, frame.layout.name, frame.sample_rate, self._mix.channel)
        if setup != self._setup:
            mix_changes = self._setup is not None and self._setup[-1] != setup[-1]
            yield from self._end_graph()
            if mix_changes:
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
    """Collects frames of a few samples, which odd files have by the hundred thousand, into longer ones.

    A short frame costs the graph as much as a long one.
    """

    def __init__(self) -> None:
        self._frames: list[av.AudioFrame] = []
        self._samples = 0

    @property
    def holds(self) -> bool:
        """Whether frames are waiting."""
        return bool(self._frames)

    def add(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Take a frame; yield what is long enough, in order."""
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
        """Yield what is left."""
        frames, self._frames, self._samples = self._frames, [], 0
        if len(frames) == 1:
            yield frames[0]
        elif frames:
            first = frames[0]
            content = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
            yield frame_like(first, content)


def _kind(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _parts(frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
    """Split a long frame: one of hours, in a broken file, would take gigabytes when resampled whole."""
    most = min(_LONGEST_SAMPLES, max(1, round(frame.sample_rate * _LONGEST_S)))
    if frame.samples <= most or not gives_array(frame):
        yield frame
        return
    whole: NDArray[Any] = frame.to_ndarray()
    width = 1 if frame.format.is_planar else frame.layout.nb_channels
    for start in range(0, frame.samples, most):
        content = np.ascontiguousarray(whole[:, start * width : (start + most) * width])
        yield frame_like(frame, content)


def _make_graph(frame: av.AudioFrame, channel: int | None) -> Graph:
    filters = [("aresample", _RESAMPLER)]
    if channel is not None:
        filters.insert(0, ("pan", f"mono|c0=c{channel}"))
    elif any(known.name == _UNKNOWN for known in frame.layout.channels):
        # FFmpeg adds only channels whose place it knows; with "<" the gains sum up to one.
        every = "+".join(f"c{number}" for number in range(frame.layout.nb_channels))
        filters.insert(0, ("pan", f"mono|c0<{every}"))
    return build_graph(
        filters,
        rate_hz=frame.sample_rate,
        sample_format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base,
    )


def _arrays(graph: Graph) -> Iterator[Samples]:
    for frame in pull_frames(graph):
        samples: Samples = frame.to_ndarray()[0]
        yield samples


class MixChoice:
    """Choice, from what is heard, between adding all channels and playing one of them alone. One thread.

    Attributes:
        channel: The one that is played alone; ``None`` while all are added.
    """

    def __init__(self) -> None:
        self.channel: int | None = None
        self._held: list[av.AudioFrame] = []
        self._held_s = 0.0
        self._layout = ""
        self._is_settled = False
        self._powers: NDArray[np.float64] = np.zeros(0)
        self._heard = self._mixed = 0.0  # the power of what is added, before and after

    def add(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Take a frame; yield those for which the choice is made."""
        if frame.layout.name != self._layout:
            yield from self.flush()
            self.channel, self._layout, self._is_settled = None, frame.layout.name, False
        if frame.layout.nb_channels == 1 or not gives_array(frame):
            yield frame
            return
        if not self._is_settled or not self._held:
            # Later one frame of each stretch will do: measuring costs more than mixing.
            self._measure(frame)
        self._held.append(frame)
        self._held_s += frame.samples / frame.sample_rate
        if self._held_s >= _LOOK_S:
            yield from self.flush()

    def flush(self) -> Iterator[av.AudioFrame]:
        """Choose with what there is, and yield the frames that waited."""
        held, self._held, self._held_s = self._held, [], 0.0
        if held:
            self._decide()
        yield from held

    def _measure(self, frame: av.AudioFrame) -> None:
        sound = _as_floats(frame)
        weights = np.array([channel.name not in _LFE for channel in frame.layout.channels], np.float64)
        if not weights.any():
            weights[:] = 1.0
        powers = np.square(sound).mean(axis=1)
        if len(self._powers) != len(powers):
            self._powers, self._heard, self._mixed = np.zeros(len(powers)), 0.0, 0.0
        self._powers += powers
        self._heard += float(weights @ powers)
        self._mixed += float(np.square(weights @ sound).mean())

    def _decide(self) -> None:
        powers, heard, mixed = self._powers, self._heard, self._mixed
        self._powers, self._heard, self._mixed = np.zeros(len(powers)), 0.0, 0.0
        if not len(powers) or not np.isfinite(powers).all() or powers.max() < _AUDIBLE:
            return
        self._is_settled = True
        is_lost = mixed < _LOST * powers.max()
        if self.channel is None and (is_lost or mixed < _CANCELLED * heard):
            self.channel = int(powers.argmax())
        elif self.channel is not None and not is_lost and mixed > _RESTORED * heard:
            self.channel = None


def _as_floats(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Return (channels, samples), full scale 1.0."""
    whole: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        whole = whole.reshape(-1, frame.layout.nb_channels).T
    floats: NDArray[np.float32] = whole.astype(np.float32)
    if whole.dtype.kind == "f":
        return np.nan_to_num(floats, posinf=0.0, neginf=0.0).clip(-MAX_LEVEL, MAX_LEVEL)
    half = np.float32(128 if whole.dtype == np.uint8 else np.iinfo(whole.dtype).max)
    return (floats - half if whole.dtype == np.uint8 else floats) / half
