"""Somebody is there: moves, keys and drops anywhere in the program's windows."""

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.ui.user_activity_monitor import UserActivityMonitor
from tests.ui.desk import Desk


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(200, 200)
    window.show()
    qtbot.waitExposed(window)
    return window


def watch(window: QWidget, now_s: Callable[[], float] = time.monotonic) -> list[bool]:
    seen: list[bool] = []
    UserActivityMonitor(window, now_s).seen.connect(lambda: seen.append(True))
    return seen


def test_a_move_and_a_key_are_told_and_a_paint_is_not(window: QWidget, qtbot: QtBot) -> None:
    seen = watch(window)
    window.repaint()
    QTest.qWait(30)
    assert seen == []
    QTest.mouseMove(window.windowHandle(), QPoint(50, 50))
    qtbot.waitUntil(lambda: seen == [True], timeout=1000)


def test_at_most_one_in_half_a_second(window: QWidget) -> None:
    now_s = [100.0]
    seen = watch(window, lambda: now_s[0])
    for at_s, count in ((100.0, 1), (100.3, 1), (100.49, 1), (100.5, 2), (101.2, 3)):
        now_s[0] = at_s
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_A)
        assert len(seen) == count, at_s


def test_a_key_that_something_lies_on_is_nobody(window: QWidget) -> None:
    seen = watch(window)
    for kind in (QKeyEvent.Type.KeyPress, QKeyEvent.Type.KeyRelease):
        held = QKeyEvent(kind, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, " ", True)
        QApplication.sendEvent(window.windowHandle(), held)
    assert seen == []


def test_a_dialog_counts_too(window: QWidget, qtbot: QtBot) -> None:
    seen = watch(window)
    dialog = QDialog(window)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: dialog.windowHandle().isActive(), timeout=2000)
    QTest.keyClick(dialog.windowHandle(), Qt.Key.Key_A)
    assert seen == [True]
    dialog.close()


def test_the_window_tells_the_model(desk: Desk) -> None:
    QTest.mouseClick(desk.window.windowHandle(), Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert desk.model.service.limits.touches == 1
