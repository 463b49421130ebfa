"""The history as a Qt table model: one row a paid session, the newest first."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPixmap

from atlas_desktop.storage.billing_entry import Outcome
from atlas_desktop.storage.history import HistoryRow
from atlas_desktop.ui.history.history_texts import NOTHING, HistoryTexts
from atlas_desktop.ui.look.theme import Theme

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_DOT_PX = 10


class Column(IntEnum):
    """The columns. In a narrow window the first are visible: when, and how much."""

    STARTED = 0
    OURS = 1
    CHARGED = 2
    DURATION = 3
    MODE = 4
    ENDING = 5


_FIGURES = (Column.DURATION, Column.OURS, Column.CHARGED)


class HistoryModel(QAbstractTableModel):
    """Holds what was read last. An open session is marked by a dot and strong text."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._texts = HistoryTexts(self)
        self._rows: tuple[HistoryRow, ...] = ()

    @property
    def has_open(self) -> bool:
        """Whether one of them may still cost."""
        return any(row.outcome is Outcome.OPEN for row in self._rows)

    def load(self, rows: Sequence[HistoryRow]) -> None:
        """Show ``rows``; if they are the same sessions, the selection stays."""
        if [row.key for row in rows] == [row.key for row in self._rows]:
            self._rows = tuple(rows)
            self.repaint_all()
            return
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def repaint_all(self) -> None:
        """Emit a change of every cell."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of sessions."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """The same for all."""
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if orientation is Qt.Orientation.Vertical:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._heading(Column(section))
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if section in _FIGURES else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell's words and look; the first of a row says all of it to a screen reader."""
        if not 0 <= index.row() < len(self._rows):
            return None
        row, column = self._rows[index.row()], Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column)
            case Qt.ItemDataRole.AccessibleTextRole:
                return self._spoken(row, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if column in _FIGURES else _LEFT
        return self._mark(row, column, role)

    def _text(self, row: HistoryRow, column: Column) -> str:
        match column:
            case Column.STARTED:
                return self._texts.started(row.started)
            case Column.MODE:
                return self._texts.mode(row.mode)
            case Column.DURATION:
                return self._texts.duration(row)
            case Column.OURS:
                return self._texts.amount(row.estimated_usd)
            case Column.CHARGED:
                return self._texts.amount(row.charged_usd)
            case Column.ENDING:
                return self._texts.ending(row)

    def _spoken(self, row: HistoryRow, column: Column) -> str:
        if column is Column.STARTED:
            return self._texts.sentence(row)
        text = self._text(row, column)
        return self.tr("not known") if text == NOTHING else text

    def _mark(self, row: HistoryRow, column: Column, role: int) -> Any:
        is_open = row.outcome is Outcome.OPEN
        match role:
            case Qt.ItemDataRole.DecorationRole if column is Column.STARTED and self.has_open:
                # Other rows get an empty one, so that all times are aligned.
                return _dot(self._theme.color("warn") if is_open else QColor(Qt.GlobalColor.transparent))
            case Qt.ItemDataRole.FontRole if column is Column.ENDING and is_open:
                return self._theme.font(strong=True)
            case Qt.ItemDataRole.ForegroundRole if self._text(row, column) == NOTHING:
                return QBrush(self._theme.color("dim"))
        return None

    def _heading(self, column: Column) -> str:
        match column:
            case Column.STARTED:
                return self.tr("Started")
            case Column.MODE:
                return self.tr("Mode")
            case Column.DURATION:
                return self.tr("Duration")
            case Column.OURS:
                return self.tr("Our figure")
            case Column.CHARGED:
                return self.tr("Atlas's figure")
            case Column.ENDING:
                return self.tr("How it ended")


def _dot(color: QColor) -> QPixmap:
    # Drawn at four times its size: round on every screen.
    pixmap = QPixmap(_DOT_PX * 4, _DOT_PX * 4)
    pixmap.setDevicePixelRatio(4)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(1, 1, _DOT_PX - 2, _DOT_PX - 2)
    painter.end()
    return pixmap
