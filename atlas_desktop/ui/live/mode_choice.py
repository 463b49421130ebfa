"""The two modes side by side in one track, for switching during a session."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QSizePolicy, QWidget

from atlas_desktop.api.source import Mode
from atlas_desktop.ui.look.focus import FocusRingMixin, draw_focus_ring
from atlas_desktop.ui.look.layouts import make_line
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import CONTROL_HEIGHT_PX, RADIUS_CONTROL_PX
from atlas_desktop.ui.model import AppModel

_PADDING_PX = 9
_INSET_PX = 3


class ModeChoice(QWidget):
    """Conversation or Passthrough; shows the model's mode, not what was pressed."""

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._mode: Mode | None = None
        self._group = QButtonGroup(self)
        names = {Mode.CONVERSATION: self.tr("Conversation"), Mode.PASSTHROUGH: self.tr("Passthrough")}
        self._segments = {mode: _Segment(theme, name) for mode, name in names.items()}
        line = make_line(self, spacing_px=2, margins_px=(_INSET_PX, _INSET_PX, _INSET_PX, _INSET_PX))
        for number, segment in enumerate(self._segments.values()):
            self._group.addButton(segment, number)
            line.addWidget(segment)
        self._group.idToggled.connect(self._choose)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        model.mode_changed.connect(self.show_mode)
        self.show_mode(model.mode)

    @Slot(object)
    def show_mode(self, mode: Mode) -> None:
        """Show the current mode."""
        self._mode = mode
        self._segments[mode].setChecked(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the track."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        painter.setPen(Qt.PenStyle.NoPen if tokens.is_dark else QPen(QColor(tokens.line), 1))
        painter.setBrush(QColor(tokens.raised))
        inset = 0 if tokens.is_dark else 0.5
        body = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(body, RADIUS_CONTROL_PX, RADIUS_CONTROL_PX)
        painter.end()

    @Slot(int, bool)
    def _choose(self, number: int, chosen: bool) -> None:
        mode = tuple(self._segments)[number]
        if chosen and mode is not self._mode:
            self._model.set_mode(mode)


class _Segment(FocusRingMixin, QRadioButton):
    """One of the two; a radio button to the keyboard and the screen reader."""

    def __init__(self, theme: Theme, text: str) -> None:
        super().__init__(text)
        self._theme = theme
        self.setFont(theme.font(13))
        self.setAccessibleName(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self._theme.font(13, strong=True)).horizontalAdvance(self.text())
        return QSize(width + 2 * _PADDING_PX, CONTROL_HEIGHT_PX - 2 * _INSET_PX)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, position: QPoint) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        tokens = self._theme.tokens
        body = QRectF(self.rect())
        radius = RADIUS_CONTROL_PX - _INSET_PX
        if self.shows_ring:
            body = draw_focus_ring(painter, body, radius, QColor(tokens.accent))
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(body, radius, radius)
        painter.setFont(self._theme.font(13, strong=self.isChecked()))
        painter.setPen(QColor(tokens.accent if self.isChecked() else tokens.text))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.text())
        painter.end()
