"""Open devices: a ``QAudioSink`` that is pushed to, and a ``QAudioSource`` that is polled."""

import threading
import time
from typing import Final

from PySide6.QtCore import QCoreApplication, QIODevice
from PySide6.QtMultimedia import QAudioDevice, QAudioFormat, QAudioSink, QAudioSource, QtAudio

from atlas_desktop.audio.sample_formats import FromDevice, ToDevice, can_convert, negotiate
from atlas_desktop.errors import DeviceError
from atlas_desktop.media.blocks import Block
from atlas_desktop.media.underruns import UnderrunDetector

CEILING_MS = 100
"""The speaker's buffer: a ceiling only, kept nearly empty. 20 ms is too small for a sound server."""
_MOVED_MS = 0.1
_FADE_VOLUMES = (0.6, 0.3, 0.1, 0.0)
_FADE_STEP_S = 0.004
_CAPTURE_BUFFER_MS = 40
_SILENT_S = 3.0

device_open_lock: Final = threading.Lock()
"""Held while a device is started.

PySide6 6.11.3 creates a wrapper class when a C++ class is first returned, and not thread-safely: the first
``start()`` of a speaker or a microphone, which returns a ``QIODevice``, creates those of files, processes and
sockets to find out which one it is. When both devices were opened at once, every second process crashed.
"""
# Looked up once, before there is any thread: enums are created in the same way.
_NO_ERROR: Final = QtAudio.Error.NoError
_FAILED: Final = (QtAudio.Error.FatalError, QtAudio.Error.IOError)
_STOPPED: Final = QtAudio.State.StoppedState


class OutputStream:
    """An open speaker. Created, used and closed in one thread, which alone may touch it.

    Attributes:
        level_ms: How much it held at the last ``poll`` that the sound server had not fetched yet.
        has_begun: Whether the sound server has fetched anything yet.

    Raises:
        DeviceError: The device could not be opened.
    """

    def __init__(self, device: QAudioDevice) -> None:
        self.name = device.description()
        form = _negotiated(device, channels=2)
        self._converter = ToDevice(form)
        self._bytes_per_ms = form.sampleRate() * form.bytesPerFrame() / 1000
        self._sink = QAudioSink(device, form)
        self._sink.setBufferSize(form.bytesForDuration(CEILING_MS * 1000))
        self._stream = _start(self._sink, self.name)
        self._given_ms, self._moved_s = 0.0, time.monotonic()
        self._underruns, self._lost_ms = UnderrunDetector(), 0.0
        self.level_ms, self.has_begun = 0.0, False
        self._buffer_bytes = self._sink.bufferSize()

    def poll(self) -> float:
        """Return ``level_ms``, after asking the device for it."""
        level_ms: float = (self._buffer_bytes - self._sink.bytesFree()) / self._bytes_per_ms
        now_s = time.monotonic()
        if level_ms < self._given_ms - _MOVED_MS or level_ms == 0.0:
            self.has_begun = self.has_begun or level_ms < self._given_ms
            self._given_ms, self._moved_s = level_ms, now_s
        self._lost_ms += self._underruns.update(now_s, level_ms)
        self.level_ms = level_ms
        return level_ms

    def take_lost_ms(self) -> float:
        """Return and reset how much time the server has lost by running dry while there was sound."""
        lost_ms, self._lost_ms = self._lost_ms, 0.0
        return lost_ms

    @property
    def idle_s(self) -> float:
        """For how long, at the last ``poll``, the server had fetched nothing although there was something."""
        return 0.0 if self.level_ms == 0.0 else time.monotonic() - self._moved_s

    @property
    def broken(self) -> bool:
        """Whether the device has failed for good. Processes Qt's own events first."""
        QCoreApplication.processEvents()
        return _has_failed(self._sink)

    def write(self, block: Block) -> bool:
        """Append ``block``, int16 (samples, 2), 48 kHz. False when it did not fit: the rest is lost."""
        data = self._converter.convert(block)
        written = self._stream.write(data)
        written_ms = written / self._bytes_per_ms
        self._given_ms += written_ms
        self._underruns.add_write(written_ms)
        return written == len(data)

    def mute_output(self) -> None:
        """Fade out what it holds, in about 16 ms: Qt applies its volume as the server fetches the sound."""
        for volume in _FADE_VOLUMES:
            self._sink.setVolume(volume)
            time.sleep(_FADE_STEP_S)

    def restore_output(self) -> None:
        """Undo ``mute_output``, at once."""
        self._sink.setVolume(1.0)

    def close(self) -> None:
        """Drop what it holds and release the device; not usable any more.

        May wait for a blocked sound server, without the GIL: PySide releases it for the destructor, and does
        not for ``reset``.
        """
        del self._stream, self._sink


class InputStream:
    """An open microphone. Created, used and closed in one thread, which alone may touch it.

    Raises:
        DeviceError: The device could not be opened.
    """

    def __init__(self, device: QAudioDevice) -> None:
        self.name = device.description()
        form = _negotiated(device, channels=1)
        self._converter = FromDevice(form)
        self._source = QAudioSource(device, form)
        self._source.setBufferSize(form.bytesForDuration(_CAPTURE_BUFFER_MS * 1000))
        self._stream = _start(self._source, self.name)
        self._heard_s = time.monotonic()

    @property
    def broken(self) -> bool:
        """Whether the device has failed, or has delivered nothing at all for 3 s."""
        return _has_failed(self._source) or time.monotonic() - self._heard_s > _SILENT_S

    def read(self) -> Block:
        """Return what was captured since the last call: int16 (samples, 1), 48 kHz, perhaps none.

        Never blocks.
        """
        QCoreApplication.processEvents()
        data = bytes(self._stream.readAll().data())
        if data:
            self._heard_s = time.monotonic()
        return self._converter.convert(data)

    def close(self) -> None:
        """Release the device; not usable any more. May wait, as for a speaker."""
        del self._stream, self._source


def _negotiated(device: QAudioDevice, channels: int) -> QAudioFormat:
    form = negotiate(device, channels)
    if not can_convert(form):
        raise DeviceError(device=device.description(), detail="its sound format is unknown")
    return form


def _start(device: QAudioSink | QAudioSource, name: str) -> QIODevice:
    with device_open_lock:
        # Declared as never None, yet it is for a device that is gone.
        stream: QIODevice | None = device.start()
    if stream is None or device.error() != _NO_ERROR:
        raise DeviceError(device=name, detail="it could not be opened")
    return stream


def _has_failed(device: QAudioSink | QAudioSource) -> bool:
    return device.error() in _FAILED or device.state() == _STOPPED
