"""The cue strip: cues that wait, play and are done, with their buttons."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Mode
from atlas_desktop.cues.queue import Cue, CueState
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Reconnecting
from atlas_desktop.ui.cues.cue_list import CueList
from atlas_desktop.ui.cues.cue_model import CueModel
from atlas_desktop.ui.cues.seek_bar import SEEK_BAR_PX, SeekBar
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import make_line
from atlas_desktop.ui.look.plain_widgets import make_label, set_tip
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel

_HEIGHT_PX = 52
_BUTTON_PX = 36
_SIDE_PX = 16


class CueStrip(QWidget):
    """One row of cues. Several strips may show the same cues."""

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._current_id: int | None = None
        self._given_id: int | None = None
        self._rows = CueModel(self)
        self._seek_bar = SeekBar(theme, self)
        self._list = CueList(self._rows, theme)
        self._play = self._make_button(self.tr("Play"), "play")
        self._pause = self._make_button(self.tr("Pause"), "pause")
        self._next = self._make_button(self.tr("Next"), "next")
        self._remove = self._make_button(self.tr("Remove"), "trash")
        self._empty = make_label(tone="dim", wraps=False)
        self._build()
        self._connect()
        self._take_session()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the seek bar; shorten the hint where there is little room."""
        super().resizeEvent(event)
        self._seek_bar.setGeometry(0, 0, self.width(), SEEK_BAR_PX)
        self._show_invitation()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the surface, and a line above."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("surface"))
        painter.fillRect(0, 0, self.width(), 1, self._theme.color("line"))
        painter.end()

    def _make_button(self, name: str, icon: str) -> Button:
        button = Button(self._theme, name, ButtonKind.QUIET, icon=icon)
        button.set_height(_BUTTON_PX)
        return button

    def _build(self) -> None:
        self.setFixedHeight(_HEIGHT_PX)
        self._list.setAccessibleName(self.tr("Cue strip"))
        self._list.setMinimumWidth(80)
        # At 280 px the text is cut; the window does not get wider.
        self._empty.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        line = make_line(self, margins_px=(0, 1, 0, 0))
        # Spacers, not margins: margins are not mirrored right to left.
        line.addSpacing(_SIDE_PX)
        line.addWidget(self._empty, 1)
        line.addWidget(self._list, 1)
        line.addSpacing(8)
        for button in self._buttons():
            line.addWidget(button)
        line.addSpacing(8)
        self._seek_bar.raise_()

    def _connect(self) -> None:
        self._play.clicked.connect(self._play_pressed)
        self._pause.clicked.connect(self._pause_pressed)
        self._next.clicked.connect(self._next_pressed)
        self._remove.clicked.connect(self._remove_pressed)
        self._seek_bar.seek_requested.connect(self._seek)
        self._list.play_requested.connect(self._play_row)
        self._list.remove_requested.connect(self._remove_row)
        self._list.choice_changed.connect(self._show_buttons)
        self._model.cues_changed.connect(self._take_cues)
        self._model.session_changed.connect(self._take_session)
        self._model.mode_changed.connect(self._take_session)

    def _buttons(self) -> tuple[Button, ...]:
        return self._play, self._pause, self._next, self._remove

    @Slot(object)
    def _take_cues(self, cues: tuple[Cue, ...]) -> None:
        before = len(self._rows.cues)
        self._rows.show_cues(cues)
        current = self._current()
        self._show_buttons()
        self._seek_bar.show_cue(current)
        if current is None:
            self._list.keep_in_sight(-1)
            if 0 < before < len(cues):
                self._given_id = cues[before].id
            self._show_given(cues)
        elif current.id != self._current_id:
            self._list.keep_in_sight(self._rows.cues.index(current))
        self._current_id = current.id if current is not None else None

    def _show_given(self, cues: tuple[Cue, ...]) -> None:
        """Scroll to the cue added last, and again once its length has made it wider."""
        for row, cue in enumerate(cues):
            if cue.id == self._given_id:
                self._list.scrollTo(self._rows.index(row))
                self._given_id = None if cue.duration_s is not None else cue.id

    @Slot()
    def _take_session(self) -> None:
        snapshot = self._model.snapshot
        self._rows.show_price(_price_per_hour_usd(snapshot))
        self._show_invitation()
        self._take_cues(self._model.cues)

    def _show_invitation(self) -> None:
        short = self.tr("Drop audio here")
        long = self.tr("Drop audio here: it is spoken in passthrough")
        fits = self._empty.fontMetrics().horizontalAdvance(long) <= self.width() - 2 * _SIDE_PX
        self._empty.setText(long if fits and self._mode() is not Mode.PASSTHROUGH else short)

    @Slot()
    def _show_buttons(self) -> None:
        cues, current = self._rows.cues, self._current()
        playing = current is not None and current.state is CueState.PLAYING
        speaks = self._speaks()
        alive = any(not cue.state.is_over for cue in cues)
        had_focus = self._play.hasFocus() or self._pause.hasFocus()
        self._empty.setVisible(not cues)
        self._list.setVisible(bool(cues))
        self._play.setVisible(bool(cues) and not playing)
        self._pause.setVisible(playing)
        self._next.setVisible(bool(cues))
        self._remove.setVisible(bool(cues))
        self._play.setEnabled(speaks)
        self._next.setEnabled(speaks and alive)
        self._remove.setEnabled(self._target() is not None)
        set_tip(self._play, self._play_tip(speaks))
        if had_focus:
            (self._pause if playing else self._play).setFocus(Qt.FocusReason.TabFocusReason)

    def _play_tip(self, speaks: bool) -> str:
        if speaks:
            return self.tr("Play")
        if self._mode() is not Mode.PASSTHROUGH:
            return self.tr("Play: sound is spoken in passthrough")
        return self.tr("Play: it is spoken as soon as the avatar is live")

    @Slot()
    def _play_pressed(self) -> None:
        cues = self._rows.cues
        row = self._list.chosen_row
        current = self._current()
        if current is None and 0 <= row < len(cues):
            self._play_row(row)
        elif current is not None or any(not cue.state.is_over for cue in cues):
            self._model.play_cue(None)
        elif cues:
            self._model.play_cue(cues[0].id)

    @Slot()
    def _pause_pressed(self) -> None:
        self._model.pause_cue()

    @Slot(float)
    def _seek(self, position_s: float) -> None:
        self._model.seek_cue(position_s)

    @Slot()
    def _next_pressed(self) -> None:
        self._model.next_cue()

    @Slot()
    def _remove_pressed(self) -> None:
        row = self._target()
        if row is not None:
            self._remove_row(row)

    @Slot(int)
    def _play_row(self, row: int) -> None:
        if self._speaks():
            self._model.play_cue(self._rows.cues[row].id)

    @Slot(int)
    def _remove_row(self, row: int) -> None:
        had_choice = self._list.chosen_row >= 0
        self._model.remove_cue(self._rows.cues[row].id)
        if had_choice:
            self._list.choose(row)

    def _current(self) -> Cue | None:
        """The cue that is spoken, or held in the middle."""
        cues = self._rows.cues
        playing = next((cue for cue in cues if cue.state is CueState.PLAYING), None)
        held = (
            cue for cue in cues if cue.is_current or (cue.state is CueState.PAUSED and cue.position_s > 0)
        )
        return playing or next(held, None)

    def _target(self) -> int | None:
        """The row that *Remove* is about."""
        chosen, current = self._list.chosen_row, self._current()
        if 0 <= chosen < len(self._rows.cues):
            return chosen
        return self._rows.cues.index(current) if current is not None else None

    def _mode(self) -> Mode:
        snapshot = self._model.snapshot
        return self._model.mode if snapshot.is_over else snapshot.mode

    def _speaks(self) -> bool:
        """Whether a cue that is played now is heard now."""
        snapshot, state = self._model.snapshot, self._model.snapshot.state
        present = snapshot.is_live or (isinstance(state, Reconnecting) and state.was_live)
        return present and snapshot.mode is Mode.PASSTHROUGH


def _price_per_hour_usd(snapshot: SessionSnapshot) -> float | None:
    """Return the price of an hour of passthrough; ``None`` where nothing is billed."""
    if not snapshot.billed:
        return None
    known = snapshot.price_per_hour_usd if snapshot.mode is Mode.PASSTHROUGH else None
    return FALLBACK_PER_HOUR_USD[Mode.PASSTHROUGH] if known is None else known
