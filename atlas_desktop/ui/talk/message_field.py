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
# Looking for a line break, the text engine reads such a word to its end for each line of it.
_ENDLESS = 2_000
_ENDLESS_WORD = re.compile(rf"(?<!\S)\S{{{_ENDLESS}}}")


class MessageField(QPlainTextEdit):
    """Grows with its text, then scrolls.

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
        # The window takes drops: else a file's name would be inserted.
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self.textChanged.connect(self._choose_wrapping)
        # As the text engine rounds it, not as the font's metrics do: else a line is cut.
        self._line_px = round(self.blockBoundingRect(self.document().firstBlock()).height())
        self._fit()

    @property
    def is_composing(self) -> bool:
        """Whether an input method has letters in the making."""
        return self._composing

    def invite(self, words: str) -> None:
        """Set the placeholder, elided to the width."""
        self._invitation = words
        metrics = QFontMetrics(self.font())
        room_px = self.viewport().width() - 2
        self.setPlaceholderText(metrics.elidedText(words, Qt.TextElideMode.ElideRight, room_px))
        # Qt 6.11 does not repaint a placeholder that changes.
        self.viewport().update()

    def replace_text(self, text: str) -> None:
        """Replace the text; Ctrl+Z undoes it."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self.setTextCursor(cursor)

    def insert_text(self, text: str) -> None:
        """Insert ``text`` at the cursor; refuse too much of it."""
        if len(text) > PASTE_LIMIT:
            self.paste_refused.emit(len(text))
            return
        if _has_endless_word(text):
            self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.insertPlainText(text)
        self.ensureCursorVisible()

    def sizeHint(self) -> QSize:
        """Return the size of its lines."""
        return QSize(120, self._height_px())

    def minimumSizeHint(self) -> QSize:
        """Return the least size that shows its lines."""
        return QSize(40, self._height_px())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide the placeholder to the new width."""
        super().resizeEvent(event)
        self.invite(self._invitation)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Send on Enter, break the line on Shift+Enter, recall the last message on Up in an empty field."""
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
        """Note whether Enter belongs to the input method."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Accept text only."""
        return source.hasText()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Insert plain text."""
        self.insert_text(source.text())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Update the focus ring."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Commit the input method's text."""
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
