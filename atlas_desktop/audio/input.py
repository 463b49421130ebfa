"""One open microphone: a ``QAudioSource`` that is asked every few milliseconds what it has heard."""

import time

from PySide6.QtCore import QCoreApplication, QIODevice
from PySide6.QtMultimedia import QAudioDevice, QAudioSource

from atlas_desktop.audio.formats import FromDevice, can_convert, negotiate
from atlas_desktop.audio.opening import BROKEN, FINE, ONE_AT_A_TIME, STOPPED
from atlas_desktop.errors import DeviceError
from atlas_desktop.media.blocks import Block

_BUFFER_MS = 40
_SILENT_S = 3.0


class Input:
    """An open microphone. Made, used and closed in one thread, which alone may touch it.

    Raises:
        DeviceError: The device could not be opened.
    """

    def __init__(self, device: QAudioDevice) -> None:
        self.name = device.description()
        form = negotiate(device, channels=1)
        if not can_convert(form):
            raise DeviceError(device=self.name, detail="its sound format is unknown")
        self._converter = FromDevice(form)
        self._source = QAudioSource(device, form)
        self._source.setBufferSize(form.bytesForDuration(_BUFFER_MS * 1000))
        with ONE_AT_A_TIME:
            # Declared as never None, yet it is for a device that is gone.
            stream: QIODevice | None = self._source.start()
        if stream is None or self._source.error() != FINE:
            raise DeviceError(device=self.name, detail="it could not be opened")
        self._stream = stream
        self._heard_s = time.monotonic()

    @property
    def broken(self) -> bool:
        """Whether the device has failed, or has given nothing at all for 3 s."""
        failed = self._source.error() in BROKEN
        stopped = self._source.state() == STOPPED
        return failed or stopped or time.monotonic() - self._heard_s > _SILENT_S

    def read(self) -> Block:
        """What was heard since the last call: int16 (samples, 1), 48 kHz; perhaps none. Never blocks."""
        QCoreApplication.processEvents()
        data = bytes(self._stream.readAll().data())
        if data:
            self._heard_s = time.monotonic()
        return self._converter.convert(data)

    def close(self) -> None:
        """Lets go of the device; not to be used any more. As with a speaker, this waits alone."""
        del self._stream, self._source
