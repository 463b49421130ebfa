"""A model without a session: holds what it is told to hold, and writes down what it is asked."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from atlas_desktop.api.source import Face, Mode
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import SessionState
from atlas_desktop.session.transcript import Message
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.desks.key_state import KeyState
from atlas_desktop.ui.drops.drop import DropPlan
from atlas_desktop.ui.look.pictures import PastedPicture


class FakeModel(QObject):
    """What the window sees of the model. ``asked`` lists every intent with its arguments."""

    session_changed = Signal(object)
    cues_changed = Signal(tuple)
    notice_raised = Signal(object)
    notice_changed = Signal(object)
    notice_cleared = Signal(str)
    key_asked = Signal(str)
    settings_asked = Signal()
    key_changed = Signal(object)
    settings_changed = Signal(object)
    face_changed = Signal(object)
    mode_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[object, ...]] = []
        self.touches = 0
        self.snapshot = SessionSnapshot()
        self.settings = Settings()
        self.key_state = KeyState()
        self.face: Face | None = None
        self.mode = Mode.CONVERSATION
        self.cues: tuple[object, ...] = ()
        self.messages: tuple[Message, ...] = ()

    def live_through(self, life: SessionState, **values: object) -> None:
        self.snapshot = replace(self.snapshot, state=life, **values)  # type: ignore[arg-type]
        self.session_changed.emit(self.snapshot)

    def start(self) -> None:
        self.asked.append(("start",))

    def rehearse(self) -> None:
        self.asked.append(("rehearse",))

    def start_again(self) -> None:
        self.asked.append(("start_again",))

    def retry(self) -> None:
        self.asked.append(("retry",))

    def end(self) -> None:
        self.asked.append(("end",))

    def resume(self) -> None:
        self.asked.append(("resume",))

    def touch(self) -> None:
        self.touches += 1

    def try_key(self, pasted: str) -> None:
        self.asked.append(("try_key", pasted))

    def interrupt(self) -> None:
        self.asked.append(("interrupt",))

    def set_microphone(self, on: bool) -> None:
        self.asked.append(("set_microphone", on))

    def set_mode(self, mode: Mode) -> None:
        self.asked.append(("set_mode", mode))

    def set_face(self, face: Path | PastedPicture | str) -> None:
        self.asked.append(("set_face", face))

    def set_key(self, pasted: str) -> None:
        self.asked.append(("set_key", pasted))

    def forget_key(self) -> None:
        self.asked.append(("forget_key",))

    def use_backend(self, url: str, token: str) -> None:
        self.asked.append(("use_backend", url, token))

    def set_quiet(self, on: bool) -> None:
        self.asked.append(("set_quiet", on))

    def save_transcript(self, path: Path) -> None:
        self.asked.append(("save_transcript", path))

    def open_drop(self, plan: DropPlan, picture: PastedPicture) -> None:
        self.asked.append(("open_drop", plan, picture))

    def close_requested(self) -> None:
        self.asked.append(("close_requested",))

    def change_settings(self, **values: object) -> None:
        self.settings = replace(self.settings, **values)  # type: ignore[arg-type]
        self.settings_changed.emit(self.settings)
