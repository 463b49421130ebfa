"""The graphics driver: what is known of it without a look at OpenGL, and what its name says."""

import platform
import sys
from pathlib import Path

_SOFTWARE = (
    "llvmpipe",
    "lavapipe",
    "softpipe",
    "swrast",
    "swr (",
    "swiftshader",
    "mesa x11",
    "mesa offscreen",
    "software rasterizer",
    "software renderer",
    "basic render",
    "gdi generic",
)
"""Parts of the names of renderers that run on the processor: Mesa's, Google's, Apple's, Microsoft's."""


class GlError(RuntimeError):
    """OpenGL can't draw the picture here; the text says why, for the log."""


def is_software(driver: str) -> bool:
    """Return whether ``driver`` draws on the processor, where our own conversion costs a fraction."""
    name = driver.lower()
    return any(part in name for part in _SOFTWARE)


def graphics_card(
    drm: Path = Path("/sys/class/drm"),
    nvidia: Path = Path("/proc/driver/nvidia/version"),
    wsl: Path = Path("/dev/dxg"),
) -> str:
    """Return the graphics hardware as the system names it, empty where there is none that can draw.

    It takes microseconds and loads no OpenGL: its software renderer alone would cost 40 MB.
    """
    names = [platform.system(), platform.release() if sys.platform != "linux" else ""]
    if sys.platform == "linux":
        # Only a driver that can draw has a render node; a server's or a simple VM's display has a card alone.
        if not (any(drm.glob("renderD*")) or nvidia.exists() or wsl.exists()):
            return ""
        for device in sorted(drm.glob("card[0-9]*/device/uevent")):
            names += [line for line in _text(device).splitlines() if line.startswith(("DRIVER=", "PCI_ID="))]
        names += _text(nvidia).splitlines()[:1]
    return " · ".join(name for name in names if name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
