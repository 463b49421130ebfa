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
        """Rows are placed by ``heights``; this only lets Qt know that they are."""
        QAbstractItemView.doItemsLayout(self)

    def updateGeometries(self) -> None:
        """Sets what can be scrolled."""
        page = self.viewport().height()
        bar = self.verticalScrollBar()
        bar.setPageStep(page)
        bar.setSingleStep(_STEP_PX)
        bar.setRange(0, max(0, self._content_px() - page))

    def visualRect(self, index: Index) -> QRect:
        """Where a row is in the viewport; it goes on below the scroll bar, which so moves no words."""
        row = index.row()
        if not index.isValid() or row >= len(self.heights):
            return QRect()
        top = _EDGE_PX + self.heights.top(row) - self.verticalScrollBar().value()
        return QRect(-self.viewport().x(), top, self.width(), self.heights.height(row))

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The row at a point of the viewport."""
        y = point.y() + self.verticalScrollBar().value() - _EDGE_PX
        if not 0 <= y < self.heights.total_px or not 0 <= point.x() < self.viewport().width():
            return QModelIndex()
        return self._index(self.heights.row_at(y))

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Brings a row into sight; of one higher than the list, its beginning."""
        box = self.visualRect(index)
        bar, page = self.verticalScrollBar(), self.viewport().height()
        if box.isNull() or (box.top() >= 0 and box.bottom() < page):
            return
        above = box.top() < 0 or box.height() > page or hint is QAbstractItemView.ScrollHint.PositionAtTop
        bar.setValue(bar.value() + (box.top() - _EDGE_PX if above else box.bottom() + 1 + _EDGE_PX - page))

    def verticalOffset(self) -> int:
        """How far it is scrolled."""
        return self.verticalScrollBar().value()

    def horizontalOffset(self) -> int:
        """Never sideways."""
        return 0

    def isIndexHidden(self, index: Index) -> bool:
        """No row is."""
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Selects the rows that ``rect`` touches."""
        if not len(self.heights):
            return
        shift = self.verticalScrollBar().value() - _EDGE_PX
        box = rect.normalized()
        first, last = (self.heights.row_at(y + shift) for y in (box.top(), box.bottom()))
        chosen = QItemSelection(self._index(first), self._index(last))
        self.selectionModel().select(chosen, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """What is to be painted anew when a selection changes."""
        return QRegion(self.viewport().rect())

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Where a key leads; the first one to the newest message, for that is what is seen."""
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
        """The rows that are to be seen, or would be."""
        if not len(self.heights):
            return range(0)
        top = self.verticalScrollBar().value() - _EDGE_PX
        return range(self.heights.row_at(top), self.heights.row_at(top + self.viewport().height()) + 1)

    def _index(self, row: int) -> QModelIndex:
        return self.model().index(row, 0)

    def _content_px(self) -> int:
        return self.heights.total_px + 2 * _EDGE_PX if len(self.heights) else 0
