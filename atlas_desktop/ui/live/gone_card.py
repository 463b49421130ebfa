"""The card on the stage of a live session whose avatar has left: *Wait*, *Start anew*, *End session*."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QVBoxLayout, QWidget

from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.flow import FlowLayout
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel

_WIDTH_PX = 364
_PADDING_PX = 22


class AvatarGoneCard(CardFrame):
    """Asks whether to wait for the avatar, to end the session or to start another."""

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._title = make_label(size="heading", wraps=True)
        self._sentence = make_label(tone="dim", wraps=True)
        self._waiting = make_label(tone="dim", wraps=True)
        self.wait = Button(theme, self.tr("Wait"), ButtonKind.PRIMARY, costs=True)
        self._start_anew = Button(theme, self.tr("Start anew"), costs=True)
        self._end = Button(theme, self.tr("End session"), ButtonKind.DANGER)
        self.wait.clicked.connect(model.keep_waiting)
        self._start_anew.clicked.connect(model.start_anew)
        self._end.clicked.connect(model.end)
        self._build()
        self.hide()

    def sizeHint(self) -> QSize:
        """Return the height its text needs at its width."""
        return QSize(_WIDTH_PX, max(self.heightForWidth(_WIDTH_PX), super().sizeHint().height()))

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show itself while the avatar is gone. Called in every state."""
        if snapshot.avatar_gone:
            self._say(snapshot)
        self.setVisible(snapshot.avatar_gone)
        self.adjustSize()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(_PADDING_PX, _PADDING_PX - 4, _PADDING_PX, _PADDING_PX)
        column.setSpacing(4)
        self._title.setText(self.tr("The avatar has left"))
        for label in (self._title, self._sentence, self._waiting):
            column.addWidget(label)
        column.addSpacing(12)
        box = QWidget()
        flow = FlowLayout(box, gap_px=8)
        for button in (self.wait, self._start_anew, self._end):
            flow.addWidget(button)
        column.addWidget(box)

    def _say(self, snapshot: SessionSnapshot) -> None:
        billed = self.tr("It is billed meanwhile, and ends by itself after a minute without an answer.")
        free = self.tr("The session ends by itself after a minute without an answer.")
        self._sentence.setText(billed if snapshot.billed else free)
        self._waiting.setText(self.tr("What you write is kept, and sent when somebody is there to read it."))
        self._waiting.setVisible(snapshot.unsent > 0)
