"""The microphone: permission, echo cancellation, and readers of its blocks."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QMicrophonePermission, QObject, Qt, Signal

from atlas_desktop.errors import MicrophoneDeniedError
from atlas_desktop.media.blocks import BLOCK_SAMPLES, Block
from atlas_desktop.media.level import SILENCE_DBFS
from atlas_desktop.sound_client.capture import PREROLL_MS, CancellerFactory, CaptureThread
from atlas_desktop.sound_client.sound_client import SoundClient

if TYPE_CHECKING:
    from atlas_desktop.media.processing import EchoCanceller


class Microphone(QObject):
    """The user's voice. The device is opened by the first ``reader`` and stays open until ``close``.

    While no reader is open nothing is output, and the meter goes on: "you are muted".
    Thread: main; readers may be read in another.

    Signals:
        failed(AppError): No microphone, not permitted, or it broke; the next one is used automatically.
        opened(str): The microphone of this name is open.
    """

    failed = Signal(object)
    opened = Signal(str)

    def __init__(
        self,
        client: SoundClient,
        make_canceller: CancellerFactory | None = None,
        parent: QObject | None = None,
    ) -> None:
        """Create the microphone, closed.

        Args:
            client: The sound process, which has the device.
            make_canceller: Creates the echo canceller, in the microphone's thread.
            parent: Qt's owner.
        """
        super().__init__(parent)
        self._client = client
        self._make_canceller = make_canceller or _make_webrtc_canceller
        client.microphone_failed.connect(self.failed)
        client.microphone_opened.connect(self.opened)
        self._capture: CaptureThread | None = None
        self._ending: CaptureThread | None = None
        self._opens_next = False
        self._reader: MicrophoneReader | None = None
        self._wanted = False

    @property
    def is_open(self) -> bool:
        """Whether the device is open, muted or not."""
        return self._capture is not None

    @property
    def level_dbfs(self) -> float:
        """The user's loudness, smoothed; −100 while closed. Thread: any."""
        capture = self._capture
        return capture.meter.dbfs if capture is not None else SILENCE_DBFS

    @property
    def blocks(self) -> int:
        """How many blocks of 10 ms were captured since it was opened."""
        return self._capture.blocks if self._capture is not None else 0

    def reader(self, preroll_ms: int = 0) -> "MicrophoneReader":
        """Unmute: return a reader of what is captured from now on. An earlier reader ends.

        Args:
            preroll_ms: How much of what was captured just before comes first, ``PREROLL_MS`` at most; nothing
                when the device was closed.
        """
        if self._reader is not None:
            self._reader.close()
        self._reader = MicrophoneReader(min(preroll_ms, PREROLL_MS))
        if self._capture is not None:
            self._reader.attach(self._capture)
        else:
            self._ask()
        return self._reader

    def close(self) -> None:
        """Close the device and end its readers; its thread ends soon after."""
        self._wanted = self._opens_next = False
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._capture is not None:
            self._client.close_microphone()
            self._capture.stop()
            if not self._capture.is_finished:
                self._ending = self._capture
            self._capture = None

    def _ask(self) -> None:
        self._wanted = True
        ask_for_microphone(self, self._answered)

    def _answered(self, allowed: bool) -> None:
        if not allowed:
            self._wanted = False
            self.failed.emit(MicrophoneDeniedError())
        elif self._wanted and self._capture is None:
            self._open()

    def _finish(self) -> None:
        """The thread has ended; the next one reads the same memory, so it comes only now."""
        ended, self._ending = self._ending or self._capture, None
        if ended is not None and ended.error is not None:
            self.failed.emit(ended.error)
        if self._opens_next:
            self._open()

    def _open(self) -> None:
        self._opens_next = self._ending is not None
        if self._opens_next:
            return
        self._capture = CaptureThread(self._client.memory, self._make_canceller, self._finish)
        if self._reader is not None:
            self._reader.attach(self._capture)
        self._capture.start()
        self._client.open_microphone(self._capture.port)


class MicrophoneReader:
    """A ``BlockReader`` of the microphone. Read in one thread, closed from any.

    Attributes:
        preroll_ms: How much of its first output was captured before it was created.
    """

    def __init__(self, preroll_ms: int = 0) -> None:
        self.preroll_ms = preroll_ms
        self._capture: CaptureThread | None = None
        self._closed = False

    @property
    def finished(self) -> bool:
        return self._closed

    def attach(self, capture: CaptureThread) -> None:
        """Start output, as the device is open. Thread: main."""
        if not self._closed:
            capture.begin(self.preroll_ms)
            self._capture = capture

    def read(self) -> Block | None:
        """Return the next 10 ms, int16 (480, 1); ``None`` when nothing is ready. Never blocks."""
        capture = self._capture
        if self._closed or capture is None or capture.captured.level_samples < BLOCK_SAMPLES:
            return None
        return capture.captured.read(BLOCK_SAMPLES)

    def close(self) -> None:
        """Mute: the device stays open, nothing more is output."""
        self._closed = True
        if self._capture is not None:
            self._capture.sending = False
            self._capture = None


def ask_for_microphone(context: QObject, answered: Callable[[bool], None]) -> None:
    """Call ``answered`` with whether the microphone is permitted, at once where that is known. Thread: main.

    It is known on Linux and after macOS has asked. ``answered`` is not called when ``context`` is gone by
    then.
    """
    application = QCoreApplication.instance()
    assert application is not None

    def ask_again(*_: object) -> None:
        # What Qt passes here differs between its Python bindings' versions.
        answered(application.checkPermission(QMicrophonePermission()) == Qt.PermissionStatus.Granted)

    match application.checkPermission(QMicrophonePermission()):
        case Qt.PermissionStatus.Granted:
            answered(True)
        case Qt.PermissionStatus.Denied:
            answered(False)
        case Qt.PermissionStatus.Undetermined:
            application.requestPermission(QMicrophonePermission(), context, ask_again)


def _make_webrtc_canceller() -> "EchoCanceller":
    # Loads the SDK's native part: not before the microphone is used.
    from atlas_desktop.media.processing import EchoCanceller

    return EchoCanceller()
