"""Notices that come and go with the session's state: why cues wait, why nothing is heard."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from atlas_desktop.api.source import Mode
from atlas_desktop.cues.queue import Cue
from atlas_desktop.errors import AppError, MicrophoneMutedError, SpeechMutedError
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.storage.settings import VOLUME_DEFAULT
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory

if TYPE_CHECKING:
    from atlas_desktop.media.playout import Playout
    from atlas_desktop.ui.model import AppModel


class HintController:
    """Raises each hint once when its reason begins, and clears it when that ends."""

    def __init__(self, model: "AppModel", factory: NoticeFactory, playout: "Playout") -> None:
        self._model = model
        self._factory = factory
        self._playout = playout
        self._cues_said: frozenset[int] = frozenset()
        self._silence_said = False
        self._muted_id = ""
        self._open_id = ""

    def follow(self, snapshot: SessionSnapshot, cues: Sequence[Cue]) -> None:
        """Raise or clear every hint that depends on the session's present state."""
        self.follow_cues(snapshot, cues)
        self.follow_sound(snapshot)
        self.follow_voice(snapshot)

    def follow_cues(self, snapshot: SessionSnapshot, cues: Sequence[Cue]) -> None:
        """Hint that sound waits in a conversation; its button switches the mode."""
        here = snapshot.is_live and snapshot.mode is Mode.CONVERSATION
        # A file that is still being read may hold no sound at all.
        shown = cues if here else ()
        waiting = frozenset(cue.id for cue in shown if not cue.state.is_over and not cue.is_reading)
        # Raised again for later files: the notice may have been closed meanwhile.
        if waiting - self._cues_said:
            notice = self._factory.cues_wait(snapshot.billed, self._switch_and_play)
            self._model.notice_raised.emit(notice)
        elif self._cues_said and not waiting:
            self._model.clear("cues_wait")
        self._cues_said = waiting

    def follow_sound(self, snapshot: SessionSnapshot) -> None:
        """Hint that the avatar speaks while the volume is 0 or muted."""
        off = (self._playout.muted or self._playout.volume == 0) and not snapshot.is_over
        if off and snapshot.speaking and not self._silence_said:
            self._silence_said = True
            self._model.notice_raised.emit(self._factory.unheard(self._turn_on))
        elif self._silence_said and not off:
            self._silence_said = False
            self._model.clear("unheard")

    def follow_voice(self, snapshot: SessionSnapshot) -> None:
        """Hint that the room has muted our track, as long as it has."""
        muted: AppError | None = None
        if snapshot.voice_muted:
            is_microphone = snapshot.mode is Mode.CONVERSATION
            muted = MicrophoneMutedError() if is_microphone else SpeechMutedError()
        muted_id = muted.code if muted is not None else ""
        if muted_id == self._muted_id:
            return
        if self._muted_id:
            self._model.clear(self._muted_id)
        self._muted_id = muted_id
        if muted is not None:
            self._model.notice_raised.emit(self._factory.muted(muted, self._model.unmute))

    def follow_end(self, snapshot: SessionSnapshot) -> None:
        """Clear what concerns a running session only, and an unconfirmed end that was confirmed late."""
        if snapshot.is_over:
            self._model.clear("switch_mode", "no_microphone", "microphone_denied")
        summary = snapshot.summary
        if summary is None:
            return
        if not summary.confirmed:
            self._open_id = summary.session_id
        elif summary.session_id == self._open_id:
            self._open_id = ""
            self._model.clear("end_unconfirmed")

    def _switch_and_play(self) -> None:
        self._model.switch_mode(Mode.PASSTHROUGH)

    def _turn_on(self) -> None:
        self._model.set_muted(False)
        if self._playout.volume == 0:
            self._model.set_volume(VOLUME_DEFAULT)
