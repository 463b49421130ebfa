"""What the transcript, the message box and the cue strip need of the model: two small protocols."""

from typing import Protocol

from PySide6.QtCore import SignalInstance

from atlas_desktop.cues.queue import Cue
from atlas_desktop.session.transcript import Message
from atlas_desktop.ui.seams import SessionModel


class TalkModel(SessionModel, Protocol):
    """What is said and typed.

    Payloads: ``message_changed(int, Message)``, ``transcript_reset()``, ``text_offered(str)``.
    """

    @property
    def message_changed(self) -> SignalInstance: ...
    @property
    def transcript_reset(self) -> SignalInstance: ...
    @property
    def text_offered(self) -> SignalInstance: ...

    @property
    def messages(self) -> tuple[Message, ...]: ...

    def send(self, text: str) -> bool:
        """Sends what was typed; False when it was not taken and should stay in the box."""
        ...

    def send_again(self) -> None:
        """Sends in this session what earlier ones left unsent."""
        ...


class CuesModel(SessionModel, Protocol):
    """The clips that wait, play and are done.

    Payloads: ``cues_changed(tuple[Cue, ...])``.
    """

    @property
    def cues_changed(self) -> SignalInstance: ...

    @property
    def cues(self) -> tuple[Cue, ...]: ...

    def play_cue(self, cue_id: int | None = None) -> None: ...
    def pause_cue(self) -> None: ...
    def seek_cue(self, position_s: float) -> None: ...
    def next_cue(self) -> None: ...
    def remove_cue(self, cue_id: int) -> None: ...
