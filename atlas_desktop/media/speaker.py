"""What plays clips, what it tells, and where its blocks go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import Block, BlockReader


@dataclass(frozen=True, slots=True)
class ClipStarted:
    """The first block of ``reader`` goes to the room. The time is CLOCK_MONOTONIC, before the call."""

    reader: BlockReader
    first_block_monotonic_us: int


@dataclass(frozen=True, slots=True)
class ClipFinished:
    """``reader`` was spoken to its end."""

    reader: BlockReader


@dataclass(frozen=True, slots=True)
class ClipFailed:
    """``reader`` can't be played, or not to its end."""

    reader: BlockReader
    error: AppError


@dataclass(frozen=True, slots=True)
class ClipHeld:
    """``reader`` can't be heard now, and waits where it was heard last."""

    reader: BlockReader


@dataclass(frozen=True, slots=True)
class ClipReleased:
    """Nothing holds ``reader`` any more: it goes on, unless it is paused."""

    reader: BlockReader


ClipEvent: TypeAlias = ClipStarted | ClipFinished | ClipFailed | ClipHeld | ClipReleased
EventCallback: TypeAlias = Callable[[ClipEvent], None]


class BlockSink(Protocol):
    """Where the blocks go: a published track, or a test's fake. Thread: the media loop's."""

    async def write(self, block: Block) -> None:
        """Hands over int16 (n × 480, 1); returns when taken. Sends silence by itself when it has nothing."""
        ...

    def clear(self) -> None:
        """Forgets what was handed over and not yet sent."""
        ...


class Speaker(Protocol):
    """What plays clips. Thread: any."""

    @property
    def playing(self) -> bool:
        """Whether a clip is being spoken now, or is about to be; False while paused."""
        ...

    @property
    def position_s(self) -> float:
        """How far into the current clip what was sent reaches."""
        ...

    def play(self, reader: BlockReader) -> None:
        """Speaks ``reader`` at once, in place of what is spoken now; it is closed at its end."""
        ...

    def follow_with(self, reader: BlockReader | None) -> None:
        """Sets what is spoken after the current clip, without a gap; ``None`` takes it back."""
        ...

    def pause(self) -> None:
        """Stops at once; nothing is lost."""
        ...

    def resume(self) -> None:
        """Goes on where ``pause`` stopped."""
        ...

    def seek(self, position_s: float) -> None:
        """Goes on at ``position_s`` of the current clip, or waits there while paused."""
        ...

    def interrupt(self) -> None:
        """Drops the clip and the one that would follow; nothing of it is sent from now on."""
        ...

    def on_event(self, callback: EventCallback) -> Callable[[], None]:
        """Calls ``callback`` in a thread of the speaker's own; returns what unsubscribes it."""
        ...
