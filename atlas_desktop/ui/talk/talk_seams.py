"""What the transcript, the message box and the cue strip need of the model: two small protocols."""

from typing import Protocol

from PySide6.QtCore import SignalInstance

from atlas_desktop.api.source import Mode
from atlas_desktop.cues.queue import Cue
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.transcript import Message


class TalkModel(Protocol):
    """What is said and typed.

    Payloads: ``message_changed(int, Message)``, ``transcript_reset()``, ``text_offered(str)``,
    ``session_changed(SessionSnapshot)``, ``mode_changed(Mode)``.
    """

    @property
    def message_changed(self) -> SignalInstance: ...
    @property
    def transcript_reset(self) -> SignalInstance: ...
    @property
    def text_offered(self) -> SignalInstance: ...
    @property
    def session_changed(self) -> SignalInstance: ...
    @property
    def mode_changed(self) -> SignalInstance: ...

    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def snapshot(self) -> SessionSnapshot: ...
    @property
    def mode(self) -> Mode: ...

    def send(self, text: str) -> bool:
        """Sends what was typed; False when it was not taken and should stay in the box."""
        ...


class CuesModel(Protocol):
    """The clips that wait, play and are done.

    Payloads: ``cues_changed(tuple[Cue, ...])``, ``session_changed(SessionSnapshot)``, ``mode_changed(Mode)``.
    """

    @property
    def cues_changed(self) -> SignalInstance: ...
    @property
    def session_changed(self) -> SignalInstance: ...
    @property
    def mode_changed(self) -> SignalInstance: ...

    @property
    def cues(self) -> tuple[Cue, ...]: ...
    @property
    def snapshot(self) -> SessionSnapshot: ...
    @property
    def mode(self) -> Mode: ...

    def play_cue(self, cue_id: int | None = None) -> None: ...
    def pause_cue(self) -> None: ...
    def next_cue(self) -> None: ...
    def remove_cue(self, cue_id: int) -> None: ...
