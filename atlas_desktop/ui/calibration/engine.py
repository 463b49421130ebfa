"""What the dialog needs of a calibration and of the devices: protocols between them."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, SignalInstance


class Engine(Protocol):
    """One run, beeps and flashes. Payloads: ``finished(Heard | None)``, ``failed(AppError)``.

    Attributes:
        speaker_ms: How late the sound is thought to be; may be changed while it runs.
    """

    speaker_ms: float

    @property
    def flashed(self) -> SignalInstance: ...
    @property
    def finished(self) -> SignalInstance: ...
    @property
    def failed(self) -> SignalInstance: ...

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def deleteLater(self) -> None: ...


class Devices(Protocol):
    """Speaker and microphone of this computer."""

    @property
    def has_microphone(self) -> bool: ...

    def ask(self, context: QObject, answered: Callable[[bool], None]) -> None:
        """Tells ``answered`` whether the microphone is allowed."""
        ...

    def make(self, speaker_ms: float, parent: QObject, *, listens: bool) -> Engine:
        """A run that has not begun."""
        ...
