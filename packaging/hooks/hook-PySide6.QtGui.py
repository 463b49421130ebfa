"""Qt's plugins without those for devices that have no desktop: each brings libraries of its own.

Left out: the virtual keyboard and PDF pictures (Qt Quick, Qt PDF), the GTK theme (all of GTK; the desktop
portal gives native file dialogs without it), and drawing straight to a screen without a window system.
"""

from pathlib import PurePath

from PyInstaller.utils.hooks.qt import add_qt6_dependencies

_LEFT_OUT = (
    "virtualkeyboard",
    "qpdf",
    "qgtk3",
    "eglfs",
    "linuxfb",
    "vkkhrdisplay",
    "vnc",
    "qminimal",
    "evdev",
    "tuio",
)


def _is_wanted(source: str) -> bool:
    path = PurePath(source)
    return path.parent.name != "egldeviceintegrations" and not any(word in path.name for word in _LEFT_OUT)


hiddenimports, _found, datas = add_qt6_dependencies(__file__)
binaries = [(source, folder) for source, folder in _found if _is_wanted(source)]
