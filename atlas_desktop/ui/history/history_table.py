"""The table of the history."""

from PySide6.QtCore import QEvent, QSize, Slot
from PySide6.QtGui import QFocusEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from atlas_desktop.ui.history.history_model import HistoryModel
from atlas_desktop.ui.look.focus import is_keyboard_focus
from atlas_desktop.ui.look.theme import Theme

_ROW_PX = 36
_MEASURED_ROWS = 200
_DOT = QSize(10, 10)
_SHEET = """
QTableView {{ background: transparent; border: 2px solid transparent; border-radius: 8px; outline: 0;
    selection-color: {text}; selection-background-color: {accent_soft}; }}
QTableView[ring="true"] {{ border-color: {accent}; }}
QTableView::item {{ padding: 0px 8px; border-bottom: 1px solid {line}; }}
QAbstractScrollArea::corner {{ background: transparent; border: 0; }}
QHeaderView {{ background: transparent; border: 0; }}
QHeaderView::section {{ background: transparent; color: {dim}; border: 0; border-bottom: 1px solid {line};
    padding: 6px 11px; font-weight: 400; }}
"""


class HistoryTable(QTableView):
    """Shows ``HistoryModel``; where it is narrow it scrolls sideways."""

    def __init__(self, theme: Theme, rows: HistoryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = rows
        self._by_keyboard = False
        self._last_px = 0
        self.setModel(rows)
        self.setIconSize(_DOT)
        self.setAccessibleName(self.tr("Sessions"))
        self.setFont(theme.font())
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._lay_out_headers()
        self._dress()
        theme.changed.connect(self._dress)
        rows.modelReset.connect(self._fit_columns)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The ring is for those who came by keyboard; they find a row to go on from."""
        self._by_keyboard = is_keyboard_focus(event.reason(), self._by_keyboard)
        if self._by_keyboard and not self.selectionModel().hasSelection():
            self.selectRow(max(0, self.currentIndex().row()))
        super().focusInEvent(event)
        self._show_ring(self._by_keyboard)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Repaint without the focus ring."""
        super().focusOutEvent(event)
        self._show_ring(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The last column takes what is left."""
        super().resizeEvent(event)
        self._widen_last()

    def changeEvent(self, event: QEvent) -> None:
        """Recompute the widths after a change of font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit_columns()

    def _lay_out_headers(self) -> None:
        across, down = self.horizontalHeader(), self.verticalHeader()
        across.setHighlightSections(False)
        across.setSectionsClickable(False)
        # All rows would be measured, thousands of them.
        across.setResizeContentsPrecision(_MEASURED_ROWS)
        down.setVisible(False)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultSectionSize(max(_ROW_PX, self.fontMetrics().height() + 16))

    def _show_ring(self, shown: bool) -> None:
        if bool(self.property("ring")) != shown:
            self.setProperty("ring", shown)
            self.style().unpolish(self)
            self.style().polish(self)

    @Slot()
    def _fit_columns(self) -> None:
        self.resizeColumnsToContents()
        # Kept: resizes are frequent, and measuring takes time with each row.
        self._last_px = self.columnWidth(self._rows.columnCount() - 1)
        self._widen_last()

    def _widen_last(self) -> None:
        # Qt's own stretching would cut the last column's text where it is narrow.
        across, last = self.horizontalHeader(), self._rows.columnCount() - 1
        self.setColumnWidth(last, max(self._last_px, self.viewport().width() - across.sectionPosition(last)))

    @Slot()
    def _dress(self) -> None:
        tokens = self._theme.tokens
        names = ("text", "dim", "line", "accent", "accent_soft")
        self.setStyleSheet(_SHEET.format(**{name: getattr(tokens, name) for name in names}))
        self._rows.repaint_all()
