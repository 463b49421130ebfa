"""The window's side of a calibration: the devices it needs, and its run in the sound process."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from atlas_desktop.media.beep_finder import BeepMeasurement
from atlas_desktop.sound_client.microphone import ask_for_microphone
from atlas_desktop.sound_client.sound_client import SoundClient


class CalibrationRun(QObject):
    """Ten seconds of beeps and flashes in the sound process; one at a time. Thread: main.

    Signals:
        flashed(): Flash now: the beep is heard now, if ``speaker_ms`` is right.
        finished(BeepMeasurement): ``None`` when too few beeps were heard, or without a microphone.
        failed(AppError): Speaker or microphone can't be used.
    """

    flashed = Signal()
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, client: SoundClient, speaker_ms: float, parent: QObject, *, listens: bool) -> None:
        super().__init__(parent)
        self._client = client
        self._speaker_ms = speaker_ms
        self._listens = listens
        self._is_over = False
        client.flashed.connect(self.flashed)
        client.calibrated.connect(self._finish)
        client.calibration_failed.connect(self.failed)

    @property
    def speaker_ms(self) -> float:
        """The assumed delay behind the sound server."""
        return self._speaker_ms

    @speaker_ms.setter
    def speaker_ms(self, speaker_ms: float) -> None:
        self._speaker_ms = speaker_ms
        self._client.move_flash(speaker_ms)

    def start(self) -> None:
        """Start; the first beep comes after a second."""
        self._client.calibrate(self._speaker_ms, listens=self._listens)

    def stop(self) -> None:
        """Stop, at any stage."""
        if self._is_over:
            return
        self._is_over = True
        self._client.stop_calibration()
        self._client.flashed.disconnect(self.flashed)
        self._client.calibrated.disconnect(self._finish)
        self._client.calibration_failed.disconnect(self.failed)

    @Slot(object)
    def _finish(self, heard: dict[str, Any] | None) -> None:
        self.finished.emit(None if heard is None else BeepMeasurement(**heard))


class CalibrationDevices:
    """The system's default speaker and microphone. Thread: main."""

    def __init__(self, client: SoundClient) -> None:
        self._client = client

    @property
    def has_microphone(self) -> bool:
        """Whether one is connected."""
        return bool(self._client.devices.microphones())

    def ask(self, context: QObject, answered: Callable[[bool], None]) -> None:
        """Call ``answered`` with whether the microphone is allowed; the platform may ask the user first."""
        ask_for_microphone(context, answered)

    def make(self, speaker_ms: float, parent: QObject, *, listens: bool) -> CalibrationRun:
        """Create a run that has not started; one that does not listen goes on until it is stopped."""
        return CalibrationRun(self._client, speaker_ms, parent, listens=listens and self.has_microphone)
