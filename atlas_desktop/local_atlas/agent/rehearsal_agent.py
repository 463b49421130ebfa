"""The agent of a rehearsal: it greets, answers typed messages, and plays back what is said to it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence

import numpy as np

from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.agent import replies
from atlas_desktop.local_atlas.agent.speech_synthesis import TextToSpeech, levelled, trimmed
from atlas_desktop.local_atlas.agent.turn_detection import (
    TurnContinued,
    TurnDetector,
    TurnEnded,
    TurnEvent,
    TurnStarted,
)
from atlas_desktop.local_atlas.interfaces import (
    SAMPLE_RATE_HZ,
    AgentOutput,
    AgentState,
    AvatarRenderer,
    ConversationAgent,
    Pcm,
)

SPEAKING_TEXT = "(speaking…)"
SAID_BACK_TEXT = "(says back what it heard)"
_MICROPHONE_TIMEOUT_S = 1.0  # a muted or unpublished microphone sends nothing, not silence
_MICROPHONE_POLL_S = 0.25
_PLAYOUT_POLL_S = 0.02
_PAUSE_SAMPLES = SAMPLE_RATE_HZ * 180 // 1000  # between sentences

Persona = Callable[[bytes | None], tuple[TextToSpeech, str]]
"""Returns the voice and the name that belong to a face; the name may be empty."""

Synthesize = Callable[[str], Awaitable[Pcm]]
"""Returns the audio of a sentence."""

Timing = Callable[[str], Iterator[tuple[str, float]]]
"""Splits a sentence into pieces, each with the share of its audio, 0 to 1, after which it is shown."""


class RehearsalAgent(ConversationAgent):
    """Speaks one utterance at a time; typed and spoken input interrupts it. Thread: the event loop's.

    Args:
        renderer: Plays the speech.
        output: Receives transcript segments and states.
        persona: Chooses voice and name.
        face: The first face.
    """

    def __init__(
        self, renderer: AvatarRenderer, output: AgentOutput, persona: Persona, face: bytes | None
    ) -> None:
        self._renderer = renderer
        self._output = output
        self._persona = persona
        self._voice, self._name = persona(face)
        self._ids = itertools.count(1)
        self._turns = TurnDetector()
        self._turn_id = ""
        self._shown_s = 0
        self._last_audio_s = 0.0
        self._current: tuple[Utterance, asyncio.Task[None]] | None = None
        self._scope = TaskScope("agent")

    def greet(self) -> None:
        """Greet, unless an utterance or a turn is going on."""
        if self._current is None and not self._turns.in_turn:
            self._speak(replies.sentences(replies.greeting(self._name)), self._voice.synthesize)

    def receive_text(self, text: str) -> None:
        """Answer a typed message, interrupting the current utterance."""
        self._interrupt()
        self._speak(replies.sentences(replies.reply(text, self._name)), self._voice.synthesize)

    def receive_audio(self, block: Pcm) -> None:
        """Detect turns in the microphone's audio: int16, (samples, 1), 48 kHz."""
        self._last_audio_s = asyncio.get_running_loop().time()
        self._turns.avatar_speaks = self._current is not None
        for event in self._turns.process(block):
            self._handle_turn(event)

    def set_face(self, face: bytes) -> None:
        """Take on the voice and name of another face, from the next utterance on."""
        self._voice, self._name = self._persona(face)

    async def aclose(self) -> None:
        """Interrupt the current utterance and end all tasks."""
        self._interrupt()
        await self._scope.aclose()

    # ---- listening

    def _handle_turn(self, event: TurnEvent) -> None:
        match event:
            case TurnStarted():
                self._interrupt()
                self._output.agent_state(AgentState.LISTENING)
                self._turn_id, self._shown_s = self._new_id("user"), 0
                self._output.user_segment(self._turn_id, SPEAKING_TEXT, False)
                self._scope.start(self._watch_microphone(self._turn_id), "microphone")
            case TurnContinued(duration_ms):
                if duration_ms // 1000 > self._shown_s:
                    self._shown_s = duration_ms // 1000
                    text = f"{SPEAKING_TEXT[:-1]} {self._shown_s} s)"
                    self._output.user_segment(self._turn_id, text, False)
            case TurnEnded():
                self._answer_turn(event)

    def _answer_turn(self, turn: TurnEnded) -> None:
        audio = levelled(trimmed(turn.audio))
        if not (turn.has_words and len(audio)):
            self._output.user_segment(self._turn_id, "(a short sound)", True)
            return
        text = f"(spoke for {max(1, round(turn.duration_ms / 1000))} s)"
        self._output.user_segment(self._turn_id, text, True)
        # A typed message may be being answered by now: the newest input wins.
        self._interrupt()

        async def recorded(_text: str) -> Pcm:
            return audio

        self._speak([SAID_BACK_TEXT], recorded, whole_sentence)

    async def _watch_microphone(self, turn_id: str) -> None:
        """End the turn when its microphone stops sending."""
        loop = asyncio.get_running_loop()
        while self._turns.in_turn and self._turn_id == turn_id:
            if loop.time() - self._last_audio_s > _MICROPHONE_TIMEOUT_S:
                if (turn := self._turns.finish()) is not None:
                    self._answer_turn(turn)
                return
            await asyncio.sleep(_MICROPHONE_POLL_S)

    # ---- speaking

    def _speak(self, sentences: Sequence[str], synthesize: Synthesize, timing: Timing | None = None) -> None:
        utterance = Utterance(self._new_id("agent"), sentences, synthesize, timing or word_timing)
        self._current = utterance, self._scope.start(self._perform(utterance), "say")

    async def _perform(self, utterance: "Utterance") -> None:
        try:
            await utterance.perform(self._renderer, self._output)
        finally:
            if self._current is not None and self._current[0] is utterance:
                self._current = None
                utterance.close(self._output)
                self._output.agent_state(AgentState.LISTENING)

    def _interrupt(self) -> None:
        """Stop the current utterance; its transcript ends where its audio did."""
        if self._current is None:
            return
        utterance, task = self._current
        self._current = None
        task.cancel()
        self._renderer.flush()
        utterance.close(self._output)

    def _new_id(self, who: str) -> str:
        return f"{who}-{next(self._ids)}"


class Utterance:
    """Speaks sentences: each is synthesised while the one before it plays.

    The transcript follows the playout, not the clock, so that a renderer that stands still holds back the
    words too. Thread: the event loop's.
    """

    def __init__(
        self, segment_id: str, sentences: Sequence[str], synthesize: Synthesize, timing: Timing
    ) -> None:
        self._segment_id = segment_id
        self._sentences = tuple(sentences)
        self._synthesize = synthesize
        self._timing = timing
        self._is_open = False
        self._is_closed = False
        self._pushed = 0

    async def perform(self, renderer: AvatarRenderer, output: AgentOutput) -> None:
        """Speak to the end. To interrupt, cancel this, flush the renderer and call ``close``."""
        output.agent_state(AgentState.THINKING)
        async with asyncio.TaskGroup() as group:
            audio: asyncio.Queue[Pcm] = asyncio.Queue(1)
            group.create_task(self._synthesize_all(audio), name=f"{self._segment_id}.synthesize")
            for index, sentence in enumerate(self._sentences):
                speech = await audio.get()
                begins = self._pushed
                self._push(renderer, speech, is_last=index == len(self._sentences) - 1)
                output.agent_state(AgentState.SPEAKING)
                text = sentence if index == 0 else f" {sentence}"
                await self._show(renderer, output, text, begins, len(speech))
        await self._wait_played(renderer, self._pushed)
        self.close(output)

    def close(self, output: AgentOutput) -> None:
        """Close the segment with what was shown of it, once; nothing is added any more."""
        if self._is_open and not self._is_closed:
            output.agent_segment(self._segment_id, "", True)
        self._is_closed = True

    async def _synthesize_all(self, audio: "asyncio.Queue[Pcm]") -> None:
        for sentence in self._sentences:
            await audio.put(await self._synthesize(sentence))

    def _push(self, renderer: AvatarRenderer, speech: Pcm, *, is_last: bool) -> None:
        renderer.push_audio(speech)
        self._pushed += len(speech)
        if not is_last:
            renderer.push_audio(np.zeros((_PAUSE_SAMPLES, 1), np.int16))
            self._pushed += _PAUSE_SAMPLES

    async def _show(
        self, renderer: AvatarRenderer, output: AgentOutput, sentence: str, begins: int, samples: int
    ) -> None:
        for piece, share in self._timing(sentence):
            await self._wait_played(renderer, begins + int(share * samples))
            if self._is_closed:
                return
            self._is_open = True
            output.agent_segment(self._segment_id, piece, False)

    async def _wait_played(self, renderer: AvatarRenderer, position: int) -> None:
        """Wait until ``position`` samples of this utterance were rendered."""
        while (missing := position - (self._pushed - renderer.queued_samples)) > 0:
            await asyncio.sleep(max(_PLAYOUT_POLL_S, missing / SAMPLE_RATE_HZ))


def word_timing(sentence: str) -> Iterator[tuple[str, float]]:
    """Yield the words of a sentence, each with the share of it, 0 to 1, after which the word begins.

    A word takes as long as it has letters; one that ends a clause takes longer.
    """
    words = sentence.split(" ")
    weights = [len(word) + 1 + 3 * word.endswith((",", ";", ":", "…", "–")) for word in words]
    total, before = sum(weights), 0
    for index, (word, weight) in enumerate(zip(words, weights, strict=True)):
        if word:
            yield (f" {word}" if index else word), before / total
        before += weight


def whole_sentence(sentence: str) -> Iterator[tuple[str, float]]:
    """Yield the whole sentence as its audio begins."""
    yield sentence, 0.0
