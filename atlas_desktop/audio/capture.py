"""The microphone's thread: device → 10 ms blocks → echo canceller → ring."""

import logging
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.aio import guarded
from atlas_desktop.audio.input import Input
from atlas_desktop.errors import AppError, DeviceError, DeviceLostError, NoMicrophoneError
from atlas_desktop.media.blocks import BLOCK_MS, BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.level import LevelMeter
from atlas_desktop.media.ring import PcmRing

log = logging.getLogger(__name__)

_POLL_S = 0.008
_REOPEN_S = 0.5
_RENDER_MS = 500
_CAPTURE_MS = 400
PREROLL_MS = 150
"""What was heard before the microphone opens is kept so long: who presses a key to talk is a little late."""
_KEPT_SAMPLES = (PREROLL_MS - BLOCK_MS) * SAMPLE_RATE_HZ // 1000
_DELAY_MS = 60
"""From giving the speaker a block to hearing it again, both sound servers included; only a first guess."""


class Canceller(Protocol):
    """What cleans the microphone's sound, knowing what the speaker plays."""

    def set_delay_ms(self, delay_ms: int) -> None: ...

    def process_render(self, block: Block) -> None: ...

    def process_capture(self, block: Block) -> Block: ...


class CaptureThread(QThread):
    """Listens to one microphone until stopped; follows another one when told.

    Signals:
        failed(AppError): No microphone, or it broke; said once until one works again.
        opened(str): The microphone of this name is heard.
    """

    failed = Signal(object)
    opened = Signal(str)

    def __init__(self, make_canceller: Callable[[], Canceller], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("microphone")
        self.meter = LevelMeter()
        self.captured = PcmRing(_CAPTURE_MS, channels=1)
        self.rendered = PcmRing(_RENDER_MS, channels=2)
        self.blocks = 0
        self.sending = False
        self._make_canceller = make_canceller
        self._wanted = (0, QAudioDevice())
        self._opened_for = 0
        self._stopping = False
        self._failed = False
        self._input: Input | None = None
        self._rest = silence(0)

    def begin(self, preroll_ms: int) -> None:
        """Hands out what is heard from now on, and up to ``preroll_ms`` from before. Thread: main."""
        self.sending = True
        self.captured.skip(self.captured.level_samples - preroll_ms * SAMPLE_RATE_HZ // 1000)

    def follow(self, device: QAudioDevice) -> None:
        """Listens to ``device`` from now on; none when it is null. Thread: main."""
        self._wanted = (self._wanted[0] + 1, device)

    def stop(self) -> None:
        """Ends the thread and closes the device. Thread: main; waits for at most 2 s."""
        self._stopping = True
        self.wait(2_000)

    def run(self) -> None:
        """The thread's body."""
        guarded("the microphone's thread", self._say)(self._listen)()
        if self._input is not None:
            self._input.close()
            self._input = None

    def _listen(self) -> None:
        canceller = self._make_canceller()
        canceller.set_delay_ms(_DELAY_MS)
        while not self._stopping:
            source = self._follow_device()
            if source is None:
                time.sleep(_REOPEN_S / 5)
                continue
            self._pass_on(source.read(), canceller)
            time.sleep(_POLL_S)

    def _pass_on(self, heard: Block, canceller: Canceller) -> None:
        sound = np.concatenate((self._rest, heard)) if len(self._rest) else heard
        whole = len(sound) // BLOCK_SAMPLES * BLOCK_SAMPLES
        self._rest = sound[whole:]
        if whole and self.rendered.level_samples:
            canceller.process_render(self.rendered.read(self.rendered.capacity_samples))
        for start in range(0, whole, BLOCK_SAMPLES):
            block = canceller.process_capture(sound[start : start + BLOCK_SAMPLES])
            self.meter.update(block, BLOCK_MS / 1000)
            self.blocks += 1
            if not self.sending:
                self.captured.skip(self.captured.level_samples - _KEPT_SAMPLES)
            self.captured.write(block)

    def _follow_device(self) -> Input | None:
        number, device = self._wanted
        if self._input is not None and number == self._opened_for and not self._input.broken:
            return self._input
        was_working = self._input is not None and number == self._opened_for
        if self._input is not None:
            name = self._input.name
            self._input.close()
            self._input = None
            self.meter.reset()
            if was_working:
                self._fail(DeviceLostError(device=name))
                time.sleep(_REOPEN_S)
        self._opened_for = number
        return self._open(device)

    def _open(self, device: QAudioDevice) -> Input | None:
        if device.isNull():
            self._fail(NoMicrophoneError())
            return None
        try:
            self._input = Input(device)
        except DeviceError as error:
            self._fail(error)
            time.sleep(_REOPEN_S)
            return None
        self._failed, self._rest = False, silence(0)
        self.opened.emit(self._input.name)
        return self._input

    def _fail(self, error: DeviceError) -> None:
        if not self._failed:
            self._failed = True
            self._say(error)

    def _say(self, error: AppError) -> None:
        log.info("microphone: %s", error)
        self.failed.emit(error)
