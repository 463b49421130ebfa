"""What the sound process does for the window: it plays, listens, lists devices and calibrates, as ordered."""

import threading
from dataclasses import asdict, replace
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice, QMediaDevices

from atlas_desktop.api.orders import complaint_of, line_of
from atlas_desktop.audio.calibration import Calibration
from atlas_desktop.audio.devices import DeviceWatch, device_id, names_of
from atlas_desktop.audio.microphone import MicrophoneThread
from atlas_desktop.audio.sink import SoundThread
from atlas_desktop.descriptors import write_all
from atlas_desktop.errors import AppError
from atlas_desktop.media.calibration import Heard
from atlas_desktop.media.playout import Gate, PlayoutControl
from atlas_desktop.media.shared_ring import RingReader, RingWriter
from atlas_desktop.sound_client.devices import id_of_key, names_frame
from atlas_desktop.sound_client.memory import (
    AVATAR,
    CAPTURED,
    MAIN,
    MICROPHONE,
    RENDERED,
    SPEAKER,
    PlayoutState,
    SoundMemory,
)

_STDOUT = 1
_SIGN_EVERY_MS = 500
Order = dict[str, Any]


class SoundService(QObject):
    """Carries out orders. Thread: main, but for ``handle``.

    Attributes:
        port: Where it waits for word of the avatar's sound.
    """

    _ordered = Signal(object)

    def __init__(self, memory: SoundMemory) -> None:
        super().__init__()
        self._memory = memory
        self._control = PlayoutControl()
        self._orders = 0
        source = RingReader(memory.avatar, AVATAR)
        self.port = source.port
        # Those of the process before this one are counted on: what it saw does not become undone.
        counters = replace(memory.counters, level_ms=0.0, target_ms=0.0, server_ms=0.0)
        self._sound = SoundThread(
            source, self._control, parent=self, counters=counters, on_turn=self._publish
        )
        self._rendered = RingWriter(memory.rendered, RENDERED)
        self._captured = RingWriter(memory.captured, CAPTURED)
        self._watch: DeviceWatch | None = None
        self._microphone: MicrophoneThread | None = None
        self._chosen_microphone = b""
        self._calibration: Calibration | None = None
        self._ordered.connect(self._obey, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self)
        self._timer.setInterval(_SIGN_EVERY_MS)
        self._timer.timeout.connect(self._sign)

    def start(self) -> None:
        """Plays from now on; the first use of Qt's devices takes up to 0.2 s."""
        self._sign()
        self._timer.start()
        self._devices = QMediaDevices(self)
        self._devices.audioOutputsChanged.connect(self._list)
        self._devices.audioInputsChanged.connect(self._list)
        self._sound.device_failed.connect(self._speaker_failed)
        self._sound.device_opened.connect(self._speaker_opened)
        self._sound.start()
        self._list()

    def handle(self, order: Order) -> None:
        """Takes an order. What is to be heard at once does not wait for the main thread. Thread: any one."""
        match order["do"]:
            case "set":
                setattr(self._control, order["name"], order["value"])
            case "gate":
                self._move_gate(Gate[order["gate"]])
            case _:
                self._ordered.emit(order)

    def _move_gate(self, gate: Gate) -> None:
        match gate:
            case Gate.OPEN:
                self._control.open()
            case Gate.CLOSED:
                self._control.close()
            case Gate.HELD:
                self._control.hold()
            case Gate.RELEASED:
                self._control.release()
        self._orders += 1

    @Slot(object)
    def _obey(self, order: Order) -> None:
        match order["do"]:
            case "choose" if order["what"] == "speaker":
                self._sound.choose(id_of_key(order["key"]))
            case "choose":
                self._choose_microphone(id_of_key(order["key"]))
            case "open_microphone":
                self._open_microphone(order["port"])
            case "close_microphone":
                self._close_microphone()
            case "calibrate":
                self._calibrate(order["speaker_ms"], listens=order["listens"])
            case "move_flash":
                if self._calibration is not None:
                    self._calibration.speaker_ms = order["speaker_ms"]
            case "stop_calibration":
                self._stop_calibration()

    def _publish(self) -> None:
        """Says how it goes. Thread: the sound thread."""
        control, orders = self._control, self._orders
        state = PlayoutState(orders, control.gate, control.sounding, control.is_heard)
        self._memory.publish(self._sound.counters, state)
        self._memory.sign(SPEAKER)

    @Slot()
    def _sign(self) -> None:
        self._memory.sign(MAIN)

    @Slot()
    def _list(self) -> None:
        speakers, microphones = (
            names_frame(names_of(devices))
            for devices in (QMediaDevices.audioOutputs(), QMediaDevices.audioInputs())
        )
        say({"says": "devices", "speakers": speakers, "microphones": microphones})

    def _choose_microphone(self, microphone: bytes) -> None:
        self._chosen_microphone = microphone
        if self._watch is not None:
            self._watch.choose_microphone(microphone)

    def _open_microphone(self, port: int) -> None:
        self._captured.wakes = port
        if self._microphone is not None:
            return
        if self._watch is None:
            self._watch = DeviceWatch(self)
            self._watch.choose_microphone(self._chosen_microphone)
            self._watch.microphone_changed.connect(self._follow_microphone)
        self._microphone = MicrophoneThread(self._captured, self._sign_microphone, self)
        self._microphone.failed.connect(self._microphone_failed)
        self._microphone.opened.connect(self._microphone_opened)
        self._microphone.follow(self._watch.microphone)
        self._microphone.start(QThread.Priority.HighPriority)
        self._sound.listen_to_render(self._rendered.write)

    def _close_microphone(self) -> None:
        self._sound.listen_to_render(None)
        microphone, self._microphone = self._microphone, None
        if microphone is not None:
            microphone.stop()
            microphone.deleteLater()
            self._memory.sign_off(MICROPHONE)

    def _sign_microphone(self) -> None:
        self._memory.sign(MICROPHONE)

    @Slot(QAudioDevice)
    def _follow_microphone(self, device: QAudioDevice) -> None:
        if self._microphone is not None:
            self._microphone.follow(device)

    def _calibrate(self, speaker_ms: float, *, listens: bool) -> None:
        self._stop_calibration()
        microphone = QMediaDevices.defaultAudioInput() if listens else None
        if microphone is not None and microphone.isNull():
            microphone = None
        self._calibration = run = Calibration(speaker_ms, microphone, self)
        run.flashed.connect(self._flash)
        run.finished.connect(self._calibrated)
        run.failed.connect(self._calibration_failed)
        run.start()

    def _stop_calibration(self) -> None:
        run, self._calibration = self._calibration, None
        if run is not None:
            run.stop()
            run.deleteLater()

    @Slot()
    def _flash(self) -> None:
        say({"says": "flash"})

    @Slot(object)
    def _calibrated(self, heard: Heard | None) -> None:
        say({"says": "calibrated", "heard": None if heard is None else asdict(heard)})

    @Slot(object)
    def _calibration_failed(self, error: AppError) -> None:
        _complain("calibration", error)

    @Slot(object)
    def _speaker_failed(self, error: AppError) -> None:
        _complain("speaker", error)

    @Slot(str)
    def _speaker_opened(self, name: str) -> None:
        say({"says": "opened", "what": "speaker", "name": name})

    @Slot(object)
    def _microphone_failed(self, error: AppError) -> None:
        _complain("microphone", error)
        if self._watch is not None:
            self._watch.shun_microphone(device_id(self._watch.microphone))

    @Slot(str)
    def _microphone_opened(self, name: str) -> None:
        say({"says": "opened", "what": "microphone", "name": name})


_saying = threading.Lock()


def say(word: dict[str, Any]) -> None:
    """Says ``word`` to the window. Thread: any."""
    with _saying:
        write_all(_STDOUT, line_of(word))


def _complain(what: str, error: AppError) -> None:
    say({"says": "failed", "what": what, **complaint_of(error)})
