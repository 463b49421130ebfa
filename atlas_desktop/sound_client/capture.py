"""The microphone's thread in the window's process: sound process → echo canceller → 10 ms blocks."""

import asyncio
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QThread

from atlas_desktop.aio import guarded
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import BLOCK_MS, BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.level import LevelMeter
from atlas_desktop.media.ring import PcmRing
from atlas_desktop.media.shared_ring import RingReader
from atlas_desktop.sound_client.memory import CAPTURED, RENDERED, SoundMemory

if TYPE_CHECKING:
    from atlas_desktop.media.processing import EchoCanceller

CancellerFactory = Callable[[], "EchoCanceller"]
_WAIT_S = 0.2
_CAPTURE_MS = 400
PREROLL_MS = 150
"""So much sound from before the microphone is unmuted is kept: push-to-talk is pressed a little late."""
_KEPT_SAMPLES = (PREROLL_MS - BLOCK_MS) * SAMPLE_RATE_HZ // 1000
_DELAY_MS = 60
"""From writing a block to capturing it again, sound server included both ways; only an initial estimate."""


class CaptureThread:
    """Takes what the sound process hears, whichever microphone that is, until stopped.

    A thread of Python's: one that hangs in native code holds up neither the window nor the program's exit.
    It may outlive everything of Qt's, so it neither emits a signal nor is ever the last to hold an object of
    Qt's, which it would then destroy in the wrong thread: either ends the process now and then.

    Attributes:
        port: Where the sound process says that something was heard.
        error: The bug that ended the thread.
        is_finished: It has let go of the sound process's memory; another may read it.
    """

    def __init__(
        self, memory: SoundMemory, make_canceller: CancellerFactory, on_finish: Callable[[], None]
    ) -> None:
        """Makes the thread, not started. Thread: main, where a loop of asyncio runs.

        Args:
            memory: Where the sound process writes what it hears.
            make_canceller: Makes the echo canceller, in the thread.
            on_finish: A bound method, held weakly; called on the loop when ``is_finished``.
        """
        self.meter = LevelMeter()
        self.captured = PcmRing(_CAPTURE_MS, channels=1)
        self.blocks = 0
        self.sending = False
        self._make_canceller = make_canceller
        self._heard = RingReader(memory.captured, CAPTURED)
        self._rendered = RingReader(memory.rendered, RENDERED)
        self.port = self._heard.port
        self.error: AppError | None = None
        self.is_finished = False
        self._loop = asyncio.get_running_loop()
        self._on_finish = weakref.WeakMethod(on_finish)
        self._stopping = False
        self._rest = silence(0)

    def start(self) -> None:
        """Start the thread. To be called once."""
        threading.Thread(target=self._run, name="microphone", daemon=True).start()

    def begin(self, preroll_ms: int) -> None:
        """Output what is captured from now on, and up to ``preroll_ms`` from before. Thread: main."""
        self.sending = True
        self.captured.skip(self.captured.level_samples - preroll_ms * SAMPLE_RATE_HZ // 1000)

    def stop(self) -> None:
        """Ends the thread, soon: ``on_finish`` says when. Thread: main; never waits."""
        self._stopping = True
        self._heard.wake()

    def _run(self) -> None:
        guarded("the microphone's thread", self._take_error)(self._listen)()
        self._heard.close()
        self._rendered.close()
        self.is_finished = True
        # The loop may be gone by now.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_call, self._on_finish)

    def _take_error(self, error: AppError) -> None:
        self.error = error

    def _listen(self) -> None:
        # As ``QThread.start`` would, where the system permits it.
        QThread.currentThread().setPriority(QThread.Priority.HighPriority)
        canceller = self._make_canceller()
        canceller.set_delay_ms(_DELAY_MS)
        while not self._stopping:
            if self._heard.wait(BLOCK_SAMPLES, _WAIT_S):
                self._process(self._heard.read(self._heard.capacity_samples), canceller)
            elif self._heard.level_samples == 0:
                # Disconnected, or being opened: the meter must not keep showing the last level.
                self.meter.reset()

    def _process(self, heard: Block, canceller: "EchoCanceller") -> None:
        sound = np.concatenate((self._rest, heard)) if len(self._rest) else heard
        whole = len(sound) // BLOCK_SAMPLES * BLOCK_SAMPLES
        self._rest = sound[whole:]
        if not whole:
            return
        rendered = self._rendered.read(self._rendered.capacity_samples)
        for start in range(0, whole, BLOCK_SAMPLES):
            # After a wait there are several: each is paired with its share of what was rendered meanwhile.
            begins, ends = (len(rendered) * at // whole for at in (start, start + BLOCK_SAMPLES))
            if ends > begins:
                canceller.process_render(rendered[begins:ends])
            block = canceller.process_capture(sound[start : start + BLOCK_SAMPLES])
            self.meter.update(block, BLOCK_MS / 1000)
            self.blocks += 1
            if not self.sending:
                self.captured.skip(self.captured.level_samples - _KEPT_SAMPLES)
            self.captured.write(block)


def _call(method: "weakref.WeakMethod[Callable[[], None]]") -> None:
    if (call := method()) is not None:
        call()
