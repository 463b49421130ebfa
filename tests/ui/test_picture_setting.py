from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from atlas_desktop.storage.settings import RendererSetting, Settings, ThemeChoice
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_dialog import SettingsDialog


def test_the_user_chooses_who_paints_and_the_look_beside_it(qtbot: QtBot, theme: Theme) -> None:
    dialog = SettingsDialog(theme, Settings(theme=ThemeChoice.DARK, picture_path=RendererSetting.RASTER))
    qtbot.addWidget(dialog)
    asked: list[dict[str, object]] = []
    dialog.change_requested.connect(asked.append)
    buttons = {
        button.accessibleName() or button.text(): button for button in dialog.findChildren(QPushButton)
    }
    assert buttons["Processor"].isChecked()
    assert buttons["Dark"].isChecked()
    buttons["Graphics card"].click()
    buttons["Light"].click()
    buttons["Automatic"].click()
    assert asked == [
        {"picture_path": RendererSetting.GL},
        {"theme": ThemeChoice.LIGHT},
        {"picture_path": RendererSetting.AUTO},
    ]
    assert not buttons["Graphics card"].isChecked()
