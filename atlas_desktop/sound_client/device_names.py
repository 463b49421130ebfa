"""Names and ids of the sound devices, as the sound process lists them."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

_KEY_CODE = "latin-1"
"""Maps any bytes, and keeps the ids of today's sound servers readable."""


@dataclass(frozen=True, slots=True)
class DeviceName:
    """A device's displayed name, and the id that identifies it."""

    id: bytes
    name: str
    is_default: bool

    @property
    def key(self) -> str:
        """The id as text, for the settings."""
        return self.id.decode(_KEY_CODE)


def id_of_key(key: str) -> bytes:
    """Return the id that a ``DeviceName.key`` stands for; characters that no key has are dropped."""
    return key.encode(_KEY_CODE, "ignore")


Names = tuple[DeviceName, ...]


class DeviceLists(QObject):
    """The connected speakers and microphones.

    Signals:
        changed(): One was connected or disconnected, or another one is the default.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._speakers: Names = ()
        self._microphones: Names = ()

    def speakers(self) -> Names:
        """Return the connected speakers."""
        return self._speakers

    def microphones(self) -> Names:
        """Return the connected microphones."""
        return self._microphones

    def set(self, speakers: Names, microphones: Names) -> None:
        """Replace both lists."""
        if (speakers, microphones) != (self._speakers, self._microphones):
            self._speakers, self._microphones = speakers, microphones
            self.changed.emit()


Frame = list[tuple[str, str, bool]]


def names_frame(names: Names) -> Frame:
    """Encode the names for a line of JSON."""
    return [(one.key, one.name, one.is_default) for one in names]


def names_in(frame: Frame) -> Names:
    """Decode what ``names_frame`` encoded."""
    return tuple(DeviceName(id_of_key(key), name, is_default) for key, name, is_default in frame)
