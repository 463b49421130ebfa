"""Where a window is met, and by whom: never in a stranger's folder, never by a stranger."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from atlas_desktop.instance import InstanceServer, LaunchLock, addresses, hand_over, is_in_use, socket_name
from atlas_desktop.instance.listeners import PipeListener, connect_to_pipe, peer_user
from atlas_desktop.instance.socket_paths import is_local

STRANGER = 54_321
# Only root can play another user: as anybody else the tests do without.
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Short, in place of pytest's own: a socket's path has 107 characters at most."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime folder of whoever runs the tests is not touched."""
    monkeypatch.setattr("atlas_desktop.instance.socket_paths.LOGINS", tmp_path / "logins")


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runtime folder of this user's login."""
    folder = tmp_path / "run"
    folder.mkdir(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    folder.mkdir(0o700)
    return folder


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for everybody's temporary files: its path is short."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o1777)
        monkeypatch.setattr("tempfile.tempdir", name)
        yield folder


@pytest.fixture
def server(qapp: QApplication, profile: Path) -> Iterator[Callable[[], InstanceServer]]:
    made: list[InstanceServer] = []

    def make() -> InstanceServer:
        made.append(InstanceServer(profile))
        return made[-1]

    yield make
    for one in made:
        one.close()


def sockets_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_socket()]


def test_a_socket_lies_in_the_runtime_folder_and_is_ours_alone(
    runtime: Path, profile: Path, tmp_path: Path, server: Callable[[], InstanceServer]
) -> None:
    umask = os.umask(0)
    try:
        server()
    finally:
        os.umask(umask)
    (found,) = sockets_in(tmp_path)
    assert found == runtime / socket_name(profile)
    assert stat.S_IMODE(found.stat().st_mode) == 0o600


def open_to_others(folder: Path) -> None:
    folder.chmod(0o755)


def of_a_stranger(folder: Path) -> None:
    os.chown(folder, STRANGER, STRANGER)


def gone(folder: Path) -> None:
    folder.rmdir()


def under_a_folder_of_everybody(folder: Path) -> None:
    # Whoever may write there can put another in its place.
    folder.parent.chmod(0o777)


def without_room(folder: Path) -> None:
    os.environ["XDG_RUNTIME_DIR"] = str(folder / ("x" * 90))
    (folder / ("x" * 90)).mkdir(0o700)


@pytest.mark.parametrize("spoil", [open_to_others, gone, without_room, *([of_a_stranger] if IS_ROOT else [])])
def test_a_runtime_folder_that_is_not_fit_is_not_used(
    runtime: Path,
    profile: Path,
    tmp_path: Path,
    server: Callable[[], InstanceServer],
    spoil: Callable[[Path], None],
) -> None:
    spoil(runtime)
    server()
    assert sockets_in(tmp_path) == [profile / "instance"]
    assert is_in_use(profile)


def test_without_a_place_of_ours_a_folder_is_made_for_it(
    profile: Path,
    temporary: Path,
    server: Callable[[], InstanceServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    profile.chmod(0o755)
    server()
    (found,) = sockets_in(temporary)
    assert found.parent.parent == temporary
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    assert is_in_use(profile)


@pytest.mark.parametrize("trap", ["open", "link", *(["foreign"] if IS_ROOT else [])])
def test_a_folder_that_a_stranger_has_made_in_its_place_is_not_used(
    profile: Path,
    temporary: Path,
    tmp_path: Path,
    server: Callable[[], InstanceServer],
    monkeypatch: pytest.MonkeyPatch,
    trap: str,
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    profile.chmod(0o755)
    place = temporary / f"atlas-desktop-{os.geteuid()}"
    (tmp_path / "elsewhere").mkdir(0o700)
    if trap == "link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
        place.chmod(0o777 if trap == "open" else 0o700)
        if trap == "foreign":
            of_a_stranger(place)
    server()
    assert sockets_in(temporary) == sockets_in(tmp_path) == []
    assert addresses(profile) == []
    assert not hand_over(profile, ["/a.wav"])


def test_a_folder_that_can_be_swapped_is_not_used(
    runtime: Path, profile: Path, tmp_path: Path, server: Callable[[], InstanceServer]
) -> None:
    under_a_folder_of_everybody(runtime)
    assert all(tmp_path not in path.parents for path in addresses(profile))


def test_what_is_no_socket_is_left_where_it_is(
    runtime: Path, profile: Path, tmp_path: Path, server: Callable[[], InstanceServer]
) -> None:
    (runtime / socket_name(profile)).write_text("the user's own")
    server()
    assert (runtime / socket_name(profile)).read_text() == "the user's own"
    assert sockets_in(tmp_path) == [profile / "instance"]
    assert is_in_use(profile)


def test_what_another_user_listens_at_is_told_nothing(
    runtime: Path, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas_desktop.instance.listeners.peer_user", lambda _connection: STRANGER)
    with socket.socket(socket.AF_UNIX) as squatter:
        squatter.bind(str(runtime / socket_name(profile)))
        squatter.listen()
        assert not hand_over(profile, ["/secret/path.wav"])
        assert not is_in_use(profile)
        for _ in range(2):
            connection, _ = squatter.accept()
            with connection:
                assert connection.recv(100) == b""


def test_a_launch_of_another_user_is_not_heard(
    runtime: Path,
    profile: Path,
    server: Callable[[], InstanceServer],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launches: list[list[str]] = []
    server().launched.connect(launches.append)
    monkeypatch.setattr("atlas_desktop.instance.listeners.peer_user", lambda _connection: STRANGER)
    stranger = QLocalSocket()
    stranger.connectToServer(str(runtime / socket_name(profile)))
    stranger.write(b'["/a.wav"]\n')
    qtbot.waitUntil(lambda: stranger.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    assert launches == []
    assert not stranger.readAll().data()


if IS_ROOT:
    _ASKS = (
        f"import os, socket, sys; os.setgid({STRANGER}); os.setuid({STRANGER});"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(sys.argv[1]);"
        "s.sendall(b'[]\\n'); print(s.recv(10))"
    )

    def test_a_stranger_that_gets_as_far_as_the_socket_is_not_answered(
        runtime: Path, profile: Path, server: Callable[[], InstanceServer], qtbot: QtBot
    ) -> None:
        launches: list[list[str]] = []
        server().launched.connect(launches.append)
        (path,) = sockets_in(runtime)
        path.chmod(0o666)
        words = [sys.executable, "-S", "-c", _ASKS, str(path)]
        with ExitStack() as closing:
            for folder in (runtime, *runtime.parents):
                mode = stat.S_IMODE(folder.stat().st_mode)
                folder.chmod(mode | 0o011)
                closing.callback(folder.chmod, mode)
            done = subprocess.Popen(words, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            stranger = closing.enter_context(done)
            qtbot.waitUntil(lambda: stranger.poll() is not None, timeout=30_000)
            said, trouble = stranger.communicate()
        hung_up = b"ConnectionResetError" in trouble or b"BrokenPipeError" in trouble
        assert said == b"b''\n" or hung_up, trouble
        assert launches == []


def test_the_user_at_the_other_end_is_known() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert peer_user(one) == peer_user(other) == os.geteuid()
    with socket.socket(socket.AF_INET) as none:
        assert peer_user(none) != os.geteuid() or not IS_ROOT


def test_a_launch_waits_for_one_that_is_under_way(profile: Path) -> None:
    first, second = LaunchLock(profile), LaunchLock(profile)
    assert first.acquire(0)
    assert not second.acquire(0)
    first.release()
    assert second.acquire(0)
    first.release()
    assert not LaunchLock(profile).acquire(0)
    second.release()


def test_a_launch_that_died_holds_up_nobody(profile: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from atlas_desktop.instance import LaunchLock;"
        "print(LaunchLock(Path(sys.argv[1])).acquire(0), flush=True); os._exit(9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(profile)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True\n"
    assert LaunchLock(profile).acquire(0)


def test_where_nothing_can_be_locked_a_launch_goes_on(
    profile: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    profile.rmdir()
    (temporary / f"atlas-desktop-{os.geteuid()}").touch()
    assert not LaunchLock(profile).acquire(60)


def test_this_computers_folders_are_local(tmp_path: Path) -> None:
    assert is_local(tmp_path)
    assert is_local(tmp_path / "missing")


@pytest.mark.parametrize(("kind", "local"), [("nfs4", False), ("fuse.sshfs", False), ("ext4", True)])
def test_a_folder_on_a_network_is_known(tmp_path: Path, kind: str, local: bool) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    lines = [
        "21 28 0:0 / /sys rw - sysfs sysfs rw",
        f"28 1 {os.major(device)}:{os.minor(device)} / /home rw,relatime shared:1 - {kind} server:/home rw",
    ]
    mounts.write_text("\n".join(lines) + "\n")
    assert is_local(tmp_path, mounts) is local


def test_a_pipe_is_met_by_the_name_that_the_profile_keeps(
    qapp: QApplication, profile: Path, qtbot: QtBot
) -> None:
    assert connect_to_pipe(profile) is None
    listener = PipeListener(profile)
    with qtbot.waitSignal(listener.arrived):
        assert connect_to_pipe(profile) is not None
    assert stat.S_IMODE((profile / "instance").stat().st_mode) == 0o600
    listener.close()
    assert connect_to_pipe(profile) is None
