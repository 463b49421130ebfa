"""The message box: the field, *Send* inside it, and a note below when needed."""

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from atlas_desktop.errors import MessageTooLongError
from atlas_desktop.session.chat import PACKET_LIMIT_BYTES, speak_packet
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.ui.look.amounts import fill
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label, set_tip, set_tone, show_remark
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.ui.talk.message_field import PASTE_LIMIT, MessageField

_RADIUS_PX = 12
_COUNT_FROM_SHARE = 0.9
_LONGEST_SIGN_BYTES = 6
_ENVELOPE_BYTES = len(speak_packet(""))


class MessageBox(QWidget):
    """Sends what is typed; text that is not taken, or typed between sessions, stays.

    Signals:
        sent(): A message went out.
        text_changed(str): What stands in the field now.
    """

    sent = Signal()
    text_changed = Signal(str)

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._last = ""
        self._fits = True
        self._refused = 0
        self._well = _Well(theme)
        self._field = self._well.field
        self._send = Button(theme, "", ButtonKind.LINK, icon="send", name=self.tr("Send"))
        self._note = make_label(tone="dim", size="small", wraps=True)
        self._build()
        self._field.sent.connect(self.send)
        self._field.recalled.connect(self._recall)
        self._field.paste_refused.connect(self._refuse_paste)
        self._field.textChanged.connect(self._follow_text)
        self._send.clicked.connect(self.send)
        model.session_changed.connect(self._follow_session)
        model.mode_changed.connect(self._follow_mode)
        model.text_offered.connect(self.offer)
        self._show_all()

    @property
    def text(self) -> str:
        """The text of the field."""
        return self._field.toPlainText()

    @Slot()
    def send(self) -> None:
        """Send the text; blank and too long text stays."""
        if self._field.is_composing:
            QGuiApplication.inputMethod().commit()
        text = self.text.strip()
        if not (text and self._fits and self._model.snapshot.takes_messages) or not self._model.send(text):
            return
        self._last = text
        self._field.clear()
        self._field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.sent.emit()

    def send_or_explain(self) -> None:
        """Send, or show that no session runs: the same key starts one elsewhere."""
        snapshot = self._model.snapshot
        if snapshot.takes_messages:
            self.send()
        elif snapshot.is_over:
            show_remark(self, self.tr("Not sent: no session is running. Start one with its button."))
        else:
            show_remark(self, self.tr("Not sent: the session is ending."))

    @Slot(str)
    def offer(self, text: str) -> None:
        """Insert a dropped text at the cursor."""
        self._field.insert_text(text)
        self._field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build(self) -> None:
        self._field.setAccessibleName(self.tr("Message"))
        self._send.set_height(32, 7)
        set_tip(self._send, self.tr("Send (Enter)"))
        self._well.add(self._send)
        column = make_column(self, spacing_px=6, margins_px=(16, 8, 16, 16))
        column.addWidget(self._well)
        column.addWidget(self._note)
        self.setFocusProxy(self._field)

    @Slot(object)
    def _follow_session(self, _snapshot: SessionSnapshot) -> None:
        self._show_all()

    @Slot(object)
    def _follow_mode(self, _mode: object) -> None:
        self._show_all()

    @Slot()
    def _follow_text(self) -> None:
        self._refused = 0
        self._show_note()
        self.text_changed.emit(self.text)

    @Slot()
    def _recall(self) -> None:
        if self._last:
            self._field.replace_text(self._last)

    @Slot(int)
    def _refuse_paste(self, characters: int) -> None:
        self._refused = characters
        self._show_note()

    def _show_all(self) -> None:
        snapshot = self._model.snapshot
        takes = snapshot.takes_messages
        self._field.invite(self._invitation(snapshot, takes))
        self._show_note()

    def _invitation(self, snapshot: SessionSnapshot, takes: bool) -> str:
        if takes:
            return self.tr("Message…") if snapshot.can_speak_text else self.tr("Chat message… (not spoken)")
        return self.tr("No session is running") if snapshot.is_over else self.tr("The session is ending")

    def _show_note(self) -> None:
        text = self.text
        used, limit = message_size(text)
        self._fits = used <= limit
        takes = self._model.snapshot.takes_messages
        self._send.setEnabled(self._fits and takes and bool(text.strip()))
        words = self._note_words(used, limit)
        set_tone(self._note, "danger" if self._refused or not self._fits else "dim")
        self._note.setText(words)
        self._note.setAccessibleName(words)
        self._note.setVisible(bool(words))

    def _note_words(self, used: int, limit: int) -> str:
        if self._refused:
            return fill(
                self.tr("{used:,} characters are too many to paste: at most {limit:,}"),
                used=self._refused,
                limit=PASTE_LIMIT,
            )
        if used > limit * _COUNT_FROM_SHARE:
            return fill(self.tr("{used:,} of {limit:,} characters"), used=used, limit=limit)
        unsent = self._model.snapshot.unsent
        if unsent == 1:
            return self.tr("1 message waits until the avatar is there")
        if unsent:
            return fill(self.tr("{count} messages wait until the avatar is there"), count=unsent)
        if self.text.strip() and not self._model.snapshot.takes_messages:
            return self.tr("Kept for the next session")
        return ""


class _Well(QFrame):
    """The box around the field, with its focus ring."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.field = MessageField(theme, self)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(6, 7, 6, 7)
        self._line.setSpacing(0)
        # A spacer, not a margin: margins are not mirrored right to left.
        self._line.addSpacing(6)
        self._line.addWidget(self.field, 1, Qt.AlignmentFlag.AlignVCenter)
        self._line.addSpacing(4)
        self.field.focus_changed.connect(self.update)
        self.setCursor(Qt.CursorShape.IBeamCursor)

    def add(self, button: Button) -> None:
        """Put the button at the end, by the last line."""
        self._line.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Focus the field."""
        self.field.setFocus(Qt.FocusReason.MouseFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint background and border."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused = self.field.hasFocus()
        width = 2 if focused else 1
        painter.setPen(QPen(self._theme.color("accent" if focused else "line"), width))
        painter.setBrush(self._theme.color("bg"))
        box = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(box, _RADIUS_PX, _RADIUS_PX)
        painter.end()


def message_size(text: str) -> tuple[int, int]:
    """Return the length of ``text`` and the limit for a text of its kind, in characters.

    The limit is one of bytes: other letters take more of them, so fewer fit.
    """
    words = text.strip()
    fitting_bytes = PACKET_LIMIT_BYTES - _ENVELOPE_BYTES
    if len(words) * _LONGEST_SIGN_BYTES < fitting_bytes * _COUNT_FROM_SHARE:
        return len(words), fitting_bytes
    try:
        size_bytes = len(speak_packet(words))
    except MessageTooLongError as error:
        size_bytes = int(str(error.params["length"]))
    own_bytes = max(1, size_bytes - _ENVELOPE_BYTES)
    return len(words), fitting_bytes * len(words) // own_bytes
