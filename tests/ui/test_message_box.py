import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode
from atlas_desktop.session.state import Ending, Idle, Live, Requesting, Stop
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.message_box import MessageBox, message_size
from tests.ui.driven_model import GRANT, DrivenModel


@pytest.fixture
def model(tmp_path: Path, qapp: QApplication) -> DrivenModel:
    return DrivenModel(tmp_path, Live(GRANT))


@pytest.fixture
def box(model: DrivenModel, theme: Theme, qtbot: QtBot) -> MessageBox:
    box = MessageBox(model, theme)
    qtbot.addWidget(box)
    box.resize(320, 120)
    box.show()
    qtbot.waitExposed(box)
    return box


def field(box: MessageBox) -> QPlainTextEdit:
    return next(one for one in box.findChildren(QPlainTextEdit) if one.accessibleName() == "Message")


def send_button(box: MessageBox) -> QPushButton:
    return next(one for one in box.findChildren(QPushButton) if one.accessibleName() == "Send")


def note(box: MessageBox) -> str:
    return "\n".join(label.text() for label in box.findChildren(QLabel) if label.isVisible())


def sent(model: DrivenModel) -> list[object]:
    return [asked[1] for asked in model.asked]


def test_enter_sends_and_shift_enter_breaks_the_line(model: DrivenModel, box: MessageBox) -> None:
    QTest.keyClicks(field(box), "one")
    QTest.keyClick(field(box), Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(field(box), "two")
    assert sent(model) == []
    QTest.keyClick(field(box), Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert sent(model) == ["one\ntwo"]
    assert box.text == ""


def test_button_sends(model: DrivenModel, box: MessageBox) -> None:
    QTest.keyClicks(field(box), " hello ")
    send_button(box).click()
    assert sent(model) == ["hello"]


def test_blank_is_not_sent(model: DrivenModel, box: MessageBox) -> None:
    assert not send_button(box).isEnabled()
    QTest.keyClicks(field(box), "   ")
    assert not send_button(box).isEnabled()
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    assert sent(model) == []


def test_what_is_not_taken_stays(model: DrivenModel, box: MessageBox) -> None:
    model.service.takes = False
    QTest.keyClicks(field(box), "hello")
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    assert box.text == "hello"


def test_up_brings_the_last_message_back(model: DrivenModel, box: MessageBox) -> None:
    QTest.keyClick(field(box), Qt.Key.Key_Up)
    assert box.text == ""
    QTest.keyClicks(field(box), "again")
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    QTest.keyClick(field(box), Qt.Key.Key_Up)
    assert box.text == "again"
    assert field(box).textCursor().atEnd()


def test_grows_to_five_lines_then_scrolls(box: MessageBox) -> None:
    heights = []
    for _ in range(8):
        QApplication.processEvents()
        heights.append(field(box).height())
        QTest.keyClick(field(box), Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert heights[:5] == sorted(set(heights[:5]))
    assert len(set(heights[4:])) == 1
    assert field(box).viewport().rect().contains(field(box).cursorRect())


def test_paste_is_plain(box: MessageBox) -> None:
    rich = QMimeData()
    rich.setHtml("<b>bold</b>")
    rich.setText("bold")
    QGuiApplication.clipboard().setMimeData(rich)
    field(box).paste()
    assert box.text == "bold"
    assert field(box).textCursor().charFormat().fontWeight() <= 400


@pytest.mark.parametrize("text", ["word " * 20_000, "x" * 100_000, "y\n" * 50_000])
def test_large_paste_does_not_hang(box: MessageBox, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    began = time.monotonic()
    field(box).paste()
    QApplication.processEvents()
    # Measured: 0.03 s.
    assert time.monotonic() - began < 1.5
    assert len(box.text) == len(text)
    assert not send_button(box).isEnabled()
    assert "characters" in note(box)


def test_absurd_paste_is_refused(box: MessageBox) -> None:
    QTest.keyClicks(field(box), "kept")
    QGuiApplication.clipboard().setText("z" * 300_000)
    field(box).paste()
    assert box.text == "kept"
    assert "300,000 characters are too many" in note(box)
    QTest.keyClicks(field(box), "!")
    assert note(box) == ""


def test_length_is_said_near_the_limit_only(model: DrivenModel, box: MessageBox) -> None:
    _, limit = message_size("a")
    box.offer("a" * (limit // 2))
    assert note(box) == ""
    box.offer("a" * (limit // 2 - 10))
    assert note(box) == f"{2 * (limit // 2) - 10:,} of {limit:,} characters"
    assert send_button(box).isEnabled()
    box.offer("a" * 100)
    assert not send_button(box).isEnabled()
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    assert sent(model) == []


def test_limit_is_that_of_the_packet() -> None:
    _, limit = message_size("a" * 14_000)
    assert message_size("a" * limit) == (limit, limit)
    used, fits = message_size("é" * 9_000)
    assert fits < used < limit


def test_says_what_a_message_becomes(model: DrivenModel, box: MessageBox) -> None:
    assert field(box).placeholderText() == "Message…"
    box.offer("kept")
    model.show_mode(Mode.PASSTHROUGH)
    assert field(box).placeholderText() == "Chat message… (not spoken)"
    assert box.text == "kept"


def test_waits_while_connecting_and_says_so(model: DrivenModel, box: MessageBox) -> None:
    model.show(Requesting(), unsent=2)
    assert field(box).isEnabled()
    assert note(box).startswith("2 messages wait")
    model.show(Requesting(), unsent=0)
    assert note(box) == ""


@pytest.mark.parametrize(
    ("life", "why"), [(Idle(), "No session is running"), (Ending(Stop()), "The session is ending")]
)
def test_between_sessions_it_keeps_what_is_typed_and_says_so(
    model: DrivenModel, box: MessageBox, life: Idle | Ending, why: str
) -> None:
    model.show(life)
    assert field(box).placeholderText() == why
    assert note(box) == ""
    QTest.keyClicks(field(box), "draft ")
    box.offer("dropped")
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    assert box.text == "draft dropped"
    assert sent(model) == []
    assert not send_button(box).isEnabled()
    assert note(box) == "Kept for the next session"
    model.show(Requesting())
    assert note(box) == ""
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    assert sent(model) == ["draft dropped"]


def test_dropped_text_goes_to_the_cursor(model: DrivenModel, box: MessageBox) -> None:
    box.offer("ac")
    QTest.keyClick(field(box), Qt.Key.Key_Left)
    model.text_offered.emit("b")
    assert box.text == "abc"


def test_enter_belongs_to_the_input_method(model: DrivenModel, box: MessageBox) -> None:
    composing = QInputMethodEvent("にほ", [])
    QApplication.sendEvent(field(box), composing)
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    assert sent(model) == []
    done = QInputMethodEvent()
    done.setCommitString("日本")
    QApplication.sendEvent(field(box), done)
    QTest.keyClick(field(box), Qt.Key.Key_Return)
    assert sent(model) == ["日本"]


def test_tab_leaves(box: MessageBox) -> None:
    field(box).setFocus()
    QTest.keyClicks(field(box), "x")
    QTest.keyClick(field(box), Qt.Key.Key_Tab)
    assert send_button(box).hasFocus()
    assert box.text == "x"


def test_narrow_invitation_is_cut_with_an_ellipsis(model: DrivenModel, box: MessageBox) -> None:
    model.show_mode(Mode.PASSTHROUGH)
    box.resize(220, 120)
    QApplication.processEvents()
    assert field(box).placeholderText().endswith("…")
