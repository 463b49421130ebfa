"""The calibration as the user meets it; its engine is a fake, the real one has tests of its own."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QSlider, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.errors import DeviceLostError, NoSpeakerError, SoundServerLostError
from atlas_desktop.media.beep_finder import BeepMeasurement
from atlas_desktop.ui.calibration.calibration_dialog import CalibrationDialog
from atlas_desktop.ui.calibration.panes import FLASH_MS, FlashPanel
from atlas_desktop.ui.look.theme import Theme
from tests.ui.calibration_fakes import FakeDevices
from tests.ui.desk import button

Open = Callable[..., "Bench"]


class Bench:
    """An open dialog, and what it asked for."""

    def __init__(self, dialog: CalibrationDialog, devices: FakeDevices) -> None:
        self.dialog, self.devices = dialog, devices
        self.used: list[float] = []
        self.quiet: list[bool] = []
        dialog.use_requested.connect(self.used.append)
        dialog.quiet_requested.connect(self.quiet.append)

    def press(self, name: str) -> None:
        button(self.dialog, name).click()

    def names(self) -> set[str]:
        found = self.dialog.findChildren(QPushButton)
        return {child.accessibleName() for child in found if child.isVisible()}

    def texts(self) -> str:
        labels = self.dialog.findChildren(QLabel)
        return "\n".join(label.text() or label.accessibleName() for label in labels if label.isVisible())

    @property
    def slider(self) -> QSlider:
        slider = self.dialog.findChild(QSlider)
        assert slider is not None
        return slider


@pytest.fixture
def open_dialog(theme: Theme, qtbot: QtBot) -> Open:
    def make(
        devices: FakeDevices | None = None, parent: QWidget | None = None, *, in_session: bool = False
    ) -> Bench:
        devices = devices or FakeDevices()
        dialog = CalibrationDialog(cast(Any, devices), theme, 18.0, parent, in_session=in_session)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        if parent is None:
            qtbot.addWidget(dialog)
        dialog.open()
        qtbot.waitExposed(dialog)
        return Bench(dialog, devices)

    return make


def test_nothing_beeps_before_start(open_dialog: Open) -> None:
    bench = open_dialog()
    assert bench.devices.made == []
    assert bench.names() == {"Start", "By eye", "Cancel"}
    assert "8 beeps" in bench.texts()
    assert "silent" not in bench.texts()


def test_the_microphone_finds_the_delay_and_it_is_used(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("Start")
    assert bench.devices.running == [True]
    assert bench.names() == {"By eye", "Cancel"}
    for _ in range(3):
        bench.devices.engine.flashed.emit()
    assert "Beep 3 of 8" in bench.texts()
    bench.devices.engine.finished.emit(BeepMeasurement(141.6, 3.2, 8))
    assert "Your speaker adds 142 ms" in bench.texts()
    assert "8 of 8 beeps agree within 3 ms" in bench.texts()
    assert bench.names() == {"Use it", "Try again", "Cancel"}
    assert bench.devices.running == []
    bench.press("Use it")
    assert bench.used == [142.0]
    assert bench.quiet == [True, False]
    assert bench.dialog.isHidden()


@pytest.mark.parametrize(
    ("delay_ms", "says", "used_ms"),
    [(-12.0, "adds 0 ms", 0.0), (412.4, "300 ms at most can be made up for", 300.0)],
    ids=["before it was played", "beyond what can wait"],
)
def test_what_can_not_be_is_not_used(open_dialog: Open, delay_ms: float, says: str, used_ms: float) -> None:
    bench = open_dialog()
    bench.press("Start")
    bench.devices.engine.finished.emit(BeepMeasurement(delay_ms, 1.0, 8))
    assert says in bench.texts()
    bench.press("Use it")
    assert bench.used == [used_ms]


def test_few_beeps_that_agree_are_said_to_be_few(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("Start")
    bench.devices.engine.finished.emit(BeepMeasurement(50.0, 5.0, 3))
    assert "to be surer of it" in bench.texts()


def test_too_few_beeps_say_what_helps_and_offer_the_eye(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("Start")
    bench.devices.engine.finished.emit(None)
    assert "Too few beeps were heard" in bench.texts()
    assert "volume up" in bench.texts()
    assert bench.names() == {"Try again", "By eye", "Cancel"}
    bench.press("Try again")
    assert bench.devices.running == [True]
    assert "Beep 0 of 8" in bench.texts()
    bench.press("By eye")
    assert bench.devices.running == [False]


def test_without_a_microphone_the_eye_measures(open_dialog: Open) -> None:
    bench = open_dialog(FakeDevices(has_microphone=False))
    assert bench.names() == {"Start", "Cancel"}
    assert "no microphone" in bench.texts()
    bench.press("Start")
    assert bench.devices.running == [False]
    assert bench.names() == {"Use it", "Cancel"}
    assert bench.devices.engine.speaker_ms == 18.0
    bench.slider.setValue(120)
    assert bench.devices.engine.speaker_ms == 120.0
    assert "120 ms" in bench.texts()
    bench.press("Use it")
    assert bench.used == [120.0]
    assert bench.devices.running == []


def test_the_flash_is_there_at_once_and_goes(open_dialog: Open, qtbot: QtBot) -> None:
    bench = open_dialog()
    bench.press("By eye")
    panel = bench.dialog.findChild(FlashPanel)
    assert panel is not None
    bench.devices.engine.flashed.emit()
    assert panel.is_lit
    assert panel.grab().toImage().pixelColor(panel.rect().center()).lightness() > 200
    qtbot.waitUntil(lambda: not panel.is_lit, timeout=FLASH_MS * 10)
    assert panel.grab().toImage().pixelColor(panel.rect().center()).lightness() < 40


def test_the_eye_goes_on_from_what_the_microphone_found(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("Start")
    bench.devices.engine.finished.emit(BeepMeasurement(90.0, 2.0, 8))
    bench.press("Try again")
    bench.press("By eye")
    assert bench.slider.value() == 90
    bench.press("By microphone")
    assert bench.devices.running == [True]


@pytest.mark.parametrize("way", ["Escape", "close", "Cancel"])
@pytest.mark.parametrize("stage", ["Start", "By eye"])
def test_it_falls_silent_however_it_is_closed(open_dialog: Open, way: str, stage: str) -> None:
    bench = open_dialog()
    bench.press(stage)
    assert len(bench.devices.running) == 1
    if way == "Escape":
        QTest.keyClick(bench.dialog, Qt.Key.Key_Escape)
    elif way == "close":
        bench.dialog.close()
    else:
        bench.press("Cancel")
    assert bench.devices.running == []
    assert bench.quiet == [True, False]
    assert bench.used == []


@pytest.mark.parametrize(("platform", "page"), [("darwin", "Privacy_Microphone"), ("win32", "microphone")])
def test_who_does_not_allow_the_microphone_is_led_to_where_it_is_allowed(
    open_dialog: Open, monkeypatch: pytest.MonkeyPatch, platform: str, page: str
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    bench = open_dialog(FakeDevices(allows=False))
    bench.press("Start")
    assert bench.names() == {"Open system settings", "Try again", "By eye", "Cancel"}
    bench.press("Open system settings")
    assert len(opened) == 1
    assert opened[0].endswith(page)


def test_a_speaker_that_fails_is_said_and_tried_again(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("Start")
    bench.devices.engine.failed.emit(NoSpeakerError())
    assert "There is no speaker" in bench.texts()
    assert bench.devices.running == []
    assert bench.quiet == [True, False]
    bench.press("Try again")
    assert bench.devices.running == [True]


def test_a_sound_server_that_stops_is_said_and_the_run_tried_again(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("Start")
    bench.devices.engine.failed.emit(SoundServerLostError())
    assert "sound server has stopped" in bench.texts()
    assert "picture" not in bench.texts()
    bench.press("Try again")
    assert bench.devices.running == [True]


def test_what_a_stopped_run_still_says_counts_no_more(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("Start")
    before = bench.devices.engine
    bench.press("By eye")
    before.finished.emit(BeepMeasurement(50.0, 1.0, 8))
    before.failed.emit(DeviceLostError(device="Speaker"))
    assert bench.devices.running == [False]
    assert "Bring flash and beep together" in bench.texts()


def test_a_microphone_that_is_not_allowed_leaves_the_eye(open_dialog: Open) -> None:
    bench = open_dialog(FakeDevices(allows=False))
    bench.press("Start")
    assert "does not allow the microphone" in bench.texts()
    assert bench.devices.made == []
    bench.press("By eye")
    assert bench.devices.running == [False]


def test_the_answer_may_come_late_or_never(open_dialog: Open) -> None:
    bench = open_dialog(FakeDevices(allows=None))
    bench.press("Start")
    assert "Allow the microphone" in bench.texts()
    assert bench.devices.answer is not None
    bench.press("By eye")
    bench.devices.answer(True)
    assert bench.devices.running == [False]
    bench.press("By microphone")
    bench.dialog.reject()
    bench.devices.answer(True)
    assert bench.devices.running == []


def test_in_a_session_it_says_that_the_avatar_is_silent(open_dialog: Open) -> None:
    bench = open_dialog(in_session=True)
    assert "the avatar is silent" in bench.texts()
    bench.press("Start")
    bench.devices.engine.finished.emit(BeepMeasurement(50.0, 1.0, 8))
    assert "the avatar is silent" not in bench.texts()


def test_by_keyboard_alone(open_dialog: Open) -> None:
    bench = open_dialog(FakeDevices(has_microphone=False))
    bench.dialog.activateWindow()
    QTest.keyClick(bench.dialog, Qt.Key.Key_Return)
    assert bench.dialog.focusWidget() is bench.slider
    for _ in range(3):
        QTest.keyClick(bench.slider, Qt.Key.Key_Right)
    QTest.keyClick(bench.slider, Qt.Key.Key_Return)
    assert bench.used == [24.0]


def test_everything_has_a_name(open_dialog: Open) -> None:
    bench = open_dialog()
    bench.press("By eye")
    assert bench.slider.accessibleName() == "Speaker delay"
    assert bench.slider.accessibleDescription() == "18 ms"
    panel = bench.dialog.findChild(FlashPanel)
    assert panel is not None
    assert panel.accessibleName() == "Flash"
    assert all(child.accessibleName() for child in bench.dialog.findChildren(QPushButton))


def test_it_fits_the_smallest_window(open_dialog: Open, qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(360, 480)
    bench = open_dialog(parent=window, in_session=True)
    assert bench.dialog.width() <= 360
    bench.dialog.resize(320, 320)
    for stage in ("Start", "By eye"):
        bench.press(stage)
        QTest.qWait(20)
        for child in (*bench.dialog.findChildren(QPushButton), bench.slider):
            if child.isVisible():
                place = child.rect().translated(child.mapTo(bench.dialog, QPoint()))
                assert bench.dialog.rect().contains(place), (stage, child.accessibleName())


def test_a_dialog_that_is_closed_leaves_no_run_behind(theme: Theme, qapp: QApplication) -> None:
    devices = FakeDevices()
    dialog = CalibrationDialog(cast(Any, devices), theme, 18.0)
    dialog.open()
    button(dialog, "Start").click()
    dialog.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert devices.running == []
