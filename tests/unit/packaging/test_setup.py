"""``packaging/setup.sh``: what it installs is known by its hash, and it takes no rights that nobody gave."""

import os
import pty
import re
import runpy
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

SetUp = Callable[[str | None], tuple[int, str, list[str]]]

ROOT = Path(__file__).parents[3]
# Each stand-in writes down how it was called.
STAND_IN = '#!/bin/sh\necho "{name} $*" >> "$CALLS"\n{does}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what ``setup.sh`` needs, whose environment is in place."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "packaging", project / "packaging")
    for name in ("uv.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, project / name)
    (project / ".venv" / "bin").mkdir(parents=True)
    stand_in(project / ".venv" / "bin" / "python", "exit 0")
    (project / ".venv" / ".synced").touch()
    return project


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Stand-ins for what it calls: nothing is installed, and the user is not root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    stand_in(folder / "dpkg-query", "exit 1")
    stand_in(folder / "id", "echo 1000")
    stand_in(folder / "sudo", 'exec "$@"')
    stand_in(folder / "apt-get", "exit 0")
    return folder


def stand_in(path: Path, does: str) -> None:
    path.write_text(STAND_IN.format(name=path.name, does=does))
    path.chmod(0o755)


@pytest.fixture
def set_up(project: Path, programs: Path, tmp_path: Path) -> SetUp:
    """Runs it; gives its status, what it said, and what it called. With an answer there is a terminal."""

    def run(answer: str | None) -> tuple[int, str, list[str]]:
        calls = tmp_path / "calls"
        calls.touch()
        env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CALLS": str(calls)}
        words = ["sh", "packaging/setup.sh", "env"]
        if answer is None:
            done = subprocess.run(
                words,
                cwd=project,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            return done.returncode, done.stderr, calls.read_text().splitlines()
        here, there = pty.openpty()
        os.write(here, f"{answer}\n".encode())
        with subprocess.Popen(
            words, cwd=project, env=env, stdin=there, stdout=there, stderr=there
        ) as process:
            os.close(there)
            said = b""
            try:
                while part := os.read(here, 4096):
                    said += part
            except OSError:
                pass  # its end: nobody holds the other side any more
        os.close(here)
        return process.returncode, said.decode(), calls.read_text().splitlines()

    return run


def of_root(calls: list[str]) -> list[str]:
    return [call for call in calls if call.split()[0] in ("sudo", "apt-get")]


def test_without_a_terminal_the_line_to_type_is_said(set_up: SetUp) -> None:
    status, said, calls = set_up(None)
    assert status == 1
    assert "sudo apt-get update && sudo apt-get install -y python3-venv ca-certificates" in said
    assert of_root(calls) == []


@pytest.mark.parametrize("answer", ["n", "", "maybe"])
def test_who_does_not_say_yes_is_left_with_the_line(set_up: SetUp, answer: str) -> None:
    status, said, calls = set_up(answer)
    assert status == 1
    assert "Install them with sudo apt-get? [y/N]" in said
    assert "sudo apt-get update && sudo apt-get install -y" in said
    assert of_root(calls) == []


@pytest.mark.parametrize("answer", ["y", "Yes"])
def test_who_says_yes_is_served(set_up: SetUp, answer: str) -> None:
    status, _, calls = set_up(answer)
    assert status == 0
    assert next(call for call in calls if call.startswith("sudo")) == "sudo apt-get update -qq"


def test_root_is_not_asked(set_up: SetUp, programs: Path) -> None:
    stand_in(programs / "id", "echo 0")
    status, said, calls = set_up(None)
    assert status == 0
    assert "[y/N]" not in said
    assert "apt-get update -qq" in calls
    assert not any(call.startswith("sudo") for call in calls)


def test_the_installer_is_known_by_its_hash(set_up: SetUp, project: Path, programs: Path) -> None:
    shutil.rmtree(project / ".venv")
    stand_in(programs / "dpkg-query", "echo install ok installed")
    copies = 'mkdir -p .venv/bin; cp "$0" .venv/bin/python; cp "$0" .venv/bin/uv'
    makes = f"[ -x .venv/bin/uv ] || {{ {copies}; }}"
    for name in ("python3.13", "python3"):
        stand_in(programs / name, makes)
    status, said, calls = set_up(None)
    assert status == 0, said
    (install,) = [call for call in calls if "pip install" in call]
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert install.endswith("--requirement packaging/uv.txt")
    assert any("sync --frozen" in call for call in calls)


def test_the_installers_hashes_are_those_of_the_lock() -> None:
    text = (ROOT / "packaging" / "uv.txt").read_text("utf-8")
    assert text == runpy.run_path(str(ROOT / "packaging" / "pin_uv.py"))["pinned"]()
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    (found,) = [package for package in lock["package"] if package["name"] == "uv"]
    assert f"uv=={found['version']} " in text
    assert set(re.findall(r"--hash=(\S+)", text)) == {wheel["hash"] for wheel in found["wheels"]}


@pytest.mark.parametrize(
    ("status", "ends", "says"),
    [
        (0, 0, "No advisory is known"),
        (1, 1, "has an advisory"),
        (2, 2, "Nothing was compared"),
        (101, 2, "Nothing was compared"),
    ],
)
def test_an_audit_says_what_it_knows(
    project: Path, tmp_path: Path, status: int, ends: int, says: str
) -> None:
    stand_in(project / ".venv" / "bin" / "uv", f"exit {status}")
    done = subprocess.run(
        ["sh", "packaging/advisories.sh"],
        env={**os.environ, "CALLS": str(tmp_path / "calls")},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends
    assert says in done.stdout + done.stderr
