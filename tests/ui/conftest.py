"""What every test of the window needs: the look, once, and a window on a desk."""

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from atlas_desktop.storage.settings import Settings, ThemeChoice
from atlas_desktop.ui.theme import Theme
from atlas_desktop.ui.window import LiveParts, MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from tests.ui.desk import Desk, FakeStage
from tests.ui.fake_model import FakeModel


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, ThemeChoice.DARK)


@pytest.fixture
def desk(theme: Theme, qtbot: QtBot) -> Desk:
    theme.set_choice(ThemeChoice.DARK)
    window, model = MainWindow(theme, ()), FakeModel()
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    model.settings = Settings(theme=ThemeChoice.DARK)
    wiring = WindowWiring(window, model, theme)
    parts = LiveParts(FakeStage(), QLabel("Transcript"), QLabel("Cues"))
    assert isinstance(parts.stage, FakeStage)
    assert parts.waiting_cues is not None
    window.set_live(parts)
    wiring.join_stage(parts.stage)
    window.show()
    return Desk(window, model, parts.stage, parts.transcript, parts.waiting_cues)
