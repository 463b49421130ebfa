"""Picture and sound in the settings, and the way from there through a calibration and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.media.beep_finder import BeepMeasurement
from atlas_desktop.session.state import Live
from atlas_desktop.storage.settings import Settings, ThemeChoice, speaker_delay_default_ms
from atlas_desktop.ui.calibration.calibration_dialog import CalibrationDialog
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_dialog import SettingsDialog
from atlas_desktop.ui.sync_fields import SyncFields
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from tests.ui.calibration_fakes import FakeDevices
from tests.ui.desk import button
from tests.ui.driven_model import GRANT, DrivenModel

USUAL_MS = speaker_delay_default_ms()
USE_USUAL = f"Use {round(USUAL_MS)} ms, usual on this system"


class Bench:
    """A window with its settings open, a model and devices that are fakes."""

    def __init__(self, theme: Theme, folder: Path) -> None:
        self.window, self.devices = MainWindow(theme, ()), FakeDevices()
        self.model = DrivenModel(folder, theme=ThemeChoice.DARK)
        self.told: list[tuple[float, bool]] = []

        def make(speaker_ms: float, in_session: bool, parent: QWidget) -> CalibrationDialog:
            self.told.append((speaker_ms, in_session))
            return CalibrationDialog(
                cast(Any, self.devices), theme, speaker_ms, parent, in_session=in_session
            )

        self.wiring = WindowWiring(self.window, self.model, theme, None, make)
        self.window.show()

    def open_settings(self) -> SettingsDialog:
        QTest.keyClick(self.window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
        found = self.window.findChild(SettingsDialog)
        assert found is not None
        return found

    def calibrate(self, settings: SettingsDialog) -> CalibrationDialog:
        button(settings, "Calibrate…").click()
        found = settings.findChild(CalibrationDialog)
        assert found is not None
        return found


@pytest.fixture
def bench(theme: Theme, qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    theme.set_choice(ThemeChoice.DARK)
    bench = Bench(theme, tmp_path)
    qtbot.addWidget(bench.window, before_close_func=lambda closing: closing.close_for_good())
    yield bench
    for dialog in bench.window.findChildren(QDialog):
        dialog.close()


@pytest.fixture
def fields(theme: Theme, qtbot: QtBot) -> SyncFields:
    fields = SyncFields(theme, Settings())
    qtbot.addWidget(fields)
    fields.show()
    return fields


def choice(within: QWidget, name: str) -> QRadioButton:
    found = within.findChildren(QRadioButton)
    return next(radio for radio in found if radio.accessibleName() == name)


def delay(within: QWidget) -> QDoubleSpinBox:
    found = within.findChildren(QDoubleSpinBox)
    return next(field for field in found if field.accessibleName() == "Speaker delay")


def asked_of(fields: SyncFields) -> list[dict[str, object]]:
    asked: list[dict[str, object]] = []
    fields.change_requested.connect(asked.append)
    return asked


def test_lip_sync_is_what_holds_at_first(fields: SyncFields) -> None:
    assert choice(fields, "Lip sync").isChecked()
    assert choice(fields, "Lowest delay").accessibleDescription()
    assert delay(fields).text() == f"{round(USUAL_MS)} ms"


def test_each_choice_asks_once(fields: SyncFields) -> None:
    asked = asked_of(fields)
    choice(fields, "Lowest delay").click()
    choice(fields, "Lip sync").click()
    assert asked == [{"lip_sync": False}, {"lip_sync": True}]


def test_showing_what_holds_asks_for_nothing(fields: SyncFields) -> None:
    asked = asked_of(fields)
    fields.show_settings(Settings(lip_sync=False, speaker_delay_ms=142.0))
    assert asked == []
    assert choice(fields, "Lowest delay").isChecked()
    assert delay(fields).text() == "142 ms"


def test_with_the_lowest_delay_no_other_is_of_use(fields: SyncFields) -> None:
    fields.offer_calibration()
    fields.show_settings(Settings(lip_sync=False))
    assert not delay(fields).isEnabled()
    assert not button(fields, "Calibrate…").isEnabled()
    fields.show_settings(Settings(lip_sync=True))
    assert delay(fields).isEnabled()


def test_a_delay_is_typed_and_what_can_not_be_is_not_taken(fields: SyncFields) -> None:
    asked = asked_of(fields)
    for typed in ("142", "9000"):
        delay(fields).selectAll()
        QTest.keyClicks(delay(fields), typed)
        QTest.keyClick(delay(fields), Qt.Key.Key_Return)
    assert asked[0] == {"speaker_delay_ms": 142.0}
    assert all(values["speaker_delay_ms"] <= 300 for values in asked)  # type: ignore[operator]


def test_the_usual_delay_comes_back(fields: SyncFields) -> None:
    asked = asked_of(fields)
    names = {child.accessibleName() for child in fields.findChildren(QWidget) if child.isVisible()}
    assert USE_USUAL not in names
    fields.show_settings(Settings(speaker_delay_ms=142.0))
    button(fields, USE_USUAL).click()
    assert asked == [{"speaker_delay_ms": USUAL_MS}]


def test_what_a_calibration_finds_holds_at_once_and_is_shown(bench: Bench) -> None:
    settings = bench.open_settings()
    calibration = bench.calibrate(settings)
    assert bench.told == [(USUAL_MS, False)]
    button(calibration, "Start").click()
    assert bench.model.asked == [("set_quiet", True)]
    bench.devices.engine.finished.emit(BeepMeasurement(141.6, 3.0, 8))
    button(calibration, "Use it").click()
    assert bench.model.settings.speaker_delay_ms == 142.0
    assert delay(settings).text() == "142 ms"
    assert bench.model.asked == [("set_quiet", True), ("set_quiet", False)]


def test_one_that_is_cancelled_changes_nothing(bench: Bench) -> None:
    settings = bench.open_settings()
    calibration = bench.calibrate(settings)
    button(calibration, "By eye").click()
    QTest.keyClick(calibration, Qt.Key.Key_Escape)
    assert bench.devices.running == []
    assert bench.model.settings.speaker_delay_ms == USUAL_MS
    assert settings.isVisible()


def test_settings_that_are_closed_take_their_calibration_with_them(bench: Bench) -> None:
    settings = bench.open_settings()
    button(bench.calibrate(settings), "By eye").click()
    for dialog in bench.window.findChildren(QDialog):
        dialog.close()
    assert bench.devices.running == []
    assert bench.model.asked[-1] == ("set_quiet", False)


def test_it_knows_of_the_session(bench: Bench) -> None:
    bench.model.show(Live(GRANT))
    bench.calibrate(bench.open_settings())
    assert bench.told == [(USUAL_MS, True)]


def test_without_what_can_calibrate_it_is_not_offered(theme: Theme, qtbot: QtBot) -> None:
    dialog = SettingsDialog(theme, Settings())
    qtbot.addWidget(dialog)
    dialog.show()
    names = {child.accessibleName() for child in dialog.findChildren(QWidget) if child.isVisible()}
    assert "Speaker delay" in names
    assert "Calibrate…" not in names


def test_nothing_is_cut_in_the_smallest_window(fields: SyncFields) -> None:
    fields.offer_calibration()
    fields.show_settings(Settings(speaker_delay_ms=142.0))
    # The dialog's narrowest page.
    fields.resize(252, fields.heightForWidth(252))
    QTest.qWait(10)
    for name in ("Calibrate…", USE_USUAL):
        child = button(fields, name)
        assert fields.rect().contains(child.rect().translated(child.mapTo(fields, QPoint()))), name
