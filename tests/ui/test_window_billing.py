"""The window where it is about money: a parked stage, another key, the limits."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QLineEdit, QWidget

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.session.state import Live, Parked, Summary
from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from atlas_desktop.ui.controllers.notices import Notice, Severity
from tests.ui.desk import Desk, button

GRANT = SessionGrant("ses_1", "wss://example.com", "token")
SUMMARY = Summary("ses_1", Mode.CONVERSATION, True, 724.0, 2.01, 2.01, True, 3)
CONTROL = Qt.KeyboardModifier.ControlModifier


def shown(desk: Desk) -> str:
    pages: dict[QWidget, str] = {desk.window.start_page: "start", desk.stage: "stage"}
    return pages[desk.window.page]


def test_a_parked_session_keeps_the_stage(desk: Desk) -> None:
    desk.model.show(Live(GRANT))
    desk.model.show(Parked(SUMMARY))
    assert shown(desk) == "stage"
    QTest.keyClick(desk.window, Qt.Key.Key_Return, CONTROL)
    assert len(desk.asked("resume")) == 1
    button(desk.window, "Back to start").click()
    assert shown(desk) == "start"


def test_another_key_is_asked_for_in_its_field_and_not_kept(desk: Desk) -> None:
    desk.model.key_changed.emit(KeyState(KeyKind.KEYRING))
    desk.window.activateWindow()
    desk.model.key_requested.emit("")
    line = desk.window.start_page.key_line
    field = next(found for found in line.findChildren(QLineEdit) if found.accessibleName() == "API key")
    assert desk.window.focusWidget() is field
    assert field.text() == ""
    assert "not kept" in line.note
    QTest.keyClicks(field, "ak_other")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert desk.model.asked == [("try_key", "ak_other")]
    assert "keyring" in line.note
    assert "ak_other" not in field.text()


def test_another_backend_is_asked_for_by_its_address(desk: Desk) -> None:
    desk.window.activateWindow()
    desk.model.key_requested.emit("https://b.example/api")
    line = desk.window.start_page.key_line
    texts = {
        found.accessibleName(): found.text() for found in line.findChildren(QLineEdit) if found.isVisible()
    }
    assert texts["Backend URL"] == "https://b.example/api"


def test_a_session_that_runs_is_not_left_for_another_key(desk: Desk) -> None:
    desk.model.show(Live(GRANT))
    desk.model.key_requested.emit("")
    assert shown(desk) == "stage"


def test_the_limits_are_opened_where_they_are(desk: Desk) -> None:
    desk.model.settings_requested.emit()
    (dialog,) = desk.window.findChildren(QDialog)
    assert dialog.windowTitle() == "Settings"
    assert dialog.findChildren(QDoubleSpinBox)
    dialog.close()


def test_a_count_reaches_its_notice(desk: Desk) -> None:
    desk.model.notice_raised.emit(Notice("limit", Severity.WARN, "0:59"))
    desk.model.notice_changed.emit(Notice("limit", Severity.WARN, "0:58"))
    assert [notice.title for notice in desk.window.notices.notices] == ["0:58"]
