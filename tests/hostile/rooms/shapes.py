"""What a hostile room says: words, ids and events in every shape, from a seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.frames import I420Frame, i420_size
from atlas_desktop.session.room_monitor import RoomMonitor
from atlas_desktop.session.segment_stream import SegmentStream
from atlas_desktop.session.transcript import Role

_PIECES = (
    *("a", "word ", "\n", "\r", "\r\n", "\t", " ", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029"),
    *("\u202e", "\u202d", "\u2066", "\u2069", "\u200f", "\u200b", "\ufeff", "\ud800", "\udfff", "\U0010ffff"),
    *("é", "e\u0301", "a" + "\u0300" * 60, "👩‍👩‍👧‍👦", "🏳️‍🌈", "שלום ", "مرحبا ", "ﷺ", "漢字", "ก็็็็็็็็็็", "𝕳"),
    *(
        "<b>x</b>",
        "<script>",
        "&amp;",
        "%s",
        "{0}",
        "{text}",
        "$(x)",
        "ak_0123456789abcdef",
        "eyJhbGciOi.e30.x",
    ),
    *(
        "https://example.org/?token=eyJ",
        "\u0085",
        "ß",
        "İ",
        "ŉ",
        "\u1e9e",
        "0",
        "١",
        "½",
        "−1",
        "1e308",
        "NaN",
    ),
)
_LENGTHS = (0, 1, 1, 2, 8, 8, 30, 100, 1_000, 5_000, 15_000, 120_000, 1_000_000)
_STATES = ("speaking", "listening", "thinking", "idle", "initializing", "", "dancing", "x" * 70_000, "\0")
_SIZES = ((2, 2), (1, 1), (1, 4000), (4000, 1), (3, 5), (511, 513), (64, 64), (1920, 1080), (16, 3000))


def hostile_text(chance: random.Random, longest: int = _LENGTHS[-1]) -> str:
    """Some text: of one piece again and again, or of several kinds."""
    length = min(longest, chance.choice(_LENGTHS))
    kinds = chance.sample(_PIECES, chance.choice((1, 1, 2, 5)))
    text = "".join(chance.choice(kinds) for _ in range(min(length, 300)))
    return (text * (length // max(1, len(text)) + 1))[:length]


def hostile_id(chance: random.Random) -> str:
    """An id: one used before, mostly; none; or one that is none."""
    if chance.random() < 0.6:
        return f"SG_{chance.randrange(40)}"
    return chance.choice(("", f"SG_{chance.random()}", hostile_text(chance), "a/b", "0/stream/SG_1", "m1"))


@dataclass
class HostileRoom:
    """Calls the handlers of a session as a hostile room would.

    Args:
        chance: Decides.
        listener: The session's, of the room that runs.
        feed_video: Takes pictures.
        feed_audio: Takes sound.
        has_streams: Says things in text streams, too; then legacy segments are not listened to.
    """

    chance: random.Random
    listener: RoomMonitor
    feed_video: Callable[[I420Frame], object]
    feed_audio: Callable[[Any, int], object]
    has_streams: bool = True
    streams: list[SegmentStream] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._weights: list[tuple[int, Callable[[], None]]] = [
            (40, self._segment),
            (14 if self.has_streams else 0, self._open),
            (60 if self.has_streams else 0, self._piece),
            (8 if self.has_streams else 0, self._close),
            (4, self._state),
            (3, self._presence),
            (1, self._muting),
            (3, self._picture),
            (2, self._sound),
            (1, self.listener.room_cut),
        ]

    def act(self) -> str:
        """Do one thing; its name."""
        _weight, thing = self.chance.choices(self._weights, [weight for weight, _thing in self._weights])[0]
        thing()
        return thing.__name__.strip("_")

    def _role(self) -> Role:
        return "agent" if self.chance.random() < 0.7 else "user"

    def _segment(self) -> None:
        chance = self.chance
        final = chance.random() < 0.4
        self.listener.segment_received(hostile_id(chance), self._role(), hostile_text(chance), final)

    def _open(self) -> None:
        final = self.chance.random() < 0.3
        self.streams.append(self.listener.stream_opened(hostile_id(self.chance), self._role(), final))
        del self.streams[:-200]

    def _piece(self) -> None:
        if self.streams:
            stream = self.chance.choice(self.streams)
            stream.add(hostile_text(self.chance, self.chance.choice((8, 8, 8, 15_000))))

    def _close(self) -> None:
        # Closed ones may go on all the same, and be closed again.
        if self.streams:
            self.chance.choice(self.streams).close()

    def _state(self) -> None:
        self.listener.agent_state_changed(self.chance.choice((None, *_STATES)))

    def _presence(self) -> None:
        present = self.chance.random() < 0.7
        (self.listener.video_changed if self.chance.random() < 0.5 else self.listener.audio_changed)(present)

    def _muting(self) -> None:
        self.listener.voice_muted(self.chance.random() < 0.5)

    def _picture(self) -> None:
        width, height = self.chance.choice(_SIZES)
        data = np.full(i420_size(width, height), self.chance.randrange(256), np.uint8)
        stamp_us = self.chance.choice((0, -1, 2**62, monotonic_us()))
        self.feed_video(
            I420Frame(
                data,
                width,
                height,
                timestamp_us=stamp_us,
                rotation_deg=self.chance.choice((0, 90, 180, 270)),
                received_us=monotonic_us(),
            )
        )

    def _sound(self) -> None:
        samples = self.chance.choice((0, 1, 480, 48_000))
        self.feed_audio(np.full((samples, 2), 32_767, np.int16), monotonic_us())
