"""Who types while a page changes by itself types on, and nothing of it is lost."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPlainTextEdit, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import CostReachedError, NoCapacityError, RoomLostError
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.session.state import (
    Ended,
    Ending,
    Failed,
    Live,
    Park,
    Parked,
    Requesting,
    SessionState,
    Stop,
    Summary,
    Switch,
    Waiting,
)
from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.controllers.notices import Notice, NoticeAction, Severity
from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from atlas_desktop.video.picture_view import PictureView
from tests.ui.desk import button
from tests.ui.driven_model import DrivenModel
from tests.ui.press_clock import PressClock

GRANT = SessionGrant("ses_1", "wss://example.com", "token")
SUMMARY = Summary("ses_1", Mode.CONVERSATION, True, 724.0, 2.01, 2.01, True, 3)
LIMIT = CostReachedError(limit_usd=5.0)
PAID = {"start", "start_again", "resume", "switch_mode"}

BY_ITSELF: list[list[SessionState]] = [
    [Ending(Stop(), LIMIT), Ended(SUMMARY, LIMIT)],
    [Ending(Stop(), RoomLostError()), Failed(RoomLostError(), None, SUMMARY)],
    [Failed(NoCapacityError())],
    [Ending(Switch(Mode.PASSTHROUGH)), Requesting(), Live(GRANT)],
    [Ending(Park()), Parked(SUMMARY)],
    [Parked(SUMMARY), Requesting(), Live(GRANT)],
    [Ended(SUMMARY, LIMIT), Requesting(), Live(GRANT)],
]


class Talk:
    """The window with a live session and its real message box."""

    def __init__(self, theme: Theme, qtbot: QtBot, folder: Path) -> None:
        self.window = MainWindow(theme, ())
        self.model = DrivenModel(folder, theme=ThemeChoice.DARK, limits_seen=True)
        qtbot.addWidget(self.window, before_close_func=lambda closing: closing.close_for_good())
        self.wiring = WindowWiring(self.window, self.model, theme)
        stage = LivePage(self.model, theme, PictureView(VideoFeed()), QWidget())
        self.wiring.join_live(stage, TranscriptPane(self.model, theme))
        self.window.resize(1100, 720)
        self.window.show()
        self.window.activateWindow()
        qtbot.waitUntil(self.window.isActiveWindow)
        self.model.show(Live(GRANT))

    @property
    def field(self) -> QPlainTextEdit:
        return next(one for one in self.window.findChildren(QPlainTextEdit))

    def type(self, text: str) -> None:
        """Keys go where the focus is."""
        for sign in text:
            target = QApplication.focusWidget() or self.window
            QTest.keyClicks(target, sign)

    def spent(self) -> set[str]:
        return {str(intent[0]) for intent in self.model.asked} & PAID


@pytest.fixture
def talk(theme: Theme, qtbot: QtBot, tmp_path: Path) -> Talk:
    """On a clock that lets every press count: only the focus keeps money safe."""
    return Talk(theme, qtbot, tmp_path)


@pytest.mark.parametrize(
    "lives", BY_ITSELF, ids=lambda lives: " ".join(type(life).__name__ for life in lives)
)
def test_the_message_goes_on_through_every_change(talk: Talk, lives: list[SessionState]) -> None:
    talk.field.setFocus()
    talk.type("What I ")
    for life in lives:
        talk.model.show(life)
        assert talk.field.hasFocus()
        talk.type("say ")
    assert talk.field.toPlainText() == "What I " + "say " * len(lives)
    assert talk.spent() == set()


@pytest.mark.parametrize("draft", ["draft", ""])
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
@pytest.mark.parametrize(
    ("over", "values", "words"),
    [
        (Ended(SUMMARY), {}, "no session is running"),
        (Ended(SUMMARY, LIMIT), {}, "no session is running"),
        (Failed(RoomLostError(), None, SUMMARY), {}, "no session is running"),
        (Failed(NoCapacityError()), {}, "no session is running"),
        (Parked(SUMMARY), {}, "no session is running"),
        (Ending(Stop(), LIMIT), {}, "the session is ending"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_ctrl_enter_in_the_message_never_starts_a_session(
    talk: Talk, over: SessionState, values: dict[str, float], words: str, key: Qt.Key, draft: str
) -> None:
    """Others send with it: however late it comes, it is meant for what was typed."""
    talk.field.setFocus()
    talk.type(draft)
    talk.model.show(over, **values)
    QTest.keyClick(talk.field, key, Qt.KeyboardModifier.ControlModifier)
    assert talk.spent() == set()
    assert ("send", draft) not in talk.model.asked
    assert talk.field.toPlainText() == draft
    assert words in QToolTip.text()


@pytest.mark.parametrize(
    ("life", "values"),
    [
        (Live(GRANT), {}),
        (Requesting(), {}),
        (Waiting(GRANT), {"waited_s": 21.0}),
        (Live(GRANT), {"gone_s": 21.0}),
    ],
)
def test_ctrl_enter_in_the_message_sends_it_where_it_can_be_sent(
    talk: Talk, life: SessionState, values: dict[str, float]
) -> None:
    talk.field.setFocus()
    talk.type("Hello")
    talk.model.show(life, **values)
    talk.model.asked.clear()
    QTest.keyClick(talk.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert talk.model.asked == [("send", "Hello")]
    assert talk.field.toPlainText() == ""


def test_ctrl_enter_from_elsewhere_starts_whatever_is_typed(talk: Talk) -> None:
    talk.field.setFocus()
    talk.type("draft")
    talk.model.show(Ended(SUMMARY, LIMIT))
    talk.window.ended_page.setFocus()
    QTest.keyClick(talk.window.ended_page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert talk.spent() == {"start_again"}
    assert talk.field.toPlainText() == "draft"


def test_the_draft_is_sent_in_the_next_session(talk: Talk) -> None:
    talk.field.setFocus()
    talk.type("draft")
    talk.model.show(Ended(SUMMARY, LIMIT))
    QTest.keyClick(talk.field, Qt.Key.Key_Return)
    assert ("send", "draft") not in talk.model.asked
    talk.model.show(Live(GRANT))
    QTest.keyClick(talk.field, Qt.Key.Key_Return)
    assert ("send", "draft") in talk.model.asked


@pytest.mark.parametrize("pane_wanted", [True, False])
@pytest.mark.parametrize("width", [1100, 480])
def test_typing_goes_on_when_full_screen_is_left(talk: Talk, width: int, pane_wanted: bool) -> None:
    talk.window.resize(width, 720)
    talk.window.remember_pane(pane_wanted)
    talk.window.show_full_screen(True)
    talk.window.show_transcript(True)
    talk.field.setFocus()
    talk.model.show(Ended(SUMMARY, LIMIT))
    assert not talk.window.isFullScreen()
    talk.window.resize(width, 721)
    talk.type(" on ")
    assert talk.field.toPlainText() == " on "
    assert talk.window.is_transcript_shown
    talk.window.show_transcript(False)
    assert not talk.window.is_transcript_shown


@pytest.mark.parametrize("over", [Ended(SUMMARY, LIMIT), Failed(NoCapacityError())])
def test_after_an_end_that_nobody_asked_for_space_does_nothing(talk: Talk, over: SessionState) -> None:
    """As with push to talk: the stage had the focus, and Space is pressed again and again."""
    button(talk.window, "Park").setFocus()
    talk.model.show(over)
    talk.type("   ")
    assert talk.spent() == set()
    QTest.keyClick(talk.window.ended_page, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is talk.window.ended_page.first_control


def test_after_an_end_that_was_asked_for_the_next_step_is_at_hand(
    talk: Talk, press_clock: PressClock
) -> None:
    press_clock.stop()
    button(talk.window, "End session").setFocus()
    talk.model.show(Ended(SUMMARY))
    assert talk.window.ended_page.first_control is QApplication.focusWidget()
    talk.type(" ")
    assert talk.spent() == set()
    press_clock.pass_s(2.0)
    talk.type(" ")
    assert talk.spent() == {"start_again"}


@pytest.mark.parametrize(
    ("before", "pressed", "after"),
    [
        ((Requesting(), {}), "Cancel", (Live(GRANT), {})),
        ((Requesting(), {}), "Cancel", (Waiting(GRANT), {"waited_s": 21.0})),
        ((Requesting(), {}), "Cancel", (Ending(Stop()), {})),
        ((Waiting(GRANT), {"waited_s": 21.0}), "Keep waiting", (Waiting(GRANT), {"waited_s": 0.0})),
        ((Live(GRANT), {"gone_s": 21.0}), "Wait", (Live(GRANT), {"gone_s": 0.0})),
        ((Live(GRANT), {"gone_s": 21.0}), "Start anew", (Ending(Switch(Mode.CONVERSATION)), {})),
        ((Parked(SUMMARY), {}), "Resume", (Requesting(), {})),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given[0]).__name__,
)
def test_a_card_that_goes_leaves_the_keys_to_the_stage(
    talk: Talk,
    before: tuple[SessionState, dict[str, float]],
    pressed: str,
    after: tuple[SessionState, dict[str, float]],
) -> None:
    """Else the next Space turns the microphone on, or ends the session."""
    life, values = before
    talk.model.show(life, **values)
    button(talk.window, pressed).setFocus()
    life, values = after
    talk.model.show(life, **values)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused.accessibleName() == "Stage"


def test_an_open_dialog_keeps_the_keys_and_leaves_no_trap(talk: Talk, qtbot: QtBot) -> None:
    dialog = QDialog(talk.window)
    field = QLineEdit(dialog)
    dialog.open()
    qtbot.waitUntil(dialog.isActiveWindow)
    field.setFocus()
    for life in (Ended(SUMMARY), Requesting(), Live(GRANT), Failed(NoCapacityError())):
        talk.model.show(life)
        talk.type("a ")
    assert field.text() == "a " * 4
    dialog.close()
    talk.window.activateWindow()
    qtbot.waitUntil(talk.window.isActiveWindow)
    talk.type("   ")
    assert talk.spent() == set()


def test_an_end_confirmed_late_puts_no_key_on_what_costs(talk: Talk) -> None:
    talk.model.show(Ended(SUMMARY))
    button(talk.window, "Back to start").setFocus()
    talk.model.show(Ended(SUMMARY, LIMIT))
    talk.type("  ")
    assert talk.spent() == set()


def test_a_notice_that_goes_leaves_the_keys_to_no_other(talk: Talk) -> None:
    costly = NoticeAction("Extend", lambda: talk.model.asked.append(("start",)), costs=True)
    free = NoticeAction("Turn sound on", lambda: None)
    for notice_id, action in (("first", free), ("second", costly)):
        talk.model.notice_raised.emit(Notice(notice_id, Severity.INFO, "Title", actions=(action,)))
    button(talk.window, "Turn sound on").setFocus()
    talk.type("  ")
    assert [notice.id for notice in talk.window.notices.notices] == ["second"]
    assert talk.spent() == set()
