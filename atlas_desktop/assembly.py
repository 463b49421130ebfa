"""All behind the window, built after its first paint: the second half of the composition root."""

import os
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QDialog, QWidget

from atlas_desktop import proxies
from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import Mode
from atlas_desktop.cues.player import CuePlayer
from atlas_desktop.errors import AppError, MicrophoneDeniedError, PictureDriverError
from atlas_desktop.files import absolute, as_given
from atlas_desktop.options import WindowOptions
from atlas_desktop.safekeeping import Safekeeping
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.dependencies import SessionDependencies
from atlas_desktop.session.rehearsal import Rehearsal
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Live, Requesting, SessionState
from atlas_desktop.sound_client.microphone import Microphone
from atlas_desktop.sound_client.sound_client import SoundClient
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import KeyStore
from atlas_desktop.storage.last_run import RunMark
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import Settings
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.storage.work import WorkStore
from atlas_desktop.ui.controllers.recovery_controller import RecoveryController
from atlas_desktop.ui.cues.cue_strip import CueStrip
from atlas_desktop.ui.live.call_statistics import CallStatistics
from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from atlas_desktop.video.picture_view import PictureView
from atlas_desktop.video.renderer import RendererChoice
from atlas_desktop.video.renderer_monitor import RendererMonitor

if TYPE_CHECKING:
    from atlas_desktop.ui.calibration.calibration_dialog import CalibrationDialog
    from atlas_desktop.video.gl_surface import GlSurface

_LEVEL_EVERY_MS = 80


class Assembly(QObject):
    """Everything behind the window, made once. Thread: the main one.

    Attributes:
        session: The session.
        rehearsal: The local Atlas, once it is asked for.
        guard: Makes and ends paid sessions.
        model: The one Qt model.
        picture: Paints the avatar, with its counters.
        sound: The sound process, which plays the avatar, with its counters.
        microphone: The user's voice.
        statistics: How the call goes, in figures.
    """

    def __init__(
        self,
        window: MainWindow,
        theme: Theme,
        settings: SettingsStore,
        profile: Profile,
        options: WindowOptions,
        renderer: RendererChoice,
        surface: "GlSurface | None",
        mark: RunMark,
    ) -> None:
        super().__init__(window)
        self._window = window
        environment = Environment.take(os.environ)
        self._scope = TaskScope("app", self.take_error)
        self.sound = SoundClient(self)
        self.session = AtlasSession(
            dependencies=SessionDependencies.create(self.take_error, self.sound.sink, self.sound.playout)
        )
        self.rehearsal = Rehearsal(on_lost=self.session.rehearsal_lost)
        self._safekeeping = Safekeeping(self.session, profile, self.take_error, self)
        self.guard = self._safekeeping.guard
        self._player = CuePlayer(self.session.speaker, self._scope)
        self.model = AppModel(
            self.session,
            self._player,
            self.rehearsal,
            KeyStore(profile.name, environment.api_key),
            settings,
            environment,
            profile,
            self._scope,
            backend=options.backend or "",
            guard=self.guard,
        )
        self._journal = BillingJournal(profile.billing_journal)
        self._recovery = RecoveryController(
            self.model, self._player, mark, WorkStore(profile.work_file), self._journal, self._scope
        )
        self.picture = PictureView(self.session.video, self.session.lip_sync, surface=surface)
        self._renderer = RendererMonitor(DriverCrashMark(profile.folder), renderer)
        self._driver_failed = renderer.crashed
        self.statistics = CallStatistics(self.session, self.picture, self.sound)
        self.microphone = Microphone(self.sound, parent=self)
        self._writes = 0
        self._level_timer = QTimer(self)
        self._state_before: SessionState = self.session.snapshot.state
        self._join_window(window, theme)
        self._join_devices()
        proxies.set_provider(lambda: settings.settings.proxy_setting)
        self._take_settings(settings.settings)
        settings.on_change(self._take_settings)

    def open(self, options: WindowOptions) -> None:
        """Begins with what the command line asked for."""
        model = self.model
        self._scope.start(self.guard.start(), "guard")
        self._scope.start(self._renderer.watch_start(), "renderer")
        model.load()
        self._recovery.open()
        if options.audio:
            model.open_audio([as_given(argument) for argument in options.audio])
        if options.mode:
            model.set_mode(Mode(options.mode))
        if options.face:
            is_address = "://" in options.face or options.face.startswith("file:")
            model.set_face(options.face if is_address else absolute(options.face))
        if options.start:
            (model.rehearse if options.local else model.start)()
            if options.microphone:
                model.set_microphone(True)
        self._scope.start(self.session.warm_up(), "warm up")
        self.sound.start()
        if self._driver_failed:
            self.take_error(PictureDriverError())

    async def aclose(self, limit_s: float) -> None:
        """Ends the session and lets go of everything; the session gets at most ``limit_s``."""
        self._level_timer.stop()
        for dialog in self._window.findChildren(QDialog):
            dialog.close()
        self._recovery.stop()
        self._player.close()
        await self.session.aclose(limit_s)
        await self.model.aclose()
        await self._safekeeping.aclose()
        await self._recovery.aclose()
        self.microphone.close()
        await self.sound.aclose()
        self.picture.detach()
        await self._renderer.aclose()
        await self.rehearsal.aclose()
        await self._scope.aclose(1.0)

    @Slot(object)
    def take_error(self, error: AppError) -> None:
        """Says an error that leaves the rest as it is."""
        self.model.report(error)

    def take_bug(self, error: AppError) -> None:
        """Something fell through every net: the session is not left running by what is broken."""
        self.model.report(error)
        self.session.end()

    def _join_window(self, window: MainWindow, theme: Theme) -> None:
        wiring = WindowWiring(
            window,
            self.model,
            theme,
            partial(self._make_history, theme),
            partial(_make_calibration, self.sound, theme),
            self.sound.devices,
        )
        cues = CueStrip(self.model, theme)
        stage = LivePage(self.model, theme, self.picture, cues, read_figures=self.statistics.read)
        pane = TranscriptPane(self.model, theme)
        wiring.join_live(stage, pane, CueStrip(self.model, theme))
        pane.message_box.text_changed.connect(self._recovery.note_draft)

    def _make_history(self, theme: Theme, parent: QWidget) -> QDialog:
        from atlas_desktop.ui.history.history_dialog import HistoryDialog

        return HistoryDialog(self._journal, theme, self._scope, parent)

    def _join_devices(self) -> None:
        self.sound.device_failed.connect(self.take_error)
        self.sound.device_opened.connect(self._speaker_works)
        self.sound.server_returned.connect(self._server_works)
        self.microphone.failed.connect(self._microphone_failed)
        self.microphone.opened.connect(self._microphone_works)
        self.session.attach_microphone(self.microphone.reader, lambda: self.microphone.level_dbfs)
        self.session.lip_sync.attach_speaker(self._sink_level_ms, lambda: self.sound.counters.server_ms)
        self.session.on_change(self._follow)
        self.picture.gl_failed.connect(self._renderer.exclude_driver)
        self._level_timer.setInterval(_LEVEL_EVERY_MS)
        self._level_timer.timeout.connect(self._tell_level)

    def _follow(self, snapshot: SessionSnapshot) -> None:
        before, self._state_before = self._state_before, snapshot.state
        if isinstance(snapshot.state, Requesting) and not isinstance(before, Requesting):
            self.picture.clear()
            self.statistics.begin()
        if snapshot.is_live and not isinstance(before, Live):
            # What is dropped first is then spoken as soon as what is dropped later.
            self.session.speaker.prepare()
        if snapshot.is_over:
            self.microphone.close()
            self._level_timer.stop()
        self._renderer.follow(snapshot, self.picture.counters.painted)

    def _take_settings(self, settings: Settings) -> None:
        lip_sync = self.session.lip_sync
        lip_sync.enabled, lip_sync.speaker_ms = settings.lip_sync, settings.speaker_delay_ms
        self._player.set_match_loudness(settings.match_loudness)
        self.sound.choose_speaker(settings.speaker_id)
        self.sound.choose_microphone(settings.microphone_id)

    def _sink_level_ms(self) -> float | None:
        """What the speaker holds, when it was given something since this was last asked."""
        counters = self.sound.counters
        before, self._writes = self._writes, counters.writes
        return counters.level_ms if counters.writes != before else None

    @Slot()
    def _tell_level(self) -> None:
        self.model.microphone_level_changed.emit(self.microphone.level_dbfs)

    @Slot(object)
    def _microphone_failed(self, error: AppError) -> None:
        self.take_error(error)
        self._level_timer.stop()
        if isinstance(error, MicrophoneDeniedError):
            # It will not come by itself, as one that is plugged in would.
            self.model.set_microphone(False)

    @Slot(str)
    def _microphone_works(self, _name: str) -> None:
        self.model.clear("no_microphone", "microphone_denied", "device_lost", "device")
        self._level_timer.start()

    @Slot(str)
    def _speaker_works(self, _name: str) -> None:
        self.model.clear("no_speaker", "device_lost", "device")

    @Slot()
    def _server_works(self) -> None:
        self.model.clear("sound_server")


def _make_calibration(
    sound: SoundClient, theme: Theme, speaker_ms: float, in_session: bool, parent: QWidget
) -> "CalibrationDialog":
    # Loaded by those few who ask for it.
    from atlas_desktop.sound_client.calibration_run import CalibrationDevices
    from atlas_desktop.ui.calibration.calibration_dialog import CalibrationDialog

    return CalibrationDialog(CalibrationDevices(sound), theme, speaker_ms, parent, in_session=in_session)
