"""The local Atlas as a process: its first line, and how it ends."""

import asyncio
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from atlas_desktop.local_atlas.entry_point import HOST, main, open_listener, stop_accepting
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.toys import StillAvatars

COMMAND = [sys.executable, "-m", "atlas_desktop", "local"]
END_LIMIT_S = 5.0


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def first_line(child: subprocess.Popen[str]) -> dict[str, str]:
    assert child.stdout is not None
    assert select.select([child.stdout], [], [], 20)[0], "it said nothing"
    line: dict[str, str] = json.loads(child.stdout.readline())
    return line


def is_serving(line: dict[str, str]) -> bool:
    headers = {"Authorization": f"Bearer {line['key']}"}
    with httpx.Client(verify=False, trust_env=False, timeout=20) as client:
        return client.get(line["base"] + "/v1/me", headers=headers).status_code == 200


def test_a_child_says_one_line_serves_and_ends_with_its_input() -> None:
    with process("--child") as child:
        line = first_line(child)
        assert line.keys() == {"base", "key"}
        assert line["key"].startswith("ak_")
        assert is_serving(line)
        began_s = time.monotonic()
        out, err = child.communicate(timeout=END_LIMIT_S)
        assert time.monotonic() - began_s < 3.0
        assert (child.returncode, out, err) == (0, "", "")


def test_a_child_whose_parent_dies_at_once_ends_too() -> None:
    with process("--child") as child:
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=END_LIMIT_S) == 0


def test_it_serves_whatever_the_environment_says_of_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pipe"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "pipe"))
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    with process() as child:
        assert is_serving(first_line(child))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    with process() as child:
        assert is_serving(first_line(child))
        child.send_signal(number)
        assert child.wait(timeout=END_LIMIT_S) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_a_port_that_is_taken_is_one_line_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with open_listener(0) as other:
        port = other.getsockname()[1]
        assert main(port=port) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert str(port) in err


def test_it_listens_on_loopback_only() -> None:
    with open_listener(0) as listener:
        assert listener.getsockname()[0] == HOST


def test_each_run_has_a_key_of_its_own_and_leaves_nothing() -> None:
    keys = []
    for _ in range(2):
        with LocalAtlasThread(StillAvatars().create) as atlas:
            keys.append(atlas.key)
            port = int(atlas.base.rpartition(":")[2])
            assert is_serving({"base": atlas.base, "key": atlas.key})
            session = atlas.call(atlas.accounts.begin, "conversation")
        assert session.ended_by == "shutdown"
        with socket.socket() as probe:
            assert probe.connect_ex((HOST, port)) != 0
    assert keys[0] != keys[1]


@pytest.mark.parametrize("turns", range(6))
def test_who_comes_as_it_closes_is_let_go(turns: int) -> None:
    # An asyncio server that is closed as it takes a connection forgets it, open.
    async def close_beside_a_guest() -> None:
        listener = open_listener(0)
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), sock=listener)
        with socket.create_connection(listener.getsockname()):
            for _ in range(turns):
                await asyncio.sleep(0)
            await stop_accepting(listener)
            server.close()
            await asyncio.sleep(0.01)

    asyncio.run(close_beside_a_guest())
    gc.collect()  # what is open still would warn now, which fails the test
