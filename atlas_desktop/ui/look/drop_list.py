"""A list that drops down: Qt's combo box, with our own chevron."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QListView, QSizePolicy, QStyle, QStyleOptionComboBox, QWidget

from atlas_desktop.ui.look.icons import draw_icon
from atlas_desktop.ui.look.plain_widgets import set_tip
from atlas_desktop.ui.look.theme import Theme

_ICON_PX, _EDGE_PX = 16, 10
_TEXT_FROM_PX, _TEXT_TO_PX = 14, 36
_LEAST_LETTERS = 12


class DropList(QComboBox):
    """As wide as there is room: a long entry never makes its window wider.

    Args:
        theme: Colours.
        name: Accessible name.
        parent: Owner.
    """

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._offered: tuple[tuple[str, str], ...] = ()
        self._key = ""
        self.setAccessibleName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(_LEAST_LETTERS)
        # A view of its own takes the style sheet's rows.
        self.setView(QListView(self))
        self.currentTextChanged.connect(self._show_whole)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def offer(self, entries: Sequence[tuple[str, str]], key: str) -> None:
        """List ``entries``, each a text and a key, and select the one of ``key``.

        Nothing changes under the hands: a list that is open is another one once it was closed.
        """
        self._offered, self._key = tuple(entries), key
        self._fill()

    def hidePopup(self) -> None:
        """Apply entries offered meanwhile, after the choice that closes the list was emitted."""
        super().hidePopup()
        QTimer.singleShot(0, self, self._fill)

    @Slot()
    def _fill(self) -> None:
        if self.view().isVisible():
            return
        shown = tuple((self.itemText(row), str(self.itemData(row))) for row in range(self.count()))
        if shown != self._offered:
            self.clear()
            for text, key in self._offered:
                self.addItem(text, key)
        self.setCurrentIndex(self.findData(self._key))

    @Slot(str)
    def _show_whole(self, text: str) -> None:
        set_tip(self, text)

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        """Elide long text; the tool tip has all of it."""
        super().initStyleOption(option)
        room_px = self.width() - _TEXT_FROM_PX - _TEXT_TO_PX
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room_px
        )

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Ignore the wheel: it scrolls the page."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint Qt's field and the chevron, which a style sheet removes with the border."""
        super().paintEvent(event)
        spot = QRect(0, 0, _ICON_PX, _ICON_PX)
        spot.moveCenter(self.rect().center())
        spot.moveRight(self.width() - _EDGE_PX)
        painter = QPainter(self)
        place = QStyle.visualRect(self.layoutDirection(), self.rect(), spot)
        color = self._theme.color("text" if self.isEnabled() else "dim")
        draw_icon(painter, "chevron-down", QRectF(place), color)
        painter.end()
