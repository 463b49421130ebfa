"""What every test of the window needs: the look, once."""

import pytest
from PySide6.QtWidgets import QApplication

from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.theme import Theme


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, ThemeChoice.DARK)
