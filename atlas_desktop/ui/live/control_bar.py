"""The bar under the stage: microphone, sound, interrupt, open, mode, settings, park, end."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QStyle, QWidget

from atlas_desktop.session.snapshot import MicState, SessionSnapshot
from atlas_desktop.session.state import Ending, Live, Reconnecting
from atlas_desktop.ui.live.mode_choice import ModeChoice
from atlas_desktop.ui.live.volume_card import VolumeButton
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.level_indicator import LevelIndicator
from atlas_desktop.ui.look.plain_widgets import set_tip
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel

_EDGE_PX = 12
_GAP_PX = 6
_GROUPS_PX = 8
_ROW_PX = 44

_Rows = tuple[tuple[Sequence[QWidget], Sequence[QWidget]], ...]
"""From top to bottom: what stands at the leading and what at the trailing edge."""


class ControlBar(QWidget):
    """Shows the session's state; its buttons call the model. One row where there is room, else two.

    A new button: made here, connected to an intent of ``AppModel``, placed in both rows.

    Signals:
        open_audio_requested(), settings_requested(): Handled by the window.
    """

    open_audio_requested = Signal()
    settings_requested = Signal()

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._snapshot = SessionSnapshot()
        self._microphone = Button(theme, self.tr("Microphone"), ButtonKind.ROUND, icon="mic-off", parent=self)
        self._microphone.setCheckable(True)
        self._meter = LevelIndicator(theme, self)
        self._volume = VolumeButton(model, theme, self)
        self._interrupt = Button(theme, self.tr("Interrupt"), icon="interrupt", parent=self)
        self._open = Button(theme, self.tr("Open audio…"), icon="open", parent=self)
        self._modes = ModeChoice(model, theme, self)
        self._settings = Button(theme, self.tr("Settings"), ButtonKind.QUIET, icon="gear", parent=self)
        self._park = Button(theme, self.tr("Park"), icon="park", parent=self)
        self._park.setAccessibleDescription(
            self.tr("Park: ends what is billed, keeps the stage, cues, transcript and choices")
        )
        self._end = Button(theme, self.tr("End session"), ButtonKind.DANGER, parent=self)
        left = (self._microphone, self._meter, self._volume, self._interrupt, self._open)
        self._one_row: _Rows = ((left, (self._modes, self._settings, self._park, self._end)),)
        self._two_rows: _Rows = ((left, (self._settings,)), ((self._modes,), (self._park, self._end)))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._connect()

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show and enable what the session allows."""
        self._snapshot = snapshot
        wanted, state = snapshot.microphone_wanted, snapshot.microphone
        self._microphone.show_checked(wanted)
        self._microphone.set_icon_name("mic" if wanted else "mic-off")
        set_tip(self._microphone, self._microphone_words(wanted, state))
        self._meter.set_sends(state is MicState.ON)
        if not wanted:
            self._meter.set_level(float("-inf"))
        self._interrupt.setEnabled(snapshot.can_interrupt)
        runs = not snapshot.is_over and not isinstance(snapshot.state, Ending)
        self._end.setEnabled(runs)
        self._park.setEnabled(isinstance(snapshot.state, Live | Reconnecting))

    @Slot(float)
    def _show_level(self, dbfs: float) -> None:
        if self._snapshot.microphone_wanted:
            self._meter.set_level(dbfs)

    def sizeHint(self) -> QSize:
        """Return the height of its rows at its present width."""
        return QSize(self.width(), self.heightForWidth(self.width()))

    def hasHeightForWidth(self) -> bool:
        """Return True: narrow bars have two rows."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of its rows at ``width``."""
        rows = len(self._choose_rows(width))
        return 2 * _EDGE_PX + rows * _ROW_PX + (rows - 1) * _GAP_PX

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out the parts."""
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the surface, and a line towards the stage."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.tokens.surface))
        painter.fillRect(0, 0, self.width(), 1, QColor(self._theme.tokens.line))
        painter.end()

    def _connect(self) -> None:
        self._model.microphone_level_changed.connect(self._show_level)
        self._microphone.toggle_requested.connect(self._set_microphone)
        self._interrupt.clicked.connect(self._model.interrupt)
        self._open.clicked.connect(self.open_audio_requested)
        self._settings.clicked.connect(self.settings_requested)
        self._park.clicked.connect(self._model.park)
        self._end.clicked.connect(self._model.end)

    @Slot(bool)
    def _set_microphone(self, on: bool) -> None:
        # It shows the state, not what was pressed: the answer comes with the next snapshot.
        self._microphone.show_checked(self._snapshot.microphone_wanted)
        self._model.set_microphone(on)

    def _microphone_words(self, wanted: bool, state: MicState) -> str:
        if self._snapshot.voice_muted:
            return self.tr("Microphone: muted by the room")
        if state is MicState.MUTED_FOR_CLIP:
            return self.tr("Microphone: silent while a clip is spoken")
        return self.tr("Microphone: on") if wanted else self.tr("Microphone: off")

    def _choose_rows(self, width: int) -> _Rows:
        """Choose which buttons keep their text at ``width``, and return the rows they need."""
        room = width - 2 * _EDGE_PX
        for rows in (self._one_row, self._two_rows):
            # Interrupt keeps its text the longest: it is needed the fastest.
            for icons in range(4):
                self._open.set_compact(icons >= 1)
                self._set_park_compact(icons >= 1)
                self._set_end_compact(icons >= 2)
                self._interrupt.set_compact(icons >= 3)
                if all(_width(left) + _GROUPS_PX + _width(right) <= room for left, right in rows):
                    return rows
        return self._two_rows

    def _set_park_compact(self, compact: bool) -> None:
        self._park.set_compact(compact)
        if self._park.toolTip() != self._park.accessibleDescription():
            set_tip(self._park, self._park.accessibleDescription())

    def _set_end_compact(self, compact: bool) -> None:
        self._end.set_compact(compact)
        self._end.set_icon_name("close" if compact else "")

    def _place(self) -> None:
        top = _EDGE_PX
        for left, right in self._choose_rows(self.width()):
            self._place_row(left, _EDGE_PX, top)
            self._place_row(right, self.width() - _EDGE_PX - _width(right), top)
            top += _ROW_PX + _GAP_PX

    def _place_row(self, widgets: Sequence[QWidget], left: int, top: int) -> None:
        for widget in widgets:
            size = widget.sizeHint()
            spot = QRect(left, top + (_ROW_PX - size.height()) // 2, size.width(), size.height())
            widget.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), spot))
            left += size.width() + _GAP_PX


def _width(widgets: Sequence[QWidget]) -> int:
    return sum(widget.sizeHint().width() for widget in widgets) + _GAP_PX * (len(widgets) - 1)
