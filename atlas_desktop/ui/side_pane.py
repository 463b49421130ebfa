"""The container of the transcript: a pane beside the stage, or in a narrow window a drawer over it."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QStyle, QWidget

from atlas_desktop.ui.look.focus import tab_within
from atlas_desktop.ui.look.theme import Theme

PANE_PX = 320
DOCKED_FROM_PX = 720
_DRAWER_LEAVES_PX = 40


class SidePane(QWidget):
    """Holds one widget at the trailing edge, and computes the room left for the rest.

    Signals:
        scrim_pressed(): The part of the window beside the open drawer was pressed.
    """

    scrim_pressed = Signal()

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._scrim = _Scrim(self, window)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(1, 0, 0, 0)
        self.hide()

    @property
    def is_drawer(self) -> bool:
        """Whether it lies over the stage now."""
        return self.isVisible() and self._scrim.isVisible()

    def set_content(self, content: QWidget) -> None:
        """Set the widget it holds."""
        self._line.addWidget(content)

    def place(self, window: QRect, *, shown: bool, may_dock: bool) -> QRect:
        """Place itself in ``window`` and return the rectangle left.

        Args:
            window: All there is.
            shown: Whether it is to be seen.
            may_dock: False in full screen: then it lies over the picture.
        """
        self.setVisible(shown)
        docked = may_dock and window.width() >= DOCKED_FROM_PX
        self._scrim.setVisible(shown and not docked)
        if not shown:
            return window
        width = PANE_PX if docked else min(PANE_PX, window.width() - _DRAWER_LEAVES_PX)
        own = QRect(window.right() + 1 - width, window.top(), width, window.height())
        self.setGeometry(QStyle.visualRect(self.layoutDirection(), window, own))
        self._scrim.setGeometry(window)
        if not docked:
            self._scrim.raise_()
            self.raise_()
            return window
        rest = window.adjusted(0, 0, -width, 0)
        return QStyle.visualRect(self.layoutDirection(), window, rest)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep Tab inside a drawer: what it covers is not visible."""
        if self.is_drawer:
            return tab_within(self, forward=forward)
        return super().focusNextPrevChild(forward)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the surface and the line towards the stage."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.tokens.surface))
        at_left = self.layoutDirection() is Qt.LayoutDirection.LeftToRight
        painter.fillRect(
            0 if at_left else self.width() - 1, 0, 1, self.height(), QColor(self._theme.tokens.line)
        )
        painter.end()


class _Scrim(QWidget):
    """Darkens the rest of the window; a press on it closes the drawer."""

    def __init__(self, pane: SidePane, window: QWidget) -> None:
        super().__init__(window)
        self._pane = pane
        self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pane.scrim_pressed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 120))
        painter.end()
