import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from atlas_desktop.assets import resources_dir
from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.look.icons import icon_image, svg_text
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import DARK, LIGHT

ICONS = sorted(path.stem for path in (resources_dir() / "icons").glob("*.svg"))


@pytest.fixture(autouse=True)
def _dark_again(theme: Theme) -> None:
    theme.set_choice(ThemeChoice.DARK)


def test_choice_changes_palette_and_says_so(theme: Theme, qtbot: QtBot) -> None:
    with qtbot.waitSignal(theme.changed, timeout=500):
        theme.set_choice(ThemeChoice.LIGHT)
    assert theme.tokens is LIGHT
    assert QApplication.palette().color(QPalette.ColorRole.Window).name().upper() == LIGHT.bg


def test_system_choice_follows_the_system(theme: Theme, qapp: QApplication) -> None:
    system = [Qt.ColorScheme.Light]
    follower = Theme(qapp, ThemeChoice.SYSTEM, system_scheme=lambda: system[0])
    assert follower.tokens is LIGHT
    system[0] = Qt.ColorScheme.Dark
    QGuiApplication.styleHints().colorSchemeChanged.emit(system[0])
    assert follower.tokens is DARK
    follower.set_choice(ThemeChoice.LIGHT)
    QGuiApplication.styleHints().colorSchemeChanged.emit(system[0])
    assert follower.tokens is LIGHT
    follower.deleteLater()


def test_reduced_motion_takes_no_time(theme: Theme) -> None:
    assert theme.motion_ms(150) == 150
    assert theme.motion_ms(900) == 200
    theme.set_reduce_motion(True)
    assert theme.motion_ms(150) == 0
    theme.set_reduce_motion(False)


def test_figures_are_tabular(theme: Theme) -> None:
    metrics = QFontMetrics(theme.font(13))
    assert metrics.horizontalAdvance("111111") == metrics.horizontalAdvance("888888")


@pytest.mark.parametrize("name", ICONS)
def test_icons_are_ours_in_one_stroke_and_take_the_colour(name: str) -> None:
    text = svg_text(name)
    assert 'viewBox="0 0 24 24"' in text
    assert 'stroke-width="1.8"' in text
    image = icon_image(name, "#FF0000", 24, 2.0)
    assert image.width() == 48
    colours = {
        image.pixelColor(x, y).name()
        for x in range(48)
        for y in range(48)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert colours == {"#ff0000"}


def test_there_are_icons() -> None:
    assert {"mic", "mic-off", "volume", "volume-off", "interrupt", "open", "gear", "fullscreen"} <= set(ICONS)
