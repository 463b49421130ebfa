"""Finds the turns of a person who speaks: when one begins, how long it is, and its sound."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import webrtcvad

from atlas_desktop.local_atlas.stage import SAMPLE_RATE_HZ, SOUND_BLOCK_SAMPLES, Sound

BLOCK_MS = SOUND_BLOCK_SAMPLES * 1000 // SAMPLE_RATE_HZ
LONGEST_TURN_MS = 30_000
# The strictest of the detector's four modes: noise and clicks wake it for 100 ms at most.
_STRICTNESS = 3
_WINDOW_BLOCKS = 10
_START_BLOCKS = 6
_BARGE_IN_WINDOW_BLOCKS = 20
_BARGE_IN_BLOCKS = 15
_END_BLOCKS = 650 // BLOCK_MS
_EDGE_BLOCKS = 200 // BLOCK_MS
_SHORTEST_VOICED_BLOCKS = 8
_FLOOR_BLOCKS = 2000 // BLOCK_MS
_ABOVE_FLOOR_DB = 9.0
_QUIETEST_DB = -50.0
_BARGE_IN_QUIETEST_DB = -40.0
_SILENCE_DB = -70.0


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """Somebody speaks."""


@dataclass(frozen=True, slots=True)
class TurnWentOn:
    """Somebody has been speaking for ``duration_ms``: told for each block of a turn."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Somebody has spoken.

    Attributes:
        sound: What was said: int16, (samples, 1), 48 kHz, 0.2 s before and after it included.
        voiced_ms: How much of it was voice; much less than its length: a noise.
        is_worth_an_answer: Whether there was voice enough to be a word.
    """

    sound: Sound
    voiced_ms: int
    is_worth_an_answer: bool

    @property
    def duration_ms(self) -> int:
        """How long the sound is."""
        return len(self.sound) * 1000 // SAMPLE_RATE_HZ


TurnEvent = TurnBegan | TurnWentOn | TurnEnded


class TurnDetector:
    """Takes the sound of a microphone and tells turns. It counts samples and knows no other clock.

    A turn begins with 120 ms of voice within 200 ms and ends after 650 ms without any, or at 30 s. While
    it is ``guarded``, because the avatar speaks and may hear itself, 300 ms of louder voice are needed.
    Voice is what WebRTC's detector takes for it and what stands out from the quietest moment of the last
    two seconds: a steady hum stops counting by itself.
    """

    def __init__(self) -> None:
        self.guarded = False
        self._detector = webrtcvad.Vad(_STRICTNESS)
        self._rest: Sound = np.zeros((0, 1), np.int16)
        self._levels_db: deque[float] = deque([_SILENCE_DB], maxlen=_FLOOR_BLOCKS)
        self._recent: deque[tuple[Sound, bool]] = deque(maxlen=_BARGE_IN_WINDOW_BLOCKS + _EDGE_BLOCKS)
        self._turn: list[Sound] | None = None
        self._voiced = 0
        self._since_voice = 0

    @property
    def in_turn(self) -> bool:
        """Whether somebody is speaking."""
        return self._turn is not None

    def hear(self, sound: Sound) -> list[TurnEvent]:
        """Takes the next sound, (samples, 1) of any length, and tells what it brought."""
        sound = (
            np.concatenate([self._rest, sound.reshape(-1, 1)]) if len(self._rest) else sound.reshape(-1, 1)
        )
        whole = len(sound) - len(sound) % SOUND_BLOCK_SAMPLES
        self._rest = sound[whole:].copy()
        events: list[TurnEvent] = []
        for start in range(0, whole, SOUND_BLOCK_SAMPLES):
            events += self._hear_block(sound[start : start + SOUND_BLOCK_SAMPLES])
        return events

    def finish(self) -> TurnEnded | None:
        """Ends the turn that goes on, if any: the microphone has gone."""
        self._rest = self._rest[:0]
        self._recent.clear()
        return self._end() if self._turn is not None else None

    def _hear_block(self, block: Sound) -> list[TurnEvent]:
        voiced = self._is_voice(block)
        if self._turn is None:
            self._recent.append((block, voiced))
            return [self._begin()] if self._begins() else []
        self._turn.append(block)
        self._voiced += voiced
        self._since_voice = 0 if voiced else self._since_voice + 1
        duration_ms = len(self._turn) * BLOCK_MS
        if self._since_voice >= _END_BLOCKS or duration_ms >= LONGEST_TURN_MS:
            return [self._end()]
        return [TurnWentOn(duration_ms)]

    def _is_voice(self, block: Sound) -> bool:
        level_db = _level_db(block)
        floor_db = max(_SILENCE_DB, min(self._levels_db))
        self._levels_db.append(level_db)
        sounds_like_it = self._detector.is_speech(block.tobytes(), SAMPLE_RATE_HZ)
        quietest_db = _BARGE_IN_QUIETEST_DB if self.guarded and self._turn is None else _QUIETEST_DB
        return sounds_like_it and level_db > max(quietest_db, floor_db + _ABOVE_FLOOR_DB)

    def _begins(self) -> bool:
        window, needed = _WINDOW_BLOCKS, _START_BLOCKS
        if self.guarded:
            window, needed = _BARGE_IN_WINDOW_BLOCKS, _BARGE_IN_BLOCKS
        voiced = [voiced for _, voiced in self._recent][-window:]
        return sum(voiced) >= needed

    def _begin(self) -> TurnBegan:
        recent = list(self._recent)
        self._recent.clear()
        window = _BARGE_IN_WINDOW_BLOCKS if self.guarded else _WINDOW_BLOCKS
        first = next(i for i, (_, voiced) in enumerate(recent) if voiced and i >= len(recent) - window)
        kept = recent[max(0, first - _EDGE_BLOCKS) :]
        self._turn = [block for block, _ in kept]
        # After a barge-in the avatar's own sound rings on: what counts is what comes then.
        self._voiced = 0 if self.guarded else sum(voiced for _, voiced in kept)
        self._since_voice = 0
        return TurnBegan()

    def _end(self) -> TurnEnded:
        assert self._turn is not None, "a turn goes on"
        blocks, self._turn = self._turn, None
        silent = max(0, self._since_voice - _EDGE_BLOCKS)
        sound = np.concatenate(blocks[: len(blocks) - silent])
        return TurnEnded(sound, self._voiced * BLOCK_MS, self._voiced >= _SHORTEST_VOICED_BLOCKS)


def _level_db(block: Sound) -> float:
    """The level of a block in dBFS."""
    power = float(np.mean(np.square(block.astype(np.float32) / 32768.0)))
    return 10 * math.log10(power) if power > 1e-9 else -90.0
