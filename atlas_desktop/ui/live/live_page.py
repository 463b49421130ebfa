"""The page of a session: stage, cue strip and control bar; in full screen the picture alone."""

from PySide6.QtCore import QRect, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QResizeEvent
from PySide6.QtWidgets import QStyle, QWidget

from atlas_desktop.api.source import Face
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Parked
from atlas_desktop.ui.live.auto_hide_controls import AutoHideControls
from atlas_desktop.ui.live.call_statistics import CallFigures
from atlas_desktop.ui.live.control_bar import ControlBar
from atlas_desktop.ui.live.live_stage import LiveStage
from atlas_desktop.ui.live.statistics_card import FiguresReader, StatisticsCard
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.focus import is_typing
from atlas_desktop.ui.look.pictures import picture_of_face
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.video.picture_view import PictureView

_CARD_EDGE_PX = 10
_CARD_LEAST_PX = 240
_POSTER_PX = 1024
_POSTER_VEIL_ALPHA = 150


class LivePage(QWidget):
    """Shows the model's session; ``WindowWiring.join_live`` connects what the window handles.

    Attributes:
        stage: The picture and all that lies on it.
        bar: The control bar.
    """

    def __init__(
        self,
        model: AppModel,
        theme: Theme,
        picture: PictureView,
        cues: QWidget,
        parent: QWidget | None = None,
        *,
        read_figures: FiguresReader = CallFigures,
    ) -> None:
        """Build the page around ``picture`` and the cue strip ``cues``, and take ownership of both.

        ``read_figures`` is called once a second while the statistics are open.
        """
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._picture = picture
        self._full = False
        self.stage = LiveStage(model, theme, picture, self)
        self._read_figures = read_figures
        self._statistics: StatisticsCard | None = None
        self._cues = cues
        cues.setParent(self)
        self.bar = ControlBar(model, theme, self)
        chrome = (*self.stage.overlay.widgets, self._cues, self.bar)
        self._auto_hide = AutoHideControls(theme, self.stage, chrome)
        self.setFocusProxy(self.stage)
        self._connect_model()
        self.stage.overlay.statistics_requested.connect(self.toggle_statistics)
        self._show_everything()

    def show_full_screen(self, full: bool) -> None:
        """Show the picture alone, with controls that hide after 3 s; or the whole page."""
        self._full = full
        self.stage.overlay.show_full_screen(full)
        self._picture.set_bars(QColor(Qt.GlobalColor.black) if full else self._theme.color("stage"))
        self._auto_hide.set_on(full)
        self._place()

    def show_transcript(self, shown: bool) -> None:
        """Set the *Transcript* toggle."""
        self.stage.overlay.transcript.show_checked(shown)

    @property
    def paid_control(self) -> Button | None:
        """*Resume*, while the session is parked: the one control here that starts a paid session."""
        parked = self.stage.parked
        return parked.resume if parked.isVisibleTo(self.stage) else None

    @Slot()
    def toggle_statistics(self) -> None:
        """Open the statistics, or close them."""
        if not self.close_statistics():
            self._open_statistics()

    @Slot()
    def close_statistics(self) -> bool:
        """Close the statistics. False when they were not open."""
        card = self._statistics
        if card is None or card.isHidden():
            return False
        focused: QWidget | None = self.window().focusWidget()
        if focused is not None and card.isAncestorOf(focused):
            # Else Qt focuses the next widget, the microphone.
            self.stage.setFocus(Qt.FocusReason.OtherFocusReason)
        card.hide()
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out the parts."""
        super().resizeEvent(event)
        self._place()

    def _open_statistics(self) -> None:
        if self._statistics is None:
            self._statistics = StatisticsCard(self._theme, self._read_figures, self.stage)
            self._statistics.close_requested.connect(self.close_statistics)
        self._statistics.show()
        self._place_statistics()
        self._statistics.raise_()
        self._statistics.announce()

    def _place_statistics(self) -> None:
        """Place the card below the pills where there is room, else over them."""
        card, area = self._statistics, self.stage.rect()
        if card is None or card.isHidden():
            return
        wanted = card.sizeHint()
        width = min(wanted.width(), area.width() - 2 * _CARD_EDGE_PX)
        bottom = self.bar.y() if self._full else area.height()
        top = self.stage.overlay.below_pills_px + _CARD_EDGE_PX
        if bottom - top - _CARD_EDGE_PX < min(wanted.height(), _CARD_LEAST_PX):
            top = _CARD_EDGE_PX
        height = min(wanted.height(), bottom - top - _CARD_EDGE_PX)
        spot = QRect(_CARD_EDGE_PX, top, width, height)
        card.setGeometry(QStyle.visualRect(self.layoutDirection(), area, spot))

    def _connect_model(self) -> None:
        model = self._model
        model.session_changed.connect(self._show_snapshot)
        model.face_changed.connect(self._show_face)
        self._theme.changed.connect(self._show_everything)

    @Slot()
    def _show_everything(self) -> None:
        model = self._model
        self._show_snapshot(model.snapshot)
        if model.face is not None:
            self._show_face(model.face)
        self.show_full_screen(self._full)

    @Slot(object)
    def _show_snapshot(self, snapshot: SessionSnapshot) -> None:
        focused: QWidget | None = self.window().focusWidget()
        on_card = focused is not None and any(card.isAncestorOf(focused) for card in self.stage.cards)
        rested, rests = self.stage.parked.isVisibleTo(self.stage), isinstance(snapshot.state, Parked)
        self.stage.show_snapshot(snapshot)
        if on_card and focused is not None and not focused.isVisibleTo(self.stage):
            # Else Qt focuses the next widget, the microphone.
            self.stage.setFocus(Qt.FocusReason.OtherFocusReason)
        if rests and not rested and not is_typing(self):
            self.stage.parked.resume.setFocus()
        self.bar.show_snapshot(snapshot)
        # The pills may have moved, and the size of the card changed.
        self._place_statistics()

    @Slot(object)
    def _show_face(self, face: Face) -> None:
        self._picture.set_poster(_veiled(picture_of_face(face, _POSTER_PX)))

    def _place(self) -> None:
        box = self.rect()
        bar_px = self.bar.heightForWidth(box.width())
        cues_px = self._cues.sizeHint().expandedTo(self._cues.minimumSize()).height()
        bar = QRect(0, box.height() - bar_px, box.width(), bar_px)
        cues = QRect(0, bar.top() - cues_px, box.width(), cues_px)
        above = QRect(0, 0, box.width(), max(0, cues.top()))
        self.stage.setGeometry(box if self._full else above)
        self._cues.setGeometry(cues)
        self.bar.setGeometry(bar)
        for widget in (self._cues, self.bar):
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
