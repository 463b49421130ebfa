"""The proxy in the settings."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLineEdit
from pytestqt.qtbot import QtBot

from atlas_desktop.proxies import ProxyMode
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.proxy_fields import ProxyFields
from atlas_desktop.ui.settings_dialog import SettingsDialog


class Bench:
    def __init__(self, theme: Theme, qtbot: QtBot, settings: Settings) -> None:
        self.dialog = SettingsDialog(theme, settings)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(self.dialog)
        self.dialog.show()
        fields = self.dialog.findChild(ProxyFields)
        assert fields is not None
        self.fields = fields
        self.asked: list[dict[str, object]] = []
        self.dialog.change_requested.connect(self.asked.append)
        address = self.fields.findChild(QLineEdit)
        assert address is not None
        self.address = address

    def choose(self, name: str) -> None:
        for button in self.fields.findChildren(QAbstractButton):
            if button.accessibleName() == f"Proxy: {name}":
                button.click()

    def type(self, text: str) -> None:
        self.address.setFocus()
        self.address.clear()
        QTest.keyClicks(self.address, text)


def test_it_is_as_the_system_until_another_choice(theme: Theme, qtbot: QtBot) -> None:
    bench = Bench(theme, qtbot, Settings())
    assert not bench.address.isVisibleTo(bench.fields)
    bench.choose("No proxy")
    bench.choose("This one")
    assert bench.address.isVisibleTo(bench.fields)
    assert bench.asked == [{"proxy_mode": ProxyMode.NONE}, {"proxy_mode": ProxyMode.ADDRESS}]


def test_what_holds_is_shown(theme: Theme, qtbot: QtBot) -> None:
    bench = Bench(theme, qtbot, Settings(proxy_mode=ProxyMode.ADDRESS, proxy_address="proxy:3128"))
    assert bench.address.isVisibleTo(bench.fields)
    assert bench.address.text() == "proxy:3128"
    assert "Sound and picture never go through" in bench.fields.note


def test_a_socks_proxy_is_taken(theme: Theme, qtbot: QtBot) -> None:
    bench = Bench(theme, qtbot, Settings(proxy_mode=ProxyMode.ADDRESS))
    bench.type("socks5h://proxy:1080")
    QTest.keyClick(bench.address, Qt.Key.Key_Return)
    assert bench.asked == [{"proxy_address": "socks5h://proxy:1080"}]


def test_an_address_is_taken(theme: Theme, qtbot: QtBot) -> None:
    bench = Bench(theme, qtbot, Settings(proxy_mode=ProxyMode.ADDRESS))
    bench.type(" proxy:3128")
    assert bench.asked == []
    QTest.keyClick(bench.address, Qt.Key.Key_Return)
    assert bench.asked == [{"proxy_address": "proxy:3128"}]
    bench.dialog.show()
    bench.type("")
    bench.dialog.accept()
    assert bench.asked[1:] == [{"proxy_address": ""}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://ann:secret@proxy:3128", "would lie in a file"),
        ("ann@proxy", "would lie in a file"),
        ("quic://proxy:1080", "it is no http://, https:// or socks5:// address"),
        ("http://proxy:port", "it is no address"),
    ],
)
def test_what_is_not_used_is_said_and_not_kept(text: str, words: str, theme: Theme, qtbot: QtBot) -> None:
    bench = Bench(theme, qtbot, Settings(proxy_mode=ProxyMode.ADDRESS))
    bench.type(text)
    assert words in bench.fields.note
    bench.dialog.accept()
    assert bench.asked == []
