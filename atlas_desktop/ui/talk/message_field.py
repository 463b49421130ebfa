"""The field that a message is typed into: one to five lines, plain text, Enter sends."""

import re

from PySide6.QtCore import QMimeData, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QResizeEvent,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

from atlas_desktop.ui.look.theme import Theme

PASTE_LIMIT = 250_000
_LINES = 5
_BARE = (
    "QPlainTextEdit, QPlainTextEdit:hover, QPlainTextEdit:focus "
    "{ background: transparent; border: 0; border-radius: 0; padding: 0; }"
)
# Looking for a place to break, the text engine reads such a word to its end for each line of it.
_ENDLESS = 2_000
_ENDLESS_WORD = re.compile(rf"(?<!\S)\S{{{_ENDLESS}}}")


class MessageField(QPlainTextEdit):
    """Grows with its words, then scrolls.

    Signals:
        sent(): Enter was pressed.
        recalled(): Up was pressed in the empty field.
        paste_refused(int): More characters were pasted than anyone can want to send; how many.
        focus_changed(): It got or lost the focus.
    """

    sent = Signal()
    recalled = Signal()
    paste_refused = Signal(int)
    focus_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._composing = False
        self._invitation = ""
        self._line_px = 0
        self.setFont(theme.font())
        self.setStyleSheet(_BARE)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        # What is dropped is the window's matter: files are not their names.
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self.textChanged.connect(self._choose_wrapping)
        # As the text engine rounds it, not as the font's metrics do: else a line's edge is cut.
        self._line_px = round(self.blockBoundingRect(self.document().firstBlock()).height())
        self._fit()

    @property
    def is_composing(self) -> bool:
        """Whether an input method has letters in the making."""
        return self._composing

    def invite(self, words: str) -> None:
        """Shows ``words`` while it is empty, as much of them as there is room for."""
        self._invitation = words
        metrics = QFontMetrics(self.font())
        room_px = self.viewport().width() - 2
        self.setPlaceholderText(metrics.elidedText(words, Qt.TextElideMode.ElideRight, room_px))
        # Qt repaints it when it comes and goes, not when it changes (seen with 6.11).
        self.viewport().update()

    def replace_text(self, text: str) -> None:
        """Puts ``text`` in place of all; Ctrl+Z takes it back."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self.setTextCursor(cursor)

    def insert_text(self, text: str) -> None:
        """Puts ``text`` at the cursor; too much of it is refused."""
        if len(text) > PASTE_LIMIT:
            self.paste_refused.emit(len(text))
            return
        if _has_endless_word(text):
            self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.insertPlainText(text)
        self.ensureCursorVisible()

    def sizeHint(self) -> QSize:
        """Room for its lines."""
        return QSize(120, self._height_px())

    def minimumSizeHint(self) -> QSize:
        """As high as its lines, as narrow as needed."""
        return QSize(40, self._height_px())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other room for the invitation."""
        super().resizeEvent(event)
        self.invite(self._invitation)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter sends, with Shift it breaks the line; Up in the empty field brings the last message back."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and plain and not self._composing:
            self.sent.emit()
            event.accept()
        elif event.key() == Qt.Key.Key_Up and plain and self.document().isEmpty() and not self._composing:
            self.recalled.emit()
            event.accept()
        else:
            super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Notes whether Enter belongs to the input method."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text only."""
        return source.hasText()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """The words without their looks."""
        self.insert_text(source.text())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The box shows the ring."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Letters in the making are kept."""
        if self._composing:
            QGuiApplication.inputMethod().commit()
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def _lines(self) -> int:
        return max(1, round(self.document().size().height()))

    def _height_px(self) -> int:
        return min(_LINES, self._lines()) * self._line_px + 2

    @Slot()
    def _choose_wrapping(self) -> None:
        modes = QTextOption.WrapMode
        endless = self.document().characterCount() > _ENDLESS and _has_endless_word(self.toPlainText())
        wanted = modes.WrapAnywhere if endless else modes.WrapAtWordBoundaryOrAnywhere
        if self.wordWrapMode() is not wanted:
            self.setWordWrapMode(wanted)

    @Slot()
    def _fit(self) -> None:
        policy = Qt.ScrollBarPolicy
        scrolls = self._lines() > _LINES
        self.setVerticalScrollBarPolicy(policy.ScrollBarAsNeeded if scrolls else policy.ScrollBarAlwaysOff)
        if self.height() != self._height_px():
            self.setFixedHeight(self._height_px())


def _has_endless_word(text: str) -> bool:
    return len(text) >= _ENDLESS and _ENDLESS_WORD.search(text) is not None
