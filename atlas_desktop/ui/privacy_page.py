"""Where a platform lets the microphone be allowed."""

import sys

from PySide6.QtCore import QUrl

_PAGES = {
    "darwin": "x-apple.systempreferences:com.apple.preference.security?Privacy_Microphone",
    "win32": "ms-settings:privacy-microphone",
}


def privacy_page() -> QUrl | None:
    """The page of the system's own settings; ``None`` where there is none."""
    page = _PAGES.get(sys.platform)
    return None if page is None else QUrl(page)
