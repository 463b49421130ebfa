"""Which sound devices there are, and word when that changes. Lives in the main thread."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice, QMediaDevices

from atlas_desktop.sound_client.devices import DeviceName, Names


def names_of(devices: Sequence[QAudioDevice]) -> Names:
    """The devices by name, each once: Qt lists them twice once its sound server came back (6.11)."""
    return tuple({device_id(one): _name(one) for one in devices}.values())


def device_id(device: QAudioDevice) -> bytes:
    """The id of ``device``; empty for none."""
    return bytes(device.id().data()) if not device.isNull() else b""


class DeviceWatch(QObject):
    """Follows the system's default speaker and microphone, or those that were chosen while they are there.

    Signals:
        speaker_changed(QAudioDevice): Another speaker is to be used, or none (``isNull``).
        speaker_missed(str): The chosen speaker of this name is gone; the default takes its place.
        microphone_changed(QAudioDevice): The microphone may be another one, or none, or new.
    """

    speaker_changed = Signal(QAudioDevice)
    speaker_missed = Signal(str)
    microphone_changed = Signal(QAudioDevice)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._devices = QMediaDevices(self)
        self._chosen = self._shunned = b""
        self._chosen_microphone = self._shunned_microphone = b""
        self.speaker = QMediaDevices.defaultAudioOutput()
        self.microphone = QMediaDevices.defaultAudioInput()
        self._devices.audioOutputsChanged.connect(self._look_again)
        self._devices.audioInputsChanged.connect(self._follow_microphone)

    def choose_speaker(self, speaker_id: bytes) -> None:
        """Uses this speaker whenever it is there; the system's default when ``speaker_id`` is empty."""
        if speaker_id != self._chosen:
            self._chosen = speaker_id
            self._follow_speaker()

    def choose_microphone(self, microphone_id: bytes) -> None:
        """Uses this microphone whenever it is there; the system's default when the id is empty."""
        if microphone_id != self._chosen_microphone:
            self._chosen_microphone = microphone_id
            self._follow_microphone()

    def shun_microphone(self, microphone_id: bytes) -> None:
        """This one gives nothing: if it is the chosen one, the default is used until the devices change."""
        if microphone_id and microphone_id == self._chosen_microphone:
            self._shunned_microphone = microphone_id
            self._use_microphone()

    def shun_speaker(self, speaker_id: bytes) -> None:
        """This one takes nothing: another is used until the devices change.

        Qt keeps quiet when a speaker goes that is not the default, and goes on listing it (6.11).
        """
        self._shunned = speaker_id
        self._follow_speaker()

    @Slot()
    def _look_again(self) -> None:
        self._shunned = b""
        self._follow_speaker()
        if self._chosen and device_id(self.speaker) == self._chosen:
            # It may have gone and come back, its sound moved elsewhere by the sound server meanwhile.
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
        wanted = _unless_shunned(self._chosen, self._shunned)
        return _found(QMediaDevices.audioOutputs(), wanted, QMediaDevices.defaultAudioOutput())

    @Slot()
    def _follow_microphone(self) -> None:
        self._shunned_microphone = b""
        self._use_microphone()

    def _use_microphone(self) -> None:
        # Always told: Qt keeps quiet when the last microphone goes, and the sound server then lets us
        # listen to something else, so one of the same id may be another opening of it.
        wanted = _unless_shunned(self._chosen_microphone, self._shunned_microphone)
        self.microphone = _found(QMediaDevices.audioInputs(), wanted, QMediaDevices.defaultAudioInput())
        self.microphone_changed.emit(self.microphone)


def _unless_shunned(chosen: bytes, shunned: bytes) -> bytes:
    return chosen if chosen != shunned else b""


def _found(there: Iterable[QAudioDevice], wanted: bytes, usual: QAudioDevice) -> QAudioDevice:
    return next((one for one in there if device_id(one) == wanted), usual)


def _name(device: QAudioDevice) -> DeviceName:
    return DeviceName(device_id(device), device.description(), device.isDefault())
