"""A card over the window, beside what opened it; closes on Esc or a press elsewhere."""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from atlas_desktop.ui.look.focus import tab_within
from atlas_desktop.ui.look.plain_widgets import CardFrame
from atlas_desktop.ui.look.theme import Theme

_MARGIN_PX = 8


class Popover(QWidget):
    """Covers the window, catches presses outside its card, and keeps the Tab key inside.

    It is a part of the window, not a window of its own: it is placed alike on every platform,
    Wayland included, and a screen reader finds it where it is.

    Signals:
        closed(): It is gone.
    """

    closed = Signal()

    def __init__(self, theme: Theme, content: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._anchor: QWidget | None = None
        self._before: QWidget | None = None
        self._card = CardFrame(theme, self)
        layout = QVBoxLayout(self._card)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addWidget(content)
        self._card.installEventFilter(self)
        self.hide()

    def open_at(self, anchor: QWidget, first: QWidget) -> None:
        """Show the card beside ``anchor`` with the focus on ``first``."""
        self._anchor = anchor
        self._before = self.window().focusWidget()
        parent = self.parentWidget()
        if parent is not None:
            parent.installEventFilter(self)
        self._place()
        self.show()
        self.raise_()
        first.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_card(self) -> None:
        """Hide the card and restore the focus."""
        if not self.isVisible():
            return
        self.hide()
        parent = self.parentWidget()
        if parent is not None:
            parent.removeEventFilter(self)
        if self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Place it again when the window's size or the card's content changes."""
        follows = QEvent.Type.LayoutRequest if watched is self._card else QEvent.Type.Resize
        if event.type() is follows and self.isVisible():
            # After the window has laid out its own children.
            QTimer.singleShot(0, self, self._place)
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close on a press outside."""
        if not self._card.geometry().contains(event.position().toPoint()):
            self.close_card()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dim the window."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 56))
        painter.end()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep Tab inside the card."""
        return tab_within(self._card, forward=forward)

    @Slot()
    def _place(self) -> None:
        window = self.parentWidget()
        if window is None or self._anchor is None:
            return
        self.setGeometry(window.rect())
        wanted = self._card.sizeHint()
        width = min(wanted.width(), window.width() - 2 * _MARGIN_PX)
        height = min(max(wanted.height(), self._card.heightForWidth(width)), window.height() - 2 * _MARGIN_PX)
        self._card.resize(width, height)
        anchor = self._anchor
        below = anchor.mapTo(window, QPoint(0, anchor.height() + _MARGIN_PX))
        centre = below.x() + anchor.width() // 2
        left = max(_MARGIN_PX, min(centre - width // 2, window.width() - width - _MARGIN_PX))
        top = below.y()
        if top + height > window.height() - _MARGIN_PX:
            above = below.y() - anchor.height() - 2 * _MARGIN_PX - height
            top = max(_MARGIN_PX, above)
        self._card.move(left, top)
