"""The page before a session: face, mode, *Start*, *Rehearse*, and the key."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QScrollArea,
    QSpacerItem,
    QWidget,
)

from atlas_desktop.api.source import Mode
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.look.amounts import hourly
from atlas_desktop.ui.look.choice_card import ChoiceCard
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import flow_box, make_column
from atlas_desktop.ui.look.plain_widgets import make_label, make_rule, set_tip
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.toggle_switch import ToggleSwitch
from atlas_desktop.ui.start.face_picker import FacePicker
from atlas_desktop.ui.start.key_line import KeyLine
from atlas_desktop.ui.start.limits_card import LimitsCard

_COLUMNS_FROM_PX = 680
_ROOMY_FROM_PX = 1000
_FORM_PX = 440
_FORM_MINIMUM_PX = 336
_FACE_PX = 400
_FACE_COMPACT_PX = 72
_UNDER_FACE_PX = 96


class StartPage(QScrollArea):
    """Face and form, side by side, or one above the other in a narrow window.

    Signals:
        start_requested(): A paid session; typed key or backend were emitted before.
        rehearse_requested(): A free session on this computer.
        mode_requested(object): The chosen ``Mode``.
        microphone_requested(bool): Microphone on when connected.
        limits_accepted(object): The limits were seen; a dict of those that were changed.
    """

    start_requested = Signal()
    rehearse_requested = Signal()
    mode_requested = Signal(object)
    microphone_requested = Signal(bool)
    limits_accepted = Signal(object)

    def __init__(self, theme: Theme, faces: tuple[Path, ...], parent: QWidget | None = None) -> None:
        """Build the page; ``faces`` are the shipped ones, for the gallery."""
        super().__init__(parent)
        self.picker = FacePicker(theme, faces)
        self.key_line = KeyLine(theme)
        self.limits = LimitsCard(theme)
        self._mode = Mode.CONVERSATION
        self._limits_seen = False
        self._cards = self._make_cards(theme)
        self._group = QButtonGroup(self)
        self._microphone = ToggleSwitch(theme, self.tr("Microphone on when connected"))
        self._start = Button(theme, self.tr("Start"), ButtonKind.PRIMARY, costs=True)
        self._start.set_height(44, 28)
        self._rehearse = Button(theme, self.tr("Rehearse · free"), name=self.tr("Rehearse"))
        self._rehearse.set_height(44, 14)
        set_tip(self._rehearse, self.tr("On this computer, without key or internet"))
        self._subtitle = make_label(self.tr("Choose how you want to use it."), tone="dim", wraps=True)
        self._gap = QSpacerItem(0, 0)
        self._form = self._build_form()
        self._columns = self._build_page()
        self._connect()
        self.show_mode(Mode.CONVERSATION)
        self._arrange()

    def show_mode(self, mode: Mode) -> None:
        """Select the card of ``mode``."""
        self._mode = mode
        self._cards[mode].setChecked(True)
        self._microphone.setEnabled(mode is Mode.CONVERSATION)

    def show_prices(self, per_hour_usd: Mapping[Mode, float]) -> None:
        """Show the hourly price on each card."""
        for mode, price in per_hour_usd.items():
            self._cards[mode].set_price(self.tr("{price} per hour").format(price=hourly(price)))

    def show_microphone(self, on_when_connected: bool) -> None:
        """Show the choice without requesting it."""
        self._microphone.setChecked(on_when_connected)

    def show_settings(self, settings: Settings) -> None:
        """Show the settings of this page."""
        self.show_microphone(settings.microphone_on_connect)
        self.limits.show_settings(settings)
        self._limits_seen = settings.limits_seen

    @property
    def paid_control(self) -> Button:
        """The button that starts a paid session: that of the limits while they are shown."""
        return self.limits.paid_control if self.limits.isVisibleTo(self) else self._start

    @Slot()
    def start(self) -> None:
        """Start, or ask for a key; before the first paid session show the limits."""
        if self.key_line.commit() and not self._limits_seen:
            self.show_limits(True)
        else:
            self.start_requested.emit()

    def show_limits(self, shown: bool) -> None:
        """Show the limits in place of the form, or the form again."""
        self.limits.setVisible(shown)
        self._form.setVisible(not shown)
        self._arrange()
        self.verticalScrollBar().setValue(0)
        if shown:
            self.limits.take_focus()
        else:
            self._start.setFocus()

    def close_limits(self) -> bool:
        """Return to the form. False when it is shown already."""
        if not self.limits.isVisibleTo(self):
            return False
        self.show_limits(False)
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange in two columns or one."""
        super().resizeEvent(event)
        self._arrange()

    def _make_cards(self, theme: Theme) -> dict[Mode, ChoiceCard]:
        listens = self.tr("It listens, thinks and answers. Type or speak.")
        repeats = self.tr("It says what you give it: drop audio files or use your microphone.")
        return {
            Mode.CONVERSATION: ChoiceCard(theme, self.tr("Conversation"), listens),
            Mode.PASSTHROUGH: ChoiceCard(theme, self.tr("Passthrough"), repeats),
        }

    def _build_form(self) -> QWidget:
        form = QWidget()
        column = make_column(form)
        column.addWidget(make_label(self.tr("Talk with an avatar"), size="title", wraps=True))
        column.addWidget(self._subtitle)
        column.addSpacing(14)
        for card in self._cards.values():
            self._group.addButton(card)
            column.addWidget(card)
            column.addSpacing(10)
        column.addWidget(self._microphone)
        column.addSpacing(14)
        actions = flow_box(self._start, self._rehearse, gap_px=10)
        column.addWidget(actions)
        column.addSpacing(20)
        column.addWidget(make_rule())
        column.addSpacing(14)
        column.addWidget(self.key_line)
        return form

    def _build_page(self) -> QBoxLayout:
        page = QWidget()
        page.setObjectName("page")
        columns = QBoxLayout(QBoxLayout.Direction.LeftToRight, page)
        columns.setSpacing(0)
        columns.addStretch(1)
        columns.addWidget(self.picker, 0, Qt.AlignmentFlag.AlignVCenter)
        columns.addItem(self._gap)
        columns.addWidget(self._form, 0, Qt.AlignmentFlag.AlignVCenter)
        columns.addWidget(self.limits, 0, Qt.AlignmentFlag.AlignVCenter)
        self.limits.hide()
        columns.addStretch(1)
        # Invisible, but a screen reader can ask for the state.
        state = make_label(parent=page)
        state.setAccessibleName(self.tr("Session state: Idle"))
        state.setFixedSize(1, 1)
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return columns

    def _connect(self) -> None:
        self._start.clicked.connect(self.start)
        self._rehearse.clicked.connect(self.rehearse_requested)
        self._microphone.toggled.connect(self.microphone_requested)
        self._group.buttonToggled.connect(self._choose_mode)
        self.limits.back_requested.connect(self.close_limits)
        self.limits.accepted.connect(self._accept_limits)

    @Slot(object)
    def _accept_limits(self, changed: dict[str, float]) -> None:
        self._limits_seen = True
        self.show_limits(False)
        self.limits_accepted.emit(changed)
        self.start_requested.emit()

    @Slot(QAbstractButton, bool)
    def _choose_mode(self, card: QAbstractButton, chosen: bool) -> None:
        # Toggled, not clicked: a screen reader never clicks. The model then shows the mode.
        mode = next(mode for mode in self._cards if self._cards[mode] is card)
        if chosen and mode is not self._mode:
            self._microphone.setEnabled(mode is Mode.CONVERSATION)
            self.mode_requested.emit(mode)

    def _arrange(self) -> None:
        width, height = self.width(), self.height()
        side_by_side = width >= _COLUMNS_FROM_PX
        margin = 64 if width >= _ROOMY_FROM_PX else 24 if side_by_side else 16
        gap = 56 if width >= _ROOMY_FROM_PX else 32 if side_by_side else 12
        room = width - 2 * margin - gap
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._columns.setDirection(across if side_by_side else down)
        asks = self.limits.isVisibleTo(self)
        # In the corner of a narrow window lies the button for the settings.
        top = 52 if asks and not side_by_side else 12
        self._columns.setContentsMargins(margin, top, margin, 12)
        self._gap.changeSize(gap if side_by_side else 0, 0 if side_by_side else gap)
        self._columns.setStretch(0, 1 if side_by_side else 0)
        self._subtitle.setVisible(side_by_side)
        if side_by_side:
            form_px = max(_FORM_MINIMUM_PX, min(_FORM_PX, round(room * 0.54)))
            face_px = max(160, min(_FACE_PX, room - form_px, height - 2 * 32 - _UNDER_FACE_PX))
        else:
            form_px, face_px = min(width - 2 * margin, _FORM_PX + 80), _FACE_COMPACT_PX
        for form in (self._form, self.limits):
            form.setFixedWidth(form_px)
        # In a narrow window the limits need the room.
        self.picker.setVisible(side_by_side or not asks)
        self.picker.setFixedWidth(face_px if side_by_side else form_px)
        self.picker.set_form(face_px, compact=not side_by_side)
        middle = Qt.AlignmentFlag.AlignVCenter if side_by_side else Qt.AlignmentFlag.AlignHCenter
        self._columns.setAlignment(self.picker, middle)
        self._columns.setAlignment(self._form, middle)
        self._columns.setAlignment(self.limits, middle)
