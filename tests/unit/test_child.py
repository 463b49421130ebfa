import asyncio
import os
import sys
from pathlib import Path

import pytest

from atlas_desktop import child as child_module
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


async def test_a_child_that_dies_first_is_an_error_with_its_last_words(program: Path) -> None:
    program.write_text("import sys\nsys.exit('port 80 is taken')\n")
    with pytest.raises(ChildError, match="port 80 is taken"):
        await Child.start("local")


async def test_nonsense_on_the_first_line_is_an_error(program: Path) -> None:
    program.write_text("print('hello')\n")
    with pytest.raises(ChildError):
        await Child.start("local")


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


@pytest.mark.logs("ended with status 3")
async def test_an_unasked_end_is_told(program: Path) -> None:
    program.write_text("print('{}', flush=True)\nraise SystemExit(3)\n")
    child = await Child.start("local")
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    child.on_exit = ended.set_result
    assert await asyncio.wait_for(ended, 5) == 3
    await child.aclose()


@pytest.mark.logs("did not end by itself")
async def test_a_child_that_ignores_end_of_file_is_ended_by_force(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "END_LIMIT_S", 0.2)
    program.write_text("import time\nprint('{}', flush=True)\ntime.sleep(60)\n")
    child = await Child.start("local")
    await child.aclose()
    assert not child.running


async def test_the_local_atlas_as_a_child_ends_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    child = await Child.start("local")
    assert child.first_line["base"].startswith("http://127.0.0.1:")
    await child.aclose()
    assert "did not end by itself" not in caplog.text
