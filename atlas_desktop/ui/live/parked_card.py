"""The card on the stage of a parked session: its cost, *Resume* and *Back to start*."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Mode
from atlas_desktop.session.life import Parked, Summary
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.ui.look.amounts import duration_words, hourly, money
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.flow import FlowLayout
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.ui.talk.plain_text import name_in_text

_WIDTH_PX = 340
_PADDING_PX = 22


class ParkedCard(CardFrame):
    """Shows what the session cost, and what *Resume* costs.

    Signals:
        back_requested(): Go to the start page.
    """

    back_requested = Signal()

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._mode = Mode.CONVERSATION
        self._snapshot = SessionSnapshot()
        self._title = make_label(size="heading", wraps=True)
        self._sum = make_label(wraps=True)
        self._sum.setFont(theme.font())
        self._sentence = make_label(tone="dim", wraps=True)
        self._unconfirmed = make_label(tone="danger", wraps=True)
        self.resume = Button(theme, self.tr("Resume"), ButtonKind.PRIMARY, costs=True)
        self._back = Button(theme, self.tr("Back to start"))
        self.resume.clicked.connect(model.resume)
        self._back.clicked.connect(self.back_requested)
        self._build()
        self.hide()

    def sizeHint(self) -> QSize:
        """Return the height its text needs at its width."""
        return QSize(_WIDTH_PX, max(self.heightForWidth(_WIDTH_PX), super().sizeHint().height()))

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show itself while the session is parked. Called in every state."""
        self._snapshot = snapshot
        is_parked = isinstance(snapshot.life, Parked)
        if is_parked:
            self._say()
        self.setVisible(is_parked)
        self.adjustSize()

    def show_mode(self, mode: Mode) -> None:
        """Show the price of the mode that *Resume* starts."""
        self._mode = mode
        self.show_snapshot(self._snapshot)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(_PADDING_PX, _PADDING_PX - 4, _PADDING_PX, _PADDING_PX)
        column.setSpacing(4)
        self._title.setText(self.tr("Parked"))
        for label in (self._title, self._sum, self._sentence, self._unconfirmed):
            column.addWidget(label)
        column.addSpacing(12)
        box = QWidget()
        flow = FlowLayout(box, gap_px=8)
        flow.addWidget(self.resume)
        flow.addWidget(self._back)
        column.addWidget(box)

    def _say(self) -> None:
        summary, billed = self._snapshot.summary, self._snapshot.billed
        self._sum.setVisible(summary is not None)
        if summary is not None:
            cost = self._cost(summary)
            self._sum.setText(f"{duration_words(summary.duration_s)} · {cost}")
            self._sum.setAccessibleName(self.tr("Cost: {cost}").format(cost=cost))
        price = hourly(FALLBACK_PER_HOUR_USD[self._mode])
        paid = self.tr(
            "Nothing is billed now. Face, cues and transcript stay. Resumed, it costs {price} per hour."
        )
        free = self.tr("Face, cues and transcript stay.")
        self._sentence.setText(paid.format(price=price) if billed else free)
        is_open = summary is not None and not summary.confirmed
        # "Nothing is billed now" would be untrue beside it.
        self._sentence.setHidden(is_open)
        self._unconfirmed.setVisible(is_open)
        if summary is not None and is_open:
            words = self.tr(
                "Atlas did not confirm the end of session {id}. It may still be running and cost money: "
                "check it in your Atlas account."
            )
            self._unconfirmed.setText(words.format(id=name_in_text(summary.session_id)))

    def _cost(self, summary: Summary) -> str:
        if not summary.billed:
            return self.tr("free")
        if summary.charged_usd is not None:
            return money(summary.charged_usd)
        return self.tr("about {cost}").format(cost=money(summary.estimated_usd))
