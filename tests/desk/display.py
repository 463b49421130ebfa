"""An X display of its own with a window manager: without one, full screen and focus mean nothing."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.desk.process import DeskError, end, raise_priority, run, running, start, wait_until


@contextmanager
def display(
    env: Mapping[str, str], width_px: int = 1280, height_px: int = 800, *, pixels: Path | None = None
) -> Iterator[dict[str, str]]:
    """Runs Xvfb and openbox; gives ``env`` with ``DISPLAY`` and Qt's X11 platform.

    Args:
        pixels: A folder in which the screen is kept as a file, ``Xvfb_screen0``, to be looked at in memory.
    """
    with TemporaryDirectory(prefix="desk-x-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        log.touch()
        more = [] if pixels is None else ["-fbdir", str(pixels)]
        with _xvfb(env, width_px, height_px, log, more) as number:
            on_screen = {
                key: value for key, value in env.items() if key not in ("WAYLAND_DISPLAY", "XAUTHORITY")
            }
            on_screen |= {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
            with running(["openbox", "--sm-disable"], on_screen, log):
                wait_until(lambda: _is_managed(on_screen), "openbox", log)
                yield on_screen


@contextmanager
def _xvfb(env: Mapping[str, str], width_px: int, height_px: int, log: Path, more: list[str]) -> Iterator[str]:
    reader, writer = os.pipe()
    words = ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{width_px}x{height_px}x24", "-dpi", "96"]
    words += ["-nolisten", "tcp", "-noreset", "+extension", "XTEST", *more]
    process = start(words, env, log, pass_fds=(writer,))
    raise_priority(process.pid)
    os.close(writer)
    try:
        with os.fdopen(reader) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise DeskError(f"Xvfb did not come up:\n{log.read_text()[-2000:]}")
        yield number
    finally:
        end(process)


def _is_managed(env: Mapping[str, str]) -> bool:
    """Whether a window manager has announced itself on the root window."""
    words = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
    return b"window id" in run(words, env, capture_output=True, timeout=5, check=False).stdout
