"""The transcript as a Qt list model: one row a message, the newest last."""

from datetime import datetime
from enum import IntEnum
from typing import Any, assert_never

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Slot

from atlas_desktop.session.transcript import Delivery, Message
from atlas_desktop.ui.look.amounts import fill, time_of_day
from atlas_desktop.ui.look.plain_text import shortened, shown_text
from atlas_desktop.ui.model import AppModel

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class TranscriptRole(IntEnum):
    """Data of a row besides its text."""

    MESSAGE = Qt.ItemDataRole.UserRole
    SPEAKER = Qt.ItemDataRole.UserRole + 1
    TIME = Qt.ItemDataRole.UserRole + 2
    MARK = Qt.ItemDataRole.UserRole + 3


class TranscriptModel(QAbstractListModel):
    """Follows the model's messages, row by row. Texts are plain, and shortened."""

    def __init__(self, model: AppModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._messages: list[Message] = list(model.messages)
        model.message_changed.connect(self._take)
        model.transcript_reset.connect(self.load)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of messages."""
        return 0 if parent.isValid() else len(self._messages)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, message, speaker, time, or all of it for a screen reader."""
        if not 0 <= index.row() < len(self._messages):
            return None
        message = self._messages[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.words(message)
            case Qt.ItemDataRole.AccessibleTextRole:
                said = f"{self.speaker(message)}, {clock_of(message)}, {self.words(message)}"
                mark = self.mark(message)
                return f"{said}, {mark}" if mark else said
            case TranscriptRole.MESSAGE:
                return message
            case TranscriptRole.SPEAKER:
                return self.speaker(message)
            case TranscriptRole.TIME:
                return clock_of(message)
            case TranscriptRole.MARK:
                return self.mark(message)
        return None

    def message(self, row: int) -> Message:
        """Return the whole message of ``row``."""
        return self._messages[row]

    def speaker(self, message: Message) -> str:
        """Return the name of the speaker."""
        return self.tr("You") if message.role == "user" else self.tr("Atlas")

    def mark(self, message: Message) -> str:
        """Return the mark of a message that was not sent; empty for all others."""
        match message.delivery:
            case Delivery.SENT:
                return ""
            case Delivery.WAITING:
                return self.tr("not delivered")
            case Delivery.NOT_SENT:
                return self.tr("not sent")
            case _ as never:
                assert_never(never)

    def words(self, message: Message) -> str:
        """Return the text that the list shows; a shortened one ends with its length."""
        head, has_more = shortened(message.text)
        if not has_more:
            return shown_text(head)
        size = fill(self.tr("… ({count:,} characters)"), count=len(message.text))
        return f"{shown_text(head).rstrip()} {size}"

    @Slot()
    def load(self) -> None:
        """Load all messages."""
        self.beginResetModel()
        self._messages = list(self._model.messages)
        self.endResetModel()

    @Slot(int, object)
    def _take(self, row: int, message: Message) -> None:
        if row < len(self._messages):
            self._messages[row] = message
            changed = self.index(row)
            self.dataChanged.emit(changed, changed)
        elif row == len(self._messages):
            self.beginInsertRows(QModelIndex(), row, row)
            self._messages.append(message)
            self.endInsertRows()
        else:
            self.load()


def clock_of(message: Message) -> str:
    """Return the local time, ``10:42``."""
    return time_of_day(datetime.fromtimestamp(message.timestamp_ms / 1000).astimezone())
