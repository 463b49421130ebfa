"""Who paints the picture, processor or graphics card: decided before the window is shown."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from atlas_desktop.storage.picture_book import Finding, PictureBook
from atlas_desktop.storage.settings import PicturePath
from atlas_desktop.video.gl_driver import GlDriver, GlError, ask_driver, machine

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from atlas_desktop.video.gl_surface import GlSurface

log = logging.getLogger(__name__)

WISH = "ATLAS_PICTURE"
"""The environment's say, for one run: ``raster`` or ``gl``."""


_DISK_LIMIT_S = 3.0
"""So long the first window waits for a slow disk; it is then drawn by the processor."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done in this run.

    Attributes:
        use_gl: OpenGL draws the picture.
        driver: Its name; empty when it was not asked.
        crashed: The last program died while it tried OpenGL: to be said, once.
        measure: Nothing is known of what is in this machine: to be measured when there is time.
    """

    use_gl: bool = False
    driver: str = ""
    crashed: bool = False
    measure: bool = False


def decide(
    book: PictureBook,
    setting: PicturePath,
    environment: Mapping[str, str],
    ask: Callable[[], GlDriver] = ask_driver,
    here: str | None = None,
) -> Decision:
    """Decides; where OpenGL may be used, a mark lies in ``book`` from now on. Needs a ``QGuiApplication``.

    Args:
        book: What is known of this machine.
        setting: What the user has chosen.
        environment: May say otherwise for this run.
        ask: Finds out which driver there is.
        here: The graphics hardware, as ``machine`` names it.
    """
    here = machine() if here is None else here
    for_this_run = environment.get(WISH, "").strip().lower()
    died_with = book.died()
    if died_with is not None:
        _note_crash(book, died_with, here)
    crashed = died_with is not None
    # After a crash the setting no longer holds, or the program could never be opened again.
    wish = PicturePath.AUTO if crashed else setting
    if for_this_run in (PicturePath.RASTER, PicturePath.GL):
        wish = PicturePath(for_this_run)
    if wish is PicturePath.RASTER:
        return Decision(crashed=crashed)
    known = book.read()
    if wish is PicturePath.AUTO and (known is None or not known.use_gl):
        return Decision(crashed=crashed, measure=known is None or known.machine != here)
    return _with_driver(book, known, wish is PicturePath.GL, ask, crashed)


async def decide_in_thread(
    book: PictureBook,
    setting: PicturePath,
    environment: Mapping[str, str],
    ask: Callable[[], GlDriver] = ask_driver,
    limit_s: float = _DISK_LIMIT_S,
) -> Decision:
    """Decides as ``decide`` does, with the disk in another thread; ``ask`` is called in this one.

    Where the disk does not answer within ``limit_s`` the processor paints, and no mark is left.
    """
    loop, is_late = asyncio.get_running_loop(), False

    async def ask_here() -> GlDriver:
        if is_late:
            raise GlError("the disk was too slow")
        return ask()

    def ask_from_there() -> GlDriver:
        return asyncio.run_coroutine_threadsafe(ask_here(), loop).result()

    deciding = loop.run_in_executor(None, partial(decide, book, setting, environment, ask_from_there))
    await asyncio.wait({deciding}, timeout=limit_s)
    if deciding.done():
        return deciding.result()
    is_late = True
    log.info("the processor paints the picture: the disk does not answer")
    deciding.add_done_callback(partial(_take_back, book, loop))
    return Decision()


def _take_back(
    book: PictureBook, loop: asyncio.AbstractEventLoop, deciding: "asyncio.Future[Decision]"
) -> None:
    """Nobody tries what was decided too late."""
    if not deciding.cancelled() and deciding.exception() is None and deciding.result().use_gl:
        loop.run_in_executor(None, book.passed)


def _with_driver(
    book: PictureBook, known: Finding | None, is_forced: bool, ask: Callable[[], GlDriver], crashed: bool
) -> Decision:
    if not book.begin(known.driver if known is not None else ""):
        return Decision(crashed=crashed)
    try:
        driver = ask()
    except GlError as error:
        log.info("the processor paints the picture: %s", error)
        book.passed()
        return Decision(crashed=crashed)
    is_known = known is not None and known.driver == driver.name
    if not is_forced and (driver.is_software or not is_known):
        book.passed()
        return Decision(driver=driver.name, crashed=crashed, measure=not is_known)
    book.begin(driver.name)
    log.info("OpenGL paints the picture: %s", driver.name)
    return Decision(use_gl=True, driver=driver.name, crashed=crashed)


def _note_crash(book: PictureBook, driver: str, here: str) -> None:
    log.info("the last program died while it tried OpenGL: %s", driver or "driver not known")
    book.write(Finding(driver, here, use_gl=False, why="it took the program with it", crashed=True))
    book.passed()


def make_surface(decision: Decision, window: "QWidget") -> "GlSurface | None":
    """The surface that OpenGL draws on, where it shall; to be made before ``window`` is shown."""
    if not decision.use_gl:
        return None
    from PySide6.QtGui import QSurfaceFormat

    from atlas_desktop.video.gl_surface import GlSurface

    # A frame goes out when it is due; waiting for the screen's beat would hold up the whole program.
    format_ = QSurfaceFormat.defaultFormat()
    format_.setSwapInterval(0)
    QSurfaceFormat.setDefaultFormat(format_)
    return GlSurface(window)
