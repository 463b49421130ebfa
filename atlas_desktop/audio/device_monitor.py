"""The devices in use: the chosen ones or the system's defaults. Main thread."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice, QMediaDevices

from atlas_desktop.sound_client.device_names import DeviceName, Names


def names_of(devices: Sequence[QAudioDevice]) -> Names:
    """Return the devices by name, each once: Qt lists them twice after its sound server came back (6.11)."""
    return tuple({device_id(one): _name(one) for one in devices}.values())


def device_id(device: QAudioDevice) -> bytes:
    """Return the id of ``device``; empty for none."""
    return bytes(device.id().data()) if not device.isNull() else b""


class DeviceMonitor(QObject):
    """Selects speaker and microphone: the chosen device while it is connected, else the system's default.

    Signals:
        speaker_changed(QAudioDevice): Another speaker is selected, or none (``isNull``).
        speaker_missed(str): The chosen speaker of this name is gone; the default is selected.
        microphone_changed(QAudioDevice): The microphone may be another one, none, or reconnected.
    """

    speaker_changed = Signal(QAudioDevice)
    speaker_missed = Signal(str)
    microphone_changed = Signal(QAudioDevice)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._devices = QMediaDevices(self)
        self._chosen = self._excluded = b""
        self._chosen_microphone = self._excluded_microphone = b""
        self.speaker = QMediaDevices.defaultAudioOutput()
        self.microphone = QMediaDevices.defaultAudioInput()
        self._devices.audioOutputsChanged.connect(self._reselect)
        self._devices.audioInputsChanged.connect(self._follow_microphone)

    def choose_speaker(self, speaker_id: bytes) -> None:
        """Select this speaker whenever it is connected; the default when ``speaker_id`` is empty."""
        if speaker_id != self._chosen:
            self._chosen = speaker_id
            self._follow_speaker()

    def choose_microphone(self, microphone_id: bytes) -> None:
        """Select this microphone whenever it is connected; the default when the id is empty."""
        if microphone_id != self._chosen_microphone:
            self._chosen_microphone = microphone_id
            self._follow_microphone()

    def exclude_microphone(self, microphone_id: bytes) -> None:
        """Select the default instead of this silent microphone, if chosen, until the devices change."""
        if microphone_id and microphone_id == self._chosen_microphone:
            self._excluded_microphone = microphone_id
            self._use_microphone()

    def exclude_speaker(self, speaker_id: bytes) -> None:
        """Select another speaker than this stuck one until the devices change.

        Qt sends no signal when a speaker other than the default disappears, and still lists it (6.11).
        """
        self._excluded = speaker_id
        self._follow_speaker()

    @Slot()
    def _reselect(self) -> None:
        self._excluded = b""
        self._follow_speaker()
        if self._chosen and device_id(self.speaker) == self._chosen:
            # It may have been reconnected, its streams moved elsewhere by the sound server meanwhile.
            self.speaker_changed.emit(self.speaker)

    def _follow_speaker(self) -> None:
        now = self._wanted_speaker()
        before = self.speaker
        if device_id(now) == device_id(before):
            return
        self.speaker = now
        self.speaker_changed.emit(now)
        if self._chosen and device_id(before) == self._chosen:
            self.speaker_missed.emit(before.description())

    def _wanted_speaker(self) -> QAudioDevice:
        wanted = _unless_excluded(self._chosen, self._excluded)
        return _find(QMediaDevices.audioOutputs(), wanted, QMediaDevices.defaultAudioOutput())

    @Slot()
    def _follow_microphone(self) -> None:
        self._excluded_microphone = b""
        self._use_microphone()

    def _use_microphone(self) -> None:
        # Always emitted: Qt sends no signal when the last microphone goes, and the sound server then
        # connects us to another source, so one of the same id may have to be opened again.
        wanted = _unless_excluded(self._chosen_microphone, self._excluded_microphone)
        self.microphone = _find(QMediaDevices.audioInputs(), wanted, QMediaDevices.defaultAudioInput())
        self.microphone_changed.emit(self.microphone)


def _unless_excluded(chosen: bytes, excluded: bytes) -> bytes:
    return chosen if chosen != excluded else b""


def _find(there: Iterable[QAudioDevice], wanted: bytes, usual: QAudioDevice) -> QAudioDevice:
    return next((one for one in there if device_id(one) == wanted), usual)


def _name(device: QAudioDevice) -> DeviceName:
    return DeviceName(device_id(device), device.description(), device.isDefault())
