"""A calibration without sound: devices that answer as told, and a run that ends when told."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal


class FakeEngine(QObject):
    flashed = Signal()
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, speaker_ms: float, parent: QObject, *, listens: bool) -> None:
        super().__init__(parent)
        self.speaker_ms = speaker_ms
        self.listens = listens
        self.running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


class FakeDevices:
    """``allows`` is the platform's answer; ``None``: it asks the user, who answers by ``answer``."""

    def __init__(self, *, has_microphone: bool = True, allows: bool | None = True) -> None:
        self.has_microphone = has_microphone
        self.allows = allows
        self.made: list[FakeEngine] = []
        self.answer: Callable[[bool], None] | None = None

    @property
    def engine(self) -> FakeEngine:
        return self.made[-1]

    @property
    def running(self) -> list[bool]:
        return [engine.listens for engine in self.made if engine.running]

    def ask(self, context: QObject, answered: Callable[[bool], None]) -> None:
        self.answer = answered
        if self.allows is not None:
            answered(self.allows)

    def make(self, speaker_ms: float, parent: QObject, *, listens: bool) -> FakeEngine:
        self.made.append(FakeEngine(speaker_ms, parent, listens=listens))
        return self.made[-1]
