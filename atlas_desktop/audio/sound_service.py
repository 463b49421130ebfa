"""The orders that the sound process carries out: play, capture, list devices, calibrate."""

import threading
from dataclasses import asdict, replace
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice, QMediaDevices

from atlas_desktop.api.guard_protocol import encode_error, encode_message
from atlas_desktop.audio.calibration import Calibration
from atlas_desktop.audio.device_monitor import DeviceMonitor, device_id, names_of
from atlas_desktop.audio.microphone_thread import MicrophoneThread
from atlas_desktop.audio.sound_thread import SoundThread
from atlas_desktop.descriptors import write_all
from atlas_desktop.errors import AppError
from atlas_desktop.media.beep_finder import BeepMeasurement
from atlas_desktop.media.playout import Gate, PlayoutControl
from atlas_desktop.media.shared_ring import RingReader, RingWriter
from atlas_desktop.sound_client.device_names import id_of_key, names_frame
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
_BEAT_EVERY_MS = 500
Order = dict[str, Any]


class SoundService(QObject):
    """Carries out orders. Thread: main, but for ``handle``.

    Attributes:
        port: The port that wakes the sound thread for the avatar's sound.
    """

    _ordered = Signal(object)

    def __init__(self, memory: SoundMemory) -> None:
        super().__init__()
        self._memory = memory
        self._control = PlayoutControl()
        self._orders = 0
        source = RingReader(memory.avatar, AVATAR)
        self.port = source.port
        # Continue those of the process before this one.
        counters = replace(memory.counters, level_ms=0.0, target_ms=0.0, server_ms=0.0)
        self._sound = SoundThread(
            source, self._control, parent=self, counters=counters, on_turn=self._publish
        )
        self._rendered = RingWriter(memory.rendered, RENDERED)
        self._captured = RingWriter(memory.captured, CAPTURED)
        self._devices: DeviceMonitor | None = None
        self._microphone: MicrophoneThread | None = None
        self._chosen_microphone = b""
        self._calibration: Calibration | None = None
        self._ordered.connect(self._carry_out, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self)
        self._timer.setInterval(_BEAT_EVERY_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Start playing; the first use of Qt's devices takes up to 0.2 s."""
        self._beat()
        self._timer.start()
        self._system_devices = QMediaDevices(self)
        self._system_devices.audioOutputsChanged.connect(self._list)
        self._system_devices.audioInputsChanged.connect(self._list)
        self._sound.device_failed.connect(self._speaker_failed)
        self._sound.device_opened.connect(self._speaker_opened)
        self._sound.start()
        self._list()

    def handle(self, order: Order) -> None:
        """Carry out an order; volume and gate without waiting for the main thread. Thread: any one."""
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
    def _carry_out(self, order: Order) -> None:
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
        """Publish counters and playout state. Thread: the sound thread."""
        control, orders = self._control, self._orders
        state = PlayoutState(orders, control.gate, control.sounding, control.is_heard)
        self._memory.publish(self._sound.counters, state)
        self._memory.beat(SPEAKER)

    @Slot()
    def _beat(self) -> None:
        self._memory.beat(MAIN)

    @Slot()
    def _list(self) -> None:
        speakers, microphones = (
            names_frame(names_of(devices))
            for devices in (QMediaDevices.audioOutputs(), QMediaDevices.audioInputs())
        )
        send_event({"says": "devices", "speakers": speakers, "microphones": microphones})

    def _choose_microphone(self, microphone: bytes) -> None:
        self._chosen_microphone = microphone
        if self._devices is not None:
            self._devices.choose_microphone(microphone)

    def _open_microphone(self, port: int) -> None:
        self._captured.wakes = port
        if self._microphone is not None:
            return
        if self._devices is None:
            self._devices = DeviceMonitor(self)
            self._devices.choose_microphone(self._chosen_microphone)
            self._devices.microphone_changed.connect(self._select_microphone)
        self._microphone = MicrophoneThread(self._captured.write, self._beat_microphone, self)
        self._microphone.failed.connect(self._microphone_failed)
        self._microphone.opened.connect(self._microphone_opened)
        self._microphone.select(self._devices.microphone)
        self._microphone.start(QThread.Priority.HighPriority)
        self._sound.listen_to_render(self._rendered.write)

    def _close_microphone(self) -> None:
        self._sound.listen_to_render(None)
        microphone, self._microphone = self._microphone, None
        if microphone is not None:
            microphone.stop()
            microphone.deleteLater()
            self._memory.stop_beating(MICROPHONE)

    def _beat_microphone(self) -> None:
        self._memory.beat(MICROPHONE)

    @Slot(QAudioDevice)
    def _select_microphone(self, device: QAudioDevice) -> None:
        if self._microphone is not None:
            self._microphone.select(device)

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
        send_event({"says": "flash"})

    @Slot(object)
    def _calibrated(self, heard: BeepMeasurement | None) -> None:
        send_event({"says": "calibrated", "heard": None if heard is None else asdict(heard)})

    @Slot(object)
    def _calibration_failed(self, error: AppError) -> None:
        _report_failure("calibration", error)

    @Slot(object)
    def _speaker_failed(self, error: AppError) -> None:
        _report_failure("speaker", error)

    @Slot(str)
    def _speaker_opened(self, name: str) -> None:
        send_event({"says": "opened", "what": "speaker", "name": name})

    @Slot(object)
    def _microphone_failed(self, error: AppError) -> None:
        _report_failure("microphone", error)
        if self._devices is not None:
            self._devices.exclude_microphone(device_id(self._devices.microphone))

    @Slot(str)
    def _microphone_opened(self, name: str) -> None:
        send_event({"says": "opened", "what": "microphone", "name": name})


_stdout_lock = threading.Lock()


def send_event(event: dict[str, Any]) -> None:
    """Send ``event`` to the window. Thread: any."""
    with _stdout_lock:
        write_all(_STDOUT, encode_message(event))


def _report_failure(what: str, error: AppError) -> None:
    send_event({"says": "failed", "what": what, **encode_error(error)})
