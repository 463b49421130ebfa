import time
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QListView, QMenu, QPushButton, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode
from atlas_desktop.session.state import Ended, Idle, Live
from atlas_desktop.session.transcript import Delivery
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from tests.ui.desk import Desk
from tests.ui.driven_model import AT_MS, GRANT, DrivenModel

CLOCK = time.strftime("%H:%M", time.localtime(AT_MS / 1000))


@pytest.fixture
def model(tmp_path: Path, qapp: QApplication) -> DrivenModel:
    return DrivenModel(tmp_path, Live(GRANT))


@pytest.fixture
def pane(model: DrivenModel, theme: Theme, qtbot: QtBot) -> TranscriptPane:
    pane = TranscriptPane(model, theme)
    qtbot.addWidget(pane)
    pane.resize(320, 600)
    pane.show()
    qtbot.waitExposed(pane)
    return pane


def messages(pane: TranscriptPane) -> QListView:
    return next(one for one in pane.findChildren(QListView) if one.accessibleName() == "Transcript messages")


def names(pane: TranscriptPane) -> list[str]:
    rows = messages(pane).model()
    role = Qt.ItemDataRole.AccessibleTextRole
    return [rows.data(rows.index(row, 0), role) for row in range(rows.rowCount())]


def visible_button(pane: TranscriptPane, name: str) -> QPushButton | None:
    found = [one for one in pane.findChildren(QPushButton) if one.accessibleName() == name]
    return next((one for one in found if one.isVisible()), None)


def menu(pane: TranscriptPane) -> dict[str, object]:
    found = pane.findChildren(QMenu)[0]
    found.aboutToShow.emit()
    return {action.text(): action for action in found.actions()}


def fill(model: DrivenModel, count: int = 60) -> None:
    for number in range(count):
        model.say(f"Message number {number}, with a few more words to fill two lines.")


def is_at_end(pane: TranscriptPane) -> bool:
    bar = messages(pane).verticalScrollBar()
    return bar.value() == bar.maximum()


def test_messages_have_speaker_time_and_words(model: DrivenModel, pane: TranscriptPane) -> None:
    model.say("Hello!", "user")
    model.say("Hi <b>you</b>\u202e")
    assert names(pane) == [f"You, {CLOCK}, Hello!", f"Atlas, {CLOCK}, Hi <b>you</b>"]


def test_interim_words_are_replaced_in_place(model: DrivenModel, pane: TranscriptPane) -> None:
    model.say("I am", final=False)
    row = messages(pane).visualRect(messages(pane).model().index(0, 0))
    model.change(0, "I am the avatar on this computer, and this needs more than one line.")
    assert names(pane) == [
        f"Atlas, {CLOCK}, I am the avatar on this computer, and this needs more than one line."
    ]
    grown = messages(pane).visualRect(messages(pane).model().index(0, 0))
    assert grown.top() == row.top()
    assert grown.height() > row.height()


class Painted:
    """Which rows a list paints."""

    def __init__(self, pane: TranscriptPane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[int] = []
        delegate = messages(pane).itemDelegate()
        paint = delegate.paint

        def note(painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
            self.rows.append(index.row())
            paint(painter, option, index)

        monkeypatch.setattr(delegate, "paint", note)


def test_a_word_more_paints_its_own_message_and_no_other(
    model: DrivenModel, pane: TranscriptPane, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        model.say(f"Message {number}")
    model.say("I am", final=False)
    QTest.qWait(200)
    painted = Painted(pane, monkeypatch)
    model.change(6, "I am the", final=False)
    qtbot.waitUntil(lambda: bool(painted.rows))
    QTest.qWait(50)
    assert set(painted.rows) == {6}
    model.change(6, "I am the avatar on this computer, and this needs more than one line.")
    qtbot.waitUntil(lambda: set(painted.rows) == set(range(7)))


def test_transcript_from_before_is_shown_and_reset_empties(
    model: DrivenModel, theme: Theme, qtbot: QtBot
) -> None:
    model.say("From before")
    late = TranscriptPane(model, theme)
    qtbot.addWidget(late)
    assert len(names(late)) == 1
    model.forget()
    assert names(late) == []


def test_endless_message_is_shortened_and_copied_whole(
    model: DrivenModel, pane: TranscriptPane, qtbot: QtBot
) -> None:
    text = "word " * 20_000
    began = time.monotonic()
    model.say(text)
    pane.grab()
    # Measured: 0.02 s.
    assert time.monotonic() - began < 1.5
    assert names(pane)[0].endswith("… (100,000 characters)")
    assert len(names(pane)[0]) < 4_200
    messages(pane).selectAll()
    QTest.keyClick(messages(pane), Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == text


def test_copy_of_several_says_who(model: DrivenModel, pane: TranscriptPane) -> None:
    model.say("Hello!", "user")
    model.say("Hi.")
    messages(pane).selectAll()
    QTest.keyClick(messages(pane), Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == ["You: Hello!", "Atlas: Hi."]


def test_end_stays_in_sight(model: DrivenModel, pane: TranscriptPane) -> None:
    fill(model)
    assert is_at_end(pane)
    model.change(59, "now " * 100)
    assert is_at_end(pane)
    pane.resize(320, 300)
    assert is_at_end(pane)


def test_reading_above_is_not_disturbed(model: DrivenModel, pane: TranscriptPane, qtbot: QtBot) -> None:
    fill(model)
    view = messages(pane)
    view.verticalScrollBar().setValue(400)
    assert visible_button(pane, "New messages") is None
    seen = view.indexAt(view.rect().center())
    place = view.visualRect(seen)
    model.say("Something new")
    model.change(2, "An early one that grows " * 20)
    assert view.visualRect(seen) == place
    button = visible_button(pane, "New messages")
    assert button is not None
    button.click()
    assert is_at_end(pane)
    assert visible_button(pane, "New messages") is None


def test_own_message_is_seen(model: DrivenModel, pane: TranscriptPane) -> None:
    fill(model)
    messages(pane).verticalScrollBar().setValue(0)
    pane.message_box.offer("Mine")
    pane.message_box.send()
    assert is_at_end(pane)


def test_keys_walk_through_messages(model: DrivenModel, pane: TranscriptPane) -> None:
    fill(model)
    view = messages(pane)
    view.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.currentIndex().row() in (58, 59)
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.currentIndex().row() == 0
    assert view.verticalScrollBar().value() < 20
    QTest.keyClick(view, Qt.Key.Key_PageDown)
    assert 2 < view.currentIndex().row() < 20
    QTest.keyClick(view, Qt.Key.Key_End)
    assert is_at_end(pane)


def test_pointer_selects_what_it_points_at(model: DrivenModel, pane: TranscriptPane) -> None:
    fill(model, 5)
    view = messages(pane)
    spot = view.visualRect(view.model().index(3, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert [index.row() for index in view.selectedIndexes()] == [3]


def test_thousands_of_messages(model: DrivenModel, pane: TranscriptPane, qtbot: QtBot) -> None:
    for number in range(5_000):
        model.say(f"{number} " + "words that are said " * (number % 6))
    began = time.monotonic()
    for number in range(20):
        model.change(4_999, "more and " * number, final=False)
        pane.grab()
    # Measured: 0.05 s.
    assert time.monotonic() - began < 2
    assert is_at_end(pane)


def test_empty_says_hello(model: DrivenModel, pane: TranscriptPane) -> None:
    shown = [label.text() for label in pane.findChildren(QLabel) if label.isVisible()]
    assert "Say hello" in shown
    assert visible_button(pane, "What can you do?") is None


def test_rehearsal_suggests_a_first_message(model: DrivenModel, pane: TranscriptPane) -> None:
    model.show(model.snapshot.state, billed=False)
    button = visible_button(pane, "What can you do?")
    assert button is not None
    button.click()
    assert model.asked == [("send", "What can you do?")]
    assert visible_button(pane, "What can you do?") is None


def test_rehearsed_passthrough_asks_for_a_sound(model: DrivenModel, pane: TranscriptPane) -> None:
    model.show(model.snapshot.state, billed=False)
    model.show_mode(Mode.PASSTHROUGH)
    shown = [label.text() for label in pane.findChildren(QLabel) if label.isVisible()]
    assert "Drop a sound file on the window and I will say it." in shown
    assert visible_button(pane, "What can you do?") is None


def test_nothing_is_suggested_after_the_end(model: DrivenModel, pane: TranscriptPane) -> None:
    model.show(Idle(), billed=False)
    assert visible_button(pane, "What can you do?") is None


def test_menu(model: DrivenModel, pane: TranscriptPane, qtbot: QtBot) -> None:
    assert set(menu(pane)) == {"Save transcript…", "Copy all", "Close"}
    actions = pane.findChildren(QMenu)[0].actions()
    assert [action.isEnabled() for action in actions] == [False, False, True]
    model.say("Hello")
    menu(pane)
    assert all(action.isEnabled() for action in actions)
    for action, signal in ((actions[0], pane.save_requested), (actions[2], pane.close_requested)):
        with qtbot.waitSignal(signal, timeout=500):
            action.trigger()
    actions[1].trigger()
    assert "Atlas: Hello" in QGuiApplication.clipboard().text()


def test_menu_button_opens_it(pane: TranscriptPane) -> None:
    button = visible_button(pane, "Transcript menu")
    assert button is not None
    button.click()
    opened = pane.findChildren(QMenu)[0]
    assert opened.isVisible()
    opened.close()


def test_window_saves_and_closes_it(desk: Desk) -> None:
    desk.model.show(Live(GRANT))
    shown = [desk.window.is_transcript_shown]
    for signal in (desk.pane.close_requested, desk.pane.open_requested):
        signal.emit()
        shown.append(desk.window.is_transcript_shown)
    assert shown == [True, False, True]


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
@pytest.mark.parametrize("width_px", [280, 320, 500])
def test_any_width_and_direction(
    model: DrivenModel, pane: TranscriptPane, width_px: int, direction: Qt.LayoutDirection
) -> None:
    pane.setLayoutDirection(direction)
    pane.resize(width_px, 480)
    for text in ("שלום, עולם", "Averylongwordwithoutanyspace" * 5, "one\n\ntwo", "مرحبا 12"):
        model.say(text)
    pane.grab()
    assert pane.width() == width_px
    assert is_at_end(pane)


def test_what_atlas_has_said_to_its_end_is_read_out_once(model: DrivenModel, pane: TranscriptPane) -> None:
    told: list[str] = []
    pane.announced.connect(told.append)
    model.say("Hello!", "user")
    model.say("Hi", final=False)
    assert told == []
    model.change(1, "Hi there.")
    model.change(1, "Hi there.")
    assert told == ["Atlas: Hi there."]


def test_what_became_of_a_message_stands_beside_it(model: DrivenModel, pane: TranscriptPane) -> None:
    model.change(0, "Anybody there?", "user", delivery=Delivery.WAITING)
    assert names(pane) == [f"You, {CLOCK}, Anybody there?, not delivered"]
    before = pane.grab().toImage()
    model.change(0, "Anybody there?", "user", delivery=Delivery.NOT_SENT)
    assert names(pane) == [f"You, {CLOCK}, Anybody there?, not sent"]
    assert pane.grab().toImage() != before
    model.change(0, "Anybody there?", "user")
    assert names(pane) == [f"You, {CLOCK}, Anybody there?"]


def test_what_was_not_sent_can_be_sent_again_where_a_session_takes_it(
    model: DrivenModel, pane: TranscriptPane
) -> None:
    def said() -> set[str]:
        return {label.accessibleName() for label in pane.findChildren(QLabel) if label.isVisible()}

    model.show(Ended(None), not_sent=2)
    assert "2 messages were not sent" in said()
    assert visible_button(pane, "Send again") is None
    model.show(Live(GRANT), not_sent=1)
    assert "1 message was not sent" in said()
    again = visible_button(pane, "Send again")
    assert again is not None
    again.click()
    assert model.asked == [("send_again",)]
    model.show(Live(GRANT), not_sent=0)
    assert visible_button(pane, "Send again") is None
    assert not any("not sent" in name for name in said())
