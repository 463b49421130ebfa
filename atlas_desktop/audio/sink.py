"""The sound thread: takes the avatar's sound from its ring to the speaker, whatever the window does."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.aio import guarded
from atlas_desktop.audio.devices import DeviceWatch, device_id
from atlas_desktop.audio.output import CEILING_MS, Output
from atlas_desktop.audio.server import ServerBuffer
from atlas_desktop.errors import AppError, DeviceError, DeviceLostError, NoSpeakerError
from atlas_desktop.media.blocks import Block, silence
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.media.playout_level import samples_of
from atlas_desktop.media.playout_line import BRIDGE_BELOW_MS, PlayoutCounters, PlayoutLine

log = logging.getLogger(__name__)

RenderListener = Callable[[Block], None]
_WAIT_S = 0.2
_LEAST_WAIT_S = 0.002
_IDLE_CLOSE_S = 5.0
_REOPEN_S = 1.0
_CHECK_S = 0.25
_STUCK_S = 0.25
"""A card that takes nothing for so long is opened anew."""
_KEPT_MS = 20.0
"""Of the sound that came while there was no card; the rest would be a delay for good."""
_SWITCH_S = 0.001
"""How long a busy Python thread may keep the interpreter: with the usual 5 ms, each of the few takings
of it per write costs as much as the device holds."""


@dataclass(slots=True)
class SoundCounters(PlayoutCounters):
    """What the sound thread has seen since it started. One thread writes, any reads.

    Attributes:
        writes: Blocks given to the device.
        discarded: Blocks that came while there was no speaker.
        opened: How often a device was opened.
        dry: How often the sound server ran dry although sound waited for it.
        server_ms: How much more than usual the sound server keeps, so that it no longer does.
    """

    writes: int = 0
    discarded: int = 0
    opened: int = 0
    dry: int = 0
    server_ms: float = 0.0

    @property
    def interruptions(self) -> int:
        """How often sound that was there came too late for the card."""
        return self.underruns + self.dry

    @property
    def heard_gaps(self) -> int:
        """How often sound was missed while the avatar was speaking, or while there was some."""
        return self.gaps + self.dry

    @property
    def held_ms(self) -> float:
        """What is to be heard before what is written now, but for the card's usual part."""
        return self.level_ms + self.server_ms


class SoundThread(QThread):
    """Plays ``feed.ring`` through ``control`` on the chosen speaker, or the system's default.

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
        feed: AudioFeed,
        control: PlayoutControl,
        on_render: RenderListener | None = None,
        parent: QObject | None = None,
    ) -> None:
        """Makes the thread; nothing runs before ``start``.

        Args:
            feed: Where the sound comes from.
            control: Volume, mute and gate.
            on_render: Told, in the sound thread, what was written: int16 (samples, 2), 48 kHz.
            parent: Qt's owner of the thread object.
        """
        super().__init__(parent)
        self.setObjectName("sound")
        self.counters = SoundCounters()
        self._ring = feed.ring
        self._control = control
        self._on_render = on_render
        self._watch: DeviceWatch | None = None
        self._chosen = b""
        # Replaced by the main thread, read by the sound thread.
        self._wanted = (0, QAudioDevice())
        self._opened_for = 0
        self._stopping = False
        self._output: Output | None = None
        self._line = PlayoutLine(control, self.counters)
        self._server = ServerBuffer()
        self._failed = False
        self._hushing = threading.Event()
        self._hushed_samples: int | None = None
        self._heard_s = 0.0
        self._tried_s = self._lost_s = 0.0
        self._tried_for = 0
        self._checked_s = 0.0
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
        # One silent sample: whoever waits for sound wakes up.
        self._ring.write(silence(1, 2))
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
        if self._output is None:
            return
        self._hushing.set()
        # One silent sample: whoever waits for sound wakes up.
        self._ring.write(silence(1, 2))

    @Slot(QAudioDevice)
    def _take_device(self, device: QAudioDevice) -> None:
        # Counted, so that a device that went and came back is opened anew.
        self._wanted = (self._wanted[0] + 1, device)

    @Slot(str)
    def _miss_device(self, name: str) -> None:
        if not self._failed:
            self._say(DeviceLostError(device=name))

    def run(self) -> None:
        """The thread's body."""
        guarded("the sound thread", self._say)(self._play)()
        self._close()

    def _play(self) -> None:
        while not self._stopping:
            self._follow_device()
            if self._ring.wait(1, self._patience_s()) and not self._stopping:
                self._heard_s = time.monotonic()
                self._serve()
            elif self._output is not None and self._line.can_bridge:
                self._give(self._output, self._line.bridge(self._output.look()))
            elif self._output is not None and time.monotonic() - self._heard_s > _IDLE_CLOSE_S:
                self._close()

    def _serve(self) -> None:
        """Sound has come: writes all of it, as the device's own thread plays on when ours is kept waiting."""
        output = self._output or self._open()
        if output is None:
            self._discard()
            return
        if self._hushing.is_set():
            self._hushing.clear()
            output.hush()
            self._hushed_samples = 0
        self._write(output)

    def _patience_s(self) -> float:
        """How long the card can wait for sound."""
        output = self._output
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
        output = self._output
        if output is None:
            return
        if self._opened_for != self._wanted[0]:
            self._close()
            self._serve_anew()
            return
        now_s = time.monotonic()
        output.look()
        if self._is_short(output, now_s):
            self._close()
            self._serve_anew()
            return
        is_stuck = output.idle_s > _STUCK_S
        if not is_stuck and now_s - self._checked_s < _CHECK_S:
            return
        self._checked_s = now_s
        if is_stuck or output.broken:
            self._close()
            self._stuck.emit(device_id(self._wanted[1]))
            self._fail(DeviceLostError(device=output.name))
            # Once at once, as it may have been moved only; then again and again, at leisure.
            is_first = now_s - self._lost_s > _REOPEN_S
            self._lost_s = now_s
            self._tried_s = 0.0 if is_first else now_s

    def _is_short(self, output: Output, now_s: float) -> bool:
        """Whether the sound server ran dry too often: it is opened anew, with more to keep."""
        lost_ms = output.take_lost_ms()
        if not lost_ms:
            return False
        self.counters.dry += 1
        if not self._server.lost(now_s):
            return False
        log.info("sound: the server ran dry again (%.0f ms); asked to keep more", lost_ms)
        return True

    def _serve_anew(self) -> None:
        """Another card is opened at once, whether or not sound has come: it takes a while to begin."""
        if time.monotonic() - self._heard_s < _WAIT_S:
            self._open()

    def _open(self) -> Output | None:
        (number, device), now_s = self._wanted, time.monotonic()
        if device.isNull():
            self._fail(NoSpeakerError())
            return None
        if now_s - self._tried_s < _REOPEN_S and self._tried_for == number:
            return None
        self._tried_for = number
        self._server.opening(now_s)
        try:
            self._output = Output(device)
        except DeviceError as error:
            self._tried_s = now_s
            self._fail(error)
            return None
        if self.counters.opened:
            self._ring.skip(self._ring.level_samples - samples_of(_KEPT_MS))
        self._line.renew(same_card=self._output.name == self._name)
        self._opened_for, self._failed, self._checked_s = number, False, now_s
        self._name, self._hushed_samples = self._output.name, None
        self.counters.opened += 1
        self.counters.server_ms = self._server.extra_ms
        self.device_opened.emit(self._output.name)
        return self._output

    def _close(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    def _fail(self, error: DeviceError) -> None:
        if not self._failed:
            self._failed = True
            self._say(error)

    def _say(self, error: AppError) -> None:
        log.info("sound: %s", error)
        self.device_failed.emit(error)
