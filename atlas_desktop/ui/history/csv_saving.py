"""Saving the history as CSV: asks for the place, writes the file, emits the result."""

import asyncio
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from atlas_desktop.aio import TaskScope
from atlas_desktop.errors import MediaError
from atlas_desktop.files import FileThreads
from atlas_desktop.storage import atomic
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.history import to_csv
from atlas_desktop.ui.controllers.notices import error_texts
from atlas_desktop.ui.look.plain_text import name_in_text


class CsvSaving(QObject):
    """Writes in a thread. Thread: the UI's.

    Signals:
        saved(str): The name of the file.
        failed(str): Why there is none, in a sentence.
    """

    saved = Signal(str)
    failed = Signal(str)

    def __init__(self, scope: TaskScope, window: QWidget) -> None:
        super().__init__(window)
        self._scope = scope
        self._window = window
        self._text = ""
        self._files = FileThreads("history")
        self._writing: asyncio.Task[None] | None = None

    def ask(self, entries: Sequence[BillingEntry], day: date) -> None:
        """Ask where to write ``entries``; ``day`` is for the file's name."""
        self._text = to_csv(entries)
        dialog = QFileDialog(self._window, self.tr("Save as CSV"))
        dialog.setNameFilters([self.tr("Table (*.csv)")])
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(self.tr("atlas-sessions-{day}").format(day=day) + ".csv")
        dialog.fileSelected.connect(self._take_place)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def stop_reporting(self) -> None:
        """Emit no further result; a file being written is finished all the same."""
        if self._writing is not None:
            self._writing.cancel()

    @Slot(str)
    def _take_place(self, name: str) -> None:
        self._writing = self._scope.start(self._write(Path(name), self._text), "save history")

    async def _write(self, path: Path, text: str) -> None:
        try:
            await self._files.call(path, partial(atomic.export_text, path, text))
        except (OSError, MediaError) as error:
            why = error_texts(error)[0] if isinstance(error, MediaError) else error.strerror or error
            words = self.tr("{name} can't be written: {why}")
            self.failed.emit(words.format(name=name_in_text(path.name), why=why))
        else:
            self.saved.emit(name_in_text(path.name))
