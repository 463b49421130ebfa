"""The interface of the player of clips: its methods, its events, and the sink of its blocks."""

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
    """``reader`` can't be heard now, and waits where it was last heard."""

    reader: BlockReader


@dataclass(frozen=True, slots=True)
class ClipReleased:
    """Nothing holds ``reader`` any more: it goes on, unless it is paused."""

    reader: BlockReader


ClipEvent: TypeAlias = ClipStarted | ClipFinished | ClipFailed | ClipHeld | ClipReleased
EventCallback: TypeAlias = Callable[[ClipEvent], None]


class BlockSink(Protocol):
    """The sink of the blocks: a published track. Thread: the media loop's."""

    async def write(self, block: Block) -> None:
        """Queue int16 (n × 480, 1); return once it is queued. Sends silence by itself if it has nothing."""
        ...

    def clear(self) -> None:
        """Drop what is queued and not yet sent."""
        ...


class Speaker(Protocol):
    """Player of clips. Thread: any."""

    @property
    def playing(self) -> bool:
        """Whether a clip is being spoken now, or is about to be; False while paused."""
        ...

    @property
    def position_s(self) -> float:
        """How far into the current clip what was sent reaches."""
        ...

    def play(self, reader: BlockReader) -> None:
        """Speak ``reader`` at once, in place of what is spoken now; it is closed at its end."""
        ...

    def follow_with(self, reader: BlockReader | None) -> None:
        """Set what is spoken after the current clip, without a gap; ``None`` takes it back."""
        ...

    def pause(self) -> None:
        """Pause at once; nothing is lost."""
        ...

    def resume(self) -> None:
        """Resume after ``pause``."""
        ...

    def seek(self, position_s: float) -> None:
        """Go on at ``position_s`` of the current clip, paused or not."""
        ...

    def interrupt(self) -> None:
        """Drop the clip and the next; nothing of them is sent from now on."""
        ...

    def on_event(self, callback: EventCallback) -> Callable[[], None]:
        """Call ``callback`` with events, in the speaker's thread; return a function to unsubscribe."""
        ...
