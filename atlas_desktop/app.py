"""The composition root: builds the parts, hands them over, connects them. Nothing else does.

In two steps, so that the window is there at once: before the first paint what the start page shows,
after it what a session needs (``assembly``: the media path, LiveKit, the sound thread, the keyring).
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication

from atlas_desktop import __version__, crash, instance, logs, native_environment, qtloop
from atlas_desktop.aio import guarded
from atlas_desktop.assets import default_faces
from atlas_desktop.clock import monotonic_us
from atlas_desktop.files import as_given
from atlas_desktop.heap import limit_arenas
from atlas_desktop.logs import one_line
from atlas_desktop.options import WindowOptions
from atlas_desktop.private_files import ForeignFolderError, is_movable_by_others
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.last_run import RunMark
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import RendererSetting
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.video.renderer import make_surface, select_renderer

if TYPE_CHECKING:
    from atlas_desktop.assembly import Assembly

log = logging.getLogger(__name__)

_DONE, _FAILED, _INTERRUPTED = 0, 1, 130
_END_LIMIT_S = 4.0
_PAINT_LIMIT_S = 3.0
_LAST_WRITE_S = 3.0

Script = Callable[["Program"], Awaitable[int]]
"""What is done with a running program in place of waiting for its user: the test call."""


class Program:
    """The running window and all behind it. Thread: the main one.

    Attributes:
        window: The window.
        assembly: All behind it; there once ``run`` has shown the window.
        first_paint_us: CLOCK_MONOTONIC of the window's first paint.
    """

    assembly: "Assembly"

    def __init__(
        self,
        application: QApplication,
        profile: Profile,
        options: WindowOptions,
        mark: RunMark,
        launch: instance.LaunchLock,
    ) -> None:
        self.options = options
        self._mark = mark
        self._launch = launch
        self.profile = profile
        self.first_paint_us = 0
        self._settings = SettingsStore(profile.settings_file)
        self._theme = Theme(application, self._settings.settings.theme)
        self.window = MainWindow(self._theme, default_faces())
        self._asked_to_end = asyncio.Event()
        self._status = _DONE

    async def run(self, script: Script | None = None) -> int:
        """Shows the window, lives as long as it does, and takes everything down again."""
        signals = qtloop.on_end_signals(self._take_signal)
        crash_mark = DriverCrashMark(self.profile.folder)
        renderer = await select_renderer(crash_mark, self._settings.settings.picture_path, os.environ)
        surface = make_surface(renderer, self.window)
        if renderer.crashed:
            self._settings.change(picture_path=RendererSetting.AUTO)
        await self._show()
        closing = guarded("closing the profile to others")(self.profile.close_to_others)
        threading.Thread(target=closing, name="profile", daemon=True).start()
        if script is None:
            # A test call has no work of its own, and what a crash left is not for it to take.
            self._mark.begin(__version__)
        from atlas_desktop.assembly import Assembly

        self.assembly = Assembly(
            self.window,
            self._theme,
            self._settings,
            self.profile,
            self.options,
            renderer,
            surface,
            self._mark,
        )
        net = crash.CrashHandler(asyncio.get_running_loop(), self.assembly.take_bug)
        # What is given to a test call would be gone with it.
        takes = script is None
        listener = instance.InstanceServer(self.profile.folder, self.window, takes_launches=takes)
        self._launch.release()
        listener.launched.connect(self._take_launch)
        self.assembly.model.quit_requested.connect(self._asked_to_end.set)
        try:
            self.assembly.open(self.options)
            await self._live(script)
        finally:
            # From now on a second launch opens a window of its own: this one takes nothing any more.
            listener.close()
            await self._take_down()
            del signals, net
        return self._status

    async def _show(self) -> None:
        painted = _FirstPaint(self.window)
        self.window.show_first(self._settings.settings, default_faces())
        if self.options.fullscreen:
            self.window.show_full_screen(True)
        self.window.show()
        # A window on another workspace may stay unpainted; it must be able to end all the same.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAINT_LIMIT_S):
                await painted.done.wait()
        self.first_paint_us = monotonic_us()

    async def _live(self, script: Script | None) -> None:
        """Until the user, a signal or the script ends it."""
        if script is None:
            await self._asked_to_end.wait()
            return
        waiting = asyncio.ensure_future(self._asked_to_end.wait())
        working = asyncio.ensure_future(script(self))
        await asyncio.wait({waiting, working}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if working.done():
            self._status = working.result()
        else:
            working.cancel()
            # Cancelled work has no result to return, even when a signal ended it in order.
            self._status = self._status or _FAILED

    async def _take_down(self) -> None:
        if not self.assembly.session.snapshot.is_over:
            self.window.show_closing()
        await self.assembly.aclose(_END_LIMIT_S)
        self.window.close_for_good()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WRITE_S):
                await asyncio.to_thread(self._settings.close)

    def _take_signal(self, number: signal.Signals) -> None:
        log.info("ending on %s", number.name)
        self._status = _INTERRUPTED if number is signal.SIGINT else _DONE
        self._asked_to_end.set()

    def _take_launch(self, paths: list[str]) -> None:
        """A second launch: the window comes forward and takes its files."""
        self.window.setWindowState(self.window.windowState() & ~Qt.WindowState.WindowMinimized)
        self.window.raise_()
        self.window.activateWindow()
        if paths:
            self.assembly.model.open_audio(paths)


class _FirstPaint(QObject):
    """Tells when a window was painted for the first time."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.done = asyncio.Event()
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Looks on; takes nothing."""
        if event.type() == QEvent.Type.Paint:
            self.done.set()
            watched.removeEventFilter(self)
        return False


def run(options: WindowOptions, script: Script | None = None, profile: Profile | None = None) -> int:
    """Opens the window, or hands its files to the one that is open; returns the exit status."""
    try:
        profile = profile or Profile.at(options.profile)
    except OSError as error:
        return _refuse(options.profile, error)
    mark = RunMark(profile)
    try:
        profile.ensure()
    except OSError as error:
        if options.profile is not None or isinstance(error, ForeignFolderError):
            return _refuse(profile.folder, error)
        # The user's own folder may be read-only or gone: the program goes on, and says what that means.
        mark.trouble = error
    limit_arenas()
    native_environment.reserve_proxy_names()
    native_environment.unset_unsafe_certificates()
    logs.set_up(file=profile.log_file)
    crash.log_native_crashes(profile.crash_log)
    if is_movable_by_others(profile.folder):
        log.info("other users may put a folder of theirs in the place of %s", profile.folder)
    application = qtloop.make_application()
    launch = instance.LaunchLock(profile.folder)
    try:
        launch.acquire()
        if script is not None and instance.is_in_use(profile.folder):
            # Not beside it: settings and the mark of who paints are one run's.
            raise instance.ProfileBusyError
        if script is None and instance.hand_over(profile.folder, [as_given(path) for path in options.audio]):
            return _DONE
        status = qtloop.run(application, partial(_run, application, profile, options, mark, launch, script))
    except instance.ProfileBusyError:
        return _refuse_use(profile.folder)
    finally:
        launch.release()
    mark.end()
    return status


def _refuse(folder: Path | None, error: OSError) -> int:
    sys.stderr.write(f"atlas-desktop: {one_line(str(folder))} can't be used: {error.strerror}\n")
    return _FAILED


def _refuse_use(folder: Path) -> int:
    why = "close its window, or wait for its test call"
    sys.stderr.write(f"atlas-desktop: {one_line(str(folder))} is in use: {why}\n")
    return _FAILED


async def _run(
    application: QApplication,
    profile: Profile,
    options: WindowOptions,
    mark: RunMark,
    launch: instance.LaunchLock,
    script: Script | None,
) -> int:
    return await Program(application, profile, options, mark, launch).run(script)
