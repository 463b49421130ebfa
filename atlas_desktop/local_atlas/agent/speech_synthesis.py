"""Speech synthesis: this computer's own text-to-speech, else a soft babble."""

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
from atlas_desktop.local_atlas.agent.babble import babble
from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ, Pcm

log = logging.getLogger(__name__)

LEVEL_DB = -20.0  # RMS; systems differ by 10 dB and more
PEAK_DB = -3.5  # lossy coding overshoots
_SYNTHESIS_LIMIT_S = 15.0
_KILL_LIMIT_S = 2.0
_ACTIVE_DB = -50.0  # RMS of a step that is audible
_STEP_SAMPLES = SAMPLE_RATE_HZ // 100
_PADDING_SAMPLES = SAMPLE_RATE_HZ * 30 // 1000  # soft consonants at the ends are below that


@dataclass(frozen=True, slots=True)
class VoiceProfile:
    """How a voice sounds, in the terms of each system.

    Attributes:
        espeak: Name of an espeak-ng voice.
        espeak_pitch: Its pitch, 0 to 99.
        gender: For Windows' speech: Female or Male.
        babble_hz: Pitch of the babble.
    """

    espeak: str = "en-us+f3"
    espeak_pitch: int = 45
    gender: str = "Female"
    babble_hz: float = 190.0


class SynthesisFailedError(Exception):
    """The system's text-to-speech gave no audio; the message says why."""


class SpeechCommand:
    """A system's text-to-speech: a program that reads text on its standard input and writes a WAV.

    Args:
        command: The program and its options; ``{wav}`` in one of them is replaced by a file that it writes,
            else it writes the WAV to its standard output.
        wants_base64: The text is passed as base64, for programs that guess encodings.
    """

    def __init__(self, command: Sequence[str], wants_base64: bool = False) -> None:
        self._command = tuple(command)
        self._wants_base64 = wants_base64

    async def wav(self, text: str) -> bytes:
        """Return the text as a WAV file.

        Raises:
            SynthesisFailedError: It can't be spawned, fails, or takes longer than 15 s.
        """
        data = text.encode("utf-8", "replace")
        if self._wants_base64:
            data = base64.b64encode(data)
        if not any("{wav}" in part for part in self._command):
            return await _run(self._command, data)
        with tempfile.TemporaryDirectory(prefix="atlas-voice-") as folder:
            path = Path(folder) / "voice.wav"
            await _run([part.replace("{wav}", str(path)) for part in self._command], data)
            try:
                return await asyncio.to_thread(path.read_bytes)
            except OSError as error:
                raise SynthesisFailedError("it wrote no file") from error


class TextToSpeech:
    """Synthesises text; a sentence for which the system's voice fails is babbled.

    Thread: the event loop's; computation runs in a worker thread.
    """

    def __init__(self, profile: VoiceProfile | None = None, synthesizer: SpeechCommand | None = None) -> None:
        self._profile = profile or VoiceProfile()
        self._synthesizer = synthesizer

    async def synthesize(self, text: str) -> Pcm:
        """Return the text as audio: int16, (samples, 1), 48 kHz; about −20 dBFS, its ends trimmed."""
        if self._synthesizer is not None:
            try:
                wav = await self._synthesizer.wav(without_markup(text))
                return await asyncio.to_thread(_decode_levelled, wav)
            except SynthesisFailedError as error:
                log.info("the system's voice failed: %s", error)
        return await asyncio.to_thread(lambda: levelled(babble(text, self._profile.babble_hz)))


def system_synthesizer(profile: VoiceProfile, platform: str = sys.platform) -> SpeechCommand | None:
    """Return this system's text-to-speech for a profile; ``None`` when there is none."""
    if platform == "darwin" and (say := _installed("say")):
        return SpeechCommand(
            [say, "-f", "-", "-r", "170", "--file-format=WAVE", "--data-format=LEI16@22050", "-o", "{wav}"]
        )
    if platform == "win32" and (shell := _installed("powershell")):
        script = _WINDOWS_SCRIPT.replace("GENDER", profile.gender)
        options = ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script]
        return SpeechCommand([shell, *options], wants_base64=True)
    if espeak := _installed("espeak-ng"):
        options = ["-v", profile.espeak, "-p", str(profile.espeak_pitch), "-s", "165", "-b", "1"]
        return SpeechCommand([espeak, *options, "--stdin", "--stdout"])
    return None


def _installed(name: str) -> str | None:
    """Find a program by its name, but not in the current folder, where anybody may have put it.

    Windows searches there first, and so does a ``PATH`` with an empty entry.
    """
    found = shutil.which(name)
    return found if found is not None and Path(found).is_absolute() else None


def without_markup(text: str) -> str:
    """Return the text without what ``say`` and espeak-ng interpret: [[…]], control characters."""
    plain = text.replace("[", " ").replace("]", " ")
    return "".join(character if character.isprintable() else " " for character in plain)


def levelled(audio: Pcm, level_db: float = LEVEL_DB) -> Pcm:
    """Return the audio with its active part at an RMS of ``level_db``, and no peak above −3.5 dBFS."""
    wave = audio.astype(np.float32) / 32768.0
    active = wave[np.repeat(_active(audio), _STEP_SAMPLES)[: len(wave)]]
    if not len(active):
        return audio
    rms = float(np.sqrt(np.mean(np.square(active))))
    peak = float(np.abs(wave).max())
    gain = min(10 ** (level_db / 20) / rms, 10 ** (PEAK_DB / 20) / peak)
    result: Pcm = np.round(wave * gain * 32768.0).astype(np.int16)
    return result


def trimmed(audio: Pcm) -> Pcm:
    """Return the audio without the silence at its ends, except for 30 ms."""
    steps = np.flatnonzero(_active(audio))
    if not len(steps):
        return audio[:0]
    start = max(0, int(steps[0]) * _STEP_SAMPLES - _PADDING_SAMPLES)
    return audio[start : (int(steps[-1]) + 1) * _STEP_SAMPLES + _PADDING_SAMPLES]


def _active(audio: Pcm) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each step of 10 ms, the last one possibly shorter, whether it is audible."""
    missing = -len(audio) % _STEP_SAMPLES
    wave = np.pad(audio.reshape(-1).astype(np.float32) / 32768.0, (0, missing))
    power = np.mean(np.square(wave.reshape(-1, _STEP_SAMPLES)), axis=1)
    result: np.ndarray[tuple[int], np.dtype[np.bool_]] = power > 10 ** (_ACTIVE_DB / 10)
    return result


def _decode_levelled(wav: bytes) -> Pcm:
    try:
        audio = _decode(wav)
    except (av.FFmpegError, ValueError) as error:
        raise SynthesisFailedError("its sound can't be read") from error
    audio = levelled(trimmed(audio))
    if not len(audio):
        raise SynthesisFailedError("it said nothing")
    return audio


def _decode(wav: bytes) -> Pcm:
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


async def _run(command: Sequence[str], data: bytes) -> bytes:
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
        raise SynthesisFailedError("it can't be started") from error
    try:
        async with asyncio.timeout(_SYNTHESIS_LIMIT_S):
            output, _ = await process.communicate(data)
    except TimeoutError as error:
        raise SynthesisFailedError("it takes too long") from error
    finally:
        await _terminate(process)
    if process.returncode:
        raise SynthesisFailedError("it ended with an error")
    return output


async def _terminate(process: asyncio.subprocess.Process) -> None:
    """Kill the process if it still runs, also when the caller is cancelled."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, TimeoutError):
        process.kill()
        async with asyncio.timeout(_KILL_LIMIT_S):
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
