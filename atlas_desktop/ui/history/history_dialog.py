"""The dialog of paid sessions and their cost, beside the window."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from atlas_desktop.aio import TaskScope
from atlas_desktop.errors import JournalError, MediaError
from atlas_desktop.files import FileThreads
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.history import HistoryRow, Totals, rows, totals
from atlas_desktop.ui.controllers.notices import error_texts
from atlas_desktop.ui.history.csv_saving import CsvSaving
from atlas_desktop.ui.history.history_model import HistoryModel
from atlas_desktop.ui.history.history_table import HistoryTable
from atlas_desktop.ui.look.amounts import money
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label, set_tone
from atlas_desktop.ui.look.theme import Theme

_SIZE = QSize(920, 580)
_SMALLEST = QSize(320, 360)
_READ_EVERY_MS = 10_000


@dataclass(frozen=True, slots=True)
class _JournalContents:
    entries: list[BillingEntry]
    rows: list[HistoryRow]
    totals: Totals


def _now() -> datetime:
    return datetime.now(UTC)


class HistoryDialog(QDialog):
    """Reads the journal when it is shown or comes forward, and while a session is open. Use ``show()``."""

    def __init__(
        self,
        journal: BillingJournal,
        theme: Theme,
        scope: TaskScope,
        parent: QWidget | None = None,
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """Build the dialog; nothing is read yet.

        Args:
            journal: What is shown.
            theme: Colours and fonts.
            scope: Owns the reading and the saving.
            parent: The window that it stands before.
            now: UTC by the wall clock.
        """
        super().__init__(parent)
        self._journal = journal
        self._scope = scope
        self._files = FileThreads("history")
        self._now = now
        self._entries: list[BillingEntry] = []
        self._reading: asyncio.Task[None] | None = None
        self.setWindowTitle(self.tr("Sessions and cost"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(_SMALLEST)
        self.resize(_SIZE if parent is None else _SIZE.boundedTo(parent.window().size()))
        self._rows = HistoryModel(theme, self)
        self._table = HistoryTable(theme, self._rows)
        self._totals = TotalsLine(theme)
        self._nothing = make_label(tone="dim", wraps=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._result = make_label(tone="dim", size="small", wraps=True)
        self._save = Button(theme, self.tr("Save as CSV…"))
        self._save.setEnabled(False)
        self._save.clicked.connect(self._ask_place)
        self._saving = CsvSaving(scope, self)
        self._saving.saved.connect(self._show_saved)
        self._saving.failed.connect(self._show_failed)
        self._build(theme)
        self._timer = QTimer(self)
        self._timer.setInterval(_READ_EVERY_MS)
        self._timer.timeout.connect(self.reload)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self, self._ask_place)

    @Slot()
    def reload(self) -> None:
        """Read the journal again, unless a read is in progress."""
        if self._reading is None or self._reading.done():
            self._reading = self._scope.start(self._load(), "read history")

    def showEvent(self, event: QShowEvent) -> None:
        """Reload when shown."""
        super().showEvent(event)
        self.reload()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop reading and reporting when closed; a file being written is finished."""
        super().hideEvent(event)
        self._timer.stop()
        if event.spontaneous():
            return
        self._saving.stop_reporting()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def changeEvent(self, event: QEvent) -> None:
        """Reload when the dialog is activated."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isVisible() and self.isActiveWindow():
            self.reload()

    # Construction

    def _build(self, theme: Theme) -> None:
        column = make_column(self, spacing_px=16, margins_px=(24, 20, 24, 20))
        column.addWidget(make_label(self.tr("Sessions and cost"), size="heading"))
        column.addWidget(self._totals)
        column.addWidget(self._table_card(theme), 1)
        column.addWidget(self._result)
        self._result.hide()
        close = Button(theme, self.tr("Close"), ButtonKind.PRIMARY)
        close.clicked.connect(self.accept)
        close.setDefault(True)
        line = QHBoxLayout()
        line.setSpacing(10)
        line.addWidget(self._save)
        line.addStretch(1)
        line.addWidget(close)
        column.addLayout(line)
        self._table.setFocus()

    def _table_card(self, theme: Theme) -> CardFrame:
        card = CardFrame(theme)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(8, 6, 8, 6)
        inside.addWidget(self._pages)
        self._pages.addWidget(self._nothing)
        self._pages.addWidget(self._table)
        return card

    # Reading

    async def _load(self) -> None:
        try:
            reading = await self._files.call(self._journal.file, partial(_read, self._journal, self._now()))
        except JournalError as error:
            self._show_unreadable(error.params["detail"])
        except MediaError as error:
            self._show_unreadable(error_texts(error)[0])
        else:
            self._show(reading)

    def _show(self, reading: _JournalContents) -> None:
        self._entries = reading.entries
        self._rows.load(reading.rows)
        self._totals.show_totals(reading.totals)
        set_tone(self._nothing, "dim")
        self._nothing.setText(self.tr("No paid session yet. Rehearsals are free and not listed."))
        self._pages.setCurrentWidget(self._table if reading.rows else self._nothing)
        self._save.setEnabled(bool(reading.rows))
        if self._rows.has_open:
            self._timer.start()
        else:
            self._timer.stop()

    def _show_unreadable(self, why: str) -> None:
        words = self.tr("The record of paid sessions can't be read: {why}")
        set_tone(self._nothing, "danger")
        self._nothing.setText(words.format(why=name_in_text(why)))
        self._pages.setCurrentWidget(self._nothing)
        self._save.setEnabled(False)

    # Saving

    @Slot()
    def _ask_place(self) -> None:
        if self._save.isEnabled():
            self._saving.ask(self._entries, self._now().astimezone().date())

    @Slot(str)
    def _show_saved(self, name: str) -> None:
        self._show_result(self.tr("Saved as {name}").format(name=name), "dim")

    @Slot(str)
    def _show_failed(self, words: str) -> None:
        self._show_result(words, "danger")

    def _show_result(self, text: str, tone: str) -> None:
        self._result.setText(text)
        set_tone(self._result, tone)
        self._result.show()


def _read(journal: BillingJournal, now: datetime) -> _JournalContents:
    entries = journal.entries()
    return _JournalContents(entries, rows(entries, now), totals(entries, now))


class TotalsLine(QWidget):
    """Shows ``Totals``; empty until it is given some."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(40)
        self._today = self._add(theme, self.tr("Today"))
        self._month = self._add(theme, self.tr("This month"))
        self._line.addStretch(1)

    def show_totals(self, totals: Totals) -> None:
        """Show the totals."""
        day, month = money(totals.day_usd), money(totals.month_usd)
        self._today.setText(day)
        self._today.setAccessibleName(self.tr("Today: {cost}").format(cost=day))
        self._month.setText(month)
        self._month.setAccessibleName(self.tr("This month: {cost}").format(cost=month))

    def _add(self, theme: Theme, caption: str) -> QLabel:
        # A blank keeps the line's height until the figures are read.
        figure = make_label(" ", size="title")
        figure.setFont(theme.font(22, strong=True))
        pair = QVBoxLayout()
        pair.setSpacing(2)
        pair.addWidget(make_label(caption, tone="dim", size="small"))
        pair.addWidget(figure)
        self._line.addLayout(pair)
        return figure
