"""A list view that places its rows itself, at any heights, and measures only what it has to."""

from bisect import bisect_right

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
)
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

Index = QModelIndex | QPersistentModelIndex
_EDGE_PX = 5
_STEP_PX = 40


class PlacedList(QListView):
    """Answers where rows are from ``heights``, which its subclass keeps up to date.

    A ``QListView`` for its role and its selection, but not its layout. Measured with 10,000 rows while
    the last one grows word by word: Qt's layout takes 65 ms of CPU for each change, as it calls
    ``sizeHint`` of all rows (even with every height cached); this one takes 8 ms, painting included. In
    batches Qt starts over with each change and never gets to the growing row.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heights = RowHeights()
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def doItemsLayout(self) -> None:
        """Notify Qt of a layout; rows are placed by ``heights``."""
        QAbstractItemView.doItemsLayout(self)

    def updateGeometries(self) -> None:
        """Set the range of the scroll bar."""
        page = self.viewport().height()
        bar = self.verticalScrollBar()
        bar.setPageStep(page)
        bar.setSingleStep(_STEP_PX)
        bar.setRange(0, max(0, self._content_px() - page))

    def visualRect(self, index: Index) -> QRect:
        """Return the rectangle of a row; it extends below the scroll bar, which therefore moves no text."""
        row = index.row()
        if not index.isValid() or row >= len(self.heights):
            return QRect()
        top = _EDGE_PX + self.heights.top(row) - self.verticalScrollBar().value()
        return QRect(-self.viewport().x(), top, self.width(), self.heights.height(row))

    def indexAt(self, point: QPoint) -> QModelIndex:
        """Return the row at a point of the viewport."""
        y = point.y() + self.verticalScrollBar().value() - _EDGE_PX
        if not 0 <= y < self.heights.total_px or not 0 <= point.x() < self.viewport().width():
            return QModelIndex()
        return self._index(self.heights.row_at(y))

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Make a row visible; of one higher than the list, its beginning."""
        box = self.visualRect(index)
        bar, page = self.verticalScrollBar(), self.viewport().height()
        if box.isNull() or (box.top() >= 0 and box.bottom() < page):
            return
        above = box.top() < 0 or box.height() > page or hint is QAbstractItemView.ScrollHint.PositionAtTop
        bar.setValue(bar.value() + (box.top() - _EDGE_PX if above else box.bottom() + 1 + _EDGE_PX - page))

    def verticalOffset(self) -> int:
        """Return the scroll position."""
        return self.verticalScrollBar().value()

    def horizontalOffset(self) -> int:
        """Return 0: it never scrolls sideways."""
        return 0

    def isIndexHidden(self, index: Index) -> bool:
        """Return False: no row is hidden."""
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select the rows that ``rect`` touches."""
        if not len(self.heights):
            return
        shift = self.verticalScrollBar().value() - _EDGE_PX
        box = rect.normalized()
        first, last = (self.heights.row_at(y + shift) for y in (box.top(), box.bottom()))
        chosen = QItemSelection(self._index(first), self._index(last))
        self.selectionModel().select(chosen, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """Return the region to repaint when a selection changes."""
        return QRegion(self.viewport().rect())

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Return the row that a key leads to; the first key leads to the newest message, which is visible."""
        count = len(self.heights)
        current = self.currentIndex().row()
        if not count or current < 0:
            return self._index(count - 1)
        moves = QAbstractItemView.CursorAction
        page_px = self.viewport().height()
        match action:
            case moves.MoveUp | moves.MoveLeft | moves.MovePrevious:
                wanted = current - 1
            case moves.MoveDown | moves.MoveRight | moves.MoveNext:
                wanted = current + 1
            case moves.MovePageUp:
                wanted = min(current - 1, self.heights.row_at(self.heights.top(current) - page_px))
            case moves.MovePageDown:
                wanted = max(current + 1, self.heights.row_at(self.heights.top(current) + page_px))
            case moves.MoveHome:
                wanted = 0
            case _:
                wanted = count - 1
        return self._index(max(0, min(wanted, count - 1)))

    def rows_in_sight(self) -> range:
        """Return the visible rows."""
        if not len(self.heights):
            return range(0)
        top = self.verticalScrollBar().value() - _EDGE_PX
        return range(self.heights.row_at(top), self.heights.row_at(top + self.viewport().height()) + 1)

    def _index(self, row: int) -> QModelIndex:
        return self.model().index(row, 0)

    def _content_px(self) -> int:
        return self.heights.total_px + 2 * _EDGE_PX if len(self.heights) else 0


class RowHeights:
    """Heights in pixels, measured or guessed. A change costs the rows after it, at the end nothing."""

    def __init__(self) -> None:
        self._heights: list[int] = []
        self._tops: list[int] = [0]
        self._measured = bytearray()

    def __len__(self) -> int:
        return len(self._heights)

    @property
    def total_px(self) -> int:
        """The height of all rows."""
        return self.top(len(self._heights))

    def insert(self, row: int, guesses_px: list[int]) -> None:
        """Insert unmeasured rows at ``row``."""
        self._heights[row:row] = guesses_px
        self._measured[row:row] = bytes(len(guesses_px))
        self._forget_tops_after(row)

    def remove(self, row: int, count: int) -> None:
        """Remove rows."""
        del self._heights[row : row + count]
        del self._measured[row : row + count]
        self._forget_tops_after(row)

    def guess(self, guesses_px: list[int]) -> None:
        """Replace all rows by estimates."""
        self._heights = guesses_px
        self._measured = bytearray(len(guesses_px))
        self._tops = [0]

    def measure(self, row: int, height_px: int) -> bool:
        """Set the measured height of ``row``; return whether that moves the rows after it."""
        self._measured[row] = 1
        if height_px == self._heights[row]:
            return False
        self._heights[row] = height_px
        self._forget_tops_after(row)
        return True

    def is_measured(self, row: int) -> bool:
        """Whether ``row`` is measured."""
        return bool(self._measured[row])

    def forget(self, row: int) -> None:
        """Mark ``row`` as not measured."""
        self._measured[row] = 0

    def last_unmeasured(self) -> int:
        """Return the last row that is not measured; -1 when all are."""
        return self._measured.rfind(b"\0")

    def top(self, row: int) -> int:
        """Return the top of ``row``."""
        while len(self._tops) <= row:
            self._tops.append(self._tops[-1] + self._heights[len(self._tops) - 1])
        return self._tops[row]

    def height(self, row: int) -> int:
        """Return the height of ``row``."""
        return self._heights[row]

    def row_at(self, y_px: int) -> int:
        """Return the row at ``y_px``, else the nearest one; -1 without rows."""
        self.top(len(self._heights))
        return min(max(bisect_right(self._tops, y_px) - 1, 0), len(self._heights) - 1)

    def _forget_tops_after(self, row: int) -> None:
        del self._tops[row + 1 :]
