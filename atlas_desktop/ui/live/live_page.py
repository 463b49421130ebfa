"""The page of a session: stage, cue strip and control bar; in full screen the picture alone."""

from PySide6.QtCore import QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QResizeEvent
from PySide6.QtWidgets import QStyle, QWidget

from atlas_desktop.api.source import Face, Mode
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Parked
from atlas_desktop.ui.live.control_bar import ControlBar
from atlas_desktop.ui.live.figures import CallFigures
from atlas_desktop.ui.live.immersion import Immersion
from atlas_desktop.ui.live.stage import Stage
from atlas_desktop.ui.live.statistics_card import FiguresReader, StatisticsCard
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.keyboard_focus import is_typing
from atlas_desktop.ui.look.pictures import picture_of_face
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.seams import StageModel
from atlas_desktop.video.stage_view import PictureView

_CARD_EDGE_PX = 10
_CARD_LEAST_PX = 240
_POSTER_PX = 1024
_POSTER_VEIL_ALPHA = 150


class LivePage(QWidget):
    """Joins its parts to the model; ``seams.StageControls`` is what the window joins.

    Signals:
        full_screen_requested(bool), transcript_requested(bool), settings_requested(),
        open_audio_requested(), back_requested(): The window's matters.
    """

    full_screen_requested = Signal(bool)
    transcript_requested = Signal(bool)
    settings_requested = Signal()
    open_audio_requested = Signal()
    back_requested = Signal()

    def __init__(
        self,
        model: StageModel,
        theme: Theme,
        picture: PictureView,
        cues: QWidget,
        parent: QWidget | None = None,
        *,
        read_figures: FiguresReader = CallFigures,
    ) -> None:
        """Makes the page around ``picture`` and the cue strip ``cues``; both become its own.

        ``read_figures`` is asked once a second while the statistics are open.
        """
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._picture = picture
        self._full = False
        self._stage = Stage(theme, picture, self)
        self._read_figures = read_figures
        self._statistics: StatisticsCard | None = None
        self._cues = cues
        cues.setParent(self)
        self._bar = ControlBar(theme, self)
        chrome = (*self._stage.overlay.widgets, self._cues, self._bar)
        self._immersion = Immersion(theme, self._stage, chrome)
        self.setFocusProxy(self._stage)
        self._connect_model()
        self._connect_parts()
        self._show_everything()

    def show_full_screen(self, full: bool) -> None:
        """The picture alone, controls over it that fade after 3 s; or the page as it was."""
        self._full = full
        self._stage.overlay.show_full_screen(full)
        self._picture.set_bars(QColor(Qt.GlobalColor.black) if full else self._theme.color("stage"))
        self._immersion.set_on(full)
        self._place()

    def show_transcript(self, shown: bool) -> None:
        """Sets the *Transcript* toggle."""
        self._stage.overlay.transcript.show_checked(shown)

    @property
    def paid_control(self) -> Button | None:
        """What starts a session here: *Resume*, while it is parked."""
        parked = self._stage.parked
        return parked.resume if parked.isVisibleTo(self._stage) else None

    @Slot()
    def toggle_statistics(self) -> None:
        """Opens the statistics, or closes them."""
        if not self.close_statistics():
            self._open_statistics()

    @Slot()
    def close_statistics(self) -> bool:
        """Closes the statistics. False when they were not open."""
        card = self._statistics
        if card is None or card.isHidden():
            return False
        focused: QWidget | None = self.window().focusWidget()
        if focused is not None and card.isAncestorOf(focused):
            # Else Qt takes the next in line, and that is the microphone.
            self._stage.setFocus(Qt.FocusReason.OtherFocusReason)
        card.hide()
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Places everything."""
        super().resizeEvent(event)
        self._place()

    def _open_statistics(self) -> None:
        if self._statistics is None:
            self._statistics = StatisticsCard(self._theme, self._read_figures, self._stage)
            self._statistics.close_requested.connect(self.close_statistics)
        self._statistics.show()
        self._place_statistics()
        self._statistics.raise_()
        self._statistics.announce()

    def _place_statistics(self) -> None:
        """Below the pills where there is room, else over them."""
        card, area = self._statistics, self._stage.rect()
        if card is None or card.isHidden():
            return
        wanted = card.sizeHint()
        width = min(wanted.width(), area.width() - 2 * _CARD_EDGE_PX)
        bottom = self._bar.y() if self._full else area.height()
        top = self._stage.overlay.below_pills_px + _CARD_EDGE_PX
        if bottom - top - _CARD_EDGE_PX < min(wanted.height(), _CARD_LEAST_PX):
            top = _CARD_EDGE_PX
        height = min(wanted.height(), bottom - top - _CARD_EDGE_PX)
        spot = QRect(_CARD_EDGE_PX, top, width, height)
        card.setGeometry(QStyle.visualRect(self.layoutDirection(), area, spot))

    def _connect_model(self) -> None:
        model = self._model
        model.session_changed.connect(self._show_snapshot)
        model.mode_changed.connect(self._show_mode)
        model.face_changed.connect(self._show_face)
        model.volume_changed.connect(self._show_volume)
        model.microphone_level_changed.connect(self._bar.show_level)
        self._theme.changed.connect(self._show_everything)

    def _connect_parts(self) -> None:
        model, bar, stage = self._model, self._bar, self._stage
        stage.steps.cancel_requested.connect(model.cancel)
        stage.steps.keep_waiting_requested.connect(model.keep_waiting)
        stage.steps.end_requested.connect(model.end)
        stage.talk_requested.connect(model.set_talking)
        stage.full_screen_requested.connect(self.full_screen_requested)
        stage.overlay.transcript_requested.connect(self.transcript_requested)
        stage.overlay.statistics_requested.connect(self.toggle_statistics)
        bar.microphone_requested.connect(model.set_microphone)
        bar.interrupt_requested.connect(model.interrupt)
        bar.mode_requested.connect(model.set_mode)
        bar.volume_requested.connect(model.set_volume)
        bar.muted_requested.connect(model.set_muted)
        stage.gone.wait_requested.connect(model.keep_waiting)
        stage.gone.end_requested.connect(model.end)
        stage.gone.start_anew_requested.connect(model.start_anew)
        stage.parked.resume_requested.connect(model.resume)
        stage.parked.back_requested.connect(self.back_requested)
        bar.park_requested.connect(model.park)
        bar.end_requested.connect(model.end)
        bar.settings_requested.connect(self.settings_requested)
        bar.open_audio_requested.connect(self.open_audio_requested)

    @Slot()
    def _show_everything(self) -> None:
        model = self._model
        self._show_snapshot(model.snapshot)
        self._show_mode(model.mode)
        self._show_volume(model.settings.volume, model.muted)
        if model.face is not None:
            self._show_face(model.face)
        self.show_full_screen(self._full)

    @Slot(object)
    def _show_snapshot(self, snapshot: SessionSnapshot) -> None:
        focused: QWidget | None = self.window().focusWidget()
        on_card = focused is not None and any(card.isAncestorOf(focused) for card in self._stage.cards)
        rested, rests = self._stage.parked.isVisibleTo(self._stage), isinstance(snapshot.state, Parked)
        self._stage.show_snapshot(snapshot)
        if on_card and focused is not None and not focused.isVisibleTo(self._stage):
            # Else Qt takes the next in line, and that is the microphone.
            self._stage.setFocus(Qt.FocusReason.OtherFocusReason)
        if rests and not rested and not is_typing(self):
            self._stage.parked.resume.setFocus()
        self._bar.show_snapshot(snapshot)
        # The pills may have found another place, and the card other words.
        self._place_statistics()

    @Slot(object)
    def _show_mode(self, mode: Mode) -> None:
        self._bar.show_mode(mode)
        self._stage.parked.show_mode(mode)

    @Slot(int, bool)
    def _show_volume(self, volume: int, muted: bool) -> None:
        self._bar.show_volume(volume, muted=muted)

    @Slot(object)
    def _show_face(self, face: Face) -> None:
        self._picture.set_poster(_veiled(picture_of_face(face, _POSTER_PX)))

    def _place(self) -> None:
        box = self.rect()
        bar_px = self._bar.heightForWidth(box.width())
        cues_px = self._cues.sizeHint().expandedTo(self._cues.minimumSize()).height()
        bar = QRect(0, box.height() - bar_px, box.width(), bar_px)
        cues = QRect(0, bar.top() - cues_px, box.width(), cues_px)
        above = QRect(0, 0, box.width(), max(0, cues.top()))
        self._stage.setGeometry(box if self._full else above)
        self._cues.setGeometry(cues)
        self._bar.setGeometry(bar)
        for widget in (self._cues, self._bar):
            widget.raise_()
        self._place_statistics()


def _veiled(face: QImage) -> QImage | None:
    """The chosen face, darkened: what is seen until the avatar itself appears."""
    if face.isNull():
        return None
    poster = face.convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(poster)
    painter.fillRect(QRectF(poster.rect()), QColor(0, 0, 0, _POSTER_VEIL_ALPHA))
    painter.end()
    return poster
