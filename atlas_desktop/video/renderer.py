"""Choice of the renderer, processor or graphics card, before the window is shown."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.settings import RendererSetting
from atlas_desktop.video.gl_driver import GlError, graphics_card, is_software

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from atlas_desktop.video.gl_surface import GlSurface

log = logging.getLogger(__name__)

ENV_VAR = "ATLAS_PICTURE"
"""Overrides the setting for one run: ``raster`` or ``gl``."""
_DISK_LIMIT_S = 3.0
"""The first window waits no longer for a slow disk; the processor then paints it."""
_RENDERER, _VERSION, _VENDOR = 0x1F01, 0x1F02, 0x1F00


@dataclass(frozen=True, slots=True)
class RendererChoice:
    """The renderer of this run.

    Attributes:
        use_gl: OpenGL draws the picture.
        crashed: The run before died while OpenGL was on trial: worth one notice.
    """

    use_gl: bool = False
    crashed: bool = False


def probe_driver() -> str:
    """Compile the picture's shader in a context without a window; return card, version and maker in one line.

    Raises:
        GlError: There is no OpenGL, or none that can draw the picture.
    """
    from PySide6.QtGui import QOffscreenSurface, QOpenGLContext

    from atlas_desktop.video.gl_program import YuvProgram

    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    try:
        if not context.create() or not surface.isValid() or not context.makeCurrent(surface):
            raise GlError("no OpenGL context can be made")
        YuvProgram(context).close()
        names = (context.functions().glGetString(name) for name in (_RENDERER, _VERSION, _VENDOR))
        return " · ".join(name for name in names if name)
    finally:
        context.doneCurrent()
        surface.destroy()


async def select_renderer(
    mark: DriverCrashMark,
    setting: RendererSetting,
    environment: Mapping[str, str],
    probe: Callable[[], str] = probe_driver,
    card: str | None = None,
    limit_s: float = _DISK_LIMIT_S,
) -> RendererChoice:
    """Select the renderer; ``mark`` stays set where it is OpenGL. Needs a ``QGuiApplication``.

    Automatic is OpenGL where there is a card with a driver of its own that has not failed on this machine.
    Files are accessed in another thread: where the disk does not answer within ``limit_s`` the processor
    paints, and no mark is left. ``probe`` runs in this thread, which is Qt's.

    Args:
        mark: Outlives a crash of the driver.
        setting: The user's.
        environment: May override the setting.
        probe: Returns the driver's name, or raises ``GlError``.
        card: The graphics hardware, as ``graphics_card`` names it.
        limit_s: Bound of the waiting for the disk.
    """
    loop = asyncio.get_running_loop()
    card = graphics_card() if card is None else card
    preparing = loop.run_in_executor(None, _prepare, mark, setting, environment, card)
    await asyncio.wait({preparing}, timeout=limit_s)
    if not preparing.done():
        log.info("the processor paints the picture: the disk does not answer")
        # It may set the mark yet.
        preparing.add_done_callback(lambda _: loop.run_in_executor(None, mark.clear))
        return RendererChoice()
    choice = preparing.result()
    if not choice.use_gl or _is_usable(probe, _wanted(setting, environment, choice.crashed)):
        return choice
    await asyncio.wait({loop.run_in_executor(None, mark.clear)}, timeout=limit_s)
    return replace(choice, use_gl=False)


def make_surface(choice: RendererChoice, window: "QWidget") -> "GlSurface | None":
    """Make the surface that OpenGL draws on, if it does; must precede the showing of ``window``."""
    if not choice.use_gl:
        return None
    from PySide6.QtGui import QSurfaceFormat

    from atlas_desktop.video.gl_surface import GlSurface

    # A frame goes out when it is due; waiting for the vertical blank would block the whole program.
    format_ = QSurfaceFormat.defaultFormat()
    format_.setSwapInterval(0)
    QSurfaceFormat.setDefaultFormat(format_)
    return GlSurface(window)


def _wanted(setting: RendererSetting, environment: Mapping[str, str], crashed: bool) -> RendererSetting:
    override = environment.get(ENV_VAR, "").strip().lower()
    if override in (RendererSetting.RASTER, RendererSetting.GL):
        return RendererSetting(override)
    # After a crash the setting no longer holds, or the program could never be opened again.
    return RendererSetting.AUTO if crashed else setting


def _prepare(
    mark: DriverCrashMark, setting: RendererSetting, environment: Mapping[str, str], card: str
) -> RendererChoice:
    """Decide what can be decided without the driver; set ``mark`` where it is to be probed."""
    crashed = mark.is_set()
    if crashed:
        log.info("the last program died while it tried OpenGL")
        mark.exclude(card)
        mark.clear()
    wanted = _wanted(setting, environment, crashed)
    is_tried = wanted is RendererSetting.GL or (
        wanted is RendererSetting.AUTO and bool(card) and not mark.is_excluded(card)
    )
    return RendererChoice(use_gl=is_tried and mark.set(), crashed=crashed)


def _is_usable(probe: Callable[[], str], wanted: RendererSetting) -> bool:
    """Return whether the driver can draw; one of software only where OpenGL is wanted by name."""
    try:
        driver = probe()
    except GlError as error:
        log.info("the processor paints the picture: %s", error)
        return False
    if wanted is not RendererSetting.GL and is_software(driver):
        log.info("the processor paints the picture: it would do so by OpenGL, too: %s", driver)
        return False
    log.info("OpenGL paints the picture: %s", driver)
    return True
