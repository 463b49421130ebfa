"""The transcript on disk: a journal appended to as it is spoken, and the file that the user saves."""

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
from atlas_desktop.session.transcript import Message, Transcript
from atlas_desktop.storage.transcripts import TranscriptJournal, save
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.controllers.notices import Notice

log = logging.getLogger(__name__)

# A healthy disk takes 1 ms: then a crash loses nothing. A slow disk is not waited for longer than this.
_AT_ONCE_S = 0.04
# During continuous speech appends do not wait.
_WAITS_APART_S = 0.25
_REPORT_AFTER_S = 0.2
_LAST_WORDS_S = 2.0


class JournalController:
    """Keeps one journal per session. Thread: the event loop; files are written in others.

    Args:
        transcript: Its messages are journalled; its reset closes the journal.
        folder: Folder of the journals.
        scope: Owns the tasks that save.
        factory: Makes the notices about saving.
        raise_notice: Called with them.
    """

    def __init__(
        self,
        transcript: Transcript,
        folder: Path,
        scope: TaskScope,
        factory: NoticeFactory,
        raise_notice: Callable[[Notice], None],
    ) -> None:
        self._folder = folder
        self._scope = scope
        self._factory = factory
        self._raise_notice = raise_notice
        self._journal: TranscriptJournal | None = None
        self._unwritten: dict[str, Message] = {}
        self._failure: OSError | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._waited_s = float("-inf")
        self._writer = FileWriter("journal")
        self._files = FileThreads("transcript")
        transcript.on_change(self._append)
        transcript.on_reset(self.close)

    def _append(self, message: Message, _index: int) -> None:
        """Append the present state of a message; the first one opens the journal."""
        if self._journal is None:
            self._journal = TranscriptJournal(self._folder)
        with self._lock:
            is_first = not self._unwritten
            self._unwritten[message.id] = message
        if not is_first:
            return
        write = partial(self._write, self._journal, self._unwritten)
        now_s = time.monotonic()
        may_wait = now_s - self._waited_s > _WAITS_APART_S
        self._waited_s = now_s if may_wait else self._waited_s
        if not self._writer.write(write, wait_s=_AT_ONCE_S if may_wait else 0.0):
            with self._lock:
                self._unwritten.clear()
        elif self._reporting is None or self._reporting.done():
            # As the program ends the scope is closed: nobody is left to read a notice.
            with suppress(RuntimeError):
                self._reporting = self._scope.start(self._report_failure(), "journal")

    def close(self) -> None:
        """Close the journal; the next message opens another."""
        if self._journal is not None:
            self._writer.write(self._journal.close)
            self._journal = None
            self._unwritten = {}

    async def _report_failure(self) -> None:
        # No flood of tasks in a flood of messages: the flush covers those that come meanwhile, too.
        await asyncio.sleep(_REPORT_AFTER_S)
        await self._writer.flush(_LAST_WORDS_S)
        with self._lock:
            failure, self._failure = self._failure, None
        if failure is not None:
            self._raise_notice(self._factory.not_journalled(failure))

    def _write(self, journal: TranscriptJournal, unwritten: dict[str, Message]) -> None:
        """Append everything not yet written, in the writer's thread; of each message its latest state."""
        with self._lock:
            messages = tuple(unwritten.values())
            unwritten.clear()
        try:
            journal.note(*messages)
        except OSError as error:
            with self._lock:
                self._failure = error

    async def aclose(self) -> None:
        """Close the journal and wait until it is written, up to a time limit."""
        self.close()
        if not await self._writer.flush(_LAST_WORDS_S):
            log.info("the end of the transcript's journal is not written: the disk doesn't answer")

    def save(self, path: Path, messages: tuple[Message, ...]) -> None:
        """Write ``messages`` to ``path``; raise a notice with the result."""
        self._scope.start(self._save(path, messages), "save transcript")

    async def _save(self, path: Path, messages: tuple[Message, ...]) -> None:
        try:
            await self._files.call(path, partial(save, path, messages))
        except (OSError, MediaError) as error:
            self._raise_notice(self._factory.not_saved(path, error))
        else:
            self._raise_notice(self._factory.saved(path))
