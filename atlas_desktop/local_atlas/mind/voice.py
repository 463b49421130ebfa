"""The avatar's voice: this computer's own text-to-speech, else a soft babble."""

import asyncio
import base64
import contextlib
import io
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from atlas_desktop.hardening import without_secrets
from atlas_desktop.local_atlas.mind.babble import babble
from atlas_desktop.local_atlas.stage import SAMPLE_RATE_HZ, Sound

log = logging.getLogger(__name__)

LEVEL_DB = -20.0
PEAK_DB = -3.5
_LIMIT_S = 15.0
_END_LIMIT_S = 2.0
_ACTIVE_DB = -50.0
_STEP_SAMPLES = SAMPLE_RATE_HZ // 100
_EDGE_SAMPLES = SAMPLE_RATE_HZ * 30 // 1000


@dataclass(frozen=True, slots=True)
class Timbre:
    """How a voice sounds, in the words of each system.

    Attributes:
        espeak: Name of an espeak-ng voice; its pitch follows, 0 to 99.
        gender: What Windows' speech is asked for: Female or Male.
        babble_hz: Pitch of the babble.
    """

    espeak: str = "en-us+f3"
    espeak_pitch: int = 45
    gender: str = "Female"
    babble_hz: float = 190.0


class VoiceFailedError(Exception):
    """The system's voice gave no sound; the message says why."""


class Synthesizer:
    """A system's text-to-speech: a program that takes text on its standard input and gives a WAV.

    Args:
        command: The program and its options; ``{wav}`` in one of them stands for a file that it writes,
            else the WAV comes on its standard output.
        wants_base64: The text is given as base64, for programs that guess encodings.
    """

    def __init__(self, command: Sequence[str], wants_base64: bool = False) -> None:
        self._command = tuple(command)
        self._wants_base64 = wants_base64

    async def wav(self, text: str) -> bytes:
        """Returns the text as a WAV file.

        Raises:
            VoiceFailedError: It can't be started, fails, or takes longer than 15 s.
        """
        given = text.encode("utf-8", "replace")
        if self._wants_base64:
            given = base64.b64encode(given)
        if not any("{wav}" in part for part in self._command):
            return await _run(self._command, given)
        with tempfile.TemporaryDirectory(prefix="atlas-voice-") as folder:
            path = Path(folder) / "voice.wav"
            await _run([part.replace("{wav}", str(path)) for part in self._command], given)
            try:
                return await asyncio.to_thread(path.read_bytes)
            except OSError as error:
                raise VoiceFailedError("it wrote no file") from error


class Voice:
    """Says text. The system's voice is looked for once; when it fails, that sentence is babbled.

    Thread: the event loop's; what computes runs in a worker thread.
    """

    def __init__(self, timbre: Timbre | None = None, synthesizer: Synthesizer | None = None) -> None:
        self._timbre = timbre or Timbre()
        self._synthesizer = synthesizer

    async def say(self, text: str) -> Sound:
        """Returns the text as sound: int16, (samples, 1), 48 kHz; about −20 dBFS, its ends trimmed."""
        if self._synthesizer is not None:
            try:
                wav = await self._synthesizer.wav(unmarked(text))
                return await asyncio.to_thread(_levelled_wav, wav)
            except VoiceFailedError as error:
                log.info("the system's voice failed: %s", error)
        return await asyncio.to_thread(_levelled_babble, text, self._timbre.babble_hz)


def system_synthesizer(timbre: Timbre, platform: str = sys.platform) -> Synthesizer | None:
    """This system's text-to-speech in a timbre; ``None`` when there is none."""
    if platform == "darwin" and (say := _installed("say")):
        return Synthesizer(
            [say, "-f", "-", "-r", "170", "--file-format=WAVE", "--data-format=LEI16@22050", "-o", "{wav}"]
        )
    if platform == "win32" and (shell := _installed("powershell")):
        script = _WINDOWS_SCRIPT.replace("GENDER", timbre.gender)
        options = ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script]
        return Synthesizer([shell, *options], wants_base64=True)
    if espeak := _installed("espeak-ng"):
        options = ["-v", timbre.espeak, "-p", str(timbre.espeak_pitch), "-s", "165", "-b", "1"]
        return Synthesizer([espeak, *options, "--stdin", "--stdout"])
    return None


def _installed(name: str) -> str | None:
    """A program by its name, but for one in the current folder, where anybody may have put it.

    Windows looks there first, and so does a search path with an empty place in it.
    """
    found = shutil.which(name)
    return found if found is not None and Path(found).is_absolute() else None


def unmarked(text: str) -> str:
    """The text without what ``say`` and espeak-ng would take for commands: [[…]], control characters."""
    plain = text.replace("[", " ").replace("]", " ")
    return "".join(character if character.isprintable() else " " for character in plain)


def levelled(sound: Sound, level_db: float = LEVEL_DB) -> Sound:
    """The sound at a level: the RMS of what sounds in it is ``level_db``, no peak above −3.5 dBFS."""
    wave = sound.astype(np.float32) / 32768.0
    active = wave[np.repeat(_active(sound), _STEP_SAMPLES)[: len(wave)]]
    if not len(active):
        return sound
    rms = float(np.sqrt(np.mean(np.square(active))))
    peak = float(np.abs(wave).max())
    gain = min(10 ** (level_db / 20) / rms, 10 ** (PEAK_DB / 20) / peak)
    result: Sound = np.round(wave * gain * 32768.0).astype(np.int16)
    return result


def trimmed(sound: Sound) -> Sound:
    """The sound without the silence at its ends, but for 30 ms."""
    steps = np.flatnonzero(_active(sound))
    if not len(steps):
        return sound[:0]
    start = max(0, int(steps[0]) * _STEP_SAMPLES - _EDGE_SAMPLES)
    return sound[start : (int(steps[-1]) + 1) * _STEP_SAMPLES + _EDGE_SAMPLES]


def _active(sound: Sound) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each step of 10 ms, the last one maybe shorter: whether there is something to hear."""
    missing = -len(sound) % _STEP_SAMPLES
    wave = np.pad(sound.reshape(-1).astype(np.float32) / 32768.0, (0, missing))
    power = np.mean(np.square(wave.reshape(-1, _STEP_SAMPLES)), axis=1)
    result: np.ndarray[tuple[int], np.dtype[np.bool_]] = power > 10 ** (_ACTIVE_DB / 10)
    return result


def _levelled_wav(wav: bytes) -> Sound:
    try:
        sound = _decoded(wav)
    except (av.FFmpegError, ValueError) as error:
        raise VoiceFailedError("its sound can't be read") from error
    sound = levelled(trimmed(sound))
    if not len(sound):
        raise VoiceFailedError("it said nothing")
    return sound


def _levelled_babble(text: str, pitch_hz: float) -> Sound:
    return levelled(babble(text, pitch_hz))


def _decoded(wav: bytes) -> Sound:
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ)
    with av.open(io.BytesIO(wav), "r", format="wav") as source:
        if not source.streams.audio:
            raise ValueError("no sound in it")
        pieces = [
            piece for frame in source.decode(source.streams.audio[0]) for piece in resampler.resample(frame)
        ]
    pieces += resampler.resample(None)
    if not pieces:
        return np.zeros((0, 1), np.int16)
    return np.concatenate([piece.to_ndarray().reshape(-1, 1) for piece in pieces])


async def _run(command: Sequence[str], given: bytes) -> bytes:
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=without_secrets(os.environ, proxies=False),
            creationflags=hidden,
        )
    except (OSError, NotImplementedError) as error:
        raise VoiceFailedError("it can't be started") from error
    try:
        async with asyncio.timeout(_LIMIT_S):
            output, _ = await process.communicate(given)
    except TimeoutError as error:
        raise VoiceFailedError("it takes too long") from error
    finally:
        await _ended(process)
    if process.returncode:
        raise VoiceFailedError("it ended with an error")
    return output


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Makes sure that the process is gone, also when we are being cancelled."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, TimeoutError):
        process.kill()
        async with asyncio.timeout(_END_LIMIT_S):
            await process.wait()


_WINDOWS_SCRIPT = """
$given = [Console]::In.ReadToEnd().Trim()
$text = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($given))
Add-Type -AssemblyName System.Speech
$voice = New-Object System.Speech.Synthesis.SpeechSynthesizer
$voice.SelectVoiceByHints('GENDER')
$wav = New-Object IO.MemoryStream
$voice.SetOutputToWaveStream($wav)
$voice.Speak($text)
$voice.SetOutputToNull()
$output = [Console]::OpenStandardOutput()
$output.Write($wav.ToArray(), 0, $wav.Length)
$output.Flush()
"""
