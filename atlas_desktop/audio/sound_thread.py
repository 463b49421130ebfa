"""The sound thread: from the ring of the avatar's sound to the speaker, independent of the window."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, QThread, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.aio import guarded
from atlas_desktop.audio.device_monitor import DeviceMonitor
from atlas_desktop.audio.device_streams import CEILING_MS, OutputStream
from atlas_desktop.audio.realtime import take_priority
from atlas_desktop.audio.speaker_port import SpeakerPort
from atlas_desktop.errors import AppError, DeviceLostError
from atlas_desktop.media.blocks import Block
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.media.playout_level import samples_of
from atlas_desktop.media.playout_line import BRIDGE_BELOW_MS, PlayoutLine
from atlas_desktop.sound_client.memory import SoundCounters

log = logging.getLogger(__name__)

RenderListener = Callable[[Block], None]
_WAIT_S = 0.2
_LEAST_WAIT_S = 0.002
_IDLE_CLOSE_S = 5.0
_KEPT_MS = 20.0
"""Of the sound that arrived while no card was open; the rest would be a lasting delay."""
_SWITCH_S = 0.001
"""How long a busy Python thread may hold the GIL: with the default 5 ms, each of the few acquisitions
per write takes as long as the device's buffer lasts."""


class BlockSource(Protocol):
    """The ring that is played: ``PcmRing``, or ``RingReader`` of memory that is shared with the window."""

    capacity_samples: int

    @property
    def level_samples(self) -> int: ...

    def read(self, samples: int) -> Block: ...

    def skip(self, samples: int) -> int: ...

    def wait(self, samples: int, timeout_s: float) -> bool: ...

    def wake(self) -> None: ...


class SoundThread(QThread):
    """Plays ``source`` through ``control`` on the chosen speaker, or the system's default.

    The device is opened with the first sound and closed after 5 s without any. A new default device, and the
    chosen one when it is reconnected, are switched to automatically. The thread never waits for the main
    thread.

    Signals:
        device_failed(AppError): No speaker, or it broke; emitted once until one works again.
        device_opened(str): Sound is played on the speaker of this name.
    """

    device_failed = Signal(object)
    device_opened = Signal(str)
    _stuck = Signal(bytes)

    def __init__(
        self,
        source: BlockSource,
        control: PlayoutControl,
        on_render: RenderListener | None = None,
        parent: QObject | None = None,
        *,
        counters: SoundCounters | None = None,
        on_turn: Callable[[], None] | None = None,
    ) -> None:
        """Create the thread; nothing runs before ``start``.

        Args:
            source: Where the sound comes from.
            control: Volume, mute and gate.
            on_render: Called in the sound thread with what was written: int16 (samples, 2), 48 kHz.
            parent: Qt's owner of the thread object.
            counters: Continued from their values.
            on_turn: Called in the sound thread with every turn of its loop, at least every 0.2 s.
        """
        super().__init__(parent)
        self.setObjectName("sound")
        self.counters = counters or SoundCounters()
        self._ring = source
        self._on_turn = on_turn or _nothing
        self._control = control
        self._on_render = on_render
        self._devices: DeviceMonitor | None = None
        self._chosen = b""
        self._stopping = False
        self._port = SpeakerPort(self._report, self._stuck.emit)
        self._line = PlayoutLine(control, self.counters)
        self._mute_requested = threading.Event()
        self._muted_samples: int | None = None
        self._heard_s = 0.0
        self._name = ""

    def start(self, priority: QThread.Priority = QThread.Priority.TimeCriticalPriority) -> None:
        """Start the thread. Thread: main; the first use of Qt's devices takes up to 0.2 s."""
        if self._devices is None:
            self._devices = DeviceMonitor(self)
            self._devices.speaker_changed.connect(self._select_device)
            self._devices.speaker_missed.connect(self._report_missed)
            self._stuck.connect(self._devices.exclude_speaker)
            self._devices.choose_speaker(self._chosen)
            self._select_device(self._devices.speaker)
        self._stopping = False
        self._control.on_close(self._request_mute)
        sys.setswitchinterval(_SWITCH_S)
        super().start(priority)

    def stop(self) -> None:
        """End the thread and close the device; takes some milliseconds."""
        self._stopping = True
        self._control.on_close(None)
        self._ring.wake()
        self.wait(2_000)

    def choose(self, speaker_id: bytes) -> None:
        """Play on this speaker whenever it is connected; on the default when empty. Thread: main."""
        self._chosen = speaker_id
        if self._devices is not None:
            self._devices.choose_speaker(speaker_id)

    def listen_to_render(self, listener: RenderListener | None) -> None:
        """Set who receives what the speaker plays: the echo canceller, while the microphone is open."""
        self._on_render = listener

    def _request_mute(self) -> None:
        """Mute what is in the device already, as the gate has closed. Thread: any."""
        if self._port.output is None:
            return
        self._mute_requested.set()
        self._ring.wake()

    @Slot(QAudioDevice)
    def _select_device(self, device: QAudioDevice) -> None:
        self._port.select(device)

    @Slot(str)
    def _report_missed(self, name: str) -> None:
        if not self._port.is_failed:
            self._report(DeviceLostError(device=name))

    def run(self) -> None:
        """The thread's body."""
        # Before a device is opened: threads that Qt starts for it inherit the priority.
        take_priority(self._port.server.expect_low_latency)
        guarded("the sound thread", self._report)(self._play)()
        self._port.close()

    def _play(self) -> None:
        while not self._stopping:
            self._on_turn()
            self._follow_device()
            has_come = self._ring.wait(1, self._wait_s())
            self._mute_device()
            if has_come and self._ring.level_samples and not self._stopping:
                self._heard_s = time.monotonic()
                self._serve()
                continue
            output = self._port.output
            if output is not None and self._line.can_bridge:
                self._give(output, self._line.bridge(output.poll()))
            elif output is not None and time.monotonic() - self._heard_s > _IDLE_CLOSE_S:
                self._port.close()

    def _serve(self) -> None:
        """Write all sound that has arrived: the device's own thread plays on while ours is delayed."""
        output = self._port.output or self._open()
        if output is None:
            self._discard()
            return
        self._write(output)

    def _mute_device(self) -> None:
        output = self._port.output
        if output is not None and self._mute_requested.is_set():
            self._mute_requested.clear()
            output.mute_output()
            self._muted_samples = 0

    def _wait_s(self) -> float:
        """Return how long the card can do without more sound."""
        output = self._port.output
        if output is None or not self._line.can_bridge:
            return _WAIT_S
        return max(_LEAST_WAIT_S, min(_WAIT_S, (output.level_ms - BRIDGE_BELOW_MS) / 1000))

    def _write(self, output: OutputStream) -> None:
        level_ms = output.poll()
        self._give(output, self._line.write(self._ring.read(self._ring.capacity_samples), level_ms))
        self.counters.writes += 1

    def _give(self, output: OutputStream, heard: Block) -> None:
        if len(heard) == 0:
            return
        output.write(heard)
        if self._muted_samples is not None:
            self._muted_samples += len(heard)
            if self._muted_samples >= samples_of(CEILING_MS) or not self._control.closed:
                self._muted_samples = None
                output.restore_output()
        listener = self._on_render
        if listener is not None:
            listener(heard)

    def _discard(self) -> None:
        """Drop sound without a speaker; the gate's state advances all the same."""
        self._control.process(self._ring.read(self._ring.capacity_samples))
        self.counters.discarded += 1

    def _follow_device(self) -> None:
        output = self._port.output
        if output is None:
            return
        output.poll()
        if self._port.is_outdated or self._should_reopen(output):
            self._port.close()
            # At once, even without sound: a card takes a while to begin.
            if time.monotonic() - self._heard_s < _WAIT_S:
                self._open()
        else:
            self._port.check(output)

    def _should_reopen(self, output: OutputStream) -> bool:
        """Return whether to reopen the card with another latency, after underruns or a calm time."""
        server, now_s = self._port.server, time.monotonic()
        lost_ms = output.take_lost_ms()
        if lost_ms:
            self.counters.dry += 1
            server.note_underrun(now_s, lost_ms)
            log.debug("sound: the server ran dry (%.0f ms)", lost_ms)
        if not server.should_reopen(now_s, is_pause=not self._control.sounding):
            return False
        log.info("sound: the requested latency changes to %+.0f ms", server.extra_ms)
        return True

    def _open(self) -> OutputStream | None:
        output = self._port.open()
        if output is None:
            return None
        if self.counters.opened:
            self._ring.skip(self._ring.level_samples - samples_of(_KEPT_MS))
        self._line.renew(same_card=output.name == self._name)
        # Qt has started another thread for it.
        take_priority(self._port.server.expect_low_latency)
        self._name, self._muted_samples = output.name, None
        self.counters.opened += 1
        self.counters.server_ms = self._port.server.extra_ms
        self.device_opened.emit(output.name)
        return output

    def _report(self, error: AppError) -> None:
        log.info("sound: %s", error)
        self.device_failed.emit(error)


def _nothing() -> None:
    pass
