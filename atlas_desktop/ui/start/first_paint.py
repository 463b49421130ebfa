"""What the window shows before anything heavy is loaded: settings and a shipped face."""

from pathlib import Path

from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Face
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.window import MainWindow


def show_first(window: MainWindow, settings: Settings, faces: tuple[Path, ...]) -> None:
    """Fills the start page from ``settings``; the model takes over once it is there.

    Args:
        window: Not shown yet.
        settings: As read from disk.
        faces: The shipped ones. A face of the user's own is read later, off this thread.
    """
    window.restore_geometry_text(settings.window_geometry)
    page = window.start_page
    page.show_prices(FALLBACK_PER_HOUR_USD)
    page.show_mode(settings.mode)
    page.show_microphone(settings.microphone_on_connect)
    shipped = [path for path in faces if settings.face in ("", path.name, path.stem)]
    if shipped:
        page.show_face(Face(shipped[0].name, shipped[0].read_bytes()))
