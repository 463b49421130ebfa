"""The transcript on disk: a journal that grows as it is spoken, and the file that the user asks for."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from atlas_desktop.aio import TaskScope
from atlas_desktop.session.transcript import Message
from atlas_desktop.storage.transcripts import TranscriptJournal, save
from atlas_desktop.ui.desks.notices import Notice
from atlas_desktop.ui.desks.words import Words


class JournalDesk:
    """Keeps one journal a session. Thread: the event loop; what the user saves is written in another.

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

    def note(self, message: Message) -> None:
        """Writes down a message as it is now; the first one begins the journal."""
        if self._journal is None:
            self._journal = TranscriptJournal(self._folder)
        self._journal.note(message)

    def close(self) -> None:
        """Ends the journal; the next message begins another."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def save(self, path: Path, messages: tuple[Message, ...]) -> None:
        """Writes ``messages`` to ``path``; says where they lie, or why not."""
        self._scope.start(self._save(path, messages), "save transcript")

    async def _save(self, path: Path, messages: tuple[Message, ...]) -> None:
        try:
            await asyncio.to_thread(save, path, messages)
        except OSError as error:
            self._say(self._words.not_saved(path, error))
        else:
            self._say(self._words.saved(path))
