"""One window a profile: a second launch hands its files to the first."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from atlas_desktop.instance import InstanceServer, addresses, hand_over, is_in_use, socket_name

HandOver = Callable[[Path, list[str]], bool]


@pytest.fixture
def second_launch(qtbot: QtBot) -> HandOver:
    """``hand_over`` as another process calls it: while the first one's window goes on."""

    code = (
        "import json, sys; from pathlib import Path; from atlas_desktop.instance import hand_over;"
        "sys.exit(0 if hand_over(Path(sys.argv[1]), json.load(sys.stdin)) else 1)"
    )

    def launch(profile: Path, paths: list[str]) -> bool:
        words = [sys.executable, "-c", code, str(profile)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            json.dump(paths, process.stdin)
            process.stdin.close()
            qtbot.waitUntil(lambda: process.poll() is not None, timeout=10_000)
            return process.returncode == 0

    return launch


def place(profile: Path) -> str:
    """Where the window of ``profile`` is met."""
    return str(addresses(profile)[0])


@pytest.fixture
def launches() -> list[list[str]]:
    return []


@pytest.fixture
def server(qapp: QApplication, tmp_path: Path, launches: list[list[str]]) -> Iterator[InstanceServer]:
    server = InstanceServer(tmp_path)
    server.launched.connect(launches.append)
    yield server
    server.close()


def test_a_profile_whose_path_is_odd_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    odd = [tmp_path / "loop" / "profile", tmp_path / os.fsdecode(b"caf\xe9"), tmp_path / ("x" * 300)]
    assert len({socket_name(path) for path in odd}) == 3
    (tmp_path / "link").symlink_to(tmp_path)
    assert socket_name(tmp_path / "link") == socket_name(tmp_path)


def test_the_first_launch_finds_nobody(tmp_path: Path) -> None:
    assert not hand_over(tmp_path, ["a.wav"])


@pytest.mark.parametrize(
    "paths", [[], ["/a.wav"], ['/odd \n name é 日本 ".wav', "/b.wav"], [f"/{n:05}.wav" for n in range(5_000)]]
)
def test_a_second_launch_hands_its_files_over_and_is_told_so(
    server: InstanceServer,
    launches: list[list[str]],
    second_launch: HandOver,
    tmp_path: Path,
    paths: list[str],
) -> None:
    assert second_launch(tmp_path, paths)
    assert launches == [paths]


def test_launches_come_one_after_another(
    server: InstanceServer, launches: list[list[str]], second_launch: HandOver, tmp_path: Path
) -> None:
    for number in range(3):
        assert second_launch(tmp_path, [f"{number}.wav"])
    assert launches == [["0.wav"], ["1.wav"], ["2.wav"]]


def test_another_profile_is_another_window(
    server: InstanceServer, launches: list[list[str]], second_launch: HandOver, tmp_path: Path
) -> None:
    assert not second_launch(tmp_path / "other", ["a.wav"])
    assert launches == []


def test_a_window_that_goes_takes_no_files(
    server: InstanceServer, launches: list[list[str]], second_launch: HandOver, tmp_path: Path
) -> None:
    server.close()
    assert not second_launch(tmp_path, ["a.wav"])
    assert launches == []


def test_one_profile_has_one_name_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(tmp_path)
    assert socket_name(tmp_path / "here") == socket_name(tmp_path) == socket_name(tmp_path / "x" / "..")
    assert len(socket_name(tmp_path)) < 60
    assert tmp_path.name not in socket_name(tmp_path)


def test_what_a_crashed_run_left_behind_is_cleared_away(
    qapp: QApplication, launches: list[list[str]], second_launch: HandOver, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(place(tmp_path))
    assert Path(place(tmp_path)).is_socket()
    assert not hand_over(tmp_path, [])
    server = InstanceServer(tmp_path)
    server.launched.connect(launches.append)
    assert second_launch(tmp_path, ["a.wav"])
    assert launches == [["a.wav"]]
    server.close()


@pytest.mark.parametrize(
    "words", [b"\n", b"{}\n", b"not json\n", b'["a.wav", 3]\n', b'{"a": "b"}\n', b"\xff\xfe\n", b"null\n"]
)
def test_what_is_no_list_of_files_is_not_taken(
    server: InstanceServer, launches: list[list[str]], qtbot: QtBot, tmp_path: Path, words: bytes
) -> None:
    stranger = QLocalSocket()
    stranger.connectToServer(place(tmp_path))
    stranger.write(words)
    qtbot.waitUntil(lambda: stranger.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    assert launches == []
    assert not stranger.readAll().data()


def test_a_message_that_comes_in_pieces_is_read_whole(
    server: InstanceServer, launches: list[list[str]], qtbot: QtBot, tmp_path: Path
) -> None:
    slow = QLocalSocket()
    slow.connectToServer(place(tmp_path))
    for piece in (b'["a.w', b'av", "b', b'.wav"]\n'):
        slow.write(piece)
        slow.flush()
        qtbot.wait(5)
    qtbot.waitUntil(lambda: bool(launches))
    assert launches == [["a.wav", "b.wav"]]


def test_a_message_without_an_end_does_not_fill_the_memory(
    server: InstanceServer, launches: list[list[str]], qtbot: QtBot, tmp_path: Path
) -> None:
    endless = QLocalSocket()
    endless.connectToServer(place(tmp_path))
    endless.write(b"x" * 2_000_000)
    qtbot.waitUntil(lambda: endless.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    assert launches == []


def test_a_window_that_is_frozen_holds_up_no_second_launch(
    qapp: QApplication, second_launch: HandOver, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as frozen:
        # Connections are taken by the system alone; nobody reads.
        frozen.bind(place(tmp_path))
        frozen.listen()
        assert not second_launch(tmp_path, ["/a.wav"])
        assert not second_launch(tmp_path, ["/a.wav" * 200_000])
        assert is_in_use(tmp_path)


def test_a_window_takes_over_from_a_frozen_one_which_leaves_it_the_name(
    qapp: QApplication, launches: list[list[str]], second_launch: HandOver, tmp_path: Path
) -> None:
    frozen = InstanceServer(tmp_path)
    later = InstanceServer(tmp_path)
    later.launched.connect(launches.append)
    frozen.close()
    assert second_launch(tmp_path, ["/a.wav"])
    assert launches == [["/a.wav"]]
    later.close()
    assert not Path(place(tmp_path)).exists()


def test_files_of_a_launch_that_did_not_wait_are_not_taken(
    server: InstanceServer, launches: list[list[str]], qtbot: QtBot, tmp_path: Path
) -> None:
    hasty = QLocalSocket()
    hasty.connectToServer(place(tmp_path))
    hasty.write(b'["/a.wav"]\n')
    assert hasty.flush()
    hasty.abort()
    later = QLocalSocket()
    later.connectToServer(place(tmp_path))
    later.write(b'["/b.wav"]\n')
    qtbot.waitUntil(lambda: bool(launches))
    assert launches == [["/b.wav"]]


def test_names_that_are_no_utf8_are_handed_over_byte_for_byte(
    server: InstanceServer, launches: list[list[str]], second_launch: HandOver, tmp_path: Path
) -> None:
    assert second_launch(tmp_path, ["/caf\udce9.wav"])
    assert launches == [["/caf\udce9.wav"]]
