"""The cards in the middle of the stage: a session that connects, is parked, or has lost its avatar."""

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Mode
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Ending, Joining, Parked, Requesting, SessionState, Summary, Waiting
from atlas_desktop.ui.look.amounts import duration_words, fill, hourly, money
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import flow_box, make_column
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label, set_tone
from atlas_desktop.ui.look.spinner import StepMark, StepState
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel

_PADDING_PX = 22


class StageCard(CardFrame):
    """A title and lines of text above a row of buttons. Its ``show_snapshot`` is called in every state."""

    def __init__(self, theme: Theme, width_px: int, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._width_px = width_px
        margins_px = (_PADDING_PX, _PADDING_PX - 4, _PADDING_PX, _PADDING_PX)
        self._column = make_column(self, spacing_px=4, margins_px=margins_px)

    def sizeHint(self) -> QSize:
        """Return the height its text needs at its width."""
        height = max(self.heightForWidth(self._width_px), super().sizeHint().height())
        return QSize(self._width_px, height)

    def add_labels(self, *labels: QLabel) -> None:
        """Put labels below each other."""
        for label in labels:
            self._column.addWidget(label)

    def add_buttons(self, *buttons: Button) -> None:
        """Put buttons side by side, last."""
        self._column.addSpacing(12)
        self._column.addWidget(flow_box(*buttons, gap_px=8))


class ConnectingCard(StageCard):
    """Request session → Join room → Wait for avatar, with elapsed time and *Cancel*."""

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, 340, parent)
        self._title = make_label(size="heading", wraps=True)
        self._sentence = make_label(tone="dim", wraps=True)
        self._elapsed = make_label(tone="dim")
        self._elapsed.setFont(theme.font())
        self._marks = [StepMark(theme) for _ in range(3)]
        self._steps = [make_label(tone="dim", wraps=True) for _ in range(3)]
        self._timed_life: SessionState | None = None
        self._timed_from_s = 0.0
        self._cancel = Button(theme, self.tr("Cancel"))
        self._keep_waiting = Button(theme, self.tr("Keep waiting"), ButtonKind.PRIMARY, costs=True)
        self._end = Button(theme, self.tr("End session"), ButtonKind.DANGER)
        self._cancel.clicked.connect(model.end)
        self._keep_waiting.clicked.connect(model.keep_waiting)
        self._end.clicked.connect(model.end)
        self.add_labels(self._title, self._sentence)
        self._column.addSpacing(10)
        self._column.addLayout(self._make_steps())
        self.add_buttons(self._keep_waiting, self._end, self._cancel)

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show the progress. Called in every state; hides itself once the session is live."""
        state = snapshot.state
        if isinstance(state, Ending):
            self._show_ending()
        elif isinstance(state, Requesting | Joining | Waiting):
            self._show_steps(snapshot, state)
        self.setVisible(isinstance(state, Ending | Requesting | Joining | Waiting))
        self.adjustSize()

    def _make_steps(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for number, (mark, step) in enumerate(zip(self._marks, self._steps, strict=True)):
            grid.addWidget(mark, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(step, number, 1)
        grid.addWidget(self._elapsed, 0, 2, Qt.AlignmentFlag.AlignTop)
        return grid

    def _show_steps(self, snapshot: SessionSnapshot, state: Requesting | Joining | Waiting) -> None:
        late = snapshot.avatar_late
        self._title.setText(self._heading(snapshot))
        self._sentence.setText(self._advice(snapshot))
        self._sentence.setVisible(bool(self._sentence.text()))
        going_on = (Requesting, Joining, Waiting).index(type(state))
        texts = (self._request_text(snapshot), self.tr("Join room"), self.tr("Wait for avatar"))
        for number, (mark, label, text) in enumerate(zip(self._marks, self._steps, texts, strict=True)):
            step = _state_of(number, going_on)
            mark.set_state(step)
            _show_step(label, text, step, self.tr("done") if step is StepState.DONE else "")
            for widget in (mark, label):
                widget.show()
        self._elapsed.setText(fill(self.tr("{seconds} s"), seconds=int(snapshot.connecting_s)))
        self._elapsed.setVisible(snapshot.connecting_s >= 1)
        self._cancel.setVisible(not late)
        self._keep_waiting.setVisible(late)
        self._end.setVisible(late)

    def _heading(self, snapshot: SessionSnapshot) -> str:
        if snapshot.avatar_late:
            return self.tr("The avatar has not appeared")
        if snapshot.billed:
            return self.tr("Connecting to {place}").format(
                place=name_in_text(snapshot.source_label or "Atlas")
            )
        return self.tr("Starting the rehearsal")

    def _advice(self, snapshot: SessionSnapshot) -> str:
        if not snapshot.avatar_late:
            return ""
        if snapshot.billed:
            return self.tr("It is billed meanwhile, and ends by itself after a minute without an answer.")
        return self.tr("The session ends by itself after a minute without an answer.")

    def _request_text(self, snapshot: SessionSnapshot) -> str:
        if snapshot.state is not self._timed_life:
            self._timed_life, self._timed_from_s = snapshot.state, snapshot.connecting_s
        left_s = (snapshot.retry_in_s or 0.0) - (snapshot.connecting_s - self._timed_from_s)
        if left_s <= 0:
            return self.tr("Request session")
        return fill(self.tr("Atlas is busy: next try in {seconds} s"), seconds=max(1, round(left_s)))

    def _show_ending(self) -> None:
        self._title.setText(self.tr("Ending the session"))
        self._sentence.hide()
        for number, (mark, label) in enumerate(zip(self._marks, self._steps, strict=True)):
            mark.setVisible(number == 0)
            label.setVisible(number == 0)
        self._marks[0].set_state(StepState.GOING_ON)
        _show_step(self._steps[0], self.tr("Tell the server that it is over"), StepState.GOING_ON, "")
        for widget in (self._elapsed, self._cancel, self._keep_waiting, self._end):
            widget.hide()


def _state_of(number: int, going_on: int) -> StepState:
    if number < going_on:
        return StepState.DONE
    return StepState.GOING_ON if number == going_on else StepState.TO_DO


def _show_step(label: QLabel, text: str, state: StepState, suffix: str) -> None:
    label.setText(text)
    label.setAccessibleName(f"{text}, {suffix}" if suffix else text)
    set_tone(label, "" if state is StepState.GOING_ON else "dim")


class ParkedCard(StageCard):
    """Shows what the session cost, and what *Resume* costs.

    Signals:
        back_requested(): Go to the start page.
    """

    back_requested = Signal()

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, 340, parent)
        self._mode = model.mode
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
        self._title.setText(self.tr("Parked"))
        self.add_labels(self._title, self._sum, self._sentence, self._unconfirmed)
        self.add_buttons(self.resume, self._back)
        model.mode_changed.connect(self.show_mode)
        self.hide()

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show itself while the session is parked. Called in every state."""
        self._snapshot = snapshot
        is_parked = isinstance(snapshot.state, Parked)
        if is_parked:
            self._update_text()
        self.setVisible(is_parked)
        self.adjustSize()

    @Slot(object)
    def show_mode(self, mode: Mode) -> None:
        """Show the price of the mode that *Resume* starts."""
        self._mode = mode
        self.show_snapshot(self._snapshot)

    def _update_text(self) -> None:
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
        # "Nothing is billed now" would be untrue beside the warning.
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


class AvatarGoneCard(StageCard):
    """Asks whether to wait for the avatar, to end the session or to start another."""

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, 364, parent)
        self._title = make_label(size="heading", wraps=True)
        self._sentence = make_label(tone="dim", wraps=True)
        self._waiting = make_label(tone="dim", wraps=True)
        self.wait = Button(theme, self.tr("Wait"), ButtonKind.PRIMARY, costs=True)
        self._start_anew = Button(theme, self.tr("Start anew"), costs=True)
        self._end = Button(theme, self.tr("End session"), ButtonKind.DANGER)
        self.wait.clicked.connect(model.keep_waiting)
        self._start_anew.clicked.connect(model.start_anew)
        self._end.clicked.connect(model.end)
        self._title.setText(self.tr("The avatar has left"))
        self.add_labels(self._title, self._sentence, self._waiting)
        self.add_buttons(self.wait, self._start_anew, self._end)
        self.hide()

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show itself while the avatar is gone. Called in every state."""
        if snapshot.avatar_gone:
            self._update_text(snapshot)
        self.setVisible(snapshot.avatar_gone)
        self.adjustSize()

    def _update_text(self, snapshot: SessionSnapshot) -> None:
        billed = self.tr("It is billed meanwhile, and ends by itself after a minute without an answer.")
        free = self.tr("The session ends by itself after a minute without an answer.")
        self._sentence.setText(billed if snapshot.billed else free)
        self._waiting.setText(self.tr("What you write is kept, and sent when somebody is there to read it."))
        self._waiting.setVisible(snapshot.unsent > 0)
