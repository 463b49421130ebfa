"""One open speaker: a ``QAudioSink`` that is pushed to, and says how much it holds."""

import time

from PySide6.QtCore import QCoreApplication, QIODevice
from PySide6.QtMultimedia import QAudioDevice, QAudioSink

from atlas_desktop.audio.formats import ToDevice, can_convert, negotiate
from atlas_desktop.audio.opening import BROKEN, FINE, ONE_AT_A_TIME, STOPPED
from atlas_desktop.errors import DeviceError
from atlas_desktop.media.blocks import Block
from atlas_desktop.media.underruns import UnderrunDetector

CEILING_MS = 100
"""The device's buffer: a ceiling only, held nearly empty. 20 ms is too small for a sound server."""
_MOVED_MS = 0.1
_HUSH_STEPS = (0.6, 0.3, 0.1, 0.0)
_HUSH_STEP_S = 0.004


class Output:
    """An open speaker. Made, used and closed in one thread, which alone may touch it.

    Attributes:
        level_ms: How much it held at the last look that the sound server had not fetched yet.
        has_begun: Whether the sound server has fetched anything yet.

    Raises:
        DeviceError: The device could not be opened.
    """

    def __init__(self, device: QAudioDevice) -> None:
        self.name = device.description()
        form = negotiate(device, channels=2)
        if not can_convert(form):
            raise DeviceError(device=self.name, detail="its sound format is unknown")
        self._converter = ToDevice(form)
        self._bytes_per_ms = form.sampleRate() * form.bytesPerFrame() / 1000
        self._sink = QAudioSink(device, form)
        self._sink.setBufferSize(form.bytesForDuration(CEILING_MS * 1000))
        with ONE_AT_A_TIME:
            # Declared as never None, yet it is for a device that is gone.
            stream: QIODevice | None = self._sink.start()
        if stream is None or self._sink.error() != FINE:
            raise DeviceError(device=self.name, detail="it could not be opened")
        self._stream = stream
        self._given_ms, self._moved_s = 0.0, time.monotonic()
        self._underruns, self._lost_ms = UnderrunDetector(), 0.0
        self.level_ms, self.has_begun = 0.0, False
        self._buffer_bytes = self._sink.bufferSize()

    def look(self) -> float:
        """Asks how much it holds that the sound server has not fetched yet, and returns it: ``level_ms``."""
        level_ms: float = (self._buffer_bytes - self._sink.bytesFree()) / self._bytes_per_ms
        now_s = time.monotonic()
        if level_ms < self._given_ms - _MOVED_MS or level_ms == 0.0:
            self.has_begun = self.has_begun or level_ms < self._given_ms
            self._given_ms, self._moved_s = level_ms, now_s
        self._lost_ms += self._underruns.update(now_s, level_ms)
        self.level_ms = level_ms
        return level_ms

    def take_lost_ms(self) -> float:
        """How much time the server has lost since this was last asked: it ran dry while there was sound."""
        lost_ms, self._lost_ms = self._lost_ms, 0.0
        return lost_ms

    @property
    def idle_s(self) -> float:
        """For how long, at the last look, the server had fetched nothing although there was something."""
        return 0.0 if self.level_ms == 0.0 else time.monotonic() - self._moved_s

    @property
    def broken(self) -> bool:
        """Whether the device has failed for good. Lets Qt's own messages in first."""
        QCoreApplication.processEvents()
        return self._sink.error() in BROKEN or self._sink.state() == STOPPED

    def write(self, block: Block) -> bool:
        """Appends ``block``, int16 (samples, 2), 48 kHz. False when it did not fit: the rest is lost."""
        data = self._converter.convert(block)
        written = self._stream.write(data)
        written_ms = written / self._bytes_per_ms
        self._given_ms += written_ms
        self._underruns.add_write(written_ms)
        return written == len(data)

    def hush(self) -> None:
        """Fades what it holds, in about 16 ms: Qt applies its volume as the server fetches the sound."""
        for volume in _HUSH_STEPS:
            self._sink.setVolume(volume)
            time.sleep(_HUSH_STEP_S)

    def unhush(self) -> None:
        """What it holds is heard as it is."""
        self._sink.setVolume(1.0)

    def close(self) -> None:
        """Drops what it holds and lets go of the device; not to be used any more.

        It waits for a sound server that is blocked, but alone: PySide lets go of the interpreter for the
        destructor, and does not for ``reset``, which then holds up the window too.
        """
        del self._stream, self._sink
