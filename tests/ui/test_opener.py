"""Opening an address: by whom, and that nobody is waited for."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from pytestqt.qtbot import QtBot

from atlas_desktop.ui.opener import open_address

ADDRESS = QUrl("https://example.com/a%20b?c=d")
X11 = {"platform": "xcb"}
FLATPAK = {"platform": "wayland", "FLATPAK_ID": "org.example.Program"}
SNAP = {"platform": "wayland", "SNAP": "/snap/program"}


class Handler(QObject):
    """Takes what Qt is asked to open."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.threads: set[threading.Thread] = set()

    @Slot(QUrl)
    def open(self, address: QUrl) -> None:
        self.opened.append(address.toString(QUrl.ComponentFormattingOption.FullyEncoded))
        self.threads.add(threading.current_thread())


@pytest.fixture
def handler(qapp: object) -> Iterator[Handler]:
    handler = Handler()
    QDesktopServices.setUrlHandler("https", handler, "open")  # type: ignore[arg-type]
    yield handler
    QDesktopServices.unsetUrlHandler("https")


def be_in(monkeypatch: pytest.MonkeyPatch, there: dict[str, str]) -> None:
    """The desktop and the sandbox that the program believes itself in."""
    for name in ("FLATPAK_ID", "SNAP"):
        monkeypatch.delenv(name, raising=False)
    for name, value in there.items():
        if name == "platform":
            monkeypatch.setattr(QGuiApplication, "platformName", lambda value=value: value)
        else:
            monkeypatch.setenv(name, value)


@pytest.mark.parametrize("there", [X11, FLATPAK, SNAP], ids=["x11", "flatpak", "snap"])
def test_the_desktops_own_program_opens_it_with_the_users_numbers(
    handler: Handler,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: dict[str, str],
) -> None:
    said = tmp_path / "said"
    program = tmp_path / "xdg-open"
    program.write_text(f'#!/bin/sh\necho "$1 $LC_NUMERIC$ATLAS_API_KEY" > {said}.new; mv {said}.new {said}\n')
    program.chmod(0o755)
    be_in(monkeypatch, there)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("LC_NUMERIC", "C")
    monkeypatch.setenv("ATLAS_DESKTOP_NUMBERS", "de_DE.UTF-8")
    monkeypatch.setenv("ATLAS_API_KEY", "ak_is_nobody_else_s")
    open_address(ADDRESS)
    qtbot.waitUntil(said.exists, timeout=10_000)
    assert said.read_text().split() == ["https://example.com/a%20b?c=d", "de_DE.UTF-8"]
    assert handler.opened == []


@pytest.mark.parametrize("there", [X11, FLATPAK], ids=["x11", "flatpak"])
def test_where_there_is_none_qt_opens_it(
    handler: Handler,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: dict[str, str],
) -> None:
    be_in(monkeypatch, there)
    monkeypatch.setenv("PATH", str(tmp_path))
    open_address(ADDRESS)
    qtbot.waitUntil(lambda: handler.opened == ["https://example.com/a%20b?c=d"], timeout=10_000)
    assert handler.threads == {threading.main_thread()}


def test_on_wayland_qt_brings_the_other_window_forward(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_in(monkeypatch, {"platform": "wayland"})
    open_address(ADDRESS)
    assert handler.opened == ["https://example.com/a%20b?c=d"]


def test_a_search_path_over_a_dead_mount_holds_up_nothing(
    handler: Handler, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def find_late(_name: str) -> str:
        assert answers.wait(20)
        return ""

    be_in(monkeypatch, X11)
    monkeypatch.setattr("atlas_desktop.ui.opener.QStandardPaths.findExecutable", find_late)
    open_address(ADDRESS)
    assert handler.opened == []
    answers.set()
    qtbot.waitUntil(lambda: bool(handler.opened), timeout=10_000)
