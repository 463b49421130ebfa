"""The list of messages: thousands of rows of any height, laid out as they become visible."""

import time

from PySide6.QtCore import (
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QMenu,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from atlas_desktop.storage.transcripts import format_text
from atlas_desktop.ui.look.focus import is_keyboard_focus
from atlas_desktop.ui.talk.placed_list import Index, PlacedList
from atlas_desktop.ui.talk.transcript_delegate import TranscriptDelegate
from atlas_desktop.ui.talk.transcript_model import TranscriptModel

_IDLE_S = 0.006
# CPU time spent on rows that become visible at once; the rest is measured when idle.
_SETTLING_S = 0.02
_AT_END_PX = 8


class MessageList(PlacedList):
    """Follows the newest message while at the end, else keeps what is being read in place.

    Signals:
        unseen_changed(bool): Something new is below the visible part, or no longer.
    """

    unseen_changed = Signal(bool)

    def __init__(
        self, rows: TranscriptModel, delegate: TranscriptDelegate, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._rows = rows
        self._painter_of_rows = delegate
        self._laid_width_px = 0
        self._at_end = True
        self._unseen = False
        self._by_keyboard = False
        self._settling = False
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(0)
        self._idle.timeout.connect(self._measure_some)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setItemDelegate(delegate)
        self.setModel(rows)
        self._guess_all()

    # Requests of the pane

    @Slot()
    def scroll_to_end(self) -> None:
        """Scroll to the newest message, and keep it visible from now on."""
        self._at_end = True
        self._settle()

    @Slot()
    def copy_selection(self) -> None:
        """Copy the selected messages; a single one as its bare text."""
        chosen = sorted(index.row() for index in self.selectedIndexes())
        messages = [self._rows.message(row) for row in chosen]
        if len(messages) == 1:
            QGuiApplication.clipboard().setText(messages[0].text)
        elif messages:
            QGuiApplication.clipboard().setText(format_text(messages))

    @Slot()
    def copy_all(self) -> None:
        """Copy the whole transcript to the clipboard."""
        messages = [self._rows.message(row) for row in range(self._rows.rowCount())]
        QGuiApplication.clipboard().setText(format_text(messages))

    # Changes

    def rowsInserted(self, parent: Index, start: int, end: int) -> None:
        """Estimate new rows; they are measured once visible."""
        guesses = [self._guess(row) for row in range(start, end + 1)]
        self.heights.insert(start, guesses)
        super().rowsInserted(parent, start, end)
        self._settle()
        if not self._at_end:
            self._set_unseen(True)

    def rowsAboutToBeRemoved(self, parent: Index, start: int, end: int) -> None:
        """Remove rows."""
        super().rowsAboutToBeRemoved(parent, start, end)
        self.heights.remove(start, end - start + 1)

    def dataChanged(self, first: Index, last: Index, roles: list[int] | None = None) -> None:  # type: ignore[override]
        """Measure and paint only what changed: a sentence being spoken grows word by word."""
        # Past QListView's own, which would lay out, and so paint, all rows again.
        QAbstractItemView.dataChanged(self, first, last, roles or [])
        changed = range(first.row(), last.row() + 1)
        for row in changed:
            self.heights.forget(row)
        self._settle(changed)
        if not self._at_end and last.row() == len(self.heights) - 1:
            self._set_unseen(True)

    def reset(self) -> None:
        """Show another transcript."""
        super().reset()
        self._at_end = True
        self._guess_all()
        self._settle()
        self._set_unseen(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out again: another width breaks lines elsewhere."""
        super().resizeEvent(event)
        self._settle()

    def showEvent(self, event: QShowEvent) -> None:
        """Measure what came while hidden."""
        super().showEvent(event)
        self._settle()

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible rows only."""
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self.palette().base())
        current = self.currentIndex().row()
        for row in self.rows_in_sight():
            index = self._rows.index(row)
            box = self.visualRect(index)
            if not box.intersects(event.rect()) or not self.heights.is_measured(row):
                continue
            option = QStyleOptionViewItem()
            self.initViewItemOption(option)
            option.rect = box
            state = option.state & ~QStyle.StateFlag.State_HasFocus
            if self.selectionModel().isSelected(index):
                state |= QStyle.StateFlag.State_Selected
            if row == current and self.hasFocus() and self._by_keyboard:
                state |= QStyle.StateFlag.State_HasFocus
            option.state = state
            self._painter_of_rows.paint(painter, option, index)
        painter.end()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Scroll, and measure the rows that become visible."""
        self.viewport().update()
        if not self._settling:
            bar = self.verticalScrollBar()
            self._at_end = bar.value() >= bar.maximum() - _AT_END_PX
            self._settle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy whole messages on Ctrl+C."""
        self._by_keyboard = True
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
            event.accept()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring for keyboard focus only."""
        self._by_keyboard = is_keyboard_focus(event.reason(), self._by_keyboard)
        super().focusInEvent(event)
        self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Show the context menu."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        copy = menu.addAction(self.tr("Copy"), self.copy_selection)
        copy.setEnabled(bool(self.selectedIndexes()))
        everything = menu.addAction(self.tr("Copy all"), self.copy_all)
        everything.setEnabled(self._rows.rowCount() > 0)
        menu.popup(event.globalPos())

    # Layout

    def _guess(self, row: int) -> int:
        return self._painter_of_rows.guess_px(len(self._rows.message(row).text), self.width())

    def _guess_all(self) -> None:
        self._laid_width_px = self.width()
        self.heights.guess([self._guess(row) for row in range(self._rows.rowCount())])

    def _settle(self, changed: range | None = None) -> None:
        """Measure visible rows until the layout is stable; keep what is read in place.

        Args:
            changed: Only these rows look different; ``None``: any may.
        """
        if self._settling or not self.isVisible():
            return
        self._settling = True
        anchor = self._anchor()
        is_still = changed is not None and self._laid_width_px == self.width()
        if self._laid_width_px != self.width():
            self._guess_all()
        self._go_to(anchor)
        until_s = time.thread_time() + _SETTLING_S
        while self._measure_in_sight(until_s):
            is_still = False
            self._go_to(anchor)
            if time.thread_time() > until_s:
                break
        self._settling = False
        self._update(changed if is_still else None)
        if self._at_end:
            self._set_unseen(False)
        if self.heights.last_unmeasured() >= 0:
            self._idle.start()

    def _update(self, rows: range | None) -> None:
        if rows is None:
            self.viewport().update()
            return
        for row in rows:
            self.viewport().update(self.visualRect(self._rows.index(row)))

    def _measure_in_sight(self, until_s: float) -> bool:
        has_moved = False
        for row in self.rows_in_sight():
            if not self.heights.is_measured(row):
                has_moved = self._measure(row) or has_moved
                if time.thread_time() > until_s:
                    break
        return has_moved

    def _measure(self, row: int) -> bool:
        words = self._rows.words(self._rows.message(row))
        right_to_left = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        height_px = self._painter_of_rows.height_px(words, self.width(), right_to_left)
        return self.heights.measure(row, height_px)

    @Slot()
    def _measure_some(self) -> None:
        """Measure rows out of sight while idle, so that the scroll bar becomes exact."""
        if not self.isVisible():
            return
        self._settling = True
        anchor = self._anchor()
        until = time.monotonic() + _IDLE_S
        row = self.heights.last_unmeasured()
        while row >= 0 and time.monotonic() < until:
            self._measure(row)
            row = self.heights.last_unmeasured()
        self._go_to(anchor)
        self._settling = False
        self.viewport().update()
        if row >= 0:
            self._idle.start()

    def _anchor(self) -> tuple[int, int]:
        """Return the first visible measured row, and its position."""
        scrolled = self.verticalScrollBar().value()
        in_sight = self.rows_in_sight()
        row = next((row for row in in_sight if self.heights.is_measured(row)), in_sight.start)
        return (row, self.heights.top(row) - scrolled) if len(in_sight) else (-1, 0)

    def _go_to(self, anchor: tuple[int, int]) -> None:
        self.updateGeometries()
        bar = self.verticalScrollBar()
        row, offset = anchor
        if self._at_end:
            bar.setValue(bar.maximum())
        elif 0 <= row < len(self.heights):
            bar.setValue(self.heights.top(row) - offset)

    def _set_unseen(self, unseen: bool) -> None:
        if unseen != self._unseen:
            self._unseen = unseen
            self.unseen_changed.emit(unseen)
