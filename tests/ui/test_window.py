import base64
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QLabel,
    QPushButton,
    QRadioButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Face, Mode, SessionGrant
from atlas_desktop.assets import default_faces
from atlas_desktop.errors import CostReachedError, InsecureAddressError, NoCapacityError
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.session.state import (
    Ended,
    Ending,
    Failed,
    Idle,
    Joining,
    Live,
    Requesting,
    Stop,
    Summary,
    Waiting,
)
from atlas_desktop.session.transcript import Message
from atlas_desktop.storage.settings import Settings, ThemeChoice
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.controllers.notices import notice_of
from atlas_desktop.ui.drops.drop_plan import plan_drop
from atlas_desktop.ui.look.pictures import face_title
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import LIGHT
from atlas_desktop.ui.shortcuts import SHORTCUTS, Command, shortcuts_for
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from atlas_desktop.video.picture_view import PictureView
from tests.ui.desk import Desk, ObservedPage, button
from tests.ui.driven_model import DrivenModel

GRANT = SessionGrant("ses_0123456789abcdef0123", "wss://example.com", "token")
SUMMARY = Summary("ses_0123456789abcdef0123", Mode.CONVERSATION, True, 724.0, 2.01, 2.01, True, 3)
CONTROL = Qt.KeyboardModifier.ControlModifier


def notice_ids(desk: Desk) -> list[str]:
    return [notice.id for notice in desk.window.notices.notices]


def shown(desk: Desk) -> str:
    pages: dict[QWidget, str] = {
        desk.window.start_page: "start",
        desk.window.ended_page: "ended",
        desk.stage: "stage",
    }
    return pages[desk.window.page]


def test_life_chooses_the_page(desk: Desk) -> None:
    assert shown(desk) == "start"
    for life in (Requesting(), Live(GRANT), Ending(Stop())):
        desk.model.show(life)
        assert shown(desk) == "stage"
    desk.model.show(Ended(SUMMARY))
    assert shown(desk) == "ended"
    desk.model.show(Idle())
    assert shown(desk) == "start"


def test_a_cancelled_start_leads_back_to_the_start_page(desk: Desk) -> None:
    desk.model.show(Requesting())
    desk.model.show(Ended(None))
    assert shown(desk) == "start"


def test_back_to_start_stays_there_until_something_changes(desk: Desk) -> None:
    ended = Ended(SUMMARY)
    desk.model.show(ended)
    button(desk.window, "Back to start").click()
    desk.model.show(ended)
    assert shown(desk) == "start"
    desk.model.show(Requesting())
    assert shown(desk) == "stage"


def test_start_page_asks_the_model(desk: Desk) -> None:
    button(desk.window, "Rehearse").click()
    desk.window.start_page.mode_requested.emit(Mode.PASSTHROUGH)
    desk.window.start_page.key_line.key_entered.emit("ak_1")
    assert desk.model.asked == [("rehearse",), ("set_mode", Mode.PASSTHROUGH), ("set_key", "ak_1")]


def test_transcript_is_a_pane_when_wide_and_a_drawer_when_narrow(desk: Desk) -> None:
    desk.window.resize(1100, 720)
    desk.model.show(Live(GRANT))
    assert desk.pane.width() == 319
    assert desk.stage.width() == 1100 - 320
    desk.window.resize(600, 720)
    assert not desk.pane.isVisible()
    assert desk.stage.width() == 600
    QTest.keyClick(desk.window, Qt.Key.Key_T, CONTROL)
    assert desk.pane.isVisible()
    assert desk.stage.width() == 600
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert not desk.pane.isVisible()


def test_pane_choice_is_kept_and_the_toggle_told(desk: Desk) -> None:
    desk.window.resize(1100, 720)
    desk.model.show(Live(GRANT))
    desk.stage.stage.overlay.transcript_requested.emit(False)
    assert not desk.pane.isVisible()
    assert desk.model.settings.transcript_open is False
    assert desk.stage.transcript[-1] is False


def test_no_transcript_on_the_start_page(desk: Desk) -> None:
    assert not desk.pane.isVisible()


def test_waiting_cues_are_seen_before_a_session_only(desk: Desk) -> None:
    assert not desk.cues.isVisible()
    desk.model.cues_changed.emit((object(),))
    assert desk.cues.isVisible()
    desk.model.show(Live(GRANT))
    assert not desk.cues.isVisible()


@pytest.mark.parametrize(
    ("key", "modifier", "intent"),
    [
        (Qt.Key.Key_Return, CONTROL, "start"),
        (Qt.Key.Key_E, CONTROL, "end"),
        (Qt.Key.Key_M, CONTROL, "set_microphone"),
    ],
)
def test_keys_ask(desk: Desk, key: Qt.Key, modifier: Qt.KeyboardModifier, intent: str) -> None:
    QTest.keyClick(desk.window, key, modifier)
    assert len(desk.asked(intent)) == 1


def test_escape_interrupts_only_while_something_is_spoken(desk: Desk) -> None:
    desk.model.show(Live(GRANT))
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert desk.asked("interrupt") == []
    desk.model.show(Live(GRANT), speaking=True)
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert desk.asked("interrupt") == [()]


def test_full_screen_tells_the_stage_and_ends_with_the_session(desk: Desk) -> None:
    desk.model.show(Live(GRANT))
    QTest.keyClick(desk.window, Qt.Key.Key_F11)
    assert desk.window.isFullScreen()
    assert not desk.pane.isVisible()
    assert desk.stage.full == [True]
    desk.model.show(Ended(SUMMARY))
    assert not desk.window.isFullScreen()
    assert desk.stage.full == [True, False]


def test_closing_while_live_says_so_and_waits(desk: Desk) -> None:
    desk.model.show(Live(GRANT))
    assert not desk.window.close()
    assert desk.window.isVisible()
    said = [label for label in desk.window.findChildren(QLabel) if label.isVisible()]
    assert any(label.text() == "Ending…" for label in said)
    assert any(label.accessibleName() == "Session state: Ending" for label in said)
    assert desk.asked("close_requested") == [()]
    desk.window.close_for_good()
    assert not desk.window.isVisible()


def test_closing_without_a_session_shows_no_veil(desk: Desk) -> None:
    desk.window.close()
    assert desk.asked("close_requested") == [()]
    assert not any(
        label.text() == "Ending…" and label.isVisible() for label in desk.window.findChildren(QLabel)
    )


def test_notices_come_from_the_model(desk: Desk) -> None:
    desk.model.notice_raised.emit(notice_of(NoCapacityError()))
    assert notice_ids(desk) == ["no_capacity"]
    desk.model.notice_cleared.emit("no_capacity")
    assert desk.window.notices.notices == ()


def test_settings_dialog_changes_the_look_at_once(desk: Desk, theme: Theme) -> None:
    QTest.keyClick(desk.window, Qt.Key.Key_Comma, CONTROL)
    dialog = desk.window.findChild(QDialog)
    assert dialog is not None
    button(dialog, "Light").click()
    assert desk.model.settings.theme is ThemeChoice.LIGHT
    assert theme.tokens is LIGHT
    dialog.close()


def test_shortcuts_dialog_lists_every_key(desk: Desk) -> None:
    QTest.keyClick(desk.window, Qt.Key.Key_F1)
    dialog = desk.window.findChild(QDialog)
    assert dialog is not None
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    assert {"Ctrl+E", "F11", "Ctrl+,", "F1", "Esc"} <= texts
    dialog.close()


def test_open_audio_asks_by_dialog_and_hands_over_in_order(desk: Desk, tmp_path: Path) -> None:
    paths = [tmp_path / "b.wav", tmp_path / "a.wav"]
    for path in paths:
        path.touch()
    QTest.keyClick(desk.window, Qt.Key.Key_O, CONTROL)
    dialog = desk.window.findChild(QFileDialog)
    assert dialog is not None
    dialog.filesSelected.emit([str(path) for path in paths])
    ((plan, _),) = desk.asked("open_drop")
    assert plan.audio == tuple(paths)  # type: ignore[attr-defined]
    dialog.close()


def test_macos_has_a_table_of_its_own() -> None:
    mac = {row.command: row.keys for row in shortcuts_for("darwin")}
    assert set(mac) == set(Command)
    taken = {"Ctrl+M", "Ctrl+H", "F11"}
    assert not taken & {keys for row in mac.values() for keys in row}
    assert shortcuts_for("linux") is SHORTCUTS


def test_no_key_is_given_twice() -> None:
    for platform in ("linux", "darwin", "win32"):
        keys = [key for row in shortcuts_for(platform) for key in row.keys]
        assert len(keys) == len(set(keys))


def test_place_and_size_come_back(desk: Desk, theme: Theme, qtbot: QtBot) -> None:
    desk.window.resize(640, 560)
    text = desk.window.geometry_text()
    other = MainWindow(theme, ())
    qtbot.addWidget(other, before_close_func=lambda closing: closing.close_for_good())
    other.restore_geometry_text(text)
    assert (other.width(), other.height()) == (640, 560)
    other.restore_geometry_text("not a geometry, é")
    assert (other.width(), other.height()) == (640, 560)


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0x80, 0xFF])
def test_a_damaged_place_and_size_leave_a_window_that_can_be_seen(
    desk: Desk, theme: Theme, qtbot: QtBot, byte: int
) -> None:
    good = base64.b64decode(desk.window.geometry_text())
    other = MainWindow(theme, ())
    qtbot.addWidget(other, before_close_func=lambda closing: closing.close_for_good())
    room = other.screen().availableGeometry()
    for at in range(len(good)):
        for damaged in (
            good[:at] + bytes([byte]) + good[at + 1 :],
            good[:at] + bytes([byte] * 4) + good[at + 4 :],
        ):
            other.restore_geometry_text(base64.b64encode(damaged).decode())
            assert other.geometry().intersects(room), at
            assert other.width() <= room.width(), at
            assert other.height() <= room.height(), at
            assert not other.isFullScreen(), at


def test_failed_session_offers_retry_by_keyboard(desk: Desk) -> None:
    desk.model.show(Failed(NoCapacityError()))
    assert shown(desk) == "ended"
    first = desk.window.ended_page.first_control
    assert isinstance(first, QPushButton)
    QTest.keyClick(first, Qt.Key.Key_Space)
    assert desk.asked("start_again") == [()]


def test_settings_stand_below_the_notices(desk: Desk, qtbot: QtBot) -> None:
    settings = button(desk.window, "Settings")
    desk.model.notice_raised.emit(notice_of(NoCapacityError()))
    notices = desk.window.notices
    qtbot.waitUntil(lambda: notices.height() > 40, timeout=1000)
    edge = notices.mapTo(desk.window, notices.rect().bottomLeft()).y()
    qtbot.waitUntil(lambda: settings.mapTo(desk.window, QPoint()).y() > edge, timeout=1000)


def test_window_is_a_frame_whose_state_can_be_asked_for(desk: Desk) -> None:
    assert QAccessible.queryAccessibleInterface(desk.window).role() is QAccessible.Role.Window
    names = {label.accessibleName() for label in desk.window.findChildren(QLabel) if label.isVisible()}
    assert "Session state: Idle" in names


def test_first_paint_shows_settings_and_a_shipped_face(theme: Theme, qtbot: QtBot) -> None:
    window = MainWindow(theme, default_faces())
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    settings = Settings(mode=Mode.PASSTHROUGH, microphone_on_connect=True, face=default_faces()[1].name)
    window.show_first(settings, default_faces())
    window.show()
    cards = {card.accessibleName(): card for card in window.findChildren(QRadioButton)}
    assert cards["Passthrough"].isChecked()
    assert "$7 per hour" in cards["Passthrough"].accessibleDescription()
    names = {child.accessibleName() for child in window.findChildren(QWidget)}
    assert f"Face: {face_title(default_faces()[1].name)}" in names


def test_first_paint_loads_nothing_heavy() -> None:
    heavy = {"numpy", "av", "livekit", "httpx", "aiohttp", "PIL", "keyring", "PySide6.QtMultimedia"}
    code = "import sys, atlas_desktop.ui.window; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not heavy & set(done.stdout.split())


def test_a_drawer_takes_the_keys_and_gives_them_back(desk: Desk, qtbot: QtBot) -> None:
    desk.pane.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    desk.model.show(Live(GRANT))
    desk.window.resize(480, 600)
    desk.model.notice_raised.emit(notice_of(NoCapacityError()))
    QTest.keyClick(desk.window, Qt.Key.Key_T, CONTROL)
    qtbot.waitUntil(desk.pane.hasFocus, timeout=1000)
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert not desk.pane.isVisible()
    assert desk.stage.hasFocus()


def test_a_text_dropped_before_a_session_says_where_it_went(desk: Desk) -> None:
    desk.window.drops.dropped.emit(plan_drop(text="Hello"), b"")
    assert notice_ids(desk) == ["text_waits"]
    assert len(desk.asked("open_drop")) == 1


def test_a_face_given_while_live_says_when_it_is_used(desk: Desk) -> None:
    face = Face()
    desk.model.face_changed.emit(face)
    assert notice_ids(desk) == []
    desk.model.show(Live(GRANT))
    desk.model.face_changed.emit(face)
    assert notice_ids(desk) == ["face_waits"]


def test_a_drop_takes_back_what_was_said_of_the_last(desk: Desk) -> None:
    desk.window.notices.show_notice(NoticeFactory().not_accepted(["x.pdf"]))
    desk.window.drops.dropped.emit(plan_drop(), b"")
    assert notice_ids(desk) == []


def test_notices_lie_over_the_picture_in_full_screen(desk: Desk, qtbot: QtBot) -> None:
    desk.model.show(Live(GRANT))
    QTest.keyClick(desk.window, Qt.Key.Key_F11)
    alone = desk.stage.size()
    desk.model.notice_raised.emit(notice_of(NoCapacityError()))
    strip = desk.window.notices
    qtbot.waitUntil(lambda: strip.isVisible() and strip.height() > 30, timeout=1000)
    assert desk.stage.size() == alone
    QTest.keyClick(desk.window, Qt.Key.Key_F11)
    qtbot.waitUntil(lambda: strip.geometry().topLeft() == QPoint(0, 0), timeout=1000)
    assert desk.stage.mapTo(desk.window, QPoint()).y() >= strip.height()


def test_the_first_window_fits_the_screen(theme: Theme, qtbot: QtBot) -> None:
    window = MainWindow(theme, ())
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    window.resize(5000, 5000)
    window.show_first(Settings(), ())
    room = window.screen().availableSize()
    assert window.width() < room.width()
    assert window.height() < room.height()


def test_a_remembered_pane_is_no_drawer_over_the_picture(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    window, model = MainWindow(theme, ()), DrivenModel(tmp_path)
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    window.resize(480, 600)
    WindowWiring(window, model, theme)
    window.set_live(QWidget(), QLabel("Transcript"))
    window.show()
    model.show(Live(GRANT))
    assert not window.is_transcript_shown
    window.resize(900, 600)
    assert window.is_transcript_shown


def test_a_good_backend_takes_back_what_was_said_of_a_bad_one(desk: Desk) -> None:
    desk.model.notice_raised.emit(notice_of(InsecureAddressError(address="http://example.com")))
    desk.window.start_page.key_line.backend_requested.emit("https://example.com", "")
    assert notice_ids(desk) == []
    assert desk.asked("use_backend") == [("https://example.com", "")]


def test_tab_stays_in_an_open_drawer(theme: Theme, qtbot: QtBot) -> None:
    window, pane, stage = MainWindow(theme, ()), QWidget(), QWidget()
    stage.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    first, last = QPushButton("first", pane), QPushButton("last", pane)
    last.move(0, 60)
    window.set_live(stage, pane)
    window.resize(480, 600)
    window.show()
    window.show_state(Live(GRANT))
    window.show_transcript(True)
    first.setFocus()
    for key, focused in ((Qt.Key.Key_Tab, last), (Qt.Key.Key_Tab, first), (Qt.Key.Key_Backtab, last)):
        QTest.keyClick(window.focusWidget(), key)
        assert window.focusWidget() is focused
    window.show_transcript(False)
    window.resize(900, 600)
    last.setFocus()
    QTest.keyClick(last, Qt.Key.Key_Tab)
    assert not pane.isAncestorOf(window.focusWidget())


def test_asked_for_at_the_start_full_screen_stays_until_the_session_ends(
    theme: Theme, qtbot: QtBot, tmp_path: Path
) -> None:
    window, model = MainWindow(theme, ()), DrivenModel(tmp_path)
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    window.show_full_screen(True)
    window.show()
    wiring = WindowWiring(window, model, theme)
    stage = ObservedPage(model, theme, PictureView(VideoFeed()), QLabel("Cues"))
    stage.observe()
    wiring.join_live(stage, TranscriptPane(model, theme), QLabel("Cues"))
    # The stage was not there when it was asked for.
    assert stage.full == [True]
    model.cues_changed.emit((object(),))
    for life in (Requesting(), Joining(GRANT), Waiting(GRANT), Live(GRANT)):
        model.show(life)
        assert window.isFullScreen()
    model.show(Ended(SUMMARY))
    assert not window.isFullScreen()
    assert stage.full == [True, False]


def test_full_screen_ended_by_the_desktop_is_told_to_the_stage(desk: Desk) -> None:
    desk.model.show(Live(GRANT))
    desk.window.setWindowState(Qt.WindowState.WindowFullScreen)
    desk.window.setWindowState(Qt.WindowState.WindowNoState)
    assert desk.stage.full == [True, False]
    QTest.keyClick(desk.window, Qt.Key.Key_F11)
    assert desk.stage.full == [True, False, True]


def test_full_screen_is_there_for_every_page_by_its_key(desk: Desk) -> None:
    for life in (Idle(), Ended(SUMMARY)):
        desk.model.show(life)
        QTest.keyClick(desk.window, Qt.Key.Key_F11)
        assert desk.window.isFullScreen()
        desk.model.cues_changed.emit((object(),))
        assert desk.window.isFullScreen()
        QTest.keyClick(desk.window, Qt.Key.Key_F11)
        assert not desk.window.isFullScreen()


def test_a_window_closed_in_full_screen_comes_back_as_a_window(theme: Theme, qtbot: QtBot) -> None:
    windows = [MainWindow(theme, ()), MainWindow(theme, ())]
    for window in windows:
        qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    windows[0].resize(640, 560)
    windows[0].show()
    windows[0].show_full_screen(True)
    windows[1].restore_geometry_text(windows[0].geometry_text())
    windows[1].show()
    assert not windows[1].isFullScreen()
    assert (windows[1].width(), windows[1].height()) == (640, 560)


@pytest.mark.parametrize(
    "over",
    [
        Ended(replace(SUMMARY, messages=0)),
        Ended(replace(SUMMARY, messages=0), CostReachedError(limit_usd=5.0)),
        Failed(NoCapacityError(), None, replace(SUMMARY, messages=0)),
        Failed(NoCapacityError()),
    ],
)
def test_the_transcript_can_be_saved_whenever_it_has_words(desk: Desk, over: Ended | Failed) -> None:
    said = (Message("m1", "user", "Hello", True, 0), Message("m2", "agent", "Hi", True, 0))
    desk.model.service.transcript.messages = said
    desk.model.show(over)
    button(desk.window, "Save transcript…")
    names = {label.accessibleName() for label in desk.window.findChildren(QLabel) if label.isVisible()}
    assert over.summary is None or "Messages: 2" in names
    desk.model.service.transcript.messages = ()
    desk.model.show(Ended(replace(SUMMARY, duration_s=5.0)))
    shown_buttons = [one for one in desk.window.findChildren(QPushButton) if one.isVisible()]
    assert "Save transcript…" not in {one.accessibleName() for one in shown_buttons}
