"""A Wayland session of its own: Weston without a screen. There is no X11 beside it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.desk.process import running, wait_until

_SOCKET = "wayland-desk"


@contextmanager
def wayland(env: Mapping[str, str], width_px: int = 1280, height_px: int = 800) -> Iterator[dict[str, str]]:
    """Runs Weston; gives ``env`` with ``WAYLAND_DISPLAY`` and Qt's Wayland platform.

    Weston paints by the processor (Pixman): there is no graphics card. It has no keyboard and no pointer, and
    so not the kiosk's shell, which shows what a keyboard has chosen.
    Its socket lies in the ``XDG_RUNTIME_DIR`` of ``env`` (``session_bus``) and is named by its path, so that
    a sound server may have another such folder.
    """
    with TemporaryDirectory(prefix="desk-wayland-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        words = ["weston", "--backend=headless-backend.so", "--use-pixman", "--shell=desktop-shell.so"]
        words += [f"--width={width_px}", f"--height={height_px}", f"--socket={_SOCKET}", "--no-config"]
        bare = {key: value for key, value in env.items() if key not in ("DISPLAY", "XAUTHORITY")}
        socket = Path(env["XDG_RUNTIME_DIR"]) / _SOCKET
        with running(words, bare, log):
            wait_until(socket.exists, "Weston", log)
            yield {**bare, "WAYLAND_DISPLAY": str(socket), "QT_QPA_PLATFORM": "wayland"}
