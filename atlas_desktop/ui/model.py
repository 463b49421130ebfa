"""The one Qt model: what the session, the cues and the desks say becomes signals; intents go back."""

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
from atlas_desktop.ui.desks.billing_desk import BillingDesk
from atlas_desktop.ui.desks.face_desk import FACE_TROUBLE, FaceDesk
from atlas_desktop.ui.desks.hints import Hints
from atlas_desktop.ui.desks.journal_desk import JournalDesk
from atlas_desktop.ui.desks.key_desk import KeyDesk
from atlas_desktop.ui.desks.key_state import KeyState
from atlas_desktop.ui.desks.notices import NoticeAction
from atlas_desktop.ui.desks.words import Words
from atlas_desktop.ui.drops.drop import DropPlan, foresee_sound
from atlas_desktop.ui.drops.drop_controller import DropController
from atlas_desktop.ui.look.pictures import PastedPicture
from atlas_desktop.ui.session_intents import SessionIntents


class AppModel(SessionIntents):
    """State flows out as signals, intents come in as calls; widgets know nothing else."""

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
        """Joins the parts. With a ``guard`` it makes all paid sessions, in place of ``open_source``."""
        super().__init__()
        self._session = session
        self._player = player
        self._rehearsal = rehearsal
        self._settings = settings
        self._mode = settings.settings.mode
        self.mode_choices = 0
        self._rehearsing = False
        self._life = session.snapshot.state
        self._words = Words(self)
        self._hints = Hints(self, self._words, session.playout)
        self._keys = KeyDesk(
            keys,
            environment,
            settings,
            backend,
            scope,
            self.key_changed.emit,
            self.report,
            open_source if guard is None else guard.open,
        )
        self._billing = BillingDesk(self, session.limits, guard, settings, scope)
        self._faces = FaceDesk(settings, profile.folder, scope, self._take_face, self.report)
        self._journal = JournalDesk(profile.transcripts_folder, scope, self._words, self.say)
        self._drops = DropController(self, player, scope, self._words)
        session.playout.volume = settings.settings.volume
        self._listen()

    def _listen(self) -> None:
        self._session.on_change(self._take_snapshot)
        self._session.on_notice(self.report)
        self._session.transcript.on_change(self._take_message)
        self._session.transcript.on_reset(self._reset_transcript)
        self._player.on_change(self._take_cues)
        self._player.on_error(self.report)
        self._settings.on_change(self.settings_changed.emit)

    def load(self) -> None:
        """Reads what the start page shows and the disk or the keyring knows."""
        self._keys.load()
        self._faces.load()
        self._billing.end_leftovers(self._keys)
        for notice in self._words.found_in(self._settings, self.settings_asked.emit):
            self.notice_raised.emit(notice)

    async def aclose(self) -> None:
        """Closes the transcript's journal and the connections to the service: the program goes."""
        await self._journal.aclose()
        await self._keys.aclose()

    # What is

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
        """The mode chosen for the next session, or that of the one which runs."""
        return self._mode

    @property
    def muted(self) -> bool:
        """Whether the avatar is not heard, whatever the volume."""
        return self._session.playout.muted

    # A session's life

    @Slot()
    def start(self) -> None:
        """Starts a paid session."""
        self._begin(rehearsing=False)

    @Slot()
    def rehearse(self) -> None:
        """Starts a session on this computer."""
        self._begin(rehearsing=True)

    @Slot()
    def start_again(self) -> None:
        """Starts a session like the last one; one that may still be open is ended first."""
        self._begin(rehearsing=self._rehearsing)

    @Slot()
    def retry(self) -> None:
        """Tries again what failed."""
        self.start_again()

    @Slot()
    def cancel(self) -> None:
        """Stops connecting; what was made on the server is ended."""
        self._session.end()

    @Slot()
    def end(self) -> None:
        """Ends the session."""
        self._session.end()

    @Slot()
    def end_again(self) -> None:
        """Asks the service once more to end what it did not confirm; silence is told anew."""
        self.clear("end_unconfirmed")
        self._session.end_again()

    @Slot()
    def park(self) -> None:
        """Ends the session, and what it costs, but keeps stage, cues, transcript and choices."""
        self._session.park()

    @Slot()
    def resume(self) -> None:
        """Starts a session in the place of the parked one."""
        self._session.resume(self._mode, microphone=self._wants_microphone(self._mode))

    @Slot()
    def touch(self) -> None:
        """Somebody is there: the mouse or a key moved."""
        self._session.limits.touch()

    @Slot()
    def close_requested(self) -> None:
        """Asks the program to end what runs, then to go."""
        self.quit_asked.emit()

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
        """Chooses the mode; while a paid session runs it asks first, for this ends it and starts another."""
        self.mode_choices += 1
        if mode is self._mode:
            self.clear("switch_mode")
        elif self.snapshot.is_over:
            self._choose_mode(mode)
        elif self.snapshot.billed:
            switch = NoticeAction(self._words.switch_label(mode), lambda: self.switch_mode(mode), True, True)
            self.notice_raised.emit(self._words.switch(mode, switch))
            self.mode_changed.emit(self._mode)
        else:
            self.switch_mode(mode)

    def switch_mode(self, mode: Mode) -> None:
        """Ends this session and starts one in ``mode``, keeping face, cues and transcript."""
        self.clear("switch_mode", "cues_wait")
        self._choose_mode(mode)
        self._session.switch_mode(mode, microphone=self._wants_microphone(mode))

    def _choose_mode(self, mode: Mode) -> None:
        self._mode = mode
        self._settings.change(mode=mode)
        self.mode_changed.emit(mode)

    # Speech

    @Slot()
    def interrupt(self) -> None:
        """Stops what is spoken; the remaining cues stay, paused."""
        self._player.interrupt()
        self._session.interrupt()

    @Slot(int)
    def set_volume(self, volume: int) -> None:
        self._session.playout.volume = volume
        self._settings.change(volume=volume)
        self._tell_volume()

    @Slot(bool)
    def set_muted(self, muted: bool) -> None:
        self._session.playout.muted = muted
        self._tell_volume()

    def _tell_volume(self) -> None:
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

    # What is given

    def open_drop(self, plan: DropPlan, picture: PastedPicture) -> None:
        """Does what a drop, or files chosen by dialog, ask for; says what of it is not accepted."""
        self._drops.take(plan, picture)

    def open_audio(self, given: Sequence[str | Path]) -> None:
        """Puts files, and the sound files of folders, into the strip; they are spoken when possible."""
        self._drops.take(foresee_sound(given), is_sound=True)

    def sound_given(self, mode_choices: int) -> None:
        """What was given is spoken in passthrough, unless a mode was chosen since (``mode_choices``)."""
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
        """Ends with another key what that key left open; the key in use stays."""
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
        """Writes the transcript to ``path``; says where it lies, or why not."""
        self._journal.save(path, self.messages)

    # What is told

    @Slot(object)
    def report(self, error: AppError) -> None:
        """Says an error, with the way out that there is."""
        self.notice_raised.emit(self._words.error(error, self))

    def _take_snapshot(self, snapshot: SessionSnapshot) -> None:
        life = snapshot.state
        if life != self._life:
            self._life = life
            self._keys.follow_life(snapshot)
            self._hints.follow_end(snapshot)
            self._billing.follow_life(snapshot)
        begun = not snapshot.is_over and not isinstance(life, Requesting)
        if begun and snapshot.mode is not self._mode:
            self._mode = snapshot.mode
            self.mode_changed.emit(snapshot.mode)
        # A short break in the connection does not begin a cue anew.
        present = snapshot.is_live or (isinstance(life, Reconnecting) and life.was_live)
        self._player.set_enabled(present and snapshot.mode is Mode.PASSTHROUGH)
        self._hints.follow_cues(self.snapshot, self.cues)
        self._hints.follow_sound(self.snapshot)
        self._hints.follow_voice(self.snapshot)
        self._billing.follow(snapshot)
        self.session_changed.emit(snapshot)

    def _take_cues(self, cues: tuple[Cue, ...]) -> None:
        self._hints.follow_cues(self.snapshot, cues)
        self.cues_changed.emit(cues)

    def _take_face(self, face: Face) -> None:
        self.clear(*FACE_TROUBLE)
        self.face_changed.emit(face)

    def _take_message(self, message: Message, index: int) -> None:
        self._journal.note(message)
        self.message_changed.emit(index, message)

    def _reset_transcript(self) -> None:
        self._journal.close()
        self.transcript_reset.emit()
