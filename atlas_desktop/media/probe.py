"""What a clip is, before it plays: how long, how many channels, the outline of its sound."""

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.graphs import to_block
from atlas_desktop.media.level import peak_percent
from atlas_desktop.media.loudness import LoudnessMeter
from atlas_desktop.media.sound_file import SoundFile

BARS = 48
_WHOLE_S = 60.0
_GLIMPSE_SAMPLES = SAMPLE_RATE_HZ // 20
_BUDGET_S = 0.08


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A clip's facts.

    Attributes:
        duration_s: ``None`` where neither the file says it nor all of it was decoded.
        peaks: The bars of its waveform, 0 to 100 each.
        channels: Of the file.
        rate_hz: Of the file.
        loudness_lufs: Integrated (EBU R128), when all of it was decoded and it is not silent.
        silent: Whether all of it was decoded and nothing can be heard.
        is_exact: Whether the length is what can be heard, not what the file says.
    """

    duration_s: float | None
    peaks: tuple[int, ...]
    channels: int
    rate_hz: int
    loudness_lufs: float | None = None
    silent: bool = False
    is_exact: bool = True


def probe(path: Path, *, stop: threading.Event | None = None) -> ClipInfo:
    """Looks at a file; call it in a worker thread.

    Up to a minute is decoded whole (0.1 s of CPU); of a longer file only glimpses, for 0.08 s at most.

    Args:
        path: The file.
        stop: Set by any thread, it ends this soon, with less than is there.

    Raises:
        MissingFileError: It is not there.
        EmptyAudioError: There is no sound in it.
        UnreadableAudioError: It holds no sound that can be read.
    """
    with SoundFile(path, stop) as file:
        if file.duration_s is None or file.duration_s <= _WHOLE_S:
            return _whole(file)
        if not any(len(part) for part in file.samples()):
            raise file.nothing_in_it()
        peaks = _glimpses(file, file.duration_s)
        return ClipInfo(file.duration_s, peaks, file.channels, file.rate_hz, is_exact=False)


def measure(path: Path, *, info: ClipInfo, stop: threading.Event) -> ClipInfo:
    """Find out how long a file really is, whatever it says; call it in a worker thread.

    Reads what must be read of it, at most all (0.5 s of CPU for an hour of MP3).

    Args:
        path: The file.
        info: What ``probe`` found.
        stop: Set by any thread, it ends this with ``info`` as it is.

    Raises:
        MediaError: As ``probe``.
    """
    with SoundFile(path, stop) as file:
        length_s = file.length_s()
        if not length_s:
            return info
        peaks = info.peaks
        if info.duration_s is None or abs(length_s - info.duration_s) > length_s / BARS:
            peaks = _glimpses(file, length_s) or peaks
    return replace(info, duration_s=length_s, peaks=peaks, is_exact=True)


def _whole(file: SoundFile) -> ClipInfo:
    """Decodes, at most twice the whole limit: the length may be unknown."""
    parts: list[Block] = []
    count = 0
    meter = LoudnessMeter()
    for part in file.samples():
        parts.append(to_block(part))
        meter.add(part)
        count += len(part)
        if count > 2 * _WHOLE_S * SAMPLE_RATE_HZ:
            peaks = _bars(np.concatenate(parts))
            # Whatever it says is too short.
            return ClipInfo(None, peaks, file.channels, file.rate_hz, is_exact=False)
    if count == 0:
        raise file.nothing_in_it()
    # Counted, not what the header says: a cut-off file is as long as what can be heard.
    duration_s, peaks = count / SAMPLE_RATE_HZ, _bars(np.concatenate(parts))
    lufs = meter.finish()
    return ClipInfo(duration_s, peaks, file.channels, file.rate_hz, lufs, meter.silent)


def _bars(samples: Block) -> tuple[int, ...]:
    return tuple(peak_percent(part) for part in np.array_split(samples, BARS))


def _glimpses(file: SoundFile, duration_s: float) -> tuple[int, ...]:
    """One short look a bar, the coarse ones first; a bar that time did not allow takes its neighbour's."""
    until_s = time.monotonic() + _BUDGET_S
    seen: dict[int, int] = {}
    for step in (16, 8, 4, 2, 1):
        for bar in range(0, BARS, step):
            if bar not in seen and time.monotonic() < until_s and file.seek(duration_s * (bar + 0.5) / BARS):
                seen[bar] = _glimpse(file)
    if not seen:
        return ()
    return tuple(seen[min(seen, key=lambda known: abs(known - bar))] for bar in range(BARS))


def _glimpse(file: SoundFile) -> int:
    peak, count = 0, 0
    for part in file.samples():
        peak = max(peak, peak_percent(to_block(part)))
        count += len(part)
        if count >= _GLIMPSE_SAMPLES:
            break
    return peak
