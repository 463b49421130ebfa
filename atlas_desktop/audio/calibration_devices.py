"""What a calibration needs of this computer: whether it hears, whether it may, and the run itself."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtMultimedia import QMediaDevices

from atlas_desktop.audio.calibration import Calibration
from atlas_desktop.audio.permission import ask_for_microphone


class CalibrationDevices:
    """The system's default speaker and microphone. Thread: main."""

    @property
    def has_microphone(self) -> bool:
        """Whether there is one now."""
        return not QMediaDevices.defaultAudioInput().isNull()

    def ask(self, context: QObject, answered: Callable[[bool], None]) -> None:
        """Tells ``answered`` whether the microphone is allowed; the platform may ask the user first."""
        ask_for_microphone(context, answered)

    def make(self, speaker_ms: float, parent: QObject, *, listens: bool) -> Calibration:
        """A run that has not begun; one that does not listen goes on until it is stopped."""
        microphone = QMediaDevices.defaultAudioInput() if listens else None
        if microphone is not None and microphone.isNull():
            microphone = None
        return Calibration(speaker_ms, microphone, parent)
