from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.desk import Desk


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


def test_a_drag_whose_source_died_does_not_cover_the_window_for_good(
    desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    sound = tmp_path / "a.wav"
    sound.touch()
    enter(desk.window, files(sound))
    QTest.mouseMove(desk.window, QPoint(60, 60))
    qtbot.waitUntil(lambda: not desk.window.drops.overlay.isVisible(), timeout=1000)
