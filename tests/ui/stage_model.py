"""A model for the live page: holds a snapshot, and writes down what it is asked."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from atlas_desktop.api.source import Face, Mode, SessionGrant
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Live, SessionState
from atlas_desktop.storage.settings import Settings

GRANT = SessionGrant("ses_1", "ws://localhost", "token")


class StandInModel(QObject):
    """What the live page sees of the model. ``asked`` lists every intent with its argument."""

    session_changed = Signal(object)
    face_changed = Signal(object)
    mode_changed = Signal(object)
    volume_changed = Signal(int, bool)
    microphone_level_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[object, ...]] = []
        self.snapshot = SessionSnapshot()
        self.settings = Settings()
        self.face: Face | None = None
        self.mode = Mode.CONVERSATION
        self.muted = False

    def live(self, **values: object) -> None:
        self.show(Live(GRANT), **values)

    def show(self, life: SessionState, **values: object) -> None:
        self.snapshot = replace(self.snapshot, state=life, **values)  # type: ignore[arg-type]
        self.session_changed.emit(self.snapshot)

    def cancel(self) -> None:
        self.asked.append(("cancel",))

    def end(self) -> None:
        self.asked.append(("end",))

    def park(self) -> None:
        self.asked.append(("park",))

    def resume(self) -> None:
        self.asked.append(("resume",))

    def keep_waiting(self) -> None:
        self.asked.append(("keep_waiting",))

    def start_anew(self) -> None:
        self.asked.append(("start_anew",))

    def interrupt(self) -> None:
        self.asked.append(("interrupt",))

    def set_microphone(self, on: bool) -> None:
        self.asked.append(("set_microphone", on))

    def set_talking(self, on: bool) -> None:
        self.asked.append(("set_talking", on))

    def set_volume(self, volume: int) -> None:
        self.asked.append(("set_volume", volume))

    def set_muted(self, muted: bool) -> None:
        self.asked.append(("set_muted", muted))

    def set_mode(self, mode: Mode) -> None:
        self.asked.append(("set_mode", mode))
