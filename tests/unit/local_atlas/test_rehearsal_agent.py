"""The agent, with a renderer, an output and a voice that only record what happens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from atlas_desktop.local_atlas.agent.rehearsal_agent import SAID_BACK_TEXT, RehearsalAgent, word_timing
from atlas_desktop.local_atlas.agent.speech_synthesis import TextToSpeech
from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ, AgentOutput, AgentState, Pcm

from .sounds import hum, silence
from .stand_ins import eventually
from .toys import StillRenderer

WORD_S = 0.04


class TimedRenderer(StillRenderer):
    """Plays what it is given in real time; ``frozen`` stops it."""

    def __init__(self) -> None:
        super().__init__(None)
        self.pushed: list[Pcm] = []
        self.flushes = 0
        self.frozen = False
        self._left = 0.0
        self._looked_s = 0.0

    @property
    def queued_samples(self) -> int:
        now_s = asyncio.get_running_loop().time()
        if not self.frozen:
            self._left = max(0.0, self._left - (now_s - self._looked_s) * SAMPLE_RATE_HZ)
        self._looked_s = now_s
        return int(self._left)

    def push_audio(self, block: Pcm) -> None:
        self._left = self.queued_samples + len(block)
        self.pushed.append(block)

    def flush(self) -> None:
        self._left = 0.0
        self.flushes += 1


class ToyVoice(TextToSpeech):
    """Hums for each word, at once or after ``delay_s``."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.delay_s = 0.0
        self.error: Exception | None = None

    async def synthesize(self, text: str) -> Pcm:
        self.said.append(text)
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        return hum(WORD_S * len(text.split()), 5000)


MEI = ToyVoice()


@dataclass
class Log(AgentOutput):
    """An output that keeps what it received, in order."""

    agent: dict[str, str] = field(default_factory=dict)
    user: dict[str, list[str]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    states: list[AgentState] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    def agent_segment(self, segment_id: str, delta: str, final: bool) -> None:
        assert segment_id not in self.ended
        self.times_s.append(asyncio.get_running_loop().time())
        self.agent[segment_id] = self.agent.get(segment_id, "") + delta
        if final:
            self.ended.append(segment_id)

    def user_segment(self, segment_id: str, text: str, final: bool) -> None:
        assert segment_id not in self.ended
        self.user.setdefault(segment_id, []).append(text)
        if final:
            self.ended.append(segment_id)

    def agent_state(self, state: AgentState) -> None:
        if self.states[-1:] != [state]:
            self.states.append(state)

    @property
    def texts(self) -> list[str]:
        return list(self.agent.values())

    def rests(self) -> bool:
        return self.states[-1:] == [AgentState.LISTENING] and set(self.ended) == {*self.agent, *self.user}


@dataclass
class Scene:
    renderer: TimedRenderer
    log: Log
    voice: ToyVoice
    agent: RehearsalAgent

    def hear(self, *sounds: Pcm) -> None:
        sound = np.concatenate(sounds)
        for start in range(0, len(sound), 960):
            self.agent.receive_audio(sound[start : start + 960])


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    renderer, log, voice = TimedRenderer(), Log(), ToyVoice()
    agent = RehearsalAgent(renderer, log, lambda face: (MEI, "Mei") if face else (voice, "Ada"), None)
    yield Scene(renderer, log, voice, agent)
    await agent.aclose()
    assert set(log.ended) == {*log.agent, *log.user}
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("agent.", "agent-"))]


async def test_it_greets(scene: Scene) -> None:
    scene.agent.greet()
    await eventually(scene.log.rests, "the greeting ends")
    assert scene.log.states == [AgentState.THINKING, AgentState.SPEAKING, AgentState.LISTENING]
    assert scene.log.texts[0].startswith("Hi, I'm Ada. This is a rehearsal")
    assert scene.voice.said == scene.log.texts[0].replace(". ", ".|").split("|")


async def test_it_answers_a_message_with_one_segment_and_its_sound(scene: Scene) -> None:
    scene.agent.receive_text("The sun shines")
    await eventually(scene.log.rests, "the answer ends")
    assert scene.log.texts == ["You said: The sun shines"]
    assert sum(map(len, scene.renderer.pushed)) == 5 * round(WORD_S * SAMPLE_RATE_HZ)


async def test_words_are_told_when_they_are_heard(scene: Scene) -> None:
    scene.agent.receive_text("one two three four five six seven eight nine ten")
    await eventually(scene.log.rests, "the answer ends")
    gaps = np.diff(scene.log.times_s)
    assert len(gaps) == 12
    assert 12 * WORD_S * 0.8 < sum(gaps) < 12 * WORD_S * 2


async def test_the_next_sentence_is_made_while_one_is_heard(scene: Scene) -> None:
    scene.voice.delay_s = 0.1
    scene.agent.receive_text("A long sentence of some nine words is this. Then another.")
    await eventually(lambda: scene.renderer.pushed, "the first sentence is heard")
    await eventually(lambda: len(scene.voice.said) == 2, "the second one is being made", 0.15)
    await eventually(scene.log.rests, "the answer ends")
    assert scene.log.texts == ["You said: A long sentence of some nine words is this. Then another."]


async def test_a_new_message_interrupts_and_keeps_what_was_said(scene: Scene) -> None:
    scene.agent.receive_text("one two three four five six seven eight nine ten")
    await eventually(lambda: "two" in "".join(scene.log.texts), "some words are told")
    scene.agent.receive_text("stop")
    assert scene.renderer.flushes == 1
    assert scene.log.ended == ["agent-1"]
    await eventually(scene.log.rests, "the second answer ends")
    first, second = scene.log.texts
    assert first.startswith("You said: one two")
    assert "ten" not in first
    assert second == "You said: stop"


async def test_many_messages_at_once_are_answered_by_the_last(scene: Scene) -> None:
    for number in range(200):
        scene.agent.receive_text(f"number {number}")
    await eventually(scene.log.rests, "an answer ends")
    assert scene.log.texts == ["You said: number 199"]
    assert scene.voice.said == ["You said: number 199"]


async def test_a_message_before_the_greeting_is_answered_instead(scene: Scene) -> None:
    scene.agent.receive_text("first")
    scene.agent.greet()
    await eventually(scene.log.rests, "the answer ends")
    assert scene.log.texts == ["You said: first"]


async def test_words_wait_for_a_body_that_stands_still(scene: Scene) -> None:
    scene.renderer.frozen = True
    scene.agent.receive_text("one two three")
    await asyncio.sleep(0.3)
    assert scene.log.texts == ["You"]
    assert scene.log.states[-1] is AgentState.SPEAKING
    scene.renderer.frozen = False
    await eventually(scene.log.rests, "it goes on")


async def test_speech_is_said_back(scene: Scene) -> None:
    scene.hear(silence(0.5), hum(1.5, 3000), silence(1))
    ((interim, *_, final),) = scene.log.user.values()
    assert interim == "(speaking…)"
    assert final == "(spoke for 2 s)"
    await eventually(lambda: scene.log.agent and scene.log.rests(), "it was said back")
    assert scene.log.texts == [SAID_BACK_TEXT]
    said = np.concatenate(scene.renderer.pushed)
    assert len(said) == pytest.approx(1.5 * SAMPLE_RATE_HZ, rel=0.1)
    assert 20 * np.log10(np.sqrt(np.mean(np.square(said / 32768.0)))) == pytest.approx(-20, abs=1)
    assert scene.voice.said == []


async def test_speech_interrupts_the_avatar(scene: Scene) -> None:
    scene.agent.greet()
    await eventually(lambda: scene.renderer.pushed, "it speaks")
    scene.hear(silence(0.5), hum(0.28, 9000))
    assert scene.renderer.flushes == 0, "that may be its own echo"
    scene.hear(hum(0.3, 9000))
    assert scene.renderer.flushes == 1
    assert scene.log.states[-1] is AgentState.LISTENING
    scene.hear(hum(0.5, 9000), silence(1))
    await eventually(lambda: len(scene.log.agent) == 2 and scene.log.rests(), "it answers")
    assert scene.log.texts[-1] == SAID_BACK_TEXT


async def test_a_noise_is_not_said_back(scene: Scene) -> None:
    scene.hear(silence(0.5), hum(0.13, 3000), silence(1))
    assert list(scene.log.user.values()) == [["(speaking…)", "(a short sound)"]]
    assert scene.renderer.pushed == []


async def test_a_microphone_that_goes_ends_the_turn(scene: Scene) -> None:
    scene.hear(silence(0.5), hum(0.8, 3000))
    await eventually(lambda: scene.renderer.pushed, "it says back what it got", 3)
    await eventually(scene.log.rests, "to its end")


@pytest.mark.logs("agent.say failed")
async def test_a_voice_that_breaks_leaves_it_listening(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.voice.error = ValueError("a bug")
    scene.agent.receive_text("hello world")
    await eventually(lambda: scene.log.rests() and caplog.records, "it gives up")
    caplog.clear()
    scene.voice.error = None
    scene.agent.receive_text("again")
    await eventually(lambda: scene.log.texts == ["You said: again"], "it lives on")


async def test_it_can_become_somebody_else(scene: Scene) -> None:
    MEI.said.clear()
    scene.agent.set_face(b"Mei's face")
    scene.agent.receive_text("who are you?")
    await eventually(lambda: MEI.said, "the other voice speaks")
    assert MEI.said[0] == "I'm Mei."


async def test_closing_ends_what_is_being_said(scene: Scene) -> None:
    scene.agent.greet()
    await eventually(lambda: scene.log.agent, "it speaks")
    await scene.agent.aclose()
    assert scene.log.ended == ["agent-1"]
    with contextlib.suppress(RuntimeError):
        scene.agent.receive_text("too late")
    assert len(scene.log.agent) == 1


def test_words_keep_their_spaces_and_come_in_order() -> None:
    pieces = list(word_timing("You said: a  b, c."))
    assert "".join(piece for piece, _ in pieces).split() == ["You", "said:", "a", "b,", "c."]
    shares = [share for _, share in pieces]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] < 1
