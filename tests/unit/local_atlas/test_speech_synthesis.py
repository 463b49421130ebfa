"""The system's text-to-speech, and the babble in its place."""

import asyncio
import io
import os
import shutil
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_desktop.local_atlas.agent.babble import babble, syllables
from atlas_desktop.local_atlas.agent.speech_synthesis import (
    SpeechCommand,
    SynthesisFailedError,
    TextToSpeech,
    VoiceProfile,
    levelled,
    system_synthesizer,
    trimmed,
    without_markup,
)
from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ, Pcm


def rms_db(sound: Pcm) -> float:
    return float(10 * np.log10(np.mean(np.square(sound / 32768.0))))


def peak_db(sound: Pcm) -> float:
    return float(20 * np.log10(np.abs(sound / 32768.0).max()))


def tone(seconds: float, peak: float) -> Pcm:
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (peak * np.sin(2 * np.pi * 300 * t)).astype(np.int16).reshape(-1, 1)


def wav(sound: Pcm, rate_hz: int = 22_050) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(sound.tobytes())
    return out.getvalue()


def python(program: str) -> SpeechCommand:
    return SpeechCommand([sys.executable, "-c", program])


@pytest.fixture
def espeak() -> SpeechCommand:
    if shutil.which("espeak-ng") is None:
        pytest.fail("espeak-ng is missing: packaging/setup.sh run")
    synthesizer = system_synthesizer(VoiceProfile(), "linux")
    assert synthesizer is not None
    return synthesizer


async def test_the_systems_voice_speaks_at_a_calm_level(espeak: SpeechCommand) -> None:
    sound = await TextToSpeech(VoiceProfile(), espeak).synthesize("Hi, I'm Ada. This is a rehearsal.")
    assert sound.dtype == np.int16
    assert sound.shape[1] == 1
    assert 1.5 < len(sound) / SAMPLE_RATE_HZ < 4
    assert -23 < rms_db(sound) < -18
    assert peak_db(sound) <= -3
    assert np.abs(sound[:480]).max() < 3000, "it begins softly"


async def test_text_is_no_command_and_no_option(espeak: SpeechCommand) -> None:
    voice = TextToSpeech(VoiceProfile(), espeak)
    for text in (
        "--version",
        "$(touch x); `ls`",
        "[[h@'loU]] \x01 50P",
        "<speak>hello</speak>",
        "-f /etc/passwd",
    ):
        assert len(await voice.synthesize(text)) > SAMPLE_RATE_HZ // 5


async def test_two_faces_have_two_voices(espeak: SpeechCommand) -> None:
    other = system_synthesizer(VoiceProfile("en-us+m3", 38), "linux")
    a = await TextToSpeech(VoiceProfile(), espeak).synthesize("hello")
    b = await TextToSpeech(VoiceProfile(), other).synthesize("hello")
    assert a.shape != b.shape or not np.array_equal(a, b)


async def test_without_a_system_voice_it_babbles() -> None:
    sound = await TextToSpeech().synthesize("You said: good morning.")
    assert 0.8 < len(sound) / SAMPLE_RATE_HZ < 3
    assert peak_db(sound) <= -3


@pytest.mark.parametrize(
    "program",
    ["raise SystemExit(1)", "print('no wav')", "pass", "import sys; sys.stdin.close(); sys.stdout.close()"],
)
async def test_a_voice_that_fails_is_replaced_by_the_babble(program: str) -> None:
    assert np.array_equal(
        await TextToSpeech(None, python(program)).synthesize("hello"),
        await TextToSpeech().synthesize("hello"),
    )


async def test_a_voice_that_is_not_there_is_replaced_by_the_babble() -> None:
    missing = SpeechCommand(["/nowhere/voice"])
    with pytest.raises(SynthesisFailedError):
        await missing.wav("hello")
    assert len(await TextToSpeech(None, missing).synthesize("hello"))


async def test_a_voice_that_writes_a_file_is_read_from_it(tmp_path: Path) -> None:
    source = tmp_path / "source.wav"
    source.write_bytes(wav(tone(1.0, 2000)))
    copy = "import shutil, sys; shutil.copy(*sys.argv[1:])"
    synthesizer = SpeechCommand([sys.executable, "-c", copy, str(source), "{wav}"])
    sound = await TextToSpeech(None, synthesizer).synthesize("hello")
    assert len(sound) == pytest.approx(SAMPLE_RATE_HZ * 48_000 / 22_050, rel=0.02)


async def test_text_can_be_given_as_base64() -> None:
    echo = "import sys; sys.stdout.write(sys.stdin.read())"
    assert await SpeechCommand([sys.executable, "-c", echo], wants_base64=True).wav("é") == b"w6k="


async def test_cancelled_speech_leaves_no_process_behind(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    slow = python(f"import os,time; open({str(note)!r},'w').write(str(os.getpid())); time.sleep(60)")
    speaking = asyncio.create_task(TextToSpeech(None, slow).synthesize("hello"))
    while not (note.exists() and note.read_text()):
        await asyncio.sleep(0.01)
    began = time.monotonic()
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert time.monotonic() - began < 2
    assert not Path(f"/proc/{note.read_text()}").exists()


def test_each_system_is_asked_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert all(system_synthesizer(VoiceProfile(), platform) for platform in ("darwin", "win32", "linux"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not any(system_synthesizer(VoiceProfile(), platform) for platform in ("darwin", "win32", "linux"))


def test_a_program_in_the_current_folder_is_no_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "espeak-ng").write_text("#!/bin/sh\n")
    (tmp_path / "espeak-ng").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for search in (".", f".{os.pathsep}/nonexistent", f"{os.pathsep}/nonexistent"):
        monkeypatch.setenv("PATH", search)
        assert system_synthesizer(VoiceProfile(), "linux") is None


def test_marks_that_voices_obey_are_taken_out() -> None:
    assert without_markup("[[slnc 9000]] a\x01b") == "  slnc 9000   a b"


@given(st.integers(1, 32_767), st.integers(1, 30_000))
@settings(max_examples=30, deadline=None)
def test_levelling_never_clips(peak: int, samples: int) -> None:
    sound = levelled(tone(samples / SAMPLE_RATE_HZ, peak))
    assert sound.dtype == np.int16
    assert np.abs(sound.astype(int)).max() <= 32768 * 10 ** (-3 / 20)


def test_levelling_does_not_count_silence() -> None:
    sound = np.concatenate([tone(0.5, 1000), np.zeros((SAMPLE_RATE_HZ * 5, 1), np.int16)])
    assert rms_db(levelled(sound)[: SAMPLE_RATE_HZ // 2]) == pytest.approx(-20, abs=0.3)
    assert np.array_equal(levelled(sound * 0), sound * 0)


def test_trimming_keeps_what_sounds() -> None:
    silence = np.zeros((SAMPLE_RATE_HZ, 1), np.int16)
    sound = trimmed(np.concatenate([silence, tone(0.5, 3000), silence]))
    assert len(sound) == pytest.approx(SAMPLE_RATE_HZ * 0.56, abs=1000)
    assert len(trimmed(silence)) == 0


def test_the_babble_is_the_same_each_time_and_follows_the_text() -> None:
    text = "One two three, four?"
    assert np.array_equal(babble(text, 190), babble(text, 190))
    assert len(babble(text + " Five six seven.", 190)) > len(babble(text, 190))
    assert syllables("rehearsal") == 3
    assert syllables("xyz") == 1


@given(st.text(max_size=300))
@settings(max_examples=25, deadline=None)
def test_any_text_can_be_babbled(text: str) -> None:
    sound = babble(text, 190)
    assert sound.dtype == np.int16
    assert len(sound) < 60 * SAMPLE_RATE_HZ
