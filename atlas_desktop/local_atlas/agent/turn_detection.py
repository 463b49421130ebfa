"""Turn detection: when a participant starts to speak, for how long, and the audio of the turn."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import webrtcvad

from atlas_desktop.local_atlas.interfaces import AUDIO_BLOCK_SAMPLES, SAMPLE_RATE_HZ, Pcm

BLOCK_MS = AUDIO_BLOCK_SAMPLES * 1000 // SAMPLE_RATE_HZ
MAX_TURN_MS = 30_000
# The most aggressive of WebRTC's four modes: noise and clicks trigger it for 100 ms at most.
_AGGRESSIVENESS = 3
# A turn starts with so many voiced blocks in a window; a barge-in needs more, as echo is short.
_WINDOW_BLOCKS = 10
_START_BLOCKS = 6
_BARGE_IN_WINDOW_BLOCKS = 20
_BARGE_IN_BLOCKS = 15
_END_BLOCKS = 650 // BLOCK_MS  # longer than a breath within a sentence
_PADDING_BLOCKS = 200 // BLOCK_MS  # soft onsets and endings are not voiced
_MIN_VOICED_BLOCKS = 8  # 160 ms: the shortest words
_FLOOR_BLOCKS = 2000 // BLOCK_MS
_MIN_SNR_DB = 9.0  # above the noise floor
_MIN_DB = -50.0
_BARGE_IN_MIN_DB = -40.0
_SILENCE_DB = -70.0  # the noise floor is never taken to be lower


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A turn started."""


@dataclass(frozen=True, slots=True)
class TurnContinued:
    """The turn has lasted ``duration_ms``: reported for each of its blocks."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn ended.

    Attributes:
        audio: Its audio: int16, (samples, 1), 48 kHz, with 0.2 s of padding before and after.
        voiced_ms: The voiced part of it; much less than its length: a noise.
        has_words: Whether enough of it is voiced for a word.
    """

    audio: Pcm
    voiced_ms: int
    has_words: bool

    @property
    def duration_ms(self) -> int:
        """Length of the audio."""
        return len(self.audio) * 1000 // SAMPLE_RATE_HZ


TurnEvent = TurnStarted | TurnContinued | TurnEnded


class TurnDetector:
    """Detects turns in a microphone's audio. Its only clock is the number of samples.

    A turn starts with 120 ms of voice within 200 ms and ends after 650 ms without any, or at 30 s. While the
    ``avatar_speaks``, which may be heard as echo, a barge-in takes 300 ms of louder voice. Voice is what
    WebRTC's detector classifies as such and what stands out from the noise floor of the last two seconds: a
    steady hum stops counting by itself.
    """

    def __init__(self) -> None:
        self.avatar_speaks = False
        self._detector = webrtcvad.Vad(_AGGRESSIVENESS)
        self._remainder: Pcm = np.zeros((0, 1), np.int16)
        self._levels_db: deque[float] = deque([_SILENCE_DB], maxlen=_FLOOR_BLOCKS)
        self._recent: deque[tuple[Pcm, bool]] = deque(maxlen=_BARGE_IN_WINDOW_BLOCKS + _PADDING_BLOCKS)
        self._turn: list[Pcm] | None = None
        self._voiced = 0
        self._since_voice = 0

    @property
    def in_turn(self) -> bool:
        """Whether a turn is going on."""
        return self._turn is not None

    def process(self, audio: Pcm) -> list[TurnEvent]:
        """Process the next audio, (samples, 1) of any length, and return its events."""
        audio = audio.reshape(-1, 1)
        if len(self._remainder):
            audio = np.concatenate([self._remainder, audio])
        whole = len(audio) - len(audio) % AUDIO_BLOCK_SAMPLES
        self._remainder = audio[whole:].copy()
        events: list[TurnEvent] = []
        for start in range(0, whole, AUDIO_BLOCK_SAMPLES):
            events += self._process_block(audio[start : start + AUDIO_BLOCK_SAMPLES])
        return events

    def finish(self) -> TurnEnded | None:
        """End the current turn, if any: the microphone stopped sending."""
        self._remainder = self._remainder[:0]
        self._recent.clear()
        return self._end() if self._turn is not None else None

    def _process_block(self, block: Pcm) -> list[TurnEvent]:
        voiced = self._is_voice(block)
        if self._turn is None:
            self._recent.append((block, voiced))
            return [self._start()] if self._should_start() else []
        self._turn.append(block)
        self._voiced += voiced
        self._since_voice = 0 if voiced else self._since_voice + 1
        duration_ms = len(self._turn) * BLOCK_MS
        if self._since_voice >= _END_BLOCKS or duration_ms >= MAX_TURN_MS:
            return [self._end()]
        return [TurnContinued(duration_ms)]

    def _is_voice(self, block: Pcm) -> bool:
        level_db = _level_db(block)
        floor_db = max(_SILENCE_DB, min(self._levels_db))
        self._levels_db.append(level_db)
        is_speech = self._detector.is_speech(block.tobytes(), SAMPLE_RATE_HZ)
        min_db = _BARGE_IN_MIN_DB if self.avatar_speaks and self._turn is None else _MIN_DB
        return is_speech and level_db > max(min_db, floor_db + _MIN_SNR_DB)

    def _should_start(self) -> bool:
        window, needed = _WINDOW_BLOCKS, _START_BLOCKS
        if self.avatar_speaks:
            window, needed = _BARGE_IN_WINDOW_BLOCKS, _BARGE_IN_BLOCKS
        voiced = [voiced for _, voiced in self._recent][-window:]
        return sum(voiced) >= needed

    def _start(self) -> TurnStarted:
        recent = list(self._recent)
        self._recent.clear()
        window = _BARGE_IN_WINDOW_BLOCKS if self.avatar_speaks else _WINDOW_BLOCKS
        first = next(i for i, (_, voiced) in enumerate(recent) if voiced and i >= len(recent) - window)
        kept = recent[max(0, first - _PADDING_BLOCKS) :]
        self._turn = [block for block, _ in kept]
        # After a barge-in the avatar's echo still decays: only what comes after it counts.
        self._voiced = 0 if self.avatar_speaks else sum(voiced for _, voiced in kept)
        self._since_voice = 0
        return TurnStarted()

    def _end(self) -> TurnEnded:
        assert self._turn is not None, "there is no turn"
        blocks, self._turn = self._turn, None
        silent = max(0, self._since_voice - _PADDING_BLOCKS)
        audio = np.concatenate(blocks[: len(blocks) - silent])
        return TurnEnded(audio, self._voiced * BLOCK_MS, self._voiced >= _MIN_VOICED_BLOCKS)


def _level_db(block: Pcm) -> float:
    """Return the level of a block in dBFS."""
    power = float(np.mean(np.square(block.astype(np.float32) / 32768.0)))
    return 10 * math.log10(power) if power > 1e-9 else -90.0
