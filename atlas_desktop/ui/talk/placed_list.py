"""A list view that places its rows itself: any heights, nothing measured that is not asked for."""

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

from atlas_desktop.ui.talk.row_heights import RowHeights

Index = QModelIndex | QPersistentModelIndex
_EDGE_PX = 5
_STEP_PX = 40


class PlacedList(QListView):
    """Answers where rows are from ``heights``, which its heir keeps true.

    A ``QListView`` for its role and its selection; its own placing would measure all rows at each
    change of one.
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
