"""The transcript beside the stage: messages, and the message box."""

import time
from collections import deque

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QSizePolicy, QVBoxLayout, QWidget

from atlas_desktop.api.source import Mode
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.transcript import Message
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import make_column, make_line
from atlas_desktop.ui.look.plain_widgets import make_label, make_rule
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.ui.talk.message_box import MessageBox
from atlas_desktop.ui.talk.message_list import MessageList
from atlas_desktop.ui.talk.transcript_delegate import TranscriptDelegate
from atlas_desktop.ui.talk.transcript_model import TranscriptModel

_HEAD_PX = 47
# A room that floods must not flood the screen reader.
_ANNOUNCED_A_SECOND = 20


class TranscriptPane(QWidget):
    """Header, messages, message box.

    Signals:
        save_requested(): Save the transcript to a file.
        close_requested(): Close the pane.
        open_requested(): A text came for the message box: show the pane.
        announced(str): A final message of Atlas was announced to screen readers.
    """

    save_requested = Signal()
    close_requested = Signal()
    open_requested = Signal()
    announced = Signal(str)

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._column = QVBoxLayout(self)
        self._rows = TranscriptModel(model, self)
        self._list = MessageList(self._rows, TranscriptDelegate(theme, self))
        self._menu_button = Button(theme, self.tr("Transcript menu"), ButtonKind.QUIET, icon="dots")
        self._menu = QMenu(self)
        self._save = self._menu.addAction(self.tr("Save transcript…"))
        self._copy = self._menu.addAction(self.tr("Copy all"))
        self._close = self._menu.addAction(self.tr("Close"))
        self._new = Button(theme, self.tr("New messages"), icon="chevron-down", parent=self)
        self._empty = EmptyTranscript(theme, self)
        self._unsent = UnsentBar(theme)
        self.message_box = MessageBox(model, theme)
        self._announced_ids: set[str] = set()
        self._announced_s: deque[float] = deque(maxlen=_ANNOUNCED_A_SECOND)
        self.setFocusProxy(self.message_box)
        self._build()
        self._connect()
        self._show_empty()
        self._unsent.show_snapshot(model.snapshot)

    def send_typed(self) -> None:
        """Send what is typed, or show why not."""
        self.message_box.send_or_explain()

    @Slot()
    def open_menu(self) -> None:
        """Show the menu below its button, within the pane."""
        button = self._menu_button
        left_to_right = self.layoutDirection() is Qt.LayoutDirection.LeftToRight
        shift = button.width() - self._menu.sizeHint().width() if left_to_right else 0
        self._menu.popup(button.mapToGlobal(QPoint(shift, button.height())))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep what floats over the list in place."""
        if watched is self._list and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place_floating()
        return super().eventFilter(watched, event)

    def _build(self) -> None:
        self._list.setAccessibleName(self.tr("Transcript messages"))
        self._list.installEventFilter(self)
        self._menu_button.set_height(32)
        self._new.set_height(32, 12)
        self._new.hide()
        head = QWidget()
        head.setFixedHeight(_HEAD_PX)
        line = make_line(head)
        # Spacers, not margins: margins are not mirrored right to left.
        line.addSpacing(16)
        line.addWidget(make_label(self.tr("Transcript"), size="small", strong=True))
        line.addStretch(1)
        line.addWidget(self._menu_button)
        line.addSpacing(8)
        column = self._column
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(make_rule())
        column.addWidget(self._list, 1)
        column.addWidget(self._unsent)
        column.addWidget(self.message_box)

    def _connect(self) -> None:
        self._menu_button.clicked.connect(self.open_menu)
        self._menu.aboutToShow.connect(self._prepare_menu)
        self._save.triggered.connect(self.save_requested)
        self._copy.triggered.connect(self._list.copy_all)
        self._close.triggered.connect(self.close_requested)
        self._new.clicked.connect(self._list.scroll_to_end)
        self._list.unseen_changed.connect(self._show_new)
        self._empty.suggestion_chosen.connect(self._send_suggestion)
        self.message_box.sent.connect(self._list.scroll_to_end)
        self._rows.rowsInserted.connect(self._show_empty)
        self._rows.modelReset.connect(self._show_empty)
        self._model.session_changed.connect(self._show_empty)
        self._model.session_changed.connect(self._unsent.show_snapshot)
        self._unsent.send_again_requested.connect(self._model.send_again)
        self._model.mode_changed.connect(self._show_empty)
        self._model.text_offered.connect(self.open_requested)
        self._model.message_changed.connect(self._announce)
        self._model.transcript_reset.connect(self._forget_announced)

    @Slot()
    def _prepare_menu(self) -> None:
        has_messages = self._rows.rowCount() > 0
        self._save.setEnabled(has_messages)
        self._copy.setEnabled(has_messages)

    @Slot(int, object)
    def _announce(self, _row: int, message: Message) -> None:
        # Interim text would be announced over and over.
        if message.role == "user" or not message.final or message.id in self._announced_ids:
            return
        self._announced_ids.add(message.id)
        now_s = time.monotonic()
        if len(self._announced_s) == _ANNOUNCED_A_SECOND and now_s - self._announced_s[0] < 1.0:
            return
        self._announced_s.append(now_s)
        words = f"{self._rows.speaker(message)}: {self._rows.words(message)}"
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._list, words))
        self.announced.emit(words)

    @Slot()
    def _forget_announced(self) -> None:
        self._announced_ids.clear()

    @Slot(bool)
    def _show_new(self, unseen: bool) -> None:
        self._new.setVisible(unseen)
        self._place_floating()

    @Slot(str)
    def _send_suggestion(self, text: str) -> None:
        self._model.send(text)
        self.message_box.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _show_empty(self) -> None:
        empty = self._rows.rowCount() == 0
        self._empty.setVisible(empty)
        if empty:
            snapshot = self._model.snapshot
            rehearsal = not snapshot.billed and snapshot.takes_messages
            self._empty.show_for(snapshot.mode, snapshot.takes_messages, rehearsal)
            self._place_floating()

    def _place_floating(self) -> None:
        area = self._list.geometry()
        self._empty.setGeometry(area)
        self._empty.raise_()
        size = self._new.sizeHint()
        box = QRect(0, 0, size.width(), size.height())
        box.moveCenter(QPoint(area.center().x(), 0))
        box.moveBottom(area.bottom() - 8)
        self._new.setGeometry(box)
        self._new.raise_()


class EmptyTranscript(QFrame):
    """The placeholder of an empty transcript.

    Signals:
        suggestion_chosen(str): Send these words.
    """

    suggestion_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = _centred(make_label(size="heading", wraps=True))
        self._hint = _centred(make_label(tone="dim", wraps=True))
        self._suggestion = Button(theme, self.tr("What can you do?"))
        column = make_column(self, margins_px=(24, 16, 24, 16))
        column.addStretch(1)
        column.addWidget(self._title)
        column.addSpacing(6)
        column.addWidget(self._hint)
        column.addSpacing(14)
        column.addWidget(self._suggestion, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self._suggestion.clicked.connect(self._choose)

    def show_for(self, mode: Mode, running: bool, rehearsal: bool) -> None:
        """Show a greeting, and in a rehearsal a suggestion."""
        conversation = mode is Mode.CONVERSATION
        self._title.setText(self.tr("Say hello") if running else self.tr("No messages"))
        hint = ""
        if rehearsal:
            drop = self.tr("Drop a sound file on the window and I will say it.")
            hint = self.tr("Type, speak, or try:") if conversation else drop
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._suggestion.setVisible(rehearsal and conversation)

    @Slot()
    def _choose(self) -> None:
        self.suggestion_chosen.emit(self._suggestion.text())


def _centred(label: QLabel) -> QLabel:
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label


class UnsentBar(QFrame):
    """Shows how many messages earlier sessions left unsent; *Send again* while a session takes messages.

    Signals:
        send_again_requested(): Send it in this session.
    """

    send_again_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = make_label(tone="warn", size="small", wraps=True)
        self._again = Button(theme, self.tr("Send again"))
        self._again.set_height(32)
        self._again.clicked.connect(self.send_again_requested)
        line = make_line(self, spacing_px=8, margins_px=(16, 4, 16, 4))
        line.addWidget(self._words, 1)
        line.addWidget(self._again)
        self.hide()

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show the count. Called in every state; hides itself when nothing is unsent."""
        count = snapshot.not_sent
        if count:
            one, many = self.tr("1 message was not sent"), self.tr("{count} messages were not sent")
            words = one if count == 1 else many.format(count=count)
            self._words.setText(words)
            self._words.setAccessibleName(words)
        self._again.setVisible(snapshot.takes_messages)
        self.setVisible(count > 0)
