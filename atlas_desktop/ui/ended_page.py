"""The page after a session: what it was, what it cost, or why it failed and what to do."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError
from atlas_desktop.session.life import Ended, Failed, Summary
from atlas_desktop.ui.desks.notices import error_words
from atlas_desktop.ui.look.amounts import clock, duration_words, money
from atlas_desktop.ui.look.card_frame import CardFrame
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.flow import FlowLayout
from atlas_desktop.ui.look.labels import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.plain_text import shown_name

_CARD_PX = 440
_PADDING_PX = 28

Over = Ended | Failed


class EndedPage(QScrollArea):
    """One card in the middle. Built anew for each end: it is shown rarely and then stands still.

    Signals:
        start_again_requested(): The same once more.
        retry_requested(): The same once more, after a failure.
        save_requested(): Save the transcript to a file.
        back_requested(): To the start page.
        history_requested(): What earlier sessions were and cost.
    """

    start_again_requested = Signal()
    retry_requested = Signal()
    save_requested = Signal()
    back_requested = Signal()
    history_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._first: Button | None = None
        self._card: CardFrame | None = None
        self._has_history = False
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    @property
    def first_control(self) -> QWidget | None:
        """The most likely next step."""
        return self._first

    def offer_history(self) -> None:
        """There is a history of paid sessions to be shown."""
        self._has_history = True

    def show_end(self, over: Over) -> None:
        """Shows how a session ended."""
        card = CardFrame(self._theme)
        card.setFixedWidth(min(_CARD_PX, max(240, self.width() - 32)))
        self._fill(card, over)
        page = QWidget()
        page.setObjectName("page")
        outer = QVBoxLayout(page)
        outer.setContentsMargins(16, 56, 16, 16)
        outer.addWidget(card, 0, Qt.AlignmentFlag.AlignCenter)
        self._card = card
        self.setWidget(page)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The card gives way in a narrow window."""
        super().resizeEvent(event)
        if self._card is not None:
            self._card.setFixedWidth(min(_CARD_PX, max(240, self.width() - 32)))

    def _fill(self, card: QWidget, over: Over) -> None:
        column = QVBoxLayout(card)
        column.setContentsMargins(_PADDING_PX, _PADDING_PX - 4, _PADDING_PX, _PADDING_PX)
        column.setSpacing(0)
        self._add_heading(column, over)
        summary = over.summary
        if summary is not None:
            column.addSpacing(14)
            column.addLayout(self._facts(summary, failed=isinstance(over, Failed)))
        open_id = _open_session(over)
        if open_id:
            column.addSpacing(16)
            column.addWidget(self._unconfirmed(open_id))
        column.addSpacing(22)
        column.addWidget(self._actions(over))

    def _add_heading(self, column: QVBoxLayout, over: Over) -> None:
        failed = isinstance(over, Failed)
        caption = make_label(
            self.tr("The session failed") if failed else self.tr("Session ended"),
            tone="danger" if failed else "dim",
            size="small",
        )
        caption.setAccessibleName(
            self.tr("Session state: Failed") if failed else self.tr("Session state: Ended")
        )
        column.addWidget(caption)
        column.addSpacing(2)
        if isinstance(over, Ended) and over.reason is not None:
            self._add_reason(column, over.reason)
        if isinstance(over, Failed):
            title, advice = error_words(over.error)
            column.addWidget(make_label(title, size="heading", wraps=True))
            # "It was ended" would be untrue beside "its end was not confirmed".
            if advice and not _open_session(over):
                column.addSpacing(6)
                column.addWidget(make_label(advice, tone="dim", wraps=True))
        elif over.summary is not None:
            column.addWidget(make_label(self._headline(over.summary), size="title", wraps=True))

    def _add_reason(self, column: QVBoxLayout, reason: AppError) -> None:
        """Why it was ended unasked, above what it was."""
        title, advice = error_words(reason)
        column.addWidget(make_label(title, size="heading", wraps=True))
        if advice:
            column.addSpacing(4)
            column.addWidget(make_label(advice, tone="dim", wraps=True))
        column.addSpacing(14)

    def _headline(self, summary: Summary) -> str:
        cost = self._cost(summary) if summary.billed else self.tr("free")
        return f"{duration_words(summary.duration_s)} · {cost}"

    def _cost(self, summary: Summary) -> str:
        if summary.charged_usd is not None:
            return money(summary.charged_usd)
        return self.tr("about {cost}").format(cost=money(summary.estimated_usd))

    def _facts(self, summary: Summary, *, failed: bool) -> QGridLayout:
        elapsed = self.tr("Elapsed: {time}").format(time=clock(summary.duration_s))
        # Where nothing failed the headline says it already.
        rows = [(self.tr("Duration"), duration_words(summary.duration_s), elapsed)] if failed else []
        if summary.billed:
            stated = summary.charged_usd is not None
            cost = self._cost(summary)
            caption = self.tr("Charged by Atlas") if stated else self.tr("By our own clock")
            rows.append((caption, cost, self.tr("Cost: {cost}").format(cost=cost)))
        else:
            free = self.tr("Free, on this computer")
            rows.append((self.tr("Rehearsal"), free, self.tr("Cost: {cost}").format(cost=self.tr("free"))))
        mode = self.tr("Conversation") if summary.mode is Mode.CONVERSATION else self.tr("Passthrough")
        rows.append((self.tr("Mode"), mode, ""))
        rows.append((self.tr("Messages"), str(summary.messages), ""))
        grid = QGridLayout()
        grid.setVerticalSpacing(8)
        grid.setHorizontalSpacing(16)
        grid.setColumnStretch(0, 1)
        for number, (caption, value, name) in enumerate(rows):
            label = make_label(value)
            label.setFont(self._theme.font())
            label.setAccessibleName(name or f"{caption}: {value}")
            grid.addWidget(make_label(caption, tone="dim"), number, 0)
            grid.addWidget(label, number, 1)
        return grid

    def _unconfirmed(self, session_id: str) -> QLabel:
        words = self.tr(
            "Atlas did not confirm the end of session {id}. It may still be running and cost money: "
            "check it in your Atlas account."
        )
        label = make_label(words.format(id=shown_name(session_id)), tone="danger", wraps=True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _actions(self, over: Over) -> QWidget:
        box = QWidget()
        flow = FlowLayout(box, gap_px=10)
        failed = isinstance(over, Failed)
        # Where trying again can't help, the way to what can is the first.
        hopeless = isinstance(over, Failed) and not over.error.retryable
        first, later = ButtonKind.PRIMARY, ButtonKind.PLAIN
        words = self.tr("Retry") if failed else self.tr("Start again")
        again = Button(self._theme, words, later if hopeless else first)
        again.clicked.connect(self.retry_requested if failed else self.start_again_requested)
        back = Button(self._theme, self.tr("Back to start"), first if hopeless else later)
        back.clicked.connect(self.back_requested)
        self._first = back if hopeless else again
        flow.addWidget(self._first)
        if over.summary is not None and over.summary.messages:
            save = Button(self._theme, self.tr("Save transcript…"))
            save.clicked.connect(self.save_requested)
            flow.addWidget(save)
        flow.addWidget(again if hopeless else back)
        if self._has_history and over.summary is not None and over.summary.billed:
            history = Button(self._theme, self.tr("Sessions and cost"), ButtonKind.LINK)
            history.clicked.connect(self.history_requested)
            flow.addWidget(history)
        return box


def _open_session(over: Over) -> str:
    """The id of a session whose end was not confirmed; empty when it was."""
    if isinstance(over, Failed) and over.session_id:
        return over.session_id
    summary = over.summary
    return summary.session_id if summary is not None and not summary.confirmed else ""
