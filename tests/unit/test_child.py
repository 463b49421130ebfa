import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atlas_desktop import child as child_module
from atlas_desktop import native_environment
from atlas_desktop.child import Child
from atlas_desktop.errors import ChildError


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for this program: what it holds is what the child runs."""
    file = tmp_path / "program.py"
    starter = tmp_path / "starter"
    starter.write_text(f'#!/bin/sh\nexec {sys.executable} {file} "$@"\n')
    starter.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(starter))
    return file


async def test_a_child_says_its_first_line_and_ends_at_end_of_file(program: Path) -> None:
    program.write_text('import sys\nprint(\'{"base": "b"}\', flush=True)\nsys.stdin.read()\n')
    child = await Child.start("local")
    assert child.first_line == {"base": "b"}
    assert child.running
    await child.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


@pytest.mark.parametrize("role", ["local", "guard"])
async def test_a_child_that_dies_first_is_an_error_with_its_last_words(program: Path, role: str) -> None:
    program.write_text("import sys\nsys.exit('port 80 is taken')\n")
    with pytest.raises(ChildError, match="port 80 is taken"):
        await Child.start(role)


async def test_only_an_end_that_nobody_asked_for_is_notified(program: Path) -> None:
    program.write_text("import sys\nprint('{}', flush=True)\nsys.stdin.read()\n")
    ended = asyncio.Event()
    asked, unasked = await Child.start("local"), await Child.start("local")
    asked.listen(on_exit=lambda status: pytest.fail("it was asked to"))
    unasked.listen(on_exit=lambda status: ended.set())
    await asked.aclose()
    os.kill(unasked.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        await ended.wait()
    await unasked.aclose()


async def test_a_program_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(ChildError):
        await Child.start("local")


async def test_an_endless_line_on_stderr_stops_nothing(program: Path) -> None:
    program.write_text(
        "import sys\nprint('x' * 300_000, file=sys.stderr, flush=True)\n"
        "print('y' * 300_000, file=sys.stderr, flush=True)\nprint('{}', flush=True)\nsys.stdin.read()\n"
    )
    child = await Child.start("local")
    assert child.running
    await child.aclose()


async def test_an_unasked_end_is_logged(program: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    program.write_text("print('{}', flush=True)\nraise SystemExit(3)\n")
    child = await Child.start("local")
    async with asyncio.timeout(10):
        while "ended with status 3" not in caplog.text:
            await asyncio.sleep(0.005)
    assert not child.running
    await child.aclose()


async def test_a_child_that_ignores_end_of_file_is_ended_by_force(
    program: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(child_module, "END_LIMIT_S", 0.2)
    program.write_text("import time\nprint('{}', flush=True)\ntime.sleep(60)\n")
    child = await Child.start("local")
    await child.aclose()
    assert not child.running
    assert "did not end by itself" in caplog.text


async def test_the_local_atlas_as_a_child_ends_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    child = await Child.start("local")
    assert child.first_line["base"].startswith("http://127.0.0.1:")
    await child.aclose()
    assert "did not end by itself" not in caplog.text


ECHO = """
import sys
print('{"hello": 1}', flush=True)
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"""
LONG_GOODBYE = """
import pathlib, sys, time
print('{}', flush=True)
heard = sys.stdin.buffer.read()
time.sleep(0.3)
pathlib.Path(sys.argv[-1]).write_bytes(heard)
"""


class Lines:
    """Collects what a child says."""

    def __init__(self, child: Child) -> None:
        self.heard: list[bytes] = []
        self.ends: list[int] = []
        child.listen(self.heard.append, self.ends.append)

    async def wait(self, number: int) -> list[bytes]:
        async with asyncio.timeout(10):
            while len(self.heard) < number:
                await asyncio.sleep(0.005)
        return self.heard


def wait_for_file(file: Path) -> bytes:
    until_s = time.monotonic() + 10
    while not file.exists() and time.monotonic() < until_s:
        time.sleep(0.02)
    time.sleep(0.02)
    return file.read_bytes()


async def test_a_child_is_talked_with_in_lines_of_any_length(program: Path) -> None:
    program.write_text(ECHO)
    child = await Child.start("guard")
    assert (child.first_line, child.running) == ({"hello": 1}, True)
    lines = Lines(child)
    child.send(b"a\nb\n")
    child.send(b"x" * 900_000 + b"\n")
    assert await lines.wait(3) == [b"a", b"b", b"x" * 900_000]
    await child.release()


async def test_what_a_child_says_before_it_is_listened_to_is_heard_in_order(
    program: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    program.write_text(
        "import pathlib, sys\nprint('{}\\nfirst\\nsecond', flush=True)\n"
        "pathlib.Path(sys.argv[-1]).touch()\nsys.exit(3)\n"
    )
    child = await Child.start("guard", str(said))
    # A loop that is busy, as at the program's start: line and end are there when it looks again.
    await asyncio.to_thread(wait_for_file, said)
    async with asyncio.timeout(10):
        while child.running:
            await asyncio.sleep(0.005)
    lines = Lines(child)
    assert await lines.wait(2) == [b"first", b"second"]
    await asyncio.sleep(0)
    assert lines.ends == [3]


async def test_a_full_pipe_does_not_hold_up_the_sender(program: Path) -> None:
    program.write_text("import time\nprint('{}', flush=True)\ntime.sleep(600)\n")
    child = await Child.start("guard")
    before_s = time.monotonic()
    child.send(b"x" * 20_000_000)
    # It takes nothing for ten minutes.
    assert time.monotonic() - before_s < 10.0
    child.kill()


async def test_a_child_that_is_released_gets_all_and_takes_its_time(program: Path, tmp_path: Path) -> None:
    program.write_text(LONG_GOODBYE)
    said = tmp_path / "said"
    child = await Child.start("guard", str(said))
    lines = Lines(child)
    child.send(b"y" * 300_000)
    await child.release()
    await child.release()
    with pytest.raises(ChildError):
        child.send(b"more")
    os.kill(child.pid, 0)
    assert await asyncio.to_thread(wait_for_file, said) == b"y" * 300_000
    assert lines.ends == []


def test_a_loop_that_closes_leaves_a_child_alone(program: Path, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    program.write_text(
        "import pathlib, sys, time\nprint('{}', flush=True)\nline = sys.stdin.buffer.readline()\n"
        "time.sleep(0.3)\nprint('to nobody', flush=True)\npathlib.Path(sys.argv[-1]).write_bytes(line)\n"
        "sys.stdin.buffer.read()\n"
    )

    async def start() -> Child:
        child = await Child.start("guard", str(heard))
        child.send(b"hello\n")
        return child

    child = asyncio.run(start())
    assert wait_for_file(heard) == b"hello\n"
    assert child.running
    child.kill()


async def test_the_unasked_end_of_a_child_is_notified(program: Path) -> None:
    program.write_text(ECHO)
    child = await Child.start("guard")
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    child.listen(lambda line: None, ended.set_result)
    os.kill(child.pid, signal.SIGKILL)
    assert await asyncio.wait_for(ended, 5) == -signal.SIGKILL
    assert not child.running
    with pytest.raises(ChildError):
        child.send(b"hello")
    await child.release()


async def test_nonsense_of_a_child_is_an_error_and_its_end(program: Path) -> None:
    program.write_text("import sys\nprint('hello', flush=True)\nsys.stdin.read()\n")
    with pytest.raises(ChildError, match="unexpected first line"):
        await Child.start("guard")


async def test_a_child_that_says_nothing_is_ended_by_force(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "START_LIMIT_S", 0.3)
    monkeypatch.setattr(child_module, "END_LIMIT_S", 0.1)
    program.write_text("import time\ntime.sleep(60)\n")
    with pytest.raises(ChildError, match="no answer in time"):
        await Child.start("guard")


async def test_a_child_is_out_of_reach_of_the_terminal(program: Path) -> None:
    program.write_text(ECHO)
    child = await Child.start("guard")
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    await child.release()


async def test_a_child_has_the_environment_that_the_person_set(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    program.write_text(
        "import json, os, sys\n"
        "print(json.dumps({'there': os.environ.get('HTTPS_PROXY')}), flush=True)\n"
        "sys.stdin.read()\n"
    )
    holder = object()
    native_environment.set_proxy(holder, "http://127.0.0.1:1")
    try:
        local, guard = await Child.start("local"), await Child.start("guard")
    finally:
        native_environment.restore_proxy(holder)
    assert local.first_line == guard.first_line == {"there": "http://proxy.example:3128"}
    await local.aclose()
    await guard.release()


@pytest.mark.parametrize("role", ["local", "guard"])
def test_what_aborts_in_a_child_is_written_down(role: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "atlas_desktop", role, "--child"]
    more = ["--profile", str(tmp_path)] if role == "guard" else []
    with subprocess.Popen(
        [*words, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("{")
        process.send_signal(signal.SIGABRT)
        assert "Fatal Python error: Aborted" in process.stderr.read()
        assert process.wait(10) == -signal.SIGABRT


def test_a_child_is_this_program_whatever_lies_in_the_current_folder(tmp_path: Path) -> None:
    for name in ("atlas_desktop.py", "json.py", "asyncio.py", "argparse.py"):
        (tmp_path / name).write_text("print('a stranger')\n")
    words = child_module.command("--version")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "a stranger" not in done.stdout
    assert "atlas-desktop" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("role", "way"),
    [
        ("sound", None),
        ("guard", "http://ann:letmein@x:1"),
        ("local", "http://ann:letmein@x:1"),
    ],
)
async def test_a_child_gets_no_secrets_and_a_proxy_s_password_only_where_it_goes_online(
    program: Path, monkeypatch: pytest.MonkeyPatch, role: str, way: str | None
) -> None:
    for name in ("ATLAS_API_KEY", "SOME_TOKEN", "DB_PASSWORD", "ATLAS_BACKEND_URL"):
        monkeypatch.setenv(name, "a secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:letmein@x:1")
    program.write_text(
        "import json, os, sys\n"
        "found = [name for name, value in os.environ.items() if value == 'a secret']\n"
        "print(json.dumps({'found': found, 'way': os.environ.get('HTTPS_PROXY')}), flush=True)\n"
        "sys.stdin.read()\n"
    )
    child = await Child.start(role)
    assert child.first_line == {"found": [], "way": way}
    await child.aclose()
