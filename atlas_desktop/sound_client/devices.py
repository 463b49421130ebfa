"""The sound devices that there are, by name."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

_KEY_CODE = "latin-1"
"""Any bytes pass, and the ids of today's sound servers can be read."""


@dataclass(frozen=True, slots=True)
class DeviceName:
    """A device as it is shown, and the id by which it is found again."""

    id: bytes
    name: str
    is_default: bool

    @property
    def key(self) -> str:
        """The id as text, for the settings."""
        return self.id.decode(_KEY_CODE)


def id_of_key(key: str) -> bytes:
    """The id that a ``DeviceName.key`` stands for; empty for what is none."""
    return key.encode(_KEY_CODE, "ignore")


Names = tuple[DeviceName, ...]


class DeviceLists(QObject):
    """The speakers and microphones there are, as the sound process lists them.

    Signals:
        changed(): One came or went, or another one is the default.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._speakers: Names = ()
        self._microphones: Names = ()

    def speakers(self) -> Names:
        """The speakers there are now."""
        return self._speakers

    def microphones(self) -> Names:
        """The microphones there are now."""
        return self._microphones

    def take(self, speakers: Names, microphones: Names) -> None:
        """Takes what is there now."""
        if (speakers, microphones) != (self._speakers, self._microphones):
            self._speakers, self._microphones = speakers, microphones
            self.changed.emit()


Frame = list[tuple[str, str, bool]]


def names_frame(names: Names) -> Frame:
    """The names as a line of JSON can carry them."""
    return [(one.key, one.name, one.is_default) for one in names]


def names_in(frame: Frame) -> Names:
    """The names that ``names_frame`` was given."""
    return tuple(DeviceName(id_of_key(key), name, is_default) for key, name, is_default in frame)
