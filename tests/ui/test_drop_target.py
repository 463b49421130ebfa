from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.desk.slow_disk import slow_disk
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


def test_a_dropped_picture_without_a_file_is_packed_by_whoever_takes_it(desk: Desk) -> None:
    data, image = QMimeData(), QImage(80, 80, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    data.setImageData(image)
    drop(desk.window, data)
    ((_, picture),) = desk.asked("open_drop")
    assert isinstance(picture, QImage)
    assert picture.size() == image.size()


def test_a_dropped_picture_stays_as_the_other_program_made_it(desk: Desk) -> None:
    data = QMimeData()
    data.setData("image/png", b"\x89PNG of another program")
    data.setImageData(QImage(80, 80, QImage.Format.Format_RGB32))
    drop(desk.window, data)
    ((_, picture),) = desk.asked("open_drop")
    assert picture == b"\x89PNG of another program"


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


def test_neither_a_drag_nor_the_drop_itself_touches_the_disk(desk: Desk, tmp_path: Path) -> None:
    with slow_disk(tmp_path / "disk", **{"a.wav": b"x", "me.png": b"x", "album": b"x"}) as disk:
        disk.lookup_s = 1000.0
        drop(desk.window, files(*(disk.path(name) for name in ("a.wav", "me.png", "album", "p.pdf"))))
        assert disk.looked_up == []
        ((plan, _),) = desk.asked("open_drop")
        assert plan.audio == (disk.path("a.wav"), disk.path("album"))  # type: ignore[attr-defined]
        assert plan.face == disk.path("me.png")  # type: ignore[attr-defined]


def test_a_name_that_says_nothing_is_spoken_of_as_what_may_hold_sound(desk: Desk) -> None:
    enter(desk.window, files(Path("/x/album")))
    assert desk.window.drops.overlay.headline == "Drop to speak the sound in “album”"
    enter(desk.window, files(Path("/x/album"), Path("/x/a.wav")))
    assert desk.window.drops.overlay.headline == "Drop to speak them all, in this order"


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("text/uri-list", b"# copied\r\nfile:///x/caf%E9.wav\r\nfile://localhost/x/b.wav\r\n"),
        ("text/uri-list", b"file:///x/caf%E9.wav\nfile:/x/b.wav\n"),
        ("x-special/gnome-copied-files", b"copy\nfile:///x/caf%E9.wav\nfile:///x/b.wav"),
    ],
)
def test_what_another_program_names_is_taken_byte_for_byte(desk: Desk, form: str, content: bytes) -> None:
    data = QMimeData()
    data.setData(form, content)
    drop(desk.window, data)
    ((plan, _),) = desk.asked("open_drop")
    assert plan.audio == (Path("/x/caf\udce9.wav"), Path("/x/b.wav"))  # type: ignore[attr-defined]


def test_files_of_another_computer_are_refused_while_they_are_dragged(desk: Desk) -> None:
    data = QMimeData()
    data.setData("text/uri-list", b"file://otherhost/share/theirs.wav\r\nfile:relative.wav\r\n")
    enter(desk.window, data)
    assert desk.window.drops.overlay.headline == "Not accepted: file:relative.wav, theirs.wav"
