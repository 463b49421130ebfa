"""The microphone's thread in the sound process: device → mono blocks, 48 kHz."""

import logging
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.aio import guarded
from atlas_desktop.audio.device_streams import InputStream
from atlas_desktop.audio.realtime import take_priority
from atlas_desktop.audio.speaker_port import MISSED_S
from atlas_desktop.errors import AppError, DeviceError, DeviceLostError, NoMicrophoneError
from atlas_desktop.media.blocks import Block

log = logging.getLogger(__name__)

_POLL_S = 0.008
_REOPEN_S = 0.5


class MicrophoneThread(QThread):
    """Captures from one microphone until stopped; ``select`` switches to another.

    Signals:
        failed(AppError): No microphone, or it broke; emitted once until one works again.
        opened(str): The microphone of this name is open.
    """

    failed = Signal(object)
    opened = Signal(str)

    def __init__(
        self,
        on_captured: Callable[[Block], None],
        on_turn: Callable[[], None] | None = None,
        parent: QObject | None = None,
    ) -> None:
        """Create the thread; nothing runs before ``start``.

        Args:
            on_captured: Called in the thread with what was captured: int16 (samples, 1), 48 kHz.
            on_turn: Called with every turn of the thread's loop, at least every 0.5 s.
            parent: Qt's owner of the thread object.
        """
        super().__init__(parent)
        self.setObjectName("microphone")
        self._on_captured = on_captured
        self._on_turn = on_turn or (lambda: None)
        self._selected = (0, QAudioDevice())
        self._opened_for = 0
        self._stopping = False
        self._failed = False
        self._missed_s = 0.0
        self._input: InputStream | None = None

    def select(self, device: QAudioDevice) -> None:
        """Capture from ``device`` from now on; from none when it is null. Thread: main."""
        self._selected = (self._selected[0] + 1, device)

    def stop(self) -> None:
        """End the thread and close the device. Thread: main; waits for at most 2 s."""
        self._stopping = True
        self.wait(2_000)

    def run(self) -> None:
        """The thread's body."""
        take_priority(lambda: None)
        guarded("the microphone's thread", self._report)(self._capture)()
        if self._input is not None:
            self._input.close()
            self._input = None

    def _capture(self) -> None:
        while not self._stopping:
            self._on_turn()
            source = self._follow_device()
            if source is None:
                time.sleep(_REOPEN_S / 5)
                continue
            heard = source.read()
            if len(heard):
                self._on_captured(heard)
            time.sleep(_POLL_S)

    def _follow_device(self) -> InputStream | None:
        number, device = self._selected
        if self._input is not None and number == self._opened_for and not self._input.broken:
            return self._input
        was_working = self._input is not None and number == self._opened_for
        if self._input is not None:
            name = self._input.name
            self._input.close()
            self._input = None
            if was_working:
                self._fail(DeviceLostError(device=name))
                time.sleep(_REOPEN_S)
        self._opened_for = number
        return self._open(device)

    def _open(self, device: QAudioDevice) -> InputStream | None:
        if device.isNull():
            self._missed_s = self._missed_s or time.monotonic()
            if time.monotonic() - self._missed_s > MISSED_S:
                self._fail(NoMicrophoneError())
            return None
        self._missed_s = 0.0
        try:
            self._input = InputStream(device)
        except DeviceError as error:
            self._fail(error)
            time.sleep(_REOPEN_S)
            return None
        self._failed = False
        self.opened.emit(self._input.name)
        return self._input

    def _fail(self, error: DeviceError) -> None:
        if not self._failed:
            self._failed = True
            self._report(error)

    def _report(self, error: AppError) -> None:
        log.info("microphone: %s", error)
        self.failed.emit(error)
