"""Echo on a real sound server: the microphone hears the speaker 40 ms later at -6 dB."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from tests.attempts import timing_sensitive
from tests.desk.bus import session_bus
from tests.desk.process import run, start_prioritised
from tests.desk.sound import Card, sound

DELAY_MS, GAIN_DB = 40, -6.0
FAR = (
    "Hello, I am the avatar. Today we will look at the numbers of the last quarter, and then I will answer "
    "your questions. The weather is fine, and the trains are running on time."
)
NEAR = "Could you please stop for a moment, I have a question about the second number."
SETTLED_S, NEAR_AFTER_S = 3.0, 3.0


@pytest.fixture(scope="module")
def card() -> Iterator[Card]:
    with session_bus(os.environ) as env, sound({**env, "QT_QPA_PLATFORM": "offscreen"}) as card:
        yield card


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("voices")
    far, near = folder / "far.wav", folder / "near.wav"
    run(["espeak-ng", "-v", "en-us", "-w", str(far), FAR], os.environ)
    run(["espeak-ng", "-v", "en-gb+f3", "-w", str(near), NEAR], os.environ)
    return far, near


def hear(
    card: Card, voice: Path, out: Path, *, canceller: bool, near: Path | None = None
) -> NDArray[np.int16]:
    """What the room would get while ``voice`` is on the speaker, and ``near`` speaks into the microphone."""
    order = {"voice": str(voice), "out": str(out), "canceller": canceller}
    words = [sys.executable, "-m", "tests.desk.echo", json.dumps(order)]
    with start_prioritised(words, card.env, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"playing\n"
        # From here on it is about time: the canceller has learned the room by then.
        time.sleep(NEAR_AFTER_S)
        with nullcontext() if near is None else card.speaking(near):
            assert program.wait(60) == 0
    heard: NDArray[np.int16] = np.load(out)
    return heard


def energy(sound: NDArray[np.int16], from_s: float) -> float:
    return float(np.sum(sound[round(from_s * SAMPLE_RATE_HZ) :].astype(np.float64) ** 2))


def kept(sound: NDArray[np.int16], near: NDArray[np.int16]) -> float:
    """The share of the energy of ``near`` that ``sound`` still has of it; what else it has does not count."""
    size = 1 << (len(sound) + len(near)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(near, size))
    # The way through the canceller shifts the phases: only the time is looked for.
    lag = int(np.argmax(np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-9), size)))
    lag = lag - size if lag > size // 2 else lag
    begin, end = max(0, -lag), min(len(near), len(sound) - lag)
    ours = np.abs(frames(sound[begin + lag : end + lag])) * np.abs(frames(near[begin:end]))
    whole = np.abs(frames(near[begin:end])) ** 2
    return float(np.sum(np.sum(ours, 1) ** 2 / (np.sum(whole, 1) + 1)) / np.sum(whole))


def frames(sound: NDArray[np.int16]) -> NDArray[np.complex128]:
    """Spectra of 20 ms each, (frames, bins)."""
    whole = sound[: len(sound) // 960 * 960].reshape(-1, 960)
    spectra: NDArray[np.complex128] = np.fft.rfft(whole * np.hanning(960), axis=1)
    return spectra


@timing_sensitive
def test_the_avatar_does_not_hear_itself(card: Card, voices: tuple[Path, Path], tmp_path: Path) -> None:
    with card.echoing(DELAY_MS, GAIN_DB):
        echo = hear(card, voices[0], tmp_path / "echo.npy", canceller=False)
        left = hear(card, voices[0], tmp_path / "left.npy", canceller=True)
    assert len(left) == pytest.approx(len(echo), rel=0.05)
    residual_db = 10 * np.log10((energy(left, SETTLED_S) + 1) / energy(echo, SETTLED_S))
    # -59 dB on a machine at ease.
    assert residual_db < -35


@timing_sensitive
def test_both_at_once_keeps_who_is_near(card: Card, voices: tuple[Path, Path], tmp_path: Path) -> None:
    far, near = voices
    quiet = tmp_path / "quiet.wav"
    run(["sox", str(far), str(quiet), "vol", "0"], os.environ)
    alone = hear(card, quiet, tmp_path / "alone.npy", canceller=False, near=near)
    with card.echoing(DELAY_MS, GAIN_DB):
        both = hear(card, far, tmp_path / "both.npy", canceller=True, near=near)
    # 1.3 with the gain control that is on in the program; it would be 0.4 to 0.7 without.
    assert kept(both, alone) > 0.8
