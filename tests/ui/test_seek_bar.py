from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QListView, QSlider
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode
from atlas_desktop.cues.queue import CueState
from atlas_desktop.session.state import Live
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.cues.cue_model import CueRole
from atlas_desktop.ui.cues.cue_strip import CueStrip
from atlas_desktop.ui.cues.seek_bar import SeekBar
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.toggle_switch import ToggleSwitch
from atlas_desktop.ui.settings_dialog import SettingsDialog
from tests.ui.driven_model import GRANT, DrivenModel, cue

WIDTH_PX = 600


@pytest.fixture
def model(tmp_path: Path, qapp: QApplication) -> DrivenModel:
    model = DrivenModel(tmp_path, Live(GRANT))
    model.show_mode(Mode.PASSTHROUGH)
    return model


@pytest.fixture
def strip(model: DrivenModel, theme: Theme, qtbot: QtBot) -> CueStrip:
    strip = CueStrip(model, theme)
    qtbot.addWidget(strip)
    strip.resize(WIDTH_PX, 52)
    strip.show()
    qtbot.waitExposed(strip)
    return strip


def bar(strip: CueStrip) -> SeekBar:
    found = strip.findChild(SeekBar)
    assert found is not None
    return found


def put(model: DrivenModel, *, position_s: float = 3.0, state: CueState = CueState.PLAYING) -> None:
    current = replace(cue(1, "a.wav", state), position_s=position_s, is_current=True)
    model.put(current, cue(2, "b.wav"))


def at(position_s: float) -> QPoint:
    return QPoint(round(WIDTH_PX * position_s / 12), 4)


def test_it_is_there_while_something_is_spoken_or_held(model: DrivenModel, strip: CueStrip) -> None:
    assert not bar(strip).isVisible()
    put(model)
    assert bar(strip).isVisible()
    put(model, state=CueState.PAUSED, position_s=0.0)
    assert bar(strip).isVisible()
    model.put(cue(1, "a.wav", CueState.DONE), cue(2, "b.wav"))
    assert not bar(strip).isVisible()
    model.put(replace(cue(1, "a.wav", CueState.PLAYING, duration_s=None), is_current=True))
    assert not bar(strip).isVisible()


def test_it_is_a_slider_to_a_screen_reader(model: DrivenModel, strip: CueStrip) -> None:
    put(model)
    seen = QAccessible.queryAccessibleInterface(bar(strip))
    assert seen.role() is QAccessible.Role.Slider
    assert seen.text(QAccessible.Text.Name) == "Position"
    assert seen.text(QAccessible.Text.Description) == "0:03 of 0:12"
    assert isinstance(bar(strip), QSlider)
    assert (bar(strip).value(), bar(strip).maximum()) == (3000, 12_000)


def test_progress_asks_for_nothing(model: DrivenModel, strip: CueStrip) -> None:
    for position_s in (0.0, 3.0, 3.2, 11.9, 0.0):
        put(model, position_s=position_s)
    assert model.asked == []


def test_the_position_is_shown_in_the_strip(model: DrivenModel, strip: CueStrip) -> None:
    put(model)
    view = strip.findChild(QListView)
    assert view is not None
    first = view.model().index(0, 0)
    assert first.data(CueRole.DETAIL).startswith("0:03 / 0:12")
    assert first.data(Qt.ItemDataRole.AccessibleTextRole) == "a.wav, 0:12, playing"


@pytest.mark.parametrize(
    ("key", "wanted_s"),
    [
        (Qt.Key.Key_Right, 8.0),
        (Qt.Key.Key_Left, 0.0),
        (Qt.Key.Key_Home, 0.0),
        (Qt.Key.Key_PageUp, 12.0),
        (Qt.Key.Key_PageDown, 0.0),
    ],
)
def test_keys(model: DrivenModel, strip: CueStrip, key: Qt.Key, wanted_s: float) -> None:
    put(model)
    bar(strip).setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(bar(strip), key)
    assert model.asked == [("seek_cue", wanted_s)]
    strip.grab()


def test_keys_pressed_at_once_add_up(model: DrivenModel, strip: CueStrip) -> None:
    put(model, position_s=0.0)
    for _ in range(2):
        QTest.keyClick(bar(strip), Qt.Key.Key_Right)
    assert model.asked == [("seek_cue", 5.0), ("seek_cue", 10.0)]


def test_left_goes_forwards_where_one_reads_to_the_left(model: DrivenModel, strip: CueStrip) -> None:
    strip.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    put(model)
    QTest.keyClick(bar(strip), Qt.Key.Key_Left)
    QTest.mouseClick(bar(strip), Qt.MouseButton.LeftButton, pos=at(9.0))
    assert model.asked == [("seek_cue", 8.0), ("seek_cue", 3.0)]
    strip.grab()


def test_a_press_goes_there(model: DrivenModel, strip: CueStrip) -> None:
    put(model)
    QTest.mouseClick(bar(strip), Qt.MouseButton.LeftButton, pos=at(9.0))
    assert model.asked == [("seek_cue", 9.0)]


def test_a_drag_is_obeyed_at_its_end_and_not_disturbed(model: DrivenModel, strip: CueStrip) -> None:
    put(model)
    QTest.mousePress(bar(strip), Qt.MouseButton.LeftButton, pos=at(2.0))
    QTest.mouseMove(bar(strip), at(6.0))
    QApplication.processEvents()
    put(model, position_s=3.4)
    assert model.asked == []
    assert bar(strip).sliderPosition() == pytest.approx(6000, abs=50)
    strip.grab()
    QTest.mouseRelease(bar(strip), Qt.MouseButton.LeftButton, pos=at(6.0))
    assert model.asked == [("seek_cue", pytest.approx(6.0, abs=0.05))]


def test_a_drag_ends_with_its_cue(model: DrivenModel, strip: CueStrip) -> None:
    put(model)
    QTest.mousePress(bar(strip), Qt.MouseButton.LeftButton, pos=at(6.0))
    following = replace(cue(2, "b.wav", CueState.PLAYING), position_s=0.0, is_current=True)
    model.put(cue(1, "a.wav", CueState.DONE), following)
    QTest.mouseRelease(bar(strip), Qt.MouseButton.LeftButton, pos=at(6.0))
    assert model.asked == []
    assert bar(strip).value() == 0


def test_a_screen_reader_may_set_it(model: DrivenModel, strip: CueStrip) -> None:
    put(model)
    bar(strip).setValue(7000)
    assert model.asked == [("seek_cue", 7.0)]


def test_same_loudness_is_a_switch_in_the_settings(theme: Theme, qtbot: QtBot) -> None:
    dialog: QDialog = SettingsDialog(theme, Settings())
    qtbot.addWidget(dialog)
    dialog.show()
    changes: list[object] = []
    dialog.change_requested.connect(changes.append)  # type: ignore[attr-defined]
    switch = next(one for one in dialog.findChildren(ToggleSwitch) if "loudness" in one.accessibleName())
    assert switch.isChecked()
    switch.click()
    assert changes == [{"match_loudness": False}]


def test_a_shorter_cue_after_a_longer_one_is_not_sought(model: DrivenModel, strip: CueStrip) -> None:
    put(model, position_s=12.0)
    short = replace(cue(2, "b.wav", CueState.PLAYING, duration_s=1.2), is_current=True, position_s=0.0)
    model.put(cue(1, "a.wav", CueState.DONE), short)
    assert (bar(strip).value(), bar(strip).maximum()) == (0, 1200)
    model.put(replace(cue(3, "c.wav", CueState.PLAYING, duration_s=60.0), is_current=True, position_s=50.0))
    assert bar(strip).value() == 50_000
    assert model.asked == []
