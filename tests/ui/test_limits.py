"""The limits as fields: before the first paid session, and in the settings."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QDoubleSpinBox, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_dialog import SettingsDialog
from atlas_desktop.ui.settings_fields import AmountFields
from atlas_desktop.ui.settings_table import LIMITS
from tests.ui.desk import Desk, button


def amount(within: QWidget, name: str) -> QDoubleSpinBox:
    found = within.findChildren(QDoubleSpinBox)
    return next(field for field in found if field.accessibleName() == name and field.isVisible())


def enter(field: QDoubleSpinBox, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A key is there, and no paid session was started yet."""
    desk.model.key_changed.emit(KeyState(KeyKind.KEYRING))
    desk.window.activateWindow()
    return desk


def test_the_first_paid_start_shows_the_limits_and_the_next_does_not(ready: Desk) -> None:
    button(ready.window, "Start").click()
    assert ready.asked("start") == []
    texts = [
        amount(ready.window, name).text() for name in ("A session costs at most", "A session lasts at most")
    ]
    assert texts == ["$5.00", "60 min"]
    button(ready.window, "Start").click()
    assert len(ready.asked("start")) == 1
    assert ready.model.settings.limits_seen
    button(ready.window, "Start").click()
    assert len(ready.asked("start")) == 2


def test_limits_are_changed_before_the_first_start(ready: Desk) -> None:
    button(ready.window, "Start").click()
    enter(amount(ready.window, "A session costs at most"), "2.50")
    enter(amount(ready.window, "It ends when nobody is there for"), "5")
    QTest.keyClick(amount(ready.window, "It ends when nobody is there for"), Qt.Key.Key_Return)
    assert len(ready.asked("start")) == 1
    settings = ready.model.settings
    assert (settings.limit_session_usd, settings.limit_idle_s) == (2.5, 300.0)
    assert (settings.limit_session_s, settings.limit_day_usd) == (3600.0, 20.0)


def test_what_was_typed_stays_when_another_setting_changes(ready: Desk) -> None:
    """A face is remembered when its file was read: late, on a slow disk."""
    button(ready.window, "Start").click()
    amount(ready.window, "A session costs at most").setFocus()
    enter(amount(ready.window, "A session costs at most"), "1")
    amount(ready.window, "A day costs at most").setFocus()
    ready.model.change_settings(face="2-green")
    assert amount(ready.window, "A session costs at most").text() == "$1.00"
    button(ready.window, "Start").click()
    assert ready.model.settings.limit_session_usd == 1.0


def test_enter_accepts_and_escape_goes_back(ready: Desk) -> None:
    button(ready.window, "Start").click()
    QTest.keyClick(ready.window, Qt.Key.Key_Escape)
    assert button(ready.window, "Rehearse").isVisible()
    assert not ready.model.settings.limits_seen
    button(ready.window, "Start").click()
    focused = ready.window.focusWidget()
    assert focused is button(ready.window, "Start")
    QTest.keyClick(focused, Qt.Key.Key_Return)
    assert len(ready.asked("start")) == 1


def test_ctrl_enter_shows_them_too_and_accepts(ready: Desk) -> None:
    for _ in range(2):
        QTest.keyClick(ready.window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(ready.asked("start")) == 1


def test_not_now_starts_nothing(ready: Desk) -> None:
    button(ready.window, "Start").click()
    button(ready.window, "Not now").click()
    assert ready.asked("start") == []
    assert button(ready.window, "Rehearse").isVisible()


def test_a_rehearsal_asks_nothing(ready: Desk) -> None:
    button(ready.window, "Rehearse").click()
    assert len(ready.asked("rehearse")) == 1
    assert not ready.model.settings.limits_seen


def test_without_a_key_the_key_is_asked_for_first(desk: Desk) -> None:
    button(desk.window, "Start").click()
    assert len(desk.asked("start")) == 1


def test_the_card_fits_the_smallest_window(ready: Desk) -> None:
    ready.window.resize(360, 480)
    button(ready.window, "Start").click()
    QTest.qWait(20)
    card = ready.window.start_page.limits
    box = card.rect().translated(card.mapTo(ready.window, QPoint()))
    assert ready.window.rect().contains(box), box
    fields = card.findChildren(QDoubleSpinBox)
    settings = button(ready.window, "Settings")
    for control in (*fields, *card.findChildren(QAbstractButton)):
        place = control.rect().translated(control.mapTo(ready.window, QPoint()))
        assert box.contains(place), control.accessibleName()
        assert not place.intersects(settings.geometry())


@pytest.mark.parametrize(
    ("name", "typed", "asked"),
    [
        ("A session lasts at most", "12.5", {"limit_session_s": 750.0}),
        ("A day costs at most", "7", {"limit_day_usd": 7.0}),
        ("It ends when the program hangs for", "1", None),
    ],
    ids=["minutes", "dollars", "too little"],
)
def test_a_limit_is_changed_in_the_settings_when_it_is_whole(
    desk: Desk, theme: Theme, name: str, typed: str, asked: dict[str, float] | None
) -> None:
    settings = SettingsDialog(theme, Settings(), desk.window)
    settings.show()
    changes: list[dict[str, float]] = []
    settings.change_requested.connect(changes.append)
    enter(amount(settings, name), typed)
    assert changes == []
    QTest.keyClick(amount(settings, name), Qt.Key.Key_Return)
    assert changes == ([] if asked is None else [asked])


def test_showing_settings_asks_for_nothing(theme: Theme, qtbot: QtBot) -> None:
    fields = AmountFields(theme, LIMITS, Settings())
    qtbot.addWidget(fields)
    asked: list[dict[str, float]] = []
    fields.change_requested.connect(asked.append)
    fields.show_settings(Settings())
    # A third of a minute: shown as well as two decimals can, and not changed by being shown.
    fields.show_settings(Settings(limit_session_s=20.0))
    assert asked == []
    assert fields.values() == {}


def test_the_history_is_offered_where_there_is_one(theme: Theme, qtbot: QtBot) -> None:
    bare, whole = SettingsDialog(theme, Settings()), SettingsDialog(theme, Settings(), has_history=True)
    for dialog in (bare, whole):
        qtbot.addWidget(dialog)
        dialog.show()
    assert "Sessions and cost" not in names(bare)
    with qtbot.waitSignal(whole.history_requested, timeout=500):
        button(whole, "Sessions and cost").click()


def names(within: QWidget) -> set[str]:
    return {found.accessibleName() for found in within.findChildren(QAbstractButton) if found.isVisible()}
