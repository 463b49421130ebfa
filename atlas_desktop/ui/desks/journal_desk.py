"""The transcript on disk: a journal that grows as it is spoken, and the file that the user asks for."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from atlas_desktop.aio import TaskScope
from atlas_desktop.errors import MediaError
from atlas_desktop.files import FileThreads, FileWriter
from atlas_desktop.session.transcript import Message
from atlas_desktop.storage.transcripts import TranscriptJournal, save
from atlas_desktop.ui.desks.notices import Notice
from atlas_desktop.ui.desks.words import Words

log = logging.getLogger(__name__)

# A healthy disk takes 1 ms: what was said is there then, even if we crash. No other one is waited for longer.
_AT_ONCE_S = 0.04
# What a room says without a pause is written without a wait.
_WAITS_APART_S = 0.25
_LAST_WORDS_S = 2.0


class JournalDesk:
    """Keeps one journal a session. Thread: the event loop; all is written in others.

    Args:
        folder: Where the journals lie.
        scope: Owns the saving.
        words: Say how it went.
        say: Told how it went.
    """

    def __init__(self, folder: Path, scope: TaskScope, words: Words, say: Callable[[Notice], None]) -> None:
        self._folder = folder
        self._scope = scope
        self._words = words
        self._say = say
        self._journal: TranscriptJournal | None = None
        self._unwritten: dict[str, Message] = {}
        self._lock = threading.Lock()
        self._waited_s = float("-inf")
        self._writer = FileWriter("journal")
        self._files = FileThreads("transcript")

    def note(self, message: Message) -> None:
        """Writes down a message as it is now; the first one begins the journal."""
        if self._journal is None:
            self._journal = TranscriptJournal(self._folder)
        with self._lock:
            is_first = not self._unwritten
            self._unwritten[message.id] = message
        if not is_first:
            return
        write = partial(self._write, self._journal, self._unwritten, asyncio.get_running_loop())
        now_s = time.monotonic()
        may_wait = now_s - self._waited_s > _WAITS_APART_S
        self._waited_s = now_s if may_wait else self._waited_s
        if not self._writer.write(write, wait_s=_AT_ONCE_S if may_wait else 0.0):
            with self._lock:
                self._unwritten.clear()

    def close(self) -> None:
        """Ends the journal; the next message begins another."""
        if self._journal is not None:
            self._writer.write(self._journal.close)
            self._journal = None
            self._unwritten = {}

    def _write(
        self, journal: TranscriptJournal, unwritten: dict[str, Message], loop: asyncio.AbstractEventLoop
    ) -> None:
        """In the writer's thread: all that has come until now, of each message what it is now."""
        with self._lock:
            messages = tuple(unwritten.values())
            unwritten.clear()
        try:
            journal.note(*messages)
        except OSError as error:
            # The program may have gone meanwhile: there is nobody left to read a notice.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._say, self._words.not_journalled(error))

    async def aclose(self) -> None:
        """Ends the journal and waits until it is written, if the disk answers in time."""
        self.close()
        if not await self._writer.flush(_LAST_WORDS_S):
            log.info("the end of the transcript's journal is not written: the disk doesn't answer")

    def save(self, path: Path, messages: tuple[Message, ...]) -> None:
        """Writes ``messages`` to ``path``; says where they lie, or why not."""
        self._scope.start(self._save(path, messages), "save transcript")

    async def _save(self, path: Path, messages: tuple[Message, ...]) -> None:
        try:
            await self._files.call(path, partial(save, path, messages))
        except (OSError, MediaError) as error:
            self._say(self._words.not_saved(path, error))
        else:
            self._say(self._words.saved(path))
