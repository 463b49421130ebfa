"""The card on the stage while a session connects: steps, elapsed time, *Cancel*."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from atlas_desktop.session.life import Ending, Joining, Life, Requesting, Waiting
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.ui.look.amounts import fill
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.flow import FlowLayout
from atlas_desktop.ui.look.plain_widgets import CardFrame, make_label, set_tone
from atlas_desktop.ui.look.spinner import StepMark, StepState
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.ui.talk.plain_text import name_in_text

_WIDTH_PX = 340
_PADDING_PX = 22


class ConnectingCard(CardFrame):
    """Request session → Join room → Wait for avatar, with elapsed time and *Cancel*."""

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._title = make_label(size="heading", wraps=True)
        self._sentence = make_label(tone="dim", wraps=True)
        self._elapsed = make_label(tone="dim")
        self._elapsed.setFont(theme.font())
        self._marks = [StepMark(theme) for _ in range(3)]
        self._steps = [make_label(tone="dim", wraps=True) for _ in range(3)]
        self._timed_life: Life | None = None
        self._timed_from_s = 0.0
        self._cancel = Button(theme, self.tr("Cancel"))
        self._keep_waiting = Button(theme, self.tr("Keep waiting"), ButtonKind.PRIMARY, costs=True)
        self._end = Button(theme, self.tr("End session"), ButtonKind.DANGER)
        self._cancel.clicked.connect(model.end)
        self._keep_waiting.clicked.connect(model.keep_waiting)
        self._end.clicked.connect(model.end)
        self._build()

    def sizeHint(self) -> QSize:
        """Return the height its text needs at its width."""
        return QSize(_WIDTH_PX, max(self.heightForWidth(_WIDTH_PX), super().sizeHint().height()))

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show the progress. Called in every state; hides itself once the session is live."""
        life = snapshot.life
        if isinstance(life, Ending):
            self._show_ending()
        elif isinstance(life, Requesting | Joining | Waiting):
            self._show_steps(snapshot, life)
        self.setVisible(isinstance(life, Ending | Requesting | Joining | Waiting))
        self.adjustSize()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(_PADDING_PX, _PADDING_PX - 4, _PADDING_PX, _PADDING_PX)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._sentence)
        column.addSpacing(10)
        column.addLayout(self._make_steps())
        column.addSpacing(12)
        box = QWidget()
        flow = FlowLayout(box, gap_px=8)
        for button in (self._keep_waiting, self._end, self._cancel):
            flow.addWidget(button)
        column.addWidget(box)

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

    def _show_steps(self, snapshot: SessionSnapshot, life: Requesting | Joining | Waiting) -> None:
        late = snapshot.avatar_late
        self._title.setText(self._heading(snapshot))
        self._sentence.setText(self._advice(snapshot))
        self._sentence.setVisible(bool(self._sentence.text()))
        going_on = (Requesting, Joining, Waiting).index(type(life))
        texts = (self._request_text(snapshot), self.tr("Join room"), self.tr("Wait for avatar"))
        for number, (mark, label, text) in enumerate(zip(self._marks, self._steps, texts, strict=True)):
            state = _state_of(number, going_on)
            mark.set_state(state)
            _say(label, text, state, self.tr("done") if state is StepState.DONE else "")
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
        if snapshot.life is not self._timed_life:
            self._timed_life, self._timed_from_s = snapshot.life, snapshot.connecting_s
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
        _say(self._steps[0], self.tr("Tell the server that it is over"), StepState.GOING_ON, "")
        for widget in (self._elapsed, self._cancel, self._keep_waiting, self._end):
            widget.hide()


def _state_of(number: int, going_on: int) -> StepState:
    if number < going_on:
        return StepState.DONE
    return StepState.GOING_ON if number == going_on else StepState.TO_DO


def _say(label: QLabel, text: str, state: StepState, suffix: str) -> None:
    label.setText(text)
    label.setAccessibleName(f"{text}, {suffix}" if suffix else text)
    set_tone(label, "" if state is StepState.GOING_ON else "dim")
