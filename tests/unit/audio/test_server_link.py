import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_desktop.audio.server_link import is_server_there, server_connections, wait_for_break

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[socket.socket]:
    (tmp_path / "pulse").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "pulse" / "native"))
        server.listen()
        yield server


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PULSE_SERVER", "unix:{}/pulse/native"),
        ("PULSE_SERVER", "{}/pulse/native"),
        ("PULSE_SERVER", "{{host}}unix:/elsewhere unix:{}/pulse/native"),
        ("PULSE_RUNTIME_PATH", "{}/pulse"),
        ("XDG_RUNTIME_DIR", "{}"),
    ],
)
def test_a_server_is_found_where_its_clients_look(
    server: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value.format(tmp_path))
    assert is_server_there()
    server.close()
    # Its socket is still there, as after a kill.
    assert (tmp_path / "pulse" / "native").exists()
    assert not is_server_there()


def test_a_server_on_the_network_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PULSE_SERVER", f"tcp:127.0.0.1:{server.getsockname()[1]}")
        assert is_server_there()
    assert not is_server_there()


def test_the_users_own_choice_is_the_only_place(
    server: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    assert not is_server_there()
    assert server.fileno() >= 0


def test_nothing_known_is_nothing_there() -> None:
    assert not is_server_there()


def test_a_connection_that_breaks_is_noticed(server: socket.socket, tmp_path: Path) -> None:
    before = set(server_connections())
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "pulse" / "native"))
        link = {one: inode for one, inode in server_connections().items() if one not in before}
        assert client.fileno() in link
        assert not wait_for_break(link, 0.01)
        with server.accept()[0]:
            pass
        assert wait_for_break(link, 10.0)


def test_a_connection_that_was_closed_here_is_broken_too(server: socket.socket, tmp_path: Path) -> None:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(tmp_path / "pulse" / "native"))
    link = {client.fileno(): os.fstat(client.fileno()).st_ino}
    client.close()
    assert wait_for_break(link, 0.01)
    assert server.fileno() >= 0
