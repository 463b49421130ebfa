import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.press_guard import CLICK_AFTER_S, KEY_AFTER_S, KEY_HELD_S, PressPolicy
from atlas_desktop.ui.look.theme import Theme
from tests.ui.press_clock import PressClock

A_MOMENT_S = 0.01


@pytest.fixture
def clock(press_clock: PressClock) -> PressClock:
    press_clock.stop()
    return press_clock


@pytest.fixture
def page(qtbot: QtBot) -> QWidget:
    page = QWidget()
    qtbot.addWidget(page)
    return page


@pytest.fixture
def presses() -> list[bool]:
    return []


@pytest.fixture
def button(page: QWidget, theme: Theme, presses: list[bool], clock: PressClock) -> Button:
    button = Button(theme, "Start", costs=True)
    button.clicked.connect(lambda: presses.append(True))
    column = QVBoxLayout(page)
    column.addStretch(1)
    column.addWidget(button)
    page.resize(200, 200)
    page.show()
    return button


def press_space(button: Button) -> None:
    QTest.keyClick(button, Qt.Key.Key_Space)


def click(button: Button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_key_counts_when_it_can_have_been_meant(clock: PressClock) -> None:
    policy = PressPolicy()
    clock.pass_s(KEY_AFTER_S - KEY_HELD_S - A_MOMENT_S)
    assert not policy.takes_key()
    clock.pass_s(KEY_HELD_S + 2 * A_MOMENT_S)
    assert policy.takes_key()
    assert not policy.takes_key(repeated=True)
    policy.appear()
    assert not policy.takes_key()


def test_a_key_that_is_held_never_counts_though_its_repeats_look_like_presses(clock: PressClock) -> None:
    policy = PressPolicy()
    assert not policy.takes_key()
    assert not policy.is_held
    for _ in range(200):
        clock.pass_s(KEY_HELD_S - A_MOMENT_S)
        assert not policy.takes_key()
        assert policy.is_held
    clock.pass_s(KEY_HELD_S + A_MOMENT_S)
    assert policy.takes_key()


def test_a_click_counts_sooner_and_not_right_after_a_move(clock: PressClock) -> None:
    policy = PressPolicy()
    assert not policy.takes_click()
    clock.pass_s(CLICK_AFTER_S)
    assert policy.takes_click()
    policy.place()
    assert not policy.takes_click()
    clock.pass_s(KEY_AFTER_S - CLICK_AFTER_S)
    assert policy.takes_key()


def test_a_key_pressed_as_it_appears_does_nothing_and_is_explained(
    button: Button, presses: list[bool], clock: PressClock
) -> None:
    press_space(button)
    assert presses == []
    assert "press it once more" in QToolTip.text()
    clock.pass_s(KEY_AFTER_S)
    press_space(button)
    assert len(presses) == 1


def test_a_click_that_does_not_count_is_explained_after_the_button_is_let_go(button: Button) -> None:
    click(button)
    assert QToolTip.isVisible()
    assert "press it once more" in QToolTip.text()


def test_a_key_held_from_before_never_counts(button: Button, presses: list[bool], clock: PressClock) -> None:
    clock.pass_s(10 * KEY_AFTER_S)
    for kind in (QKeyEvent.Type.KeyPress, QKeyEvent.Type.KeyRelease):
        held = QKeyEvent(kind, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, " ", True)
        QApplication.sendEvent(button, held)
    button.press_by_key(repeated=True)
    assert presses == []


def test_the_second_click_of_two_does_not_count(
    button: Button, presses: list[bool], clock: PressClock
) -> None:
    click(button)
    QTest.mouseDClick(button, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert presses == []
    clock.pass_s(CLICK_AFTER_S)
    click(button)
    assert len(presses) == 1


def test_who_double_clicks_slowly_is_waited_for(
    button: Button, presses: list[bool], clock: PressClock
) -> None:
    usual_ms = QApplication.doubleClickInterval()
    QApplication.setDoubleClickInterval(1500)
    try:
        clock.pass_s(1.4)
        click(button)
        assert presses == []
        clock.pass_s(0.1 + A_MOMENT_S)
        click(button)
        assert len(presses) == 1
    finally:
        QApplication.setDoubleClickInterval(usual_ms)


@pytest.mark.parametrize("change", ["setVisible", "setEnabled"])
def test_shown_or_enabled_again_it_has_appeared_again(
    button: Button, presses: list[bool], clock: PressClock, change: str
) -> None:
    clock.pass_s(KEY_AFTER_S)
    for value in (False, True):
        getattr(button, change)(value)
    press_space(button)
    assert presses == []
    clock.pass_s(KEY_AFTER_S)
    press_space(button)
    assert len(presses) == 1


def test_pushed_under_the_pointer_it_takes_no_click_at_once(
    button: Button, page: QWidget, theme: Theme, presses: list[bool], clock: PressClock, qtbot: QtBot
) -> None:
    clock.pass_s(KEY_AFTER_S)
    before = button.mapTo(page, QPoint())
    column = page.layout()
    assert column is not None
    column.addWidget(Button(theme, "Pushes it up"))
    qtbot.waitUntil(lambda: button.mapTo(page, QPoint()) != before)
    click(button)
    assert presses == []
    press_space(button)
    assert len(presses) == 1


def test_what_a_screen_reader_presses_counts_at_once(button: Button, presses: list[bool]) -> None:
    button.click()
    assert len(presses) == 1


def test_what_costs_nothing_is_pressed_at_once(theme: Theme, qtbot: QtBot, clock: PressClock) -> None:
    free, presses = Button(theme, "Back"), list[bool]()
    qtbot.addWidget(free)
    free.clicked.connect(lambda: presses.append(True))
    free.show()
    press_space(free)
    free.press_by_key()
    assert len(presses) == 2
