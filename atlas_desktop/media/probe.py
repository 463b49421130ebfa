"""What can be found out of a clip by decoding it: length, outline (the bars of its waveform) and loudness."""

import math
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.errors import MediaError, SilentAudioError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Samples, no_samples
from atlas_desktop.media.loudness import LoudnessMeter, is_audible
from atlas_desktop.media.sound_file import SoundFile

BARS = 48
SHORT_S = 60.0
"""A clip up to this is decoded whole at once, in 0.2 s of CPU, a longer one in glimpses."""
MOST_WHOLE_S = 2 * SHORT_S
"""So much is decoded before a clip counts as long although the file says less, or nothing, of its length."""
_GLIMPSE_SAMPLES = SAMPLE_RATE_HZ // 20
_GLIMPSES_S = 0.08
# 1 ms: a clip of 48 ms has as many as there are bars, and one of two minutes 480 kB of them.
_STEP_SAMPLES = SAMPLE_RATE_HZ // 1000


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What is known of a clip.

    Attributes:
        duration_s: ``None`` while neither the file says it nor all of it was decoded.
        peaks: The bars of its waveform, 0 to 100 each; empty until known.
        loudness_lufs: Integrated (EBU R128), once all of it was measured and it is not silent.
        is_exact: Whether the length is what can be heard, not what the file says.
        remark: What is reported to the user although the clip is spoken: it is silent, or was cut short.
    """

    duration_s: float | None = None
    peaks: tuple[int, ...] = ()
    loudness_lufs: float | None = None
    is_exact: bool = False
    remark: MediaError | None = None


class ClipScan:
    """Length, outline, loudness and swing of the sound of one pass over a clip. One thread.

    Args:
        measures_loudness: Whether the loudness is to be found out.
        known_lufs: The loudness if it is known: it is not measured then.
    """

    def __init__(self, *, measures_loudness: bool = True, known_lufs: float | None = None) -> None:
        self._meter = LoudnessMeter() if measures_loudness and known_lufs is None else None
        self._known_lufs = known_lufs if measures_loudness else None
        self._samples = 0
        self._lowest, self._highest = math.inf, -math.inf
        self._rest = no_samples()
        self._peaks: list[NDArray[np.float32]] = []

    @property
    def duration_s(self) -> float:
        """How much was added."""
        return self._samples / SAMPLE_RATE_HZ

    @property
    def is_measuring(self) -> bool:
        """Whether the loudness is being measured."""
        return self._meter is not None

    @property
    def lufs(self) -> float | None:
        """The loudness if known, else that of what was added; ``None`` while that was silent."""
        return self._known_lufs if self._meter is None else self._meter.lufs

    def add(self, samples: Samples) -> None:
        """Add the next samples."""
        if not len(samples):
            return
        self._samples += len(samples)
        self._lowest = min(self._lowest, float(samples.min()))
        self._highest = max(self._highest, float(samples.max()))
        if self._meter is not None:
            self._meter.add(samples)
        if self._samples <= MOST_WHOLE_S * SAMPLE_RATE_HZ:
            self._outline(samples)

    def bars(self) -> tuple[int, ...]:
        """Return the outline, of the first two minutes at most."""
        rest = [np.abs(self._rest).max(keepdims=True)] if len(self._rest) else []
        peaks = np.concatenate((*self._peaks, *rest))
        edges = (np.arange(BARS + 1) * len(peaks) // BARS).tolist()
        return tuple(peak_percent(peaks[start : max(end, start + 1)]) for start, end in pairwise(edges))

    def finish(self, name: str) -> ClipInfo:
        """Return what the whole pass has shown of the file ``name``; nothing can be added afterwards."""
        if self._meter is not None:
            self._known_lufs, self._meter = self._meter.finish(), None
        is_silent = not is_audible(self._highest - self._lowest, self._known_lufs)
        remark = SilentAudioError(name=name) if is_silent else None
        return ClipInfo(self.duration_s, self.bars(), self._known_lufs, is_exact=True, remark=remark)

    def _outline(self, samples: Samples) -> None:
        whole = np.concatenate((self._rest, samples))
        count = len(whole) // _STEP_SAMPLES * _STEP_SAMPLES
        if count:
            self._peaks.append(np.abs(whole[:count]).reshape(-1, _STEP_SAMPLES).max(axis=1))
        self._rest = whole[count:]


def probe(path: Path, stop: threading.Event | None = None) -> Generator[ClipInfo, None, None]:
    """Yield what is known of a clip soon, then what takes longer to find out; for a worker thread.

    A clip of up to a minute is decoded whole. Of a longer one the first yield has glimpses and what the file
    says of its length, the last one the true length, for which all of the file may be read.

    Args:
        path: The file. It is opened once, and closed with the iterator.
        stop: Set by any thread to end this soon, with less than there is.

    Raises:
        MissingFileError: It is not there.
        EmptyAudioError: There is no sound in it.
        UnreadableAudioError: It holds no sound that can be read.
    """
    with SoundFile(path, stop) as file:
        said_s = file.duration_s
        scan = ClipScan()
        if said_s is None or said_s <= SHORT_S:
            for samples in file.samples():
                scan.add(samples)
                if scan.duration_s > MOST_WHOLE_S:
                    break
            else:
                if not scan.duration_s:
                    raise file.nothing_in_it()
                yield scan.finish(path.name)
                return
            said_s = None  # whatever it says is too little
            yield ClipInfo(None, scan.bars())
        elif not any(len(samples) for samples in file.samples()):
            raise file.nothing_in_it()
        yield from survey(file, said_s)


ProbeClip: TypeAlias = Callable[[Path, threading.Event], Generator[ClipInfo, None, None]]
"""``probe``, or what stands for it."""


def survey(file: SoundFile, said_s: float | None) -> Iterator[ClipInfo]:
    """Yield the outline of a long clip, then its true length.

    Args:
        file: Its place is undefined afterwards.
        said_s: Its length as far as known.
    """
    peaks: tuple[int, ...] = ()
    if said_s is not None:
        peaks = _glimpses(file, said_s)
        yield ClipInfo(said_s, peaks)
    length_s = file.length_s()
    if length_s:
        if said_s is None or abs(length_s - said_s) > length_s / BARS:
            peaks = _glimpses(file, length_s) or peaks
        yield ClipInfo(length_s, peaks, is_exact=True)


def _glimpses(file: SoundFile, duration_s: float) -> tuple[int, ...]:
    """Decode a short piece per bar, every 16th bar first; what time does not allow takes its neighbour's."""
    until_s = time.monotonic() + _GLIMPSES_S
    seen: dict[int, int] = {}
    for stride in (16, 8, 4, 2, 1):
        for bar in range(0, BARS, stride):
            if bar not in seen and time.monotonic() < until_s and file.seek(duration_s * (bar + 0.5) / BARS):
                seen[bar] = _glimpse(file)
    if not seen:
        return ()
    return tuple(seen[min(seen, key=lambda known: abs(known - bar))] for bar in range(BARS))


def _glimpse(file: SoundFile) -> int:
    peak, count = 0, 0
    for samples in file.samples():
        peak = max(peak, peak_percent(samples))
        count += len(samples)
        if count >= _GLIMPSE_SAMPLES:
            break
    return peak


def peak_percent(samples: Samples) -> int:
    """Return the largest excursion of some samples, 0 to 100: the height of a bar."""
    return min(100, round(float(np.abs(samples).max(initial=0.0)) * 100))
