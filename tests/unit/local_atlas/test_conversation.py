"""A conversation with our own avatar, over a real connection."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import pytest
from livekit import rtc

from atlas_desktop.local_atlas.agent.rehearsal_agent import SAID_BACK_TEXT
from atlas_desktop.local_atlas.agent.speech_synthesis import TextToSpeech, VoiceProfile, system_synthesizer
from atlas_desktop.local_atlas.interfaces import Pcm, RoomOptions
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread

from .sounds import silence
from .stand_ins import Guest, eventually


@dataclass
class Visit:
    guest: Guest
    atlas: LocalAtlasThread

    def said(self, identity: str = "atlas-avatar") -> list[str]:
        return [text for who, _, text in self.guest.streams if who == identity]

    async def rests(self) -> None:
        await eventually(lambda: self.guest.states[-1:] == ["listening"], "it listens", 60)


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    if shutil.which("espeak-ng") is None:
        pytest.fail("espeak-ng is missing: packaging/setup.sh run")
    guest = Guest()
    atlas = LocalAtlasThread()
    with atlas:
        room = atlas.call(atlas.atlas.rooms.open, "s1", "conversation", None, RoomOptions())
        await guest.room.connect(atlas.base.replace("http", "ws", 1), atlas.call(room.token, "me"))
        try:
            yield Visit(guest, atlas)
        finally:
            await guest.leave()


async def say(source: rtc.AudioSource, sound: Pcm) -> None:
    for start in range(0, len(sound) - 479, 480):
        block = np.ascontiguousarray(sound[start : start + 480])
        await source.capture_frame(rtc.AudioFrame(block.tobytes(), 48_000, 1, 480))


async def test_it_greets_and_answers_what_is_typed(visit: Visit) -> None:
    guest = visit.guest
    await eventually(lambda: guest.peak > 2000, "the greeting is heard", 60)
    assert guest.states[-1] == "speaking"
    guest.peak = 0
    await visit.rests()
    greeting = "Hi, I'm Ada. This is a rehearsal on your own computer. Type or say something, and I answer."
    await eventually(lambda: visit.said() == [greeting], "the greeting is transcribed")
    await asyncio.sleep(0.3)
    guest.peak = 0
    await guest.chat("Blue")
    await eventually(lambda: guest.peak > 1000, "the answer is heard")
    await eventually(lambda: "You said: Blue" in visit.said(), "the answer is transcribed")
    await eventually(
        lambda: {text for _, _, text, final in guest.legacy if final} == set(visit.said()),
        "both ways transcribe the same",
    )


async def test_it_says_back_what_is_said_and_stops_when_interrupted(visit: Visit) -> None:
    guest = visit.guest
    await eventually(lambda: guest.peak > 2000, "the greeting is heard", 60)
    microphone, _ = await guest.publish("microphone", rtc.TrackSource.SOURCE_MICROPHONE)
    speech = await TextToSpeech(VoiceProfile(), system_synthesizer(VoiceProfile())).synthesize(
        "Good morning to you."
    )
    await say(microphone, np.concatenate([silence(0.3), speech, silence(1.2)]))
    await eventually(lambda: SAID_BACK_TEXT in visit.said(), "it says it back", 60)
    assert visit.said()[0].startswith("Hi,")
    assert not visit.said()[0].endswith("I answer."), "the greeting was interrupted"
    assert visit.said("me")[0] == "(speaking…)"
    assert visit.said("me")[-1].startswith("(spoke for ")
