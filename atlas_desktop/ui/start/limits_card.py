"""The card before the first paid session: its limits, to be changed or accepted."""

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import flow_box, make_column
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_fields import AmountFields
from atlas_desktop.ui.settings_table import LIMITS

_PADDING_PX = 20


class LimitsCard(CardFrame):
    """Shown once. Enter accepts, Escape goes back.

    Signals:
        accepted(object): Changed settings as a dict; the session is to start.
        back_requested(): Not now.
    """

    accepted = Signal(object)
    back_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._fields = AmountFields(theme, LIMITS, Settings())
        self._start = Button(theme, self.tr("Start"), ButtonKind.PRIMARY, costs=True)
        self._start.set_height(44, 28)
        self._back = Button(theme, self.tr("Not now"))
        self._back.set_height(44, 14)
        self._start.clicked.connect(self.accept)
        self._back.clicked.connect(self.back_requested)
        self._build()

    def show_settings(self, settings: Settings) -> None:
        """Show the current limits."""
        self._fields.show_settings(settings)

    @property
    def paid_control(self) -> Button:
        """The button that accepts and starts."""
        return self._start

    def take_focus(self) -> None:
        """Focus the button that accepts."""
        self._start.setFocus(Qt.FocusReason.TabFocusReason)

    @Slot()
    def accept(self) -> None:
        """Accept the limits of the fields, unless one was refused: the user has to see that first."""
        values = self._fields.values()
        if not self._fields.take_refusal():
            self.accepted.emit(values)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Accept on Enter, in a field too."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif not self._back.hasFocus():
            self._start.press_by_key(repeated=event.isAutoRepeat())
        elif not event.isAutoRepeat():
            self.back_requested.emit()

    def sizeHint(self) -> QSize:
        """Return the height its text needs at its width."""
        hint = super().sizeHint()
        return QSize(hint.width(), max(hint.height(), self.heightForWidth(self.width())))

    def _build(self) -> None:
        column = make_column(self, margins_px=(_PADDING_PX, _PADDING_PX - 4, _PADDING_PX, _PADDING_PX))
        column.addWidget(make_label(self.tr("Before your first paid session"), size="heading", wraps=True))
        column.addSpacing(4)
        words = self.tr("It ends by itself at the first of these, even if this program crashes.")
        column.addWidget(make_label(words, tone="dim", wraps=True))
        column.addSpacing(14)
        column.addWidget(self._fields)
        column.addSpacing(16)
        box = flow_box(self._start, self._back, gap_px=10)
        column.addWidget(box)
        column.addSpacing(8)
        later = self.tr("You find them in the settings later.")
        column.addWidget(make_label(later, tone="dim", size="small", wraps=True))
