"""The one Qt model: state of session, cues and controllers as signals, intents as calls."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Slot

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import SourceOpener, open_source
from atlas_desktop.api.lazy_source import LazySource
from atlas_desktop.api.source import Face, Mode
from atlas_desktop.cues.player import CuePlayer
from atlas_desktop.cues.queue import Cue
from atlas_desktop.errors import AppError
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.guard_client import GuardClient
from atlas_desktop.session.rehearsal import Rehearsal
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Reconnecting, Requesting
from atlas_desktop.session.transcript import Message
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import KeyStore
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import Settings
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.billing_controller import BillingController
from atlas_desktop.ui.controllers.face_controller import FACE_TROUBLE, FaceController
from atlas_desktop.ui.controllers.hint_controller import HintController
from atlas_desktop.ui.controllers.journal_controller import JournalController
from atlas_desktop.ui.controllers.key_controller import KeyController
from atlas_desktop.ui.controllers.key_state import KeyState
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.drops.drop_controller import DropController
from atlas_desktop.ui.drops.drop_plan import DropPlan, plan_sound
from atlas_desktop.ui.look.pictures import PastedPicture
from atlas_desktop.ui.model_signals import ModelSignals


class AppModel(ModelSignals):
    """State flows out as signals, intents come in as calls. Thread: the UI's, with the event loop."""

    def __init__(
        self,
        session: AtlasSession,
        player: CuePlayer,
        rehearsal: Rehearsal,
        keys: KeyStore,
        settings: SettingsStore,
        environment: Environment,
        profile: Profile,
        scope: TaskScope,
        *,
        backend: str = "",
        open_source: SourceOpener = open_source,
        guard: GuardClient | None = None,
    ) -> None:
        """Connect the parts. With a ``guard`` all paid sessions are created by it, not by ``open_source``."""
        super().__init__()
        self._session = session
        self._player = player
        self._rehearsal = rehearsal
        self._settings = settings
        self._mode = settings.settings.mode
        self.mode_choices = 0
        self._rehearsing = False
        self._state = session.snapshot.state
        self._factory = NoticeFactory(self)
        self._hints = HintController(self, self._factory, session.playout)
        self._keys = KeyController(
            keys,
            environment,
            settings,
            backend,
            scope,
            self.key_changed.emit,
            self.report,
            open_source if guard is None else guard.open,
        )
        self._billing = BillingController(self, session.limits, guard, settings, scope)
        self._faces = FaceController(settings, profile.folder, scope, self._take_face, self.report)
        self._journal = JournalController(
            session.transcript, profile.transcripts_folder, scope, self._factory, self.notice_raised.emit
        )
        self._drops = DropController(self, player, scope, self._factory)
        session.playout.volume = settings.settings.volume
        self._listen()

    def _listen(self) -> None:
        self._session.on_change(self._take_snapshot)
        self._session.on_notice(self.report)
        self._session.transcript.on_change(self._emit_message)
        self._session.transcript.on_reset(self.transcript_reset.emit)
        self._player.on_change(self._take_cues)
        self._player.on_error(self.report)
        self._settings.on_change(self.settings_changed.emit)

    def load(self) -> None:
        """Read key, face, and notices about the settings from keyring and disk."""
        self._keys.load()
        self._faces.load()
        self._billing.end_leftovers(self._keys)
        for notice in self._factory.found_in(self._settings, self.settings_requested.emit):
            self.notice_raised.emit(notice)

    async def aclose(self) -> None:
        """Close the transcript's journal and the connections to the service, at the end of the program."""
        await self._journal.aclose()
        await self._keys.aclose()

    @property
    def snapshot(self) -> SessionSnapshot:
        return self._session.snapshot

    @property
    def cues(self) -> tuple[Cue, ...]:
        return self._player.cues

    @property
    def messages(self) -> tuple[Message, ...]:
        return self._session.transcript.messages

    @property
    def key_state(self) -> KeyState:
        return self._keys.state

    @property
    def settings(self) -> Settings:
        return self._settings.settings

    @property
    def face(self) -> Face | None:
        return self._faces.face

    @property
    def mode(self) -> Mode:
        """The mode of the running session, else the one chosen for the next."""
        return self._mode

    @property
    def muted(self) -> bool:
        return self._session.playout.muted

    # Session

    @Slot()
    def start(self) -> None:
        """Start a paid session."""
        self._begin(rehearsing=False)

    @Slot()
    def rehearse(self) -> None:
        """Start a rehearsal: a session on this computer."""
        self._begin(rehearsing=True)

    @Slot()
    def start_again(self) -> None:
        """Start a session like the last one, or retry it; one that may still be open is ended first."""
        self._begin(rehearsing=self._rehearsing)

    @Slot()
    def end(self) -> None:
        """End the session at any stage; what was created on the server is ended, too."""
        self._session.end()

    @Slot()
    def end_again(self) -> None:
        """Request the end of a session again whose end was not confirmed."""
        self.clear("end_unconfirmed")
        self._session.end_again()

    @Slot()
    def park(self) -> None:
        """End the session and its cost; keep stage, cues, transcript and choices."""
        self._session.park()

    @Slot()
    def resume(self) -> None:
        """Start a session in place of the parked one."""
        self._session.resume(self._mode, microphone=self._wants_microphone(self._mode))

    @Slot()
    def touch(self) -> None:
        """Note that the user is present: input arrived."""
        self._session.limits.touch()

    @Slot()
    def close_requested(self) -> None:
        """Request the end of the session, then of the program."""
        self.quit_requested.emit()

    @Slot()
    def keep_waiting(self) -> None:
        """Keep waiting for the avatar; its time limit starts over."""
        self._session.keep_waiting()

    @Slot()
    def start_anew(self) -> None:
        """End this session and start another like it; keep transcript, cues and waiting messages."""
        self._session.start_anew()

    def _begin(self, *, rehearsing: bool) -> None:
        if not self.snapshot.is_over:
            return
        self.end_again()
        try:
            source = (
                LazySource("this computer", False, self._rehearsal.source, self._faces.settled)
                if rehearsing
                else self._keys.source(self._faces.settled)
            )
        except AppError as error:
            self.report(error)
            return
        self._rehearsing = rehearsing
        self.clear("no_key", "unauthorized", "bug")
        self._session.start(source, self._mode, self.face, microphone=self._wants_microphone(self._mode))

    def _wants_microphone(self, mode: Mode) -> bool:
        return mode is Mode.CONVERSATION and self.settings.microphone_on_connect

    # Mode

    @Slot(object)
    def set_mode(self, mode: Mode) -> None:
        """Choose the mode; during a paid session ask first, as this ends it and starts another."""
        self.mode_choices += 1
        if mode is self._mode:
            self.clear("switch_mode")
        elif self.snapshot.is_over:
            self._choose_mode(mode)
        elif self.snapshot.billed:
            self.notice_raised.emit(self._factory.switch(mode, lambda: self.switch_mode(mode)))
            self.mode_changed.emit(self._mode)
        else:
            self.switch_mode(mode)

    def switch_mode(self, mode: Mode) -> None:
        """End this session and start one in ``mode``; keep face, cues and transcript."""
        self.clear("switch_mode", "cues_wait")
        self._choose_mode(mode)
        self._session.switch_mode(mode, microphone=self._wants_microphone(mode))

    def _choose_mode(self, mode: Mode) -> None:
        self._mode = mode
        self._settings.change(mode=mode)
        self.mode_changed.emit(mode)

    # Sound and speech

    @Slot()
    def interrupt(self) -> None:
        """Stop what is spoken; remaining cues stay, paused."""
        self._player.interrupt()
        self._session.interrupt()

    @Slot(bool)
    def set_microphone(self, on: bool) -> None:
        self._session.set_microphone(on)

    @Slot(bool)
    def set_talking(self, on: bool) -> None:
        """Push to talk: pressed or released."""
        self._session.set_talking(on)

    @Slot()
    def unmute(self) -> None:
        """Request to be heard again after the room has muted our track."""
        self._session.unmute()

    @Slot(bool)
    def set_quiet(self, on: bool) -> None:
        """Mute avatar and microphone during a calibration."""
        self._session.set_quiet(on)

    @Slot(int)
    def set_volume(self, volume: int) -> None:
        self._session.playout.volume = volume
        self._settings.change(volume=volume)
        self._emit_volume()

    @Slot(bool)
    def set_muted(self, muted: bool) -> None:
        self._session.playout.muted = muted
        self._emit_volume()

    def _emit_volume(self) -> None:
        self.volume_changed.emit(self.settings.volume, self.muted)
        self._hints.follow_sound(self.snapshot)

    def play_cue(self, cue_id: int | None = None) -> None:
        self._player.play(cue_id)

    def pause_cue(self) -> None:
        self._player.pause()

    def seek_cue(self, position_s: float) -> None:
        self._player.seek(position_s)

    def next_cue(self) -> None:
        self._player.next()

    def remove_cue(self, cue_id: int) -> None:
        self._player.remove(cue_id)

    # Input

    def send(self, text: str) -> bool:
        """Send a typed message; False when it was not taken and should stay in the box."""
        return self._session.send_chat(text)

    @Slot()
    def send_again(self) -> None:
        self._session.send_again()

    def open_drop(self, plan: DropPlan, picture: PastedPicture) -> None:
        """Take a drop, or files chosen by dialog; raise a notice about what is not accepted."""
        self._drops.take(plan, picture)

    def open_audio(self, given: Sequence[str | Path]) -> None:
        """Add files, and the sound files of folders, to the strip."""
        self._drops.take(plan_sound(given), is_sound=True)

    def sound_given(self, mode_choices: int) -> None:
        """Preselect passthrough for given sound, unless a mode was chosen since (``mode_choices``)."""
        idle = self.snapshot.is_over and mode_choices == self.mode_choices
        if idle and self._mode is not Mode.PASSTHROUGH:
            self._choose_mode(Mode.PASSTHROUGH)

    def set_face(self, face: Path | PastedPicture | str) -> None:
        self._faces.choose(face)

    @Slot(str)
    def set_key(self, pasted: str) -> None:
        self.clear("no_key", "unauthorized")
        self._keys.enter(pasted)
        # The guard knows the key before *Start*, which then waits for no handshake.
        self._billing.end_leftovers(self._keys)

    @Slot()
    def forget_key(self) -> None:
        self._keys.forget()

    @Slot(str)
    def try_key(self, pasted: str) -> None:
        """End with another key the sessions it left open; keep the key in use."""
        self._keys.try_other(pasted, self._billing.try_key)

    @Slot(str, str)
    def use_backend(self, url: str, token: str) -> None:
        try:
            self._keys.use_backend(url, token)
            self._billing.end_leftovers(self._keys)
        except AppError as error:
            self.report(error)

    def change_settings(self, **values: object) -> None:
        self._settings.change(**values)

    def save_transcript(self, path: Path) -> None:
        """Write the transcript to ``path``; raise a notice with the result."""
        self._journal.save(path, self.messages)

    # Events

    @Slot(object)
    def report(self, error: AppError) -> None:
        """Raise the notice of an error, with its actions."""
        self.notice_raised.emit(self._factory.error(error, self))

    def _take_snapshot(self, snapshot: SessionSnapshot) -> None:
        state = snapshot.state
        if state != self._state:
            self._state = state
            self._keys.follow_state(snapshot)
            self._hints.follow_end(snapshot)
            self._billing.follow_state(snapshot)
        begun = not snapshot.is_over and not isinstance(state, Requesting)
        if begun and snapshot.mode is not self._mode:
            self._mode = snapshot.mode
            self.mode_changed.emit(snapshot.mode)
        # A short break in the connection does not restart a cue.
        present = snapshot.is_live or (isinstance(state, Reconnecting) and state.was_live)
        self._player.set_enabled(present and snapshot.mode is Mode.PASSTHROUGH)
        self._hints.follow(self.snapshot, self.cues)
        self._billing.follow(snapshot)
        self.session_changed.emit(snapshot)

    def _take_cues(self, cues: tuple[Cue, ...]) -> None:
        self._hints.follow_cues(self.snapshot, cues)
        self.cues_changed.emit(cues)

    def _take_face(self, face: Face) -> None:
        self.clear(*FACE_TROUBLE)
        self.face_changed.emit(face)

    def _emit_message(self, message: Message, index: int) -> None:
        self.message_changed.emit(index, message)
