"""Layouts: columns and lines with their margins, and one that wraps its items like words."""

from PySide6.QtCore import QMargins, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLayout, QLayoutItem, QStyle, QVBoxLayout, QWidget

Margins = tuple[int, int, int, int]
_NO_MARGINS: Margins = (0, 0, 0, 0)


def make_column(
    parent: QWidget | None = None, *, spacing_px: int = 0, margins_px: Margins = _NO_MARGINS
) -> QVBoxLayout:
    """Return a vertical layout, installed on ``parent``; margins are left, top, right, bottom."""
    column = QVBoxLayout() if parent is None else QVBoxLayout(parent)
    column.setContentsMargins(*margins_px)
    column.setSpacing(spacing_px)
    return column


def make_line(
    parent: QWidget | None = None, *, spacing_px: int = 0, margins_px: Margins = _NO_MARGINS
) -> QHBoxLayout:
    """Return a horizontal layout, installed on ``parent``; margins are left, top, right, bottom."""
    line = QHBoxLayout() if parent is None else QHBoxLayout(parent)
    line.setContentsMargins(*margins_px)
    line.setSpacing(spacing_px)
    return line


class FlowLayout(QLayout):
    """Left to right (or right to left), next line when there is no room; lines are centred or leading."""

    def __init__(self, parent: QWidget | None = None, *, gap_px: int = 8, centred: bool = False) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap_px = gap_px
        self._centred = centred
        self.setContentsMargins(QMargins())

    def addItem(self, item: QLayoutItem) -> None:
        """Append an item."""
        self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at ``index``, or ``None``."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove and return the item at ``index``."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Return no direction: it takes no extra room."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Return True: items wrap."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines at ``width``."""
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place every item."""
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        """Return the size of all items in one line."""
        sizes = [item.sizeHint() for item in self._shown()]
        width = sum(size.width() for size in sizes) + self._gap_px * max(0, len(sizes) - 1)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        """Return the size of the widest item."""
        widths = [min(item.sizeHint().width(), 160) for item in self._shown()]
        return QSize(max(widths, default=0), self.sizeHint().height())

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        top = rect.top()
        for line in self._lines(rect.width()):
            height = max(self._height(item, rect.width()) for item in line)
            used = sum(min(item.sizeHint().width(), rect.width()) for item in line)
            used += self._gap_px * (len(line) - 1)
            left = rect.left() + ((rect.width() - used) // 2 if self._centred else 0)
            for item in line:
                width = min(item.sizeHint().width(), rect.width())
                own = self._height(item, rect.width())
                if move:
                    spot = QRect(QPoint(left, top + (height - own) // 2), QSize(width, own))
                    item.setGeometry(QStyle.visualRect(self._direction(), rect, spot))
                left += width + self._gap_px
            top += height + self._gap_px // 2
        return max(0, top - self._gap_px // 2 - rect.top())

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        room = 0
        for item in self._shown():
            need = item.sizeHint().width()
            if not lines or need > room:
                lines.append([])
                room = width
            lines[-1].append(item)
            room -= need + self._gap_px
        return lines

    def _height(self, item: QLayoutItem, width: int) -> int:
        if item.hasHeightForWidth() and item.sizeHint().width() > width:
            return item.heightForWidth(width)
        return item.sizeHint().height()

    def _direction(self) -> Qt.LayoutDirection:
        parent = self.parentWidget()
        return parent.layoutDirection() if parent is not None else Qt.LayoutDirection.LeftToRight


def flow_box(*widgets: QWidget, gap_px: int, parent: QWidget | None = None) -> QWidget:
    """Return a widget that holds ``widgets`` in a ``FlowLayout``."""
    box = QWidget(parent)
    flow = FlowLayout(box, gap_px=gap_px)
    for widget in widgets:
        flow.addWidget(widget)
    return box
