"""One thing that the avatar says: its sound goes to the body, its words to the stage in step with it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from atlas_desktop.local_atlas.stage import SAMPLE_RATE_HZ, AgentState, Performer, Sound, Stage

_LOOK_S = 0.02
_PAUSE_SAMPLES = SAMPLE_RATE_HZ * 180 // 1000

Sounding = Callable[[str], Awaitable[Sound]]
"""Makes the sound of a sentence."""

Telling = Callable[[str], Iterator[tuple[str, float]]]
"""Cuts a sentence into pieces, each with the share of its sound, 0 to 1, after which it is told."""


class Body(Performer, Protocol):
    """A performer that tells how far it is."""

    @property
    def waiting_samples(self) -> int:
        """How much it was given and has not said yet."""
        ...


class Utterance:
    """Says sentences: each is made into sound while the one before it is heard.

    Its words are told when they are heard: they follow what the body has said, not the clock, so that a
    body that stands still holds back the words, too. Thread: the event loop's.
    """

    def __init__(
        self, segment_id: str, sentences: Sequence[str], sounding: Sounding, telling: Telling | None = None
    ) -> None:
        self._segment_id = segment_id
        self._sentences = tuple(sentences)
        self._sounding = sounding
        self._telling = telling or words_in_time
        self._open = False
        self._over = False
        self._pushed = 0

    async def perform(self, body: Body, stage: Stage) -> None:
        """Says it to its end. Whoever cancels it flushes the body and calls ``close``."""
        stage.agent_state(AgentState.THINKING)
        async with asyncio.TaskGroup() as group:
            sounds: asyncio.Queue[Sound] = asyncio.Queue(1)
            group.create_task(self._make(sounds), name=f"{self._segment_id}.make")
            for index, sentence in enumerate(self._sentences):
                sound = await sounds.get()
                begins = self._pushed
                self._push(body, sound, is_last=index == len(self._sentences) - 1)
                stage.agent_state(AgentState.SPEAKING)
                await self._tell(body, stage, sentence if index == 0 else f" {sentence}", begins, len(sound))
        await self._heard(body, self._pushed)
        self.close(stage)

    def close(self, stage: Stage) -> None:
        """Ends the segment with what was told of it, once; nothing is told of it any more."""
        if self._open and not self._over:
            stage.agent_segment(self._segment_id, "", True)
        self._over = True

    async def _make(self, sounds: "asyncio.Queue[Sound]") -> None:
        for sentence in self._sentences:
            await sounds.put(await self._sounding(sentence))

    def _push(self, body: Body, sound: Sound, *, is_last: bool) -> None:
        body.push_speech(sound)
        self._pushed += len(sound)
        if not is_last:
            body.push_speech(np.zeros((_PAUSE_SAMPLES, 1), np.int16))
            self._pushed += _PAUSE_SAMPLES

    async def _tell(self, body: Body, stage: Stage, sentence: str, begins: int, samples: int) -> None:
        for word, share in self._telling(sentence):
            await self._heard(body, begins + int(share * samples))
            if self._over:
                return
            self._open = True
            stage.agent_segment(self._segment_id, word, False)

    async def _heard(self, body: Body, position: int) -> None:
        """Waits until the body has said ``position`` samples of this utterance."""
        while (missing := position - (self._pushed - body.waiting_samples)) > 0:
            await asyncio.sleep(max(_LOOK_S, missing / SAMPLE_RATE_HZ))


def words_in_time(sentence: str) -> Iterator[tuple[str, float]]:
    """The words of a sentence, each with the share of it, 0 to 1, after which the word begins.

    A word takes as long as it has letters; what ends a clause takes longer.
    """
    words = sentence.split(" ")
    weights = [len(word) + 1 + 3 * word.endswith((",", ";", ":", "…", "–")) for word in words]
    total, before = sum(weights), 0
    for index, (word, weight) in enumerate(zip(words, weights, strict=True)):
        if word:
            yield (f" {word}" if index else word), before / total
        before += weight


def at_once(sentence: str) -> Iterator[tuple[str, float]]:
    """The whole sentence as its sound begins."""
    yield sentence, 0.0
