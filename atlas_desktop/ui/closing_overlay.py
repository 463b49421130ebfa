"""The overlay shown while the window waits for a session's end before it closes."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme


class ClosingOverlay(QWidget):
    """Covers the window and takes every press for the few seconds until it closes."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = make_label(self.tr("Ending…"), size="title")
        self._title.setAccessibleName(self.tr("Session state: Ending"))
        self._words = make_label(
            self.tr("Atlas is being told that this session is over. The window then closes by itself."),
            tone="dim",
            wraps=True,
        )
        column = make_column(self, spacing_px=6, margins_px=(32, 32, 32, 32))
        column.addStretch(1)
        for label in (self._title, self._words):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(1)
        self.hide()

    def cover(self) -> None:
        """Cover the whole window."""
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the veil."""
        painter = QPainter(self)
        veil = QColor(self._theme.tokens.bg)
        veil.setAlpha(240)
        painter.fillRect(self.rect(), veil)
        painter.end()
