"""The page after a session: its duration and cost, or why it failed and what to do."""

from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError
from atlas_desktop.session.state import Ended, Failed, Summary
from atlas_desktop.ui.controllers.notices import error_texts
from atlas_desktop.ui.look.amounts import clock, duration_words, money, number
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.focus import holds_focus
from atlas_desktop.ui.look.layouts import FlowLayout, make_column
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label
from atlas_desktop.ui.look.theme import Theme

_CARD_PX = 440
_PADDING_PX = 28

Over = Ended | Failed


class EndedPage(QScrollArea):
    """One card in the middle, rebuilt for each end: it is shown rarely and then stays as it is.

    Signals:
        start_again_requested(): The same once more.
        save_requested(): Save the transcript to a file.
        back_requested(): To the start page.
        history_requested(): What earlier sessions were and cost.
    """

    start_again_requested = Signal()
    save_requested = Signal()
    back_requested = Signal()
    history_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._first: Button | None = None
        self._again: Button | None = None
        self._steps: list[Button] = []
        self._card: CardFrame | None = None
        self._messages = 0
        self._has_history = False
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Not reached by Tab, but Tab leads from here to the buttons.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    @property
    def first_control(self) -> QWidget | None:
        """The most likely next step."""
        return self._first

    @property
    def paid_control(self) -> Button | None:
        """The button that starts a session."""
        return self._again

    def offer_history(self) -> None:
        """Offer *Sessions and cost* from now on."""
        self._has_history = True

    def show_end(self, over: Over, messages: int | None = None) -> None:
        """Show how a session ended.

        Args:
            over: How.
            messages: How many the transcript holds, of all that it was switched from, too; by default as
                many as the session counted.
        """
        counted = over.summary.messages if over.summary is not None else 0
        self._messages = counted if messages is None else messages
        # The focused button goes with the old card; the one Qt would focus next may cost money.
        had_focus = holds_focus(self)
        card = CardFrame(self._theme)
        card.setFixedWidth(min(_CARD_PX, max(240, self.width() - 32)))
        self._fill(card, over)
        page = QWidget()
        page.setObjectName("page")
        outer = QVBoxLayout(page)
        outer.setContentsMargins(16, 56, 16, 16)
        outer.addWidget(card, 0, Qt.AlignmentFlag.AlignCenter)
        self._card = card
        self.setAccessibleName(self._state_name(over))
        if had_focus:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.setWidget(page)
        # The card is the newest widget of the window: Tab would reach it last.
        for before, step in pairwise((self, *self._steps)):
            QWidget.setTabOrder(before, step)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The card gives way in a narrow window."""
        super().resizeEvent(event)
        if self._card is not None:
            self._card.setFixedWidth(min(_CARD_PX, max(240, self.width() - 32)))

    def _fill(self, card: QWidget, over: Over) -> None:
        column = make_column(card, margins_px=(_PADDING_PX, _PADDING_PX - 4, _PADDING_PX, _PADDING_PX))
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
        caption.setAccessibleName(self._state_name(over))
        column.addWidget(caption)
        column.addSpacing(2)
        if isinstance(over, Ended) and over.reason is not None:
            self._add_reason(column, over.reason)
        if isinstance(over, Failed):
            title, advice = error_texts(over.error)
            column.addWidget(make_label(title, size="heading", wraps=True))
            # "It was ended" would be untrue beside "its end was not confirmed".
            if advice and not _open_session(over):
                column.addSpacing(6)
                column.addWidget(make_label(advice, tone="dim", wraps=True))
        elif over.summary is not None:
            column.addWidget(make_label(self._headline(over.summary), size="title", wraps=True))

    def _state_name(self, over: Over) -> str:
        failed = isinstance(over, Failed)
        return self.tr("Session state: Failed") if failed else self.tr("Session state: Ended")

    def _add_reason(self, column: QVBoxLayout, reason: AppError) -> None:
        """Add the reason of an unrequested end, above the summary."""
        title, advice = error_texts(reason)
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
        # Without a failure the headline says it already.
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
        rows.append((self.tr("Messages"), number(self._messages), ""))
        grid = QGridLayout()
        grid.setVerticalSpacing(8)
        grid.setHorizontalSpacing(16)
        grid.setColumnStretch(0, 1)
        for row, (caption, value, name) in enumerate(rows):
            label = make_label(value)
            label.setFont(self._theme.font())
            label.setAccessibleName(name or f"{caption}: {value}")
            grid.addWidget(make_label(caption, tone="dim"), row, 0)
            grid.addWidget(label, row, 1)
        return grid

    def _unconfirmed(self, session_id: str) -> QLabel:
        words = self.tr(
            "Atlas did not confirm the end of session {id}. It may still be running and cost money: "
            "check it in your Atlas account."
        )
        label = make_label(words.format(id=name_in_text(session_id)), tone="danger", wraps=True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _actions(self, over: Over) -> QWidget:
        box = QWidget()
        flow = FlowLayout(box, gap_px=10)
        failed = isinstance(over, Failed)
        # Where a retry can't help, *Back to start* is the first button.
        hopeless = isinstance(over, Failed) and not over.error.retryable
        first, later = ButtonKind.PRIMARY, ButtonKind.PLAIN
        words = self.tr("Retry") if failed else self.tr("Start again")
        again = Button(self._theme, words, later if hopeless else first, costs=True)
        again.clicked.connect(self.start_again_requested)
        back = Button(self._theme, self.tr("Back to start"), first if hopeless else later)
        back.clicked.connect(self.back_requested)
        self._again = again
        self._first, last = (back, again) if hopeless else (again, back)
        self._steps = [self._first, last]
        if self._messages:
            save = Button(self._theme, self.tr("Save transcript…"))
            save.clicked.connect(self.save_requested)
            self._steps.insert(1, save)
        if self._has_history and over.summary is not None and over.summary.billed:
            history = Button(self._theme, self.tr("Sessions and cost"), ButtonKind.LINK)
            history.clicked.connect(self.history_requested)
            self._steps.append(history)
        for step in self._steps:
            flow.addWidget(step)
        return box


def _open_session(over: Over) -> str:
    """The id of a session whose end was not confirmed; empty when it was."""
    if isinstance(over, Failed) and over.session_id:
        return over.session_id
    summary = over.summary
    return summary.session_id if summary is not None and not summary.confirmed else ""
