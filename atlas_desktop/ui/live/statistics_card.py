"""The statistics: a card on the stage that refreshes only while visible."""

from collections.abc import Callable

from PySide6.QtCore import QMargins, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFocusEvent,
    QGuiApplication,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from atlas_desktop.ui.live.call_statistics import CallFigures
from atlas_desktop.ui.live.statistics_texts import Row, StatisticsTexts
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.focus import draw_focus_ring
from atlas_desktop.ui.look.layouts import make_line
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_CARD_PX

FiguresReader = Callable[[], CallFigures]
EVERY_MS = 1_000
_WIDTH_PX = 372
_RIM_PX = 5
_HEAD_PX = 32
_HEAD_GAP_PX = 4


class StatisticsCard(CardFrame):
    """Reads the figures once a second while visible, and changes only labels whose text differs.

    All but its rim is opaque: a frame painted below does not repaint the card, nor the card a frame.

    Signals:
        close_requested(): From its button.
    """

    close_requested = Signal()

    def __init__(self, theme: Theme, read: FiguresReader, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._read = read
        self._texts = StatisticsTexts(self)
        self._values: list[QLabel] = []
        self._text = ""
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._refresh)
        self._body = QWidget(self)
        self._body.setAutoFillBackground(True)
        self._body.setBackgroundRole(QPalette.ColorRole.Base)
        self._rows = self._make_rows(theme)
        self._area = _RowsArea()
        self._area.focus_changed.connect(self.update)
        self._build(theme)
        self.setAccessibleName(self.tr("Statistics"))
        self.hide()

    def sizeHint(self) -> QSize:
        """Return the size of all rows."""
        rows_px = self._rows.heightForWidth(_WIDTH_PX - 2 * _RIM_PX)
        return QSize(_WIDTH_PX, rows_px + _HEAD_PX + _HEAD_GAP_PX + 2 * _RIM_PX)

    def announce(self) -> None:
        """Let a screen reader read all rows; the focus stays where it was."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self._text))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box; around it the ring, where the keys scroll the rows."""
        super().paintEvent(event)
        if self._area.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw_focus_ring(painter, QRectF(self.rect()), RADIUS_CARD_PX, self._theme.color("accent"))
            painter.end()

    def showEvent(self, event: QShowEvent) -> None:
        """Refresh and start the timer."""
        super().showEvent(event)
        self._refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop the timer."""
        self._timer.stop()
        super().hideEvent(event)

    def _make_rows(self, theme: Theme) -> QWidget:
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(11, 2, 11, 6)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        for number, row in enumerate(self._texts.rows(CallFigures())):
            caption = make_label(row.caption, tone="dim", size="small")
            value = make_label(size="small", wraps=True)
            grid.addWidget(caption, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, number, 1, Qt.AlignmentFlag.AlignTop)
            self._values.append(value)
        note = self.tr("Delays count from the moment for which a picture was made.")
        grid.addWidget(make_label(note, tone="dim", size="small", wraps=True), grid.rowCount(), 0, 1, 2)
        grid.setRowStretch(grid.rowCount(), 1)
        return page

    def _build(self, theme: Theme) -> None:
        copy = Button(theme, self.tr("Copy statistics"), ButtonKind.QUIET, icon="copy")
        close = Button(theme, self.tr("Close statistics"), ButtonKind.QUIET, icon="close")
        copy.clicked.connect(self._copy)
        close.clicked.connect(self.close_requested)
        head = make_line(spacing_px=2, margins_px=(11, 0, 0, 0))
        head.addWidget(make_label(self.tr("Statistics"), strong=True), 1)
        for button in (copy, close):
            button.set_height(_HEAD_PX)
            head.addWidget(button)
        self._area.setWidget(self._rows)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName(self.tr("Figures"))
        self._rows.setObjectName("page")
        column = QVBoxLayout(self._body)
        column.setContentsMargins(QMargins())
        column.setSpacing(_HEAD_GAP_PX)
        column.addLayout(head)
        column.addWidget(self._area, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(_RIM_PX, _RIM_PX, _RIM_PX, _RIM_PX)
        outer.addWidget(self._body)

    @Slot()
    def _refresh(self) -> None:
        figures = self._read()
        self._text = self._texts.text(figures)
        for label, row in zip(self._values, self._texts.rows(figures), strict=True):
            _show(label, row)
        self._area.fit()

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)


class _RowsArea(QScrollArea):
    """As high as its rows at its width; emits when it gets or loses the focus."""

    focus_changed = Signal()

    def fit(self) -> None:
        """Fit the rows to the width: Qt overestimates the height of wrapped text."""
        rows = self.widget()
        if rows is not None:
            rows.setMinimumHeight(rows.heightForWidth(self.viewport().width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.fit()
        super().resizeEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit()


def _show(label: QLabel, row: Row) -> None:
    if label.text() != row.value:
        label.setText(row.value)
        label.setAccessibleName(f"{row.caption}: {row.value}")
