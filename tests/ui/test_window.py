from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import NoCapacityError
from atlas_desktop.session.life import Ended, Ending, Failed, Idle, Live, Requesting, Stop, Summary
from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.notices import notice_of
from atlas_desktop.ui.shortcuts import SHORTCUTS, Command, shortcuts_for
from atlas_desktop.ui.theme import Theme
from atlas_desktop.ui.tokens import LIGHT
from atlas_desktop.ui.window import LiveParts, MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from tests.ui.fake_model import FakeModel

GRANT = SessionGrant("ses_0123456789abcdef0123", "wss://example.com", "token")
SUMMARY = Summary("ses_0123456789abcdef0123", Mode.CONVERSATION, True, 724.0, 2.01, 2.01, True, 3)
CONTROL = Qt.KeyboardModifier.ControlModifier


class FakeStage(QWidget):
    full_screen_requested = Signal(bool)
    transcript_requested = Signal(bool)
    settings_requested = Signal()
    open_audio_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.full: list[bool] = []
        self.transcript: list[bool] = []
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_full_screen(self, full: bool) -> None:
        self.full.append(full)

    def show_transcript(self, shown: bool) -> None:
        self.transcript.append(shown)


@dataclass
class Desk:
    window: MainWindow
    model: FakeModel
    stage: FakeStage
    pane: QWidget
    cues: QWidget

    def asked(self, name: str) -> list[tuple[object, ...]]:
        return [intent[1:] for intent in self.model.asked if intent[0] == name]


@pytest.fixture
def desk(theme: Theme, qtbot: QtBot) -> Desk:
    theme.set_choice(ThemeChoice.DARK)
    window, model = MainWindow(theme, ()), FakeModel()
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    model.settings = model.settings.__class__(theme=ThemeChoice.DARK)
    wiring = WindowWiring(window, model, theme)
    parts = LiveParts(FakeStage(), QLabel("Transcript"), QLabel("Cues"))
    assert isinstance(parts.stage, FakeStage)
    assert parts.waiting_cues is not None
    window.set_live(parts)
    wiring.join_stage(parts.stage)
    window.show()
    return Desk(window, model, parts.stage, parts.transcript, parts.waiting_cues)


def shown(desk: Desk) -> str:
    pages: dict[QWidget, str] = {
        desk.window.start_page: "start",
        desk.window.ended_page: "ended",
        desk.stage: "stage",
    }
    return pages[desk.window.page]


def button(window: QWidget, name: str) -> QAbstractButton:
    found = [child for child in window.findChildren(QPushButton) if child.accessibleName() == name]
    return next(child for child in found if child.isVisible())


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def enter(window: QWidget, data: QMimeData) -> QDragEnterEvent:
    both = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    event = QDragEnterEvent(
        QPoint(50, 50), both, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(window, event)
    return event


def drop(window: QWidget, data: QMimeData) -> QDropEvent:
    enter(window, data)
    both = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    none = Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(50, 50), both, data, Qt.MouseButton.LeftButton, none)
    event.setDropAction(Qt.DropAction.MoveAction)
    QApplication.sendEvent(window, event)
    return event


def test_life_chooses_the_page(desk: Desk) -> None:
    assert shown(desk) == "start"
    for life in (Requesting(), Live(GRANT), Ending(Stop())):
        desk.model.live_through(life)
        assert shown(desk) == "stage"
    desk.model.live_through(Ended(SUMMARY))
    assert shown(desk) == "ended"
    desk.model.live_through(Idle())
    assert shown(desk) == "start"


def test_a_cancelled_start_leads_back_to_the_start_page(desk: Desk) -> None:
    desk.model.live_through(Requesting())
    desk.model.live_through(Ended(None))
    assert shown(desk) == "start"


def test_back_to_start_stays_there_until_something_changes(desk: Desk) -> None:
    ended = Ended(SUMMARY)
    desk.model.live_through(ended)
    button(desk.window, "Back to start").click()
    desk.model.live_through(ended)
    assert shown(desk) == "start"
    desk.model.live_through(Requesting())
    assert shown(desk) == "stage"


def test_start_page_asks_the_model(desk: Desk) -> None:
    button(desk.window, "Rehearse").click()
    desk.window.start_page.mode_requested.emit(Mode.PASSTHROUGH)
    desk.window.start_page.key_line.key_entered.emit("ak_1")
    assert desk.model.asked == [("rehearse",), ("set_mode", Mode.PASSTHROUGH), ("set_key", "ak_1")]


def test_transcript_is_a_pane_when_wide_and_a_drawer_when_narrow(desk: Desk) -> None:
    desk.window.resize(1100, 720)
    desk.model.live_through(Live(GRANT))
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
    desk.model.live_through(Live(GRANT))
    desk.stage.transcript_requested.emit(False)
    assert not desk.pane.isVisible()
    assert desk.model.settings.transcript_open is False
    assert desk.stage.transcript[-1] is False


def test_no_transcript_on_the_start_page(desk: Desk) -> None:
    assert not desk.pane.isVisible()


def test_waiting_cues_are_seen_before_a_session_only(desk: Desk) -> None:
    assert not desk.cues.isVisible()
    desk.model.cues_changed.emit((object(),))
    assert desk.cues.isVisible()
    desk.model.live_through(Live(GRANT))
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
    desk.model.live_through(Live(GRANT))
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert desk.asked("interrupt") == []
    desk.model.live_through(Live(GRANT), speaking=True)
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert desk.asked("interrupt") == [()]


def test_full_screen_tells_the_stage_and_ends_with_the_session(desk: Desk) -> None:
    desk.model.live_through(Live(GRANT))
    QTest.keyClick(desk.window, Qt.Key.Key_F11)
    assert desk.window.isFullScreen()
    assert not desk.pane.isVisible()
    assert desk.stage.full == [True]
    desk.model.live_through(Ended(SUMMARY))
    assert not desk.window.isFullScreen()
    assert desk.stage.full == [True, False]


def test_closing_while_live_says_so_and_waits(desk: Desk) -> None:
    desk.model.live_through(Live(GRANT))
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


def test_dragging_says_what_a_drop_would_do(desk: Desk, tmp_path: Path) -> None:
    sound, paper = tmp_path / "a.wav", tmp_path / "p.pdf"
    sound.touch()
    paper.touch()
    overlay = desk.window.drops.overlay
    assert enter(desk.window, files(sound)).isAccepted()
    assert overlay.isVisible()
    assert overlay.headline == "Drop to speak"
    QApplication.sendEvent(desk.window, QDragLeaveEvent())
    assert not overlay.isVisible()
    assert enter(desk.window, files(paper)).isAccepted()
    assert overlay.headline == "Not accepted: p.pdf"


def test_drop_is_handed_over_and_never_moves_the_file(desk: Desk, tmp_path: Path) -> None:
    sound, paper = tmp_path / "a.wav", tmp_path / "p.pdf"
    sound.touch()
    paper.touch()
    event = drop(desk.window, files(sound, paper))
    assert event.dropAction() is Qt.DropAction.CopyAction
    ((plan, picture),) = desk.asked("open_drop")
    assert plan.audio == (sound,)  # type: ignore[attr-defined]
    assert plan.refused == ("p.pdf",)  # type: ignore[attr-defined]
    assert picture == b""


def test_dropped_picture_without_a_file_comes_as_png(desk: Desk) -> None:
    data, image = QMimeData(), QImage(80, 80, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    data.setImageData(image)
    drop(desk.window, data)
    ((_, picture),) = desk.asked("open_drop")
    assert isinstance(picture, bytes)
    assert picture.startswith(b"\x89PNG")


def test_dropped_text_is_a_message(desk: Desk) -> None:
    data = QMimeData()
    data.setText("Say hello")
    drop(desk.window, data)
    ((plan, _),) = desk.asked("open_drop")
    assert plan.message == "Say hello"  # type: ignore[attr-defined]


def test_fields_leave_drops_to_the_window(desk: Desk) -> None:
    takers = [child for child in desk.window.findChildren(QWidget) if child.acceptDrops()]
    assert takers == []


def test_notices_come_from_the_model(desk: Desk) -> None:
    desk.model.notice_raised.emit(notice_of(NoCapacityError()))
    assert [notice.id for notice in desk.window.notices.notices] == ["no_capacity"]
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


def test_failed_session_offers_retry_by_keyboard(desk: Desk) -> None:
    desk.model.live_through(Failed(NoCapacityError()))
    assert shown(desk) == "ended"
    first = desk.window.ended_page.first_control
    assert isinstance(first, QPushButton)
    QTest.keyClick(first, Qt.Key.Key_Space)
    assert desk.asked("retry") == [()]
