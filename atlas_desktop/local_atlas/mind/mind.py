"""The avatar's mind in conversation: it greets, answers what is typed, and says back what is said."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Protocol

from atlas_desktop.local_atlas.mind import replies
from atlas_desktop.local_atlas.mind.turns import TurnBegan, TurnDetector, TurnEnded, TurnEvent, TurnWentOn
from atlas_desktop.local_atlas.mind.utterance import Body, Sounding, Telling, Utterance, at_once
from atlas_desktop.local_atlas.mind.voice import levelled, trimmed
from atlas_desktop.local_atlas.scope import Scope
from atlas_desktop.local_atlas.stage import AgentState, Sound, Stage

SPEAKING_TEXT = "(speaking…)"
SAID_BACK_TEXT = "(says back what it heard)"
_MICROPHONE_GONE_S = 1.0
_LOOK_S = 0.25


class Speech(Protocol):
    """Makes sound of text."""

    async def say(self, text: str) -> Sound:
        """Returns the text as sound."""
        ...


class RehearsalMind:
    """Implements ``stage.Mind``. It says one thing at a time; whoever types or speaks interrupts it.

    Thread: the event loop's.

    Args:
        body: Says and shows what is thought here.
        stage: Hears the words and states.
        voice: Makes sound of text.
        name: How the avatar calls itself; empty: it has no name.
    """

    def __init__(self, body: Body, stage: Stage, voice: Speech, name: str) -> None:
        self._name = name
        self._body = body
        self._stage = stage
        self._voice = voice
        self._ids = itertools.count(1)
        self._turns = TurnDetector()
        self._turn_id = ""
        self._told_s = 0
        self._heard_at_s = 0.0
        self._saying: tuple[Utterance, asyncio.Task[None]] | None = None
        self._scope = Scope("mind")

    def greet(self) -> None:
        """Says hello, unless something is being said or heard already."""
        if self._saying is None and not self._turns.in_turn:
            self._say(replies.sentences(replies.greeting(self._name)), self._voice.say)

    def hear_text(self, text: str) -> None:
        """Answers a typed message; what is being said stops."""
        self._hush()
        self._say(replies.sentences(replies.reply(text, self._name)), self._voice.say)

    def hear_audio(self, block: Sound) -> None:
        """Listens to the microphone: int16, (samples, 1), 48 kHz."""
        self._heard_at_s = asyncio.get_running_loop().time()
        self._turns.guarded = self._saying is not None
        for event in self._turns.hear(block):
            self._notice(event)

    async def aclose(self) -> None:
        """Falls silent and ends all tasks."""
        self._hush()
        await self._scope.aclose()

    def become(self, voice: Speech, name: str) -> None:
        """Is somebody else from the next sentence on."""
        self._name, self._voice = name, voice

    # ---- listening

    def _notice(self, event: TurnEvent) -> None:
        match event:
            case TurnBegan():
                self._hush()
                self._stage.agent_state(AgentState.LISTENING)
                self._turn_id, self._told_s = self._new_id("user"), 0
                self._stage.user_segment(self._turn_id, SPEAKING_TEXT, False)
                self._scope.start(self._watch_microphone(self._turn_id), "microphone")
            case TurnWentOn(duration_ms):
                if duration_ms // 1000 > self._told_s:
                    self._told_s = duration_ms // 1000
                    text = f"{SPEAKING_TEXT[:-1]} {self._told_s} s)"
                    self._stage.user_segment(self._turn_id, text, False)
            case TurnEnded():
                self._answer_turn(event)

    def _answer_turn(self, turn: TurnEnded) -> None:
        sound = levelled(trimmed(turn.sound))
        if not (turn.is_worth_an_answer and len(sound)):
            self._stage.user_segment(self._turn_id, "(a short sound)", True)
            return
        self._stage.user_segment(
            self._turn_id, f"(spoke for {max(1, round(turn.duration_ms / 1000))} s)", True
        )
        # Somebody may have typed meanwhile: the newest wish is the one that is answered.
        self._hush()

        async def recorded(_text: str) -> Sound:
            return sound

        self._say([SAID_BACK_TEXT], recorded, at_once)

    async def _watch_microphone(self, turn_id: str) -> None:
        """Ends the turn when its microphone sends no sound any more."""
        loop = asyncio.get_running_loop()
        while self._turns.in_turn and self._turn_id == turn_id:
            if loop.time() - self._heard_at_s > _MICROPHONE_GONE_S:
                if (turn := self._turns.finish()) is not None:
                    self._answer_turn(turn)
                return
            await asyncio.sleep(_LOOK_S)

    # ---- speaking

    def _say(self, sentences: Sequence[str], sounding: Sounding, telling: Telling | None = None) -> None:
        utterance = Utterance(self._new_id("agent"), sentences, sounding, telling)
        task = self._scope.start(self._perform(utterance), "say")
        if task is not None:
            self._saying = utterance, task

    async def _perform(self, utterance: Utterance) -> None:
        try:
            await utterance.perform(self._body, self._stage)
        finally:
            if self._saying is not None and self._saying[0] is utterance:
                self._saying = None
                utterance.close(self._stage)
                self._stage.agent_state(AgentState.LISTENING)

    def _hush(self) -> None:
        """Stops what is being said at once; its words end where its sound did."""
        if self._saying is None:
            return
        utterance, task = self._saying
        self._saying = None
        task.cancel()
        self._body.flush()
        utterance.close(self._stage)

    def _new_id(self, who: str) -> str:
        return f"{who}-{next(self._ids)}"
