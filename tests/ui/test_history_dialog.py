import asyncio
import csv
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QTableView
from pytestqt.qtbot import QtBot

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant
from atlas_desktop.errors import AppError
from atlas_desktop.storage.billing_entry import asked, dismissed, ended, granted
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.history.history_dialog import HistoryDialog
from atlas_desktop.ui.look.theme import Theme

# The middle of a month and of a day: nothing here falls over midnight in any time zone.
NOW = datetime(2026, 11, 17, 12, tzinfo=UTC)
LIMITS = SpendingLimits()
NOTHING = "No paid session yet. Rehearsals are free and not listed."
Cells = list[str]


@dataclass
class Bench:
    journal: BillingJournal
    theme: Theme
    scope: TaskScope
    qtbot: QtBot
    errors: list[AppError]
    now: datetime = NOW
    records: list[dict[str, Any]] = field(default_factory=list)

    async def write(self) -> None:
        """Append the records so far. As in the program, no disk is waited for in the window's thread."""
        records, self.records = self.records, []
        for record in records:
            await asyncio.to_thread(self.journal.append, record)

    async def open(self) -> HistoryDialog:
        await self.write()
        dialog = HistoryDialog(self.journal, self.theme, self.scope, now=lambda: self.now)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        self.qtbot.addWidget(dialog)
        dialog.show()
        # What comes with it, its activation above all, belongs to this loop.
        QTest.qWaitForWindowActive(dialog)
        await self.scope.join(5)
        return dialog

    def add(self, minutes_ago: float, *, mode: Mode = Mode.CONVERSATION, granted_: bool = True) -> str:
        """Note a session that was asked for, and given unless said otherwise; returns its key."""
        then = self.now - timedelta(minutes=minutes_ago)
        record = asked("guard", "atlas", "https://api.example", "ak_key", mode, then, LIMITS)
        self.records.append(record)
        key = str(record["key"])
        if granted_:
            grant = SessionGrant(
                session_id=f"sess-{key}",
                livekit_url="wss://room.example",
                token="t",
                mode=mode,
                price_per_hour_usd=6.0,
            )
            self.records.append(granted(key, grant, then))
        return key

    def end(
        self, key: str, minutes_ago: float, *, charged_usd: float | None = None, why: str = EndReason.ASKED
    ) -> None:
        receipt = EndReceipt(f"sess-{key}", confirmed=True, cost_usd=charged_usd)
        then = self.now - timedelta(minutes=minutes_ago)
        self.records.append(ended(key, receipt, why, None, then))


@pytest.fixture
async def bench(tmp_path: Path, theme: Theme, qtbot: QtBot) -> AsyncIterator[Bench]:
    theme.set_choice(ThemeChoice.DARK)
    errors: list[AppError] = []
    scope = TaskScope("test", errors.append)
    yield Bench(BillingJournal(tmp_path / "billing" / "sessions.jsonl"), theme, scope, qtbot, errors)
    await scope.aclose(1)
    assert errors == []


def table(dialog: HistoryDialog) -> QTableView:
    found = dialog.findChild(QTableView)
    assert isinstance(found, QTableView)
    return found


def cells(dialog: HistoryDialog, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole) -> list[Cells]:
    model = table(dialog).model()
    across, down = range(model.columnCount()), range(model.rowCount())
    return [[str(model.index(row, column).data(role)) for column in across] for row in down]


def button(dialog: HistoryDialog, name: str) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.accessibleName() == name)


def texts(dialog: HistoryDialog) -> set[str]:
    return {label.text() for label in dialog.findChildren(QLabel) if label.isVisible()}


def names(dialog: HistoryDialog) -> set[str]:
    return {label.accessibleName() for label in dialog.findChildren(QLabel) if label.isVisible()}


def choose_place(dialog: HistoryDialog, path: Path) -> None:
    asking = dialog.findChild(QFileDialog)
    assert isinstance(asking, QFileDialog)
    assert asking.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    asking.fileSelected.emit(str(path))
    asking.reject()


async def test_without_sessions_the_place_speaks(bench: Bench) -> None:
    dialog = await bench.open()
    assert NOTHING in texts(dialog)
    assert {"Today: $0.00", "This month: $0.00"} <= names(dialog)
    assert not table(dialog).isVisible()
    assert not button(dialog, "Save as CSV…").isEnabled()


async def test_newest_first_with_both_figures_and_how_it_ended(bench: Bench) -> None:
    bench.end(bench.add(300), 270, charged_usd=2.9)
    bench.end(bench.add(120, mode=Mode.PASSTHROUGH), 110, why=EndReason.LIMIT)
    dialog = await bench.open()
    model = table(dialog).model()
    across = Qt.Orientation.Horizontal
    heads = [model.headerData(column, across) for column in range(model.columnCount())]
    assert heads == ["Started", "Our figure", "Atlas's figure", "Duration", "Mode", "How it ended"]
    newer, older = cells(dialog)
    assert newer[1:] == ["$1.00", "–", "10 min 00 s", "Passthrough", "Limit reached"]
    assert older[1:] == ["$3.00", "$2.90", "30 min 00 s", "Conversation", "By you"]
    assert older[0] == (NOW - timedelta(minutes=300)).astimezone().strftime("%d Nov 2026, %H:%M")
    # The service's figure counts where there is one, else ours.
    assert {"Today: $3.90", "This month: $3.90"} <= names(dialog)


async def test_every_way_to_end_has_words(bench: Bench) -> None:
    for why in (*EndReason, "from_a_newer_version"):
        bench.end(bench.add(60), 50, why=why)
    bench.records.append(dismissed(bench.add(30), NOW))
    bench.add(20, granted_=False)
    bench.add(10)
    dialog = await bench.open()
    said = [row[-1] for row in cells(dialog)]
    assert said[:3] == ["Still open", "Never answered", "Over, by your word"]
    assert "Ended" in said
    assert len(set(said)) == len(EndReason) + 4


async def test_an_open_one_is_marked_and_counts_on(bench: Bench) -> None:
    key = bench.add(30)
    bench.end(bench.add(300), 290)
    dialog = await bench.open()
    open_one = table(dialog).model().index(0, 0)
    assert not open_one.data(Qt.ItemDataRole.DecorationRole).isNull()
    assert cells(dialog)[0][1] == "$3.00"
    table(dialog).selectRow(0)
    bench.now = NOW + timedelta(minutes=10)
    dialog.reload()
    await bench.scope.join(5)
    assert cells(dialog)[0][1] == "$4.00"
    assert table(dialog).currentIndex().row() == 0
    bench.end(key, 0)
    await bench.write()
    dialog.reload()
    await bench.scope.join(5)
    assert cells(dialog)[0][-1] == "By you"
    assert table(dialog).model().index(0, 0).data(Qt.ItemDataRole.DecorationRole) is None


async def test_a_screen_reader_hears_the_whole_row(bench: Bench) -> None:
    bench.end(bench.add(300), 270, charged_usd=2.9)
    bench.add(60, granted_=False)
    dialog = await bench.open()
    asked_row, whole = cells(dialog, Qt.ItemDataRole.AccessibleTextRole)
    assert whole[0].endswith(", Conversation, 30 min 00 s, our figure $3.00, Atlas's figure $2.90, By you")
    assert asked_row[0].endswith(", Conversation, Never answered")
    assert asked_row[1] == "not known"
    assert table(dialog).accessibleName() == "Sessions"


async def test_it_is_saved_as_a_table(bench: Bench, tmp_path: Path) -> None:
    bench.end(bench.add(300), 270, charged_usd=2.9)
    dialog = await bench.open()
    button(dialog, "Save as CSV…").click()
    choose_place(dialog, tmp_path / "mine.csv")
    await bench.scope.join(5)
    with (tmp_path / "mine.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["charged_usd"] for row in rows] == ["2.9000"]
    assert "Saved as mine.csv" in texts(dialog)


async def test_a_place_that_takes_no_file_is_said(bench: Bench, tmp_path: Path) -> None:
    bench.add(5)
    dialog = await bench.open()
    QTest.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    (tmp_path / "file").touch()
    choose_place(dialog, tmp_path / "file" / "mine.csv")
    await bench.scope.join(5)
    assert any(text.startswith("mine.csv can't be written: ") for text in texts(dialog))


async def test_a_record_that_cannot_be_read_is_said(bench: Bench) -> None:
    bench.journal.file.mkdir(parents=True)
    dialog = await bench.open()
    assert any(text.startswith("The record of paid sessions can't be read: ") for text in texts(dialog))
    assert not button(dialog, "Save as CSV…").isEnabled()
    bench.journal.file.rmdir()
    dialog.reload()
    await bench.scope.join(5)
    assert NOTHING in texts(dialog)


async def test_a_dialog_that_is_closed_while_it_reads_says_nothing(bench: Bench) -> None:
    bench.add(5)
    await bench.write()
    dialog = HistoryDialog(bench.journal, bench.theme, bench.scope)
    dialog.show()
    dialog.close()
    await bench.scope.join(5)
    assert cells(dialog) == []
    dialog.deleteLater()


async def test_by_keyboard_the_table_shows_its_ring_and_a_row(bench: Bench) -> None:
    bench.end(bench.add(300), 270)
    bench.end(bench.add(200), 170)
    dialog = await bench.open()
    rows = table(dialog)
    button(dialog, "Close").setFocus()
    rows.setFocus(Qt.FocusReason.TabFocusReason)
    assert rows.property("ring") is True
    assert [index.row() for index in rows.selectionModel().selectedRows()] == [0]
    QTest.keyClick(rows, Qt.Key.Key_Down)
    assert rows.currentIndex().row() == 1
    button(dialog, "Close").setFocus()
    assert rows.property("ring") is False
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


@pytest.mark.parametrize("choice", [ThemeChoice.DARK, ThemeChoice.LIGHT])
async def test_it_fits_the_smallest_window_and_follows_the_look(choice: ThemeChoice, bench: Bench) -> None:
    bench.end(bench.add(300), 270, charged_usd=2.9)
    dialog = await bench.open()
    bench.theme.set_choice(choice)
    assert bench.theme.tokens.dim in table(dialog).styleSheet()
    dialog.resize(360, 480)
    assert (dialog.width(), dialog.height()) == (360, 480)
    for one in dialog.findChildren(QPushButton):
        assert dialog.rect().contains(one.geometry())
    rows = table(dialog)
    for column in (0, 1):
        right = rows.columnViewportPosition(column) + rows.columnWidth(column)
        assert right <= rows.viewport().width()
    dialog.resize(1000, 500)
    last = rows.model().columnCount() - 1
    assert rows.columnViewportPosition(last) + rows.columnWidth(last) == rows.viewport().width()


async def test_a_thousand_sessions_are_shown_at_once(bench: Bench) -> None:
    lines = []
    for number in range(1000):
        key = f"{number:016x}"
        then = (NOW - timedelta(hours=number + 1)).isoformat()
        common = f'"v":1,"key":"{key}","at":"{then}"'
        lines.append(
            f'{{{common},"event":"asked","guard":"g","kind":"atlas","address":"https://api.example",'
            '"salt":"s","fingerprint":"f","mode":"conversation"}'
        )
        lines.append(f'{{{common},"event":"granted","session_id":"s{number}","price_per_hour_usd":6}}')
        lines.append(f'{{{common},"event":"ended","why":"asked","charged_usd":1.0}}')
    bench.journal.file.parent.mkdir(parents=True)
    bench.journal.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    # This process's own time: other programs may use the processor meanwhile.
    before_s = time.process_time()
    dialog = await bench.open()
    assert table(dialog).model().rowCount() == 1000
    assert time.process_time() - before_s < 3
