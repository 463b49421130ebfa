"""What the user asks of the session that runs, and of nothing else."""

from PySide6.QtCore import Slot

from atlas_desktop.session import AtlasSession
from atlas_desktop.ui.telling import Telling


class SessionIntents(Telling):
    """The part of the model that hands intents to the session as they are."""

    _session: AtlasSession

    @Slot()
    def keep_waiting(self) -> None:
        self._session.keep_waiting()

    @Slot()
    def start_anew(self) -> None:
        """Ends this session and starts another like it, transcript, cues and waiting messages kept."""
        self._session.start_anew()

    def send(self, text: str) -> bool:
        """Sends what was typed; False when it was not taken and should stay in the box."""
        return self._session.send_chat(text)

    @Slot()
    def send_again(self) -> None:
        """Sends in this session what earlier ones left unsent."""
        self._session.send_again()

    @Slot()
    def unmute(self) -> None:
        """Asks to be heard again after the room has muted us."""
        self._session.unmute()

    @Slot(bool)
    def set_microphone(self, on: bool) -> None:
        self._session.set_microphone(on)

    @Slot(bool)
    def set_quiet(self, on: bool) -> None:
        """Neither the avatar nor the user is heard for a while: a calibration beeps."""
        self._session.set_quiet(on)

    def set_talking(self, on: bool) -> None:
        self._session.set_talking(on)
