"""The clip that the session itself was given to speak, beside those of a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.errors import AppError
from atlas_desktop.session.speech import Speech

if TYPE_CHECKING:
    from atlas_desktop.media.blocks import BlockReader
    from atlas_desktop.media.speaker import ClipEvent


class OwnClip:
    """Plays one clip at a time and tells when it breaks; a queue tells of its own clips by itself.

    Thread: the session's loop.

    Args:
        speech: Plays it.
        on_notice: Told of a clip that could not be spoken.
        on_event: Called after every event of any clip.
    """

    def __init__(self, speech: Speech, on_notice: ErrorHandler, on_event: Callable[[], None]) -> None:
        self._speech = speech
        self._on_notice = on_notice
        self._on_event = on_event
        self._reader: BlockReader | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        speech.on_event(self._hear)

    def follow_loop(self) -> None:
        """A session begins: from now on events are told on the running loop."""
        self._loop = asyncio.get_running_loop()

    def play(self, source: Path | str | BlockReader, *, match_loudness: bool = True) -> None:
        """Speaks a sound file, or blocks, in place of what is spoken now; files equally loud if wished.

        Raises:
            RuntimeError: The session is a live conversation.
        """
        if isinstance(source, Path | str):
            from atlas_desktop.media.clip_reader import ClipReader

            reader: BlockReader = ClipReader(Path(source), match_loudness=match_loudness)
        else:
            reader = source
        self._reader = reader
        self._speech.play(reader)

    def _hear(self, event: ClipEvent) -> None:
        """In the media loop's thread: only hands on."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._take, event)

    def _take(self, event: ClipEvent) -> None:
        error = getattr(event, "error", None)
        if event.reader is self._reader and isinstance(error, AppError):
            self._on_notice(error)
        self._on_event()
