"""Which sound devices there are, and word when that changes. Lives in the main thread."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice, QMediaDevices


@dataclass(frozen=True, slots=True)
class DeviceName:
    """A device as it is shown, and the id by which it is found again."""

    id: bytes
    name: str
    is_default: bool


def speakers() -> tuple[DeviceName, ...]:
    """The speakers there are now. The first call in a process takes up to 0.2 s."""
    return tuple(_name(device) for device in QMediaDevices.audioOutputs())


def microphones() -> tuple[DeviceName, ...]:
    """The microphones there are now."""
    return tuple(_name(device) for device in QMediaDevices.audioInputs())


def device_id(device: QAudioDevice) -> bytes:
    """The id of ``device``; empty for none."""
    return bytes(device.id().data()) if not device.isNull() else b""


class DeviceWatch(QObject):
    """Follows the system's default speaker and microphone.

    Signals:
        speaker_changed(QAudioDevice): Another default speaker, or none (``isNull``).
        microphone_changed(QAudioDevice): The default microphone may be another one, or none, or new.
    """

    speaker_changed = Signal(QAudioDevice)
    microphone_changed = Signal(QAudioDevice)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._devices = QMediaDevices(self)
        self.speaker = QMediaDevices.defaultAudioOutput()
        self.microphone = QMediaDevices.defaultAudioInput()
        self._devices.audioOutputsChanged.connect(self._follow_speaker)
        self._devices.audioInputsChanged.connect(self._follow_microphone)

    @Slot()
    def _follow_speaker(self) -> None:
        now = QMediaDevices.defaultAudioOutput()
        if device_id(now) != device_id(self.speaker):
            self.speaker = now
            self.speaker_changed.emit(now)

    @Slot()
    def _follow_microphone(self) -> None:
        # Always told: Qt keeps quiet when the last microphone goes, and the sound server then lets us
        # listen to something else, so one of the same id may be another opening of it.
        self.microphone = QMediaDevices.defaultAudioInput()
        self.microphone_changed.emit(self.microphone)


def _name(device: QAudioDevice) -> DeviceName:
    return DeviceName(device_id(device), device.description(), device.isDefault())
