import os
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QThreadPool
from PySide6.QtGui import QAccessible, QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Face, Mode
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from atlas_desktop.ui.look.pictures import png_bytes
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.start.face_picker import FaceWell
from atlas_desktop.ui.start.start_page import StartPage


def button(page: QWidget, name: str) -> QAbstractButton:
    return next(found for found in page.findChildren(QAbstractButton) if found.accessibleName() == name)


def field(page: QWidget, name: str) -> QLineEdit:
    return next(found for found in page.findChildren(QLineEdit) if found.accessibleName() == name)


def role(widget: QWidget) -> QAccessible.Role:
    return QAccessible.queryAccessibleInterface(widget).role()


@pytest.fixture
def faces(tmp_path: Path) -> tuple[Path, ...]:
    paths = []
    for number, colour in enumerate(("red", "green", "blue"), 1):
        picture = QImage(512, 512, QImage.Format.Format_RGB32)
        picture.fill(getattr(Qt.GlobalColor, colour))
        paths.append(tmp_path / f"{number}-{colour}_face.png")
        picture.save(str(paths[-1]))
    return tuple(paths)


@pytest.fixture
def page(theme: Theme, qtbot: QtBot, faces: tuple[Path, ...]) -> StartPage:
    page = StartPage(theme, faces)
    qtbot.addWidget(page)
    page.show_settings(Settings(limits_seen=True))
    page.resize(1100, 720)
    page.show()
    return page


def test_roles_and_names(page: StartPage) -> None:
    assert role(button(page, "Conversation")) is QAccessible.Role.RadioButton
    assert role(button(page, "Passthrough")) is QAccessible.Role.RadioButton
    for name in ("Start", "Rehearse", "Change face…", "Forget key", "Show key"):
        assert role(button(page, name)) is QAccessible.Role.PushButton, name
    assert role(button(page, "Microphone on when connected")) is QAccessible.Role.CheckBox
    assert role(field(page, "API key")) is QAccessible.Role.EditableText
    assert role(field(page, "Backend URL")) is QAccessible.Role.EditableText
    assert button(page, "Rehearse").text() == "Rehearse · free"


def test_mode_is_asked_for_and_its_price_is_said(page: StartPage, qtbot: QtBot) -> None:
    page.show_prices({Mode.CONVERSATION: 10.0, Mode.PASSTHROUGH: 7.5})
    assert "$10 per hour" in button(page, "Conversation").accessibleDescription()
    assert "$7.50 per hour" in button(page, "Passthrough").accessibleDescription()
    with qtbot.waitSignal(page.mode_requested, timeout=500) as asked:
        button(page, "Passthrough").click()
    assert asked.args == [Mode.PASSTHROUGH]
    assert not button(page, "Microphone on when connected").isEnabled()


def test_arrow_keys_choose_the_mode(page: StartPage, qtbot: QtBot) -> None:
    card = button(page, "Conversation")
    card.setFocus()
    with qtbot.waitSignal(page.mode_requested, timeout=500) as asked:
        QTest.keyClick(card, Qt.Key.Key_Down)
    assert asked.args == [Mode.PASSTHROUGH]


def test_start_hands_the_typed_key_on_first(page: StartPage) -> None:
    order: list[str] = []
    page.key_line.key_entered.connect(lambda key: order.append(f"key {key}"))
    page.start_requested.connect(lambda: order.append("start"))
    field(page, "API key").setText("  ak_123\n")
    button(page, "Start").click()
    assert [word.split()[0] for word in order] == ["key", "start"]
    assert "ak_123" in order[0]


def test_start_without_anything_points_to_the_key(page: StartPage, qtbot: QtBot) -> None:
    page.activateWindow()
    button(page, "Start").click()
    assert page.focusWidget() is field(page, "API key")


@pytest.mark.parametrize(
    ("state", "words", "can_forget"),
    [
        (KeyState(), "For real sessions", False),
        (KeyState(KeyKind.KEYRING), "computer's keyring", True),
        (KeyState(KeyKind.ENVIRONMENT), "From ATLAS_API_KEY", False),
        (KeyState(KeyKind.MEMORY, "The keyring is locked."), "in memory. The keyring is locked.", True),
        (KeyState(KeyKind.CHECKING), "once Atlas accepts it", True),
        (KeyState(KeyKind.REFUSED), "did not accept this key", False),
    ],
)
def test_key_line_says_what_holds(page: StartPage, state: KeyState, words: str, can_forget: bool) -> None:
    page.key_line.show_state(state)
    assert words in page.key_line.note
    assert button(page, "Forget key").isVisible() is can_forget
    typed = state.kind in (KeyKind.NONE, KeyKind.REFUSED)
    assert field(page, "API key").isReadOnly() is not typed
    assert button(page, "Get a key").isVisible() is typed


def test_stored_key_is_never_in_the_field(page: StartPage) -> None:
    field(page, "API key").setText("ak_secret")
    page.key_line.commit()
    page.key_line.show_state(KeyState(KeyKind.CHECKING))
    page.key_line.show_state(KeyState(KeyKind.KEYRING))
    assert "secret" not in field(page, "API key").text()
    page.key_line.show_state(KeyState())
    assert field(page, "API key").text() == ""


LATE = (KeyState(KeyKind.KEYRING), KeyState(KeyKind.MEMORY), KeyState(KeyKind.ENVIRONMENT))


def type_into(page: StartPage, name: str, text: str) -> None:
    page.activateWindow()
    field(page, name).setFocus()
    QTest.keyClicks(field(page, name), text)


@pytest.mark.parametrize("state", LATE, ids=lambda state: state.kind)
def test_a_keyring_that_answers_late_takes_nothing_that_is_typed(page: StartPage, state: KeyState) -> None:
    entered: list[str] = []
    page.key_line.key_entered.connect(entered.append)
    type_into(page, "API key", "ak_ty")
    page.key_line.show_state(state)
    type_into(page, "API key", "ped")
    assert field(page, "API key").text() == "ak_typed"
    button(page, "Start").click()
    assert entered == ["ak_typed"]
    page.key_line.show_state(KeyState(KeyKind.CHECKING))
    assert "typed" not in field(page, "API key").text()


def test_a_key_given_up_while_it_is_typed_leaves_the_one_that_is_kept(page: StartPage) -> None:
    entered: list[str] = []
    page.key_line.key_entered.connect(entered.append)
    type_into(page, "API key", "ak")
    page.key_line.show_state(KeyState(KeyKind.KEYRING))
    field(page, "API key").clear()
    field(page, "API key").editingFinished.emit()
    assert field(page, "API key").isReadOnly()
    assert page.key_line.commit()
    assert entered == []


def test_another_key_that_is_typed_stays_through_a_late_answer(page: StartPage) -> None:
    others: list[str] = []
    page.key_line.other_key_entered.connect(others.append)
    page.key_line.ask_other()
    page.key_line.show_state(KeyState(KeyKind.KEYRING))
    type_into(page, "API key", "ak_ot")
    page.key_line.show_state(KeyState(KeyKind.MEMORY, "The keyring is locked."))
    type_into(page, "API key", "her")
    QTest.keyClick(field(page, "API key"), Qt.Key.Key_Return)
    assert others == ["ak_other"]
    assert "in memory" in page.key_line.note


def test_an_address_that_is_typed_stays_through_a_late_answer(page: StartPage) -> None:
    asked: list[str] = []
    page.key_line.backend_requested.connect(lambda url, _token: asked.append(url))
    late = KeyState(KeyKind.BACKEND, backend_url="https://one.example")
    page.key_line.show_state(late)
    field(page, "Backend URL").selectAll()
    type_into(page, "Backend URL", "https://two.exam")
    page.key_line.show_state(KeyState())
    page.key_line.show_state(late)
    type_into(page, "Backend URL", "ple")
    assert field(page, "Backend URL").text() == "https://two.example"
    button(page, "Start").click()
    assert asked == ["https://two.example"]
    page.key_line.show_state(KeyState(KeyKind.BACKEND, backend_url="https://two.example/session"))
    assert field(page, "Backend URL").text() == "https://two.example/session"


def test_a_key_that_is_typed_stays_when_a_backend_comes_late(page: StartPage) -> None:
    type_into(page, "API key", "ak_typed")
    page.key_line.show_state(KeyState(KeyKind.BACKEND, backend_url="https://one.example"))
    button(page, "Use an API key instead").click()
    page.key_line.show_state(KeyState())
    assert field(page, "API key").text() == "ak_typed"


def test_show_key_shows_what_is_typed(page: StartPage) -> None:
    key = field(page, "API key")
    assert not button(page, "Show key").isVisible()
    key.setText("ak_1")
    assert key.echoMode() is QLineEdit.EchoMode.Password
    button(page, "Show key").click()
    assert key.echoMode() is QLineEdit.EchoMode.Normal


def test_backend_instead_of_a_key(page: StartPage, qtbot: QtBot) -> None:
    button(page, "Use a backend instead").click()
    assert field(page, "Backend URL").isVisible()
    assert not field(page, "API key").isVisible()
    assert "server of your own" in page.key_line.note
    field(page, "Backend URL").setText("https://example.com/api ")
    field(page, "Backend token").setText("t")
    with qtbot.waitSignal(page.key_line.backend_requested, timeout=500) as asked:
        button(page, "Start").click()
    assert asked.args == ["https://example.com/api", "t"]


def test_leaving_the_backend_asks_for_the_key_again(page: StartPage, qtbot: QtBot) -> None:
    page.key_line.show_state(KeyState(KeyKind.BACKEND, backend_url="https://example.com/api"))
    assert field(page, "Backend URL").text() == "https://example.com/api"
    with qtbot.waitSignal(page.key_line.backend_requested, timeout=500) as asked:
        button(page, "Use an API key instead").click()
    assert asked.args == ["", ""]


def test_gallery_offers_the_shipped_faces(page: StartPage, qtbot: QtBot, faces: tuple[Path, ...]) -> None:
    button(page, "Change face…").click()
    with qtbot.waitSignal(page.picker.face_requested, timeout=500) as asked:
        button(page, "Face Green Face").click()
    assert asked.args == [faces[1]]
    assert not button(page, "Face Green Face").isVisible()


def test_face_by_address_must_be_https(page: StartPage, qtbot: QtBot) -> None:
    button(page, "Change face…").click()
    url = field(page, "Face URL")
    url.setText("http://example.com/me.png")
    with qtbot.assertNotEmitted(page.picker.face_requested, wait=20):
        button(page, "Use Face URL").click()
    url.setText("https://example.com/me.png")
    with qtbot.waitSignal(page.picker.face_requested, timeout=500) as asked:
        QTest.keyClick(url, Qt.Key.Key_Return)
    assert asked.args == ["https://example.com/me.png"]


def test_the_card_grows_with_what_it_has_to_say(page: StartPage, qtbot: QtBot) -> None:
    page.resize(1100, 720)
    button(page, "Change face…").click()
    gallery = button(page, "Face Green Face").parentWidget()
    assert gallery is not None
    before = gallery.height()
    field(page, "Face URL").setText("http://example.com/me.png")
    button(page, "Use Face URL").click()
    qtbot.waitUntil(lambda: gallery.height() >= before)


def test_a_pasted_picture_is_handed_on(page: StartPage, qtbot: QtBot) -> None:
    picture = QImage(80, 80, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(picture)
    button(page, "Change face…").click()
    with qtbot.waitSignal(page.picker.face_requested, timeout=500) as asked:
        button(page, "Paste").click()
    assert asked.args[0].size() == picture.size()


@pytest.mark.parametrize(
    ("address", "given"),
    [
        (b"file:///tmp/caf%E9.png", Path(os.fsdecode(b"/tmp/caf\xe9.png"))),
        (b"file://otherhost/me.png", "file://otherhost/me.png"),
    ],
)
def test_a_copied_file_is_handed_on_whatever_its_name(
    page: StartPage, qtbot: QtBot, address: bytes, given: Path | str
) -> None:
    data = QMimeData()
    data.setData("text/uri-list", address + b"\r\n")
    QGuiApplication.clipboard().setMimeData(data)
    button(page, "Change face…").click()
    with qtbot.waitSignal(page.picker.face_requested, timeout=500) as asked:
        button(page, "Paste").click()
    assert asked.args == [given]


def test_escape_closes_the_choices(page: StartPage) -> None:
    button(page, "Change face…").click()
    paste = button(page, "Paste")
    assert paste.isVisible()
    QTest.keyClick(paste, Qt.Key.Key_Escape)
    assert not paste.isVisible()


def test_no_shipped_faces_is_no_trouble(theme: Theme, qtbot: QtBot) -> None:
    page = StartPage(theme, ())
    qtbot.addWidget(page)
    page.show()
    page.picker.set_face(None)
    page.picker.set_face(Face("me.png", b"not a picture"))
    button(page, "Change face…").click()
    assert button(page, "Choose a file…").isVisible()


def test_a_large_face_is_read_beside_the_window(theme: Theme, qtbot: QtBot) -> None:
    well = FaceWell(theme)
    qtbot.addWidget(well)
    well.set_side(200)
    well.show()
    picture = QImage(4000, 3000, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    well.set_face(Face("large.png", png_bytes(picture)))
    assert well.grab().toImage().pixelColor(100, 100) != QColor("red")
    qtbot.waitUntil(lambda: well.grab().toImage().pixelColor(100, 100) == QColor("red"), timeout=20_000)
    # One chosen meanwhile is not overtaken by the one before it.
    well.set_face(Face("large 2.png", png_bytes(picture)))
    well.grab()
    picture.fill(Qt.GlobalColor.blue)
    well.set_face(Face("small.png", png_bytes(picture.scaled(100, 100))))
    assert well.grab().toImage().pixelColor(100, 100) == QColor("blue")
    QThreadPool.globalInstance().waitForDone()
    QGuiApplication.processEvents()
    assert well.grab().toImage().pixelColor(100, 100) == QColor("blue")


def test_face_is_named_and_drawn(page: StartPage, faces: tuple[Path, ...]) -> None:
    page.picker.set_face(Face(faces[0].name, faces[0].read_bytes()))
    well = next(child for child in page.findChildren(QWidget) if child.accessibleName() == "Face: Red Face")
    middle = well.grab().toImage().pixelColor(well.width() // 2, well.height() // 2)
    assert middle.name() == "#ff0000"


@pytest.mark.parametrize("size", [(360, 480), (480, 700), (720, 600), (1100, 720), (1920, 1080)])
def test_nothing_is_cut_off_sideways(page: StartPage, size: tuple[int, int]) -> None:
    page.resize(*size)
    QTest.qWait(10)
    for name in ("Start", "Rehearse", "Conversation", "Change face…"):
        found = button(page, name)
        left = found.mapTo(page, found.rect().topLeft()).x()
        assert left >= 0, name
        assert left + found.width() <= page.viewport().width(), name
        assert found.width() >= found.minimumSizeHint().width(), name


def test_start_and_rehearse_are_in_sight_in_the_smallest_window(page: StartPage) -> None:
    page.resize(360, 480)
    QTest.qWait(10)
    found = button(page, "Rehearse")
    assert found.mapTo(page, found.rect().bottomLeft()).y() <= 480


def test_right_to_left_mirrors_the_page(page: StartPage) -> None:
    page.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    QTest.qWait(10)
    start, change = button(page, "Start"), button(page, "Change face…")
    assert start.mapTo(page, start.rect().center()).x() < change.mapTo(page, change.rect().center()).x()
    page.grab()
