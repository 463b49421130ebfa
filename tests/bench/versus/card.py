"""Records what the sound card plays, with the time of each sample; finds beeps and dropouts in it.

``python -m tests.bench.versus.card DEVICE RAW LOG``: int16 mono at 48 kHz goes to RAW; LOG gets, for each
piece, its CLOCK_MONOTONIC time and how many samples there were by then.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.bench.versus.sender import prefer
from tests.bench.versus.stream import BEEP_HZ, PILOT_HZ

RATE_HZ = 48_000
_PIECE_BYTES = 480
_PRIORITY = -5
# Whole periods of pilot and beep both: neither disturbs the other's level.
_BEEP_WINDOW, _BEEP_HOP = 96, 12
_PILOT_WINDOW, _PILOT_HOP = 240, 48
_DROPPED_SHARE, _DROPPED_HOPS = 0.5, 4
_BEEP_APART_S = 0.5
_LEVEL_PIECE_S = 60


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording: float32 samples, mono, 48 kHz, and the CLOCK_MONOTONIC time of the first."""

    samples: NDArray[np.float32]
    started_s: float

    @classmethod
    def read(cls, raw: Path, log: Path) -> Self:
        """Reads a recording. Its start is where the piece that came soonest puts it: others only waited."""
        samples = np.frombuffer(raw.read_bytes(), np.int16).astype(np.float32) / np.float32(32_768)
        starts = [at_s - have / RATE_HZ for at_s, have in map(json.loads, log.read_text().splitlines())]
        return cls(samples, min(starts))

    def between(self, from_s: float, to_s: float) -> Self:
        """A part of it, by the clock."""
        first, last = (max(0, round((at_s - self.started_s) * RATE_HZ)) for at_s in (from_s, to_s))
        return type(self)(self.samples[first:last], self.started_s + first / RATE_HZ)


def beeps(heard: Heard) -> list[float]:
    """When each beep begins: CLOCK_MONOTONIC, in seconds."""
    levels = level(heard.samples, BEEP_HZ, _BEEP_WINDOW, _BEEP_HOP)
    if not len(levels):
        return []
    loud = levels > levels.max() / 2
    onsets = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    # Half of the window is full where half of the level is reached.
    times = heard.started_s + (onsets * _BEEP_HOP + _BEEP_WINDOW / 2) / RATE_HZ
    apart = np.diff(times, prepend=-1e9) > _BEEP_APART_S
    return [float(at_s) for at_s in times[apart]]


def dropouts(heard: Heard) -> list[float]:
    """When the pilot tone was gone, for 4 ms or more: CLOCK_MONOTONIC, in seconds."""
    levels = level(heard.samples, PILOT_HZ, _PILOT_WINDOW, _PILOT_HOP)
    if not len(levels):
        return [heard.started_s]
    gone = np.concatenate([[False], levels < np.median(levels) * _DROPPED_SHARE, [False]])
    begins, ends = np.flatnonzero(gone[1:] & ~gone[:-1]), np.flatnonzero(~gone[1:] & gone[:-1])
    long = ends - begins >= _DROPPED_HOPS
    return [float(heard.started_s + at * _PILOT_HOP / RATE_HZ) for at in begins[long]]


def level(samples: NDArray[np.float32], frequency_hz: float, window: int, hop: int) -> NDArray[np.float64]:
    """How loud one frequency is, in a window at every hop."""
    piece = _LEVEL_PIECE_S * RATE_HZ
    # Piece by piece: half an hour at once would take gigabytes.
    starts = range(0, max(0, len(samples) - window + 1), piece)
    found = [_level(samples[at : at + piece + window - hop], frequency_hz, window, hop) for at in starts]
    return np.concatenate(found) if found else np.zeros(0)


def _level(samples: NDArray[np.float32], frequency_hz: float, window: int, hop: int) -> NDArray[np.float64]:
    turns = np.exp(-2j * np.pi * frequency_hz / RATE_HZ * (np.arange(len(samples)) % RATE_HZ))
    summed = np.concatenate([[0], np.cumsum(samples * turns)])
    found: NDArray[np.float64] = np.abs(summed[window::hop] - summed[:-window:hop]) * 2 / window
    return found


def recorder(device: str, raw: Path, log: Path) -> list[str]:
    """The command that records ``device`` until it is ended."""
    return [sys.executable, "-m", "tests.bench.versus.card", device, str(raw), str(log)]


def main(words: list[str]) -> None:
    """Records until it is ended."""
    prefer(_PRIORITY)
    device, raw, log = words
    command = ["parec", f"--device={device}", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1"]
    command += ["--latency-msec=5", "--process-time-msec=2", "--raw"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as recorder,
        Path(raw).open("wb") as file,
        Path(log).open("a", encoding="utf-8") as times,
    ):
        assert recorder.stdout is not None
        have = 0
        while piece := recorder.stdout.read(_PIECE_BYTES):
            at_s = time.monotonic()
            have += len(piece)
            file.write(piece)
            times.write(f"[{at_s:.6f}, {have // 2}]\n")
            file.flush()
            times.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
