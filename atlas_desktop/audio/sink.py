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
from atlas_desktop.audio.devices import DeviceWatch
from atlas_desktop.audio.output import CEILING_MS, Output
from atlas_desktop.errors import AppError, DeviceError, DeviceLostError, NoSpeakerError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.media.level import rms_dbfs
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.media.playout_level import (
    EMPTY_MS,
    PlayoutLevel,
    Stretcher,
    cut,
    samples_of,
)

log = logging.getLogger(__name__)

RenderListener = Callable[[Block], None]
_WAIT_S = 0.2
_IDLE_CLOSE_S = 5.0
_REOPEN_S = 1.0
_CHECK_S = 0.5
_STALLED_MS = 40.0
_SWITCH_S = 0.001
"""How long a busy Python thread may keep the interpreter: with the usual 5 ms, each of the few takings
of it per write costs as much as the device holds."""


@dataclass(slots=True)
class SoundCounters:
    """What the sound thread has seen since it started. One thread writes, any reads.

    Attributes:
        writes: Blocks of about 20 ms given to the device.
        underruns: Times the device ran dry although sound had come in time: our own fault.
        gaps: Those of them that were heard: the avatar was speaking.
        starved: Times it ran dry because no sound came.
        cuts: Times a backlog was left out at once.
        level_ms: What the device holds before a write; its low over a quarter of a second.
        discarded: Blocks that came while there was no speaker.
        opened: How often a device was opened.
    """

    writes: int = 0
    underruns: int = 0
    gaps: int = 0
    starved: int = 0
    cuts: int = 0
    level_ms: float = 0.0
    discarded: int = 0
    opened: int = 0


class SoundThread(QThread):
    """Plays ``feed.ring`` through ``control`` on the system's default speaker.

    The device is opened with the first sound and closed after 5 s without any; a lost or new default
    device is followed by itself. Nothing here waits for the main thread.

    Signals:
        device_failed(AppError): No speaker, or it broke; said once until one works again.
        device_opened(str): Sound goes to the speaker of this name.
    """

    device_failed = Signal(object)
    device_opened = Signal(str)

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
        # Replaced by the main thread, read by the sound thread.
        self._wanted = (0, QAudioDevice())
        self._opened_for = 0
        self._stopping = False
        self._output: Output | None = None
        self._level = PlayoutLevel()
        self._stretcher = Stretcher()
        self._failed = False
        self._fresh = True
        self._hushing = threading.Event()
        self._hushed_samples: int | None = None
        self._heard_s = 0.0
        self._tried_s = 0.0
        self._checked_s = 0.0

    def start(self, priority: QThread.Priority = QThread.Priority.TimeCriticalPriority) -> None:
        """Starts the thread. Thread: main; the first use of Qt's devices takes up to 0.2 s."""
        if self._watch is None:
            self._watch = DeviceWatch(self)
            self._watch.speaker_changed.connect(self._take_device)
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

    def run(self) -> None:
        """The thread's body."""
        guarded("the sound thread", self._say)(self._play)()
        self._close()

    def _play(self) -> None:
        while not self._stopping:
            self._follow_device()
            if self._ring.wait(1, _WAIT_S) and not self._stopping:
                self._heard_s = time.monotonic()
                self._serve()
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

    def _write(self, output: Output) -> None:
        level_ms = output.level_ms
        sound = self._ring.read(self._ring.capacity_samples)
        correction = self._level.correction(level_ms, len(sound) * 1000 / SAMPLE_RATE_HZ, rms_dbfs(sound))
        if level_ms < EMPTY_MS:
            self._count_dry(len(sound))
        if correction.cut_ms:
            self.counters.cuts += 1
            sound = cut(sound, samples_of(correction.cut_ms))
        heard = self._stretcher.stretch(self._control.process(sound), correction.stretch)
        if correction.pad_ms:
            output.write(silence(samples_of(correction.pad_ms), 2))
        output.write(heard)
        self._after_write(output, heard)

    def _after_write(self, output: Output, heard: Block) -> None:
        self.counters.writes += 1
        self.counters.level_ms = self._level.low_ms
        if self._hushed_samples is not None:
            self._hushed_samples += len(heard)
            if self._hushed_samples >= samples_of(CEILING_MS) or not self._control.closed:
                self._hushed_samples = None
                output.unhush()
        listener = self._on_render
        if listener is not None:
            listener(heard)

    def _count_dry(self, waiting_samples: int) -> None:
        if self._fresh:
            self._fresh = False
        elif waiting_samples > samples_of(_STALLED_MS):
            self.counters.underruns += 1
            self.counters.gaps += self._control.sounding
        else:
            self.counters.starved += 1

    def _discard(self) -> None:
        """No speaker: time goes on all the same, for the gate and for what comes later."""
        self._control.process(self._ring.read(self._ring.capacity_samples))
        self.counters.discarded += 1

    def _follow_device(self) -> None:
        now_s = time.monotonic()
        output = self._output
        if output is None or now_s - self._checked_s < _CHECK_S:
            return
        self._checked_s = now_s
        if self._opened_for != self._wanted[0]:
            self._close()
        elif output.broken:
            self._close()
            self._tried_s = now_s
            self._fail(DeviceLostError(device=output.name))

    def _open(self) -> Output | None:
        (number, device), now_s = self._wanted, time.monotonic()
        if device.isNull():
            self._fail(NoSpeakerError())
            return None
        if now_s - self._tried_s < _REOPEN_S:
            return None
        try:
            self._output = Output(device)
        except DeviceError as error:
            self._tried_s = now_s
            self._fail(error)
            return None
        self._opened_for, self._failed, self._fresh, self._checked_s = number, False, True, now_s
        self._level, self._hushed_samples = PlayoutLevel(), None
        self.counters.opened += 1
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
