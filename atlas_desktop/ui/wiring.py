"""Connects the window and the model: changes go to the window, requests to the model."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QWidget

from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Mode
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Ended
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.drops.drop_overlay import DropContext
from atlas_desktop.ui.drops.drop_plan import DropPlan, plan_drop
from atlas_desktop.ui.file_choice import FileChoice
from atlas_desktop.ui.look.focus import is_elsewhere, is_typing
from atlas_desktop.ui.look.pictures import PastedPicture
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.ui.settings_dialog import SettingsDialog
from atlas_desktop.ui.shortcuts import Command, ShortcutsDialog, shortcuts_for
from atlas_desktop.ui.user_activity_monitor import UserActivityMonitor
from atlas_desktop.ui.window import MainWindow

if TYPE_CHECKING:
    from atlas_desktop.sound_client.device_names import DeviceLists
    from atlas_desktop.ui.calibration.calibration_dialog import CalibrationDialog
    from atlas_desktop.ui.live.live_page import LivePage
    from atlas_desktop.ui.talk.transcript_pane import TranscriptPane

TRANSCRIPT_NAME = "transcript.txt"
CalibrationMaker = Callable[[float, bool, QWidget], "CalibrationDialog"]
"""Makes the dialog from the current delay, whether a session runs, and the parent."""


class WindowWiring(QObject):
    """Connects the two once, runs keyboard commands and opens dialogs. Lives as long as the window."""

    def __init__(
        self,
        window: MainWindow,
        model: AppModel,
        theme: Theme,
        make_history: Callable[[QWidget], QDialog] | None = None,
        make_calibration: CalibrationMaker | None = None,
        devices: "DeviceLists | None" = None,
    ) -> None:
        """Connect the two.

        Args:
            window: The window.
            model: The model.
            theme: Colours and fonts.
            make_history: Makes the dialog of paid sessions on the window it is given.
            make_calibration: Makes the dialog that finds the speaker's delay.
            devices: The lists of sound devices.
        """
        super().__init__(window)
        self._make_history = make_history
        self._make_calibration = make_calibration
        self._devices = devices
        self._activity = UserActivityMonitor(window)
        self._window = window
        self._model = model
        self._theme = theme
        self._factory = NoticeFactory(self)
        self._stage: LivePage | None = None
        self._pane: TranscriptPane | None = None
        self._files = FileChoice(window)
        self._connect_changes()
        self._connect_start_page()
        self._connect_window()
        self._install_shortcuts()
        self._show_everything()

    def join_live(
        self, page: "LivePage", pane: "TranscriptPane", waiting_cues: QWidget | None = None
    ) -> None:
        """Put the widgets of a session into the window, and connect what the window handles of them."""
        self._window.set_live(page, pane, waiting_cues)
        self._stage, self._pane = page, pane
        page.stage.full_screen_requested.connect(self._window.show_full_screen)
        page.stage.overlay.transcript_requested.connect(self._show_transcript)
        page.stage.parked.back_requested.connect(self._window.show_start)
        page.bar.settings_requested.connect(self._open_settings)
        page.bar.open_audio_requested.connect(self._files.ask_audio)
        self._window.full_screen_changed.connect(page.show_full_screen)
        self._window.transcript_shown.connect(page.show_transcript)
        page.show_transcript(self._window.is_transcript_shown)
        if self._window.isFullScreen():
            page.show_full_screen(True)
        pane.save_requested.connect(self._ask_transcript_place)
        pane.close_requested.connect(self._close_transcript)
        pane.open_requested.connect(self._open_transcript)

    def _connect_changes(self) -> None:
        model, window = self._model, self._window
        model.session_changed.connect(self._session_changed)
        model.cues_changed.connect(self._cues_changed)
        model.settings_changed.connect(self._settings_changed)
        model.mode_changed.connect(self._mode_changed)
        model.face_changed.connect(window.start_page.picker.set_face)
        model.face_changed.connect(self._face_changed)
        model.key_changed.connect(window.start_page.key_line.show_state)
        model.notice_raised.connect(window.notices.show_notice)
        model.notice_changed.connect(window.notices.change_notice)
        model.key_requested.connect(self._ask_other_key)
        model.settings_requested.connect(self._open_limits)
        model.notice_cleared.connect(window.notices.clear_notice)

    def _connect_start_page(self) -> None:
        model, page = self._model, self._window.start_page
        page.start_requested.connect(model.start)
        page.limits_accepted.connect(self._accept_limits)
        page.key_line.other_key_entered.connect(model.try_key)
        page.rehearse_requested.connect(model.rehearse)
        page.mode_requested.connect(model.set_mode)
        page.microphone_requested.connect(self._choose_microphone)
        page.picker.face_requested.connect(model.set_face)
        page.picker.face_file_requested.connect(self._files.ask_face)
        page.key_line.key_entered.connect(model.set_key)
        page.key_line.forget_requested.connect(model.forget_key)
        page.key_line.backend_requested.connect(self._use_backend)

    def _connect_window(self) -> None:
        model, window = self._model, self._window
        window.ended_page.start_again_requested.connect(model.start_again)
        window.ended_page.history_requested.connect(self._open_history)
        if self._make_history is not None:
            window.ended_page.offer_history()
        self._activity.seen.connect(model.touch)
        window.ended_page.save_requested.connect(self._ask_transcript_place)
        window.settings_requested.connect(self._open_settings)
        window.transcript_requested.connect(self._show_transcript)
        window.close_requested.connect(self._close)
        window.drops.dropped.connect(self._take_drop)
        self._files.audio_chosen.connect(self._open_audio)
        self._files.face_chosen.connect(model.set_face)
        self._files.transcript_place_chosen.connect(model.save_transcript)

    def _install_shortcuts(self) -> None:
        for row in shortcuts_for():
            shortcut = QShortcut(self._window)
            shortcut.setKeys([QKeySequence(keys) for keys in row.keys])
            # ``PressPolicy`` recognises a held key by its repetitions.
            shortcut.setAutoRepeat(row.command is Command.START)
            shortcut.activated.connect(partial(self._run_command, row.command))

    def _show_everything(self) -> None:
        model, page = self._model, self._window.start_page
        page.show_prices(FALLBACK_PER_HOUR_USD)
        page.picker.set_face(model.face)
        page.key_line.show_state(model.key_state)
        self._settings_changed(model.settings)
        self._window.remember_pane(model.settings.transcript_open)
        self._mode_changed(model.mode)
        self._cues_changed(model.cues)
        self._session_changed(model.snapshot)

    @Slot(object)
    def _session_changed(self, snapshot: SessionSnapshot) -> None:
        page_before = self._window.page
        self._window.show_state(snapshot.state, len(self._model.messages))
        self._set_drop_context()
        if self._window.page is not page_before:
            self._focus_page()

    @Slot(object)
    def _cues_changed(self, cues: Sequence[object]) -> None:
        self._window.show_waiting_cues(bool(cues))

    @Slot(object)
    def _mode_changed(self, mode: Mode) -> None:
        self._window.start_page.show_mode(mode)
        self._set_drop_context()

    @Slot(object)
    def _settings_changed(self, settings: Settings) -> None:
        self._theme.set_choice(settings.theme)
        self._theme.set_reduce_motion(settings.reduce_motion)
        self._window.start_page.show_settings(settings)

    @Slot(str, str)
    def _use_backend(self, url: str, token: str) -> None:
        for about_the_last in ("insecure_address", "no_key"):
            self._window.notices.clear_notice(about_the_last)
        self._model.use_backend(url, token)

    @Slot(bool)
    def _choose_microphone(self, on: bool) -> None:
        if on != self._model.settings.microphone_on_connect:
            self._model.change_settings(microphone_on_connect=on)

    @Slot(object)
    def _change_settings(self, values: dict[str, object]) -> None:
        self._model.change_settings(**values)

    @Slot(bool)
    def _show_transcript(self, shown: bool) -> None:
        if self._window.show_transcript(shown):
            self._model.change_settings(transcript_open=shown)

    @Slot()
    def _close_transcript(self) -> None:
        self._show_transcript(False)
        self._window.page.setFocus()

    @Slot()
    def _open_transcript(self) -> None:
        # A text came for the message box: shown now, but not remembered as a choice.
        self._window.show_transcript(True)

    @Slot(object)
    def _face_changed(self, _face: object) -> None:
        if self._model.snapshot.is_live:
            self._window.notices.show_notice(self._factory.face_waits())

    @Slot(object, object)
    def _take_drop(self, plan: DropPlan, picture: PastedPicture) -> None:
        for about_the_last in ("not_accepted", "no_sound_in", "taken_in_part", "elsewhere"):
            self._window.notices.clear_notice(about_the_last)
        self._model.open_drop(plan, picture)
        if plan.message and self._window.page is self._window.start_page:
            self._window.notices.show_notice(self._factory.text_waits())

    @Slot(list)
    def _open_audio(self, paths: list[Path]) -> None:
        self._model.open_drop(plan_drop(paths), b"")

    @Slot()
    def _ask_transcript_place(self) -> None:
        self._files.ask_transcript_place(TRANSCRIPT_NAME)

    @Slot(object)
    def _accept_limits(self, changed: dict[str, object]) -> None:
        self._model.change_settings(limits_seen=True, **changed)

    @Slot(str)
    def _ask_other_key(self, backend_url: str) -> None:
        if self._model.snapshot.is_over:
            self._window.show_start()
            self._window.start_page.close_limits()
            self._window.start_page.key_line.ask_other(backend_url)

    @Slot()
    def _open_settings(self) -> SettingsDialog:
        dialog = SettingsDialog(
            self._theme,
            self._model.settings,
            self._window,
            has_history=self._make_history is not None,
            can_calibrate=self._make_calibration is not None,
            devices=self._devices,
        )
        dialog.change_requested.connect(self._change_settings)
        dialog.history_requested.connect(self._open_history)
        dialog.calibration_requested.connect(partial(self._open_calibration, dialog))
        self._model.settings_changed.connect(dialog.show_settings)
        dialog.open()
        return dialog

    def _open_calibration(self, settings: SettingsDialog) -> None:
        if self._make_calibration is None:
            return
        model = self._model
        dialog = self._make_calibration(model.settings.speaker_delay_ms, not model.snapshot.is_over, settings)
        dialog.use_requested.connect(self._use_speaker_delay)
        dialog.quiet_requested.connect(model.set_quiet)
        dialog.open()

    @Slot(float)
    def _use_speaker_delay(self, delay_ms: float) -> None:
        self._model.change_settings(speaker_delay_ms=delay_ms)

    @Slot()
    def _open_limits(self) -> None:
        self._open_settings().show_limits()

    @Slot()
    def _open_history(self) -> None:
        if self._make_history is not None:
            self._make_history(self._window).show()

    @Slot()
    def _close(self) -> None:
        self._model.change_settings(window_geometry=self._window.geometry_text())
        if not self._model.snapshot.is_over:
            self._window.show_closing()
        self._model.close_requested()

    @Slot(object)
    def _run_command(self, command: Command) -> None:
        match command:
            case Command.START:
                self._start()
            case Command.END:
                self._model.end()
            case Command.ESCAPE:
                self._escape()
            case Command.MICROPHONE:
                self._model.set_microphone(not self._model.snapshot.microphone_wanted)
            case Command.OPEN_AUDIO:
                self._files.ask_audio()
            case Command.TRANSCRIPT:
                self._show_transcript(not self._window.is_transcript_shown)
            case Command.FULL_SCREEN:
                self._window.show_full_screen(not self._window.isFullScreen())
            case Command.SAVE_TRANSCRIPT:
                self._ask_transcript_place()
            case Command.STATISTICS:
                self._toggle_statistics()
            case Command.SETTINGS:
                self._open_settings()
            case Command.SHORTCUTS:
                ShortcutsDialog(self._theme, self._window).open()

    def _start(self) -> None:
        """Press what starts a session on the visible page, if something does.

        In other programs this key sends: from a field that is not the start page's it never spends money.
        """
        window, page = self._window, self._window.page
        if page is not window.start_page and is_typing(window):
            if self._pane is not None:
                self._pane.send_typed()
        elif page is window.start_page:
            window.start_page.paid_control.press_by_key()
        elif page is window.ended_page and window.ended_page.paid_control is not None:
            window.ended_page.paid_control.press_by_key()
        elif self._stage is not None and self._stage.paid_control is not None:
            self._stage.paid_control.press_by_key()

    def _toggle_statistics(self) -> None:
        elsewhere = (self._window.start_page, self._window.ended_page)
        if self._stage is not None and self._window.page not in elsewhere:
            self._stage.toggle_statistics()

    def _escape(self) -> None:
        if self._window.close_overlay() or self._window.start_page.close_limits():
            return
        if self._stage is not None and self._stage.close_statistics():
            return
        if self._model.snapshot.can_interrupt:
            self._model.interrupt()
        else:
            self._window.show_full_screen(False)

    def _set_drop_context(self) -> None:
        snapshot = self._model.snapshot
        mode = self._model.mode if snapshot.is_over else snapshot.mode
        self._window.drops.set_context(DropContext(mode, snapshot.is_live, not snapshot.is_over))

    def _focus_page(self) -> None:
        """Move the focus to the new page, unless the user is typing."""
        page, ended = self._window.page, self._window.ended_page
        if is_typing(self._window):
            return
        state = self._model.snapshot.state
        asked = isinstance(state, Ended) and state.reason is None
        if page is ended and asked and ended.first_control is not None and not is_elsewhere(self._window):
            ended.first_control.setFocus()
        else:
            # After an unrequested end no button gets the focus: a key may be meant for the old page.
            page.setFocus()
