"""The sound thread: takes the avatar's sound from its ring to the speaker, whatever the window does."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, QThread, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.aio import guarded
from atlas_desktop.audio.devices import DeviceWatch
from atlas_desktop.audio.output import CEILING_MS, Output
from atlas_desktop.audio.realtime import take_priority
from atlas_desktop.audio.speaker_port import SpeakerPort
from atlas_desktop.errors import AppError, DeviceLostError
from atlas_desktop.media.blocks import Block
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.media.playout_level import samples_of
from atlas_desktop.media.playout_line import BRIDGE_BELOW_MS, PlayoutLine
from atlas_desktop.sound_client.sound_counters import SoundCounters

log = logging.getLogger(__name__)

RenderListener = Callable[[Block], None]
_WAIT_S = 0.2
_LEAST_WAIT_S = 0.002
_IDLE_CLOSE_S = 5.0
_KEPT_MS = 20.0
"""Of the sound that came while there was no card; the rest would be a delay for good."""
_SWITCH_S = 0.001
"""How long a busy Python thread may keep the interpreter: with the usual 5 ms, each of the few takings
of it per write costs as much as the device holds."""


class BlockSource(Protocol):
    """The ring that is played: ``PcmRing``, or the reading end of one that is shared with the window."""

    capacity_samples: int

    @property
    def level_samples(self) -> int: ...

    def read(self, samples: int) -> Block: ...

    def skip(self, samples: int) -> int: ...

    def wait(self, samples: int, timeout_s: float) -> bool: ...

    def wake(self) -> None: ...


class SoundThread(QThread):
    """Plays ``source`` through ``control`` on the chosen speaker, or the system's default.

    The device is opened with the first sound and closed after 5 s without any; a lost or new default
    device is followed by itself, and so is the chosen one when it goes and comes back. Nothing here waits for
    the main thread.

    Signals:
        device_failed(AppError): No speaker, or it broke; said once until one works again.
        device_opened(str): Sound goes to the speaker of this name.
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
        """Makes the thread; nothing runs before ``start``.

        Args:
            source: Where the sound comes from.
            control: Volume, mute and gate.
            on_render: Told, in the sound thread, what was written: int16 (samples, 2), 48 kHz.
            parent: Qt's owner of the thread object.
            counters: Counts on in these.
            on_turn: Called in the sound thread after whatever it does, and all the time while it is alive.
        """
        super().__init__(parent)
        self.setObjectName("sound")
        self.counters = counters or SoundCounters()
        self._ring = source
        self._on_turn = on_turn or _nothing
        self._control = control
        self._on_render = on_render
        self._watch: DeviceWatch | None = None
        self._chosen = b""
        self._stopping = False
        self._port = SpeakerPort(self._say, self._stuck.emit)
        self._line = PlayoutLine(control, self.counters)
        self._hushing = threading.Event()
        self._hushed_samples: int | None = None
        self._heard_s = 0.0
        self._name = ""

    def start(self, priority: QThread.Priority = QThread.Priority.TimeCriticalPriority) -> None:
        """Starts the thread. Thread: main; the first use of Qt's devices takes up to 0.2 s."""
        if self._watch is None:
            self._watch = DeviceWatch(self)
            self._watch.speaker_changed.connect(self._take_device)
            self._watch.speaker_missed.connect(self._miss_device)
            self._stuck.connect(self._watch.shun_speaker)
            self._watch.choose_speaker(self._chosen)
            self._take_device(self._watch.speaker)
        self._stopping = False
        self._control.on_close(self._hush)
        sys.setswitchinterval(_SWITCH_S)
        super().start(priority)

    def stop(self) -> None:
        """Ends the thread and closes the device; takes some milliseconds."""
        self._stopping = True
        self._control.on_close(None)
        self._ring.wake()
        self.wait(2_000)

    def choose(self, speaker_id: bytes) -> None:
        """Plays on this speaker whenever it is there; on the default when empty. Thread: main."""
        self._chosen = speaker_id
        if self._watch is not None:
            self._watch.choose_speaker(speaker_id)

    def listen_to_render(self, listener: RenderListener | None) -> None:
        """Sets who is told what the speaker plays: the echo canceller, while the microphone is open."""
        self._on_render = listener

    def _hush(self) -> None:
        """The gate has closed: what is in the device already shall not be heard either. Thread: any."""
        if self._port.output is None:
            return
        self._hushing.set()
        self._ring.wake()

    @Slot(QAudioDevice)
    def _take_device(self, device: QAudioDevice) -> None:
        self._port.want(device)

    @Slot(str)
    def _miss_device(self, name: str) -> None:
        if not self._port.is_failed:
            self._say(DeviceLostError(device=name))

    def run(self) -> None:
        """The thread's body."""
        # Before a device is opened: what Qt starts for it is to go first too.
        take_priority(self._port.server.hurry)
        guarded("the sound thread", self._say)(self._play)()
        self._port.close()

    def _play(self) -> None:
        while not self._stopping:
            self._on_turn()
            self._follow_device()
            has_come = self._ring.wait(1, self._patience_s())
            self._hush_device()
            if has_come and self._ring.level_samples and not self._stopping:
                self._heard_s = time.monotonic()
                self._serve()
                continue
            output = self._port.output
            if output is not None and self._line.can_bridge:
                self._give(output, self._line.bridge(output.look()))
            elif output is not None and time.monotonic() - self._heard_s > _IDLE_CLOSE_S:
                self._port.close()

    def _serve(self) -> None:
        """Sound has come: writes all of it, as the device's own thread plays on when ours is kept waiting."""
        output = self._port.output or self._open()
        if output is None:
            self._discard()
            return
        self._write(output)

    def _hush_device(self) -> None:
        output = self._port.output
        if output is not None and self._hushing.is_set():
            self._hushing.clear()
            output.hush()
            self._hushed_samples = 0

    def _patience_s(self) -> float:
        """How long the card can wait for sound."""
        output = self._port.output
        if output is None or not self._line.can_bridge:
            return _WAIT_S
        return max(_LEAST_WAIT_S, min(_WAIT_S, (output.level_ms - BRIDGE_BELOW_MS) / 1000))

    def _write(self, output: Output) -> None:
        level_ms = output.look()
        self._give(output, self._line.write(self._ring.read(self._ring.capacity_samples), level_ms))
        self.counters.writes += 1

    def _give(self, output: Output, heard: Block) -> None:
        if len(heard) == 0:
            return
        output.write(heard)
        if self._hushed_samples is not None:
            self._hushed_samples += len(heard)
            if self._hushed_samples >= samples_of(CEILING_MS) or not self._control.closed:
                self._hushed_samples = None
                output.unhush()
        listener = self._on_render
        if listener is not None:
            listener(heard)

    def _discard(self) -> None:
        """No speaker: time goes on all the same, for the gate and for what comes later."""
        self._control.process(self._ring.read(self._ring.capacity_samples))
        self.counters.discarded += 1

    def _follow_device(self) -> None:
        output = self._port.output
        if output is None:
            return
        output.look()
        if self._port.is_outdated or self._asks_anew(output):
            self._port.close()
            # At once, whether or not sound has come: a card takes a while to begin.
            if time.monotonic() - self._heard_s < _WAIT_S:
                self._open()
        else:
            self._port.check(output)

    def _asks_anew(self, output: Output) -> bool:
        """Whether the sound server ran dry so often that it is to be asked to keep more; or less again."""
        server, now_s = self._port.server, time.monotonic()
        lost_ms = output.take_lost_ms()
        if lost_ms:
            self.counters.dry += 1
            server.lost(now_s, lost_ms)
            log.debug("sound: the server ran dry (%.0f ms)", lost_ms)
        if not server.asks_anew(now_s, is_pause=not self._control.sounding):
            return False
        log.info("sound: the server is asked to keep %+.0f ms", server.extra_ms)
        return True

    def _open(self) -> Output | None:
        output = self._port.open()
        if output is None:
            return None
        if self.counters.opened:
            self._ring.skip(self._ring.level_samples - samples_of(_KEPT_MS))
        self._line.renew(same_card=output.name == self._name)
        # Qt has started a thread for it.
        take_priority(self._port.server.hurry)
        self._name, self._hushed_samples = output.name, None
        self.counters.opened += 1
        self.counters.server_ms = self._port.server.extra_ms
        self.device_opened.emit(output.name)
        return output

    def _say(self, error: AppError) -> None:
        log.info("sound: %s", error)
        self.device_failed.emit(error)


def _nothing() -> None:
    pass
