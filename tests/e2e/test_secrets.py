"""A run of everything with recognisable secrets, then a search: they are where they were given, nowhere else.

What is searched: the profile, with logs, journal, transcripts and settings; what the program wrote to its
terminal; the run's folders; command line and environment of each of its processes; every text on the
accessibility bus; all traffic of the session bus and of the accessibility bus, the keyring's included (it
and gnome-keyring encrypt secrets there); the clipboard; core dumps.
"""

import base64
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from atlas_desktop.storage.profile import Profile
from tests.desk.process import run, running, wait_until
from tests.e2e.accessibility import poll
from tests.e2e.program import LocalAtlas, Window
from tests.e2e.stage import Stage
from tests.hostile.secrecy.search import Finding, Search
from tests.hostile.secrecy.service import EchoService
from tests.unit.connect_proxy import ConnectProxy

PASTED = "ak_Pasted7QzT4mB2vN8sD1fG6hJ3kL5wX"
TOKEN = "tok-Backend9x2YcV5bN8mQ1wE4rT7uI"
PASSWORD = "pw-Proxy3aS6dF9gH2jK5lZ8xC1vB4n"
PLANTED = "ak_Planted5tG8bN2hY6uJ9mK3iL7oP1q"
USER = "ann"
ROOM_TOKEN = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")
TRIALS = [
    ("a detail", "as it is"),
    ("a page's title", "base64"),
    ("a page's text", "percent-encoded twice"),
    ("a code", "lower case"),
    ("plain text", "hexadecimal"),
    ("a nested error", "escaped as JSON"),
    ("JSON that is no object", "taken apart"),
    ("no room address", "upper case"),
    ("a room address", "base64"),
    ("an id without a room", "glued to words"),
]

_READ_CLIPBOARD = """
import sys
from PySide6.QtGui import QGuiApplication
application = QGuiApplication(sys.argv)
sys.stdout.write(QGuiApplication.clipboard().text())
"""
_KEEP_TOKEN = """
import asyncio, sys
from atlas_desktop.storage.keys import KeyStore
kept = asyncio.run(KeyStore(sys.argv[1]).put(sys.argv[2], sys.stdin.read()))
assert kept.problem is None, kept.problem
"""


@dataclass
class Witness:
    """Looks at a program from outside, and keeps what it finds.

    Attributes:
        found: What should not be there.
        texts: How many texts of windows were looked at.
    """

    desk: Stage
    search: Search
    folder: Path
    found: list[Finding] = field(default_factory=list)
    texts: int = 0

    def look(self, program: Window) -> None:
        """Search the window as a screen reader has it, and what the system shows of its processes."""
        for text in program.screen.texts():
            self.texts += 1
            self.found += self.search.in_text(text, "the window")
        for process in (psutil.Process(program.pid), *psutil.Process(program.pid).children(recursive=True)):
            try:
                shown = [*process.cmdline(), *map("=".join, process.environ().items())]
            except psutil.Error:
                continue  # gone meanwhile
            for text in shown:
                self.found += self.search.in_text(text, f"process {process.pid}")

    def look_at_clipboard(self) -> str:
        done = subprocess.run(
            [sys.executable, "-c", _READ_CLIPBOARD],
            env={**self.desk.env, "QT_QPA_PLATFORM": "xcb"},
            capture_output=True,
            text=True,
            check=True,
        )
        self.found += self.search.in_text(done.stdout, "the clipboard")
        return done.stdout

    def look_at_files(self) -> None:
        """Search all that the program may have written to; the keyring's store is encrypted."""
        elsewhere = [Path(self.desk.env[name]) for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME")]
        temporary = Path(tempfile.gettempdir()).glob("*atlas*")
        for folder in (self.folder, *elsewhere, *temporary):
            self.found += self.search.in_folder(folder)
        for file in self.folder.rglob("*"):
            if file.is_file():
                # What joins a room is the room's alone.
                assert not ROOM_TOKEN.search(file.read_bytes()), file


def _is_filled(file: Path) -> bool:
    return file.stat().st_size > 0


def _is_asked(service: EchoService, before: int) -> bool:
    return len(service.bearers) > before


@contextmanager
def bus_traffic(desk: Stage, folder: Path) -> Iterator[list[Path]]:
    """Records all that is said on the session bus and on the accessibility bus."""
    addresses = (desk.env["DBUS_SESSION_BUS_ADDRESS"], desk.env["AT_SPI_BUS_ADDRESS"])
    files = [folder / f"bus-{number}" for number in range(len(addresses))]
    with ExitStack() as stack:
        for file, address in zip(files, addresses, strict=True):
            words = ["dbus-monitor", "--binary", "--address", address]
            stack.enter_context(running(words, desk.env, file))
        for file in files:
            wait_until(partial(_is_filled, file), "dbus-monitor", file)
        yield files


def search_for(atlas: LocalAtlas) -> Search:
    sent = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return Search(key=atlas.key, pasted=PASTED, token=TOKEN, password=PASSWORD, authorization=sent)


@pytest.fixture
def folder(desk: Stage) -> Path:
    return desk.new_folder("secrets")


@pytest.fixture
def witness(desk: Stage, atlas: LocalAtlas, folder: Path) -> Witness:
    return Witness(desk, search_for(atlas), folder)


def hold_a_call(desk: Stage, atlas: LocalAtlas, folder: Path, witness: Witness) -> None:
    """A paid session with the environment's key, behind a proxy with a password; and a crash in the end."""
    named = {"HTTPS_PROXY": f"http://{USER}:{PASSWORD}@127.0.0.1:9", "ALL_PROXY": f"{USER}:{PASSWORD}@x:9"}
    env = {**desk.env, **named, "ATLAS_API_BASE": atlas.base, "ATLAS_API_KEY": atlas.key}
    with desk.open("--start", "--mode", "conversation", folder=folder, env=env) as program:
        program.wait_state("Live")
        program.wait_transcript(r"^Atlas, ")
        witness.look(program)
        program.end_session()
        program.back_to_start()
        program.screen.press("Rehearse")
        program.wait_state("Live")
        witness.look(program)
        os.kill(program.pid, signal.SIGABRT)
        assert program.process.wait(20) == -signal.SIGABRT
    with desk.open(folder=folder, ATLAS_API_BASE=atlas.base) as program:
        program.screen.press("Copy report")
        assert poll(lambda: "stopped unexpectedly: began" in witness.look_at_clipboard(), 10)
        witness.look(program)


def be_echoed(desk: Stage, folder: Path, witness: Witness) -> None:
    """A pasted key, which the service gives back in every place; it is kept in the keyring meanwhile."""
    with EchoService(TRIALS).running() as service:
        with desk.open(folder=folder, ATLAS_API_BASE=service.base) as program:
            desk.paste(program, "API key", PASTED)
            for number in range(len(TRIALS)):
                program.screen.press("Start")
                assert poll(partial(_is_asked, service, number), 20)
                program.wait_state("Failed", 40)
                witness.look(program)
                program.back_to_start()
            program.wait_words("Kept in this computer's keyring.")
            witness.look(program)
        assert set(service.bearers) == {PASTED}


def use_a_backend(desk: Stage, folder: Path, witness: Witness) -> None:
    """A backend whose token is in the keyring, and is given back."""
    with EchoService([("a message", "base64")]).running() as service:
        address = f"{service.base}/atlas"
        words = [sys.executable, "-c", _KEEP_TOKEN, Profile.at(folder / "profile").name, address]
        subprocess.run(words, env=desk.env, input=TOKEN, text=True, check=True, capture_output=True)
        with desk.open("--start", folder=folder, ATLAS_BACKEND_URL=address) as program:
            program.wait_state("Failed")
            witness.look(program)
        assert set(service.bearers) == {TOKEN}


def be_refused_by_a_proxy(desk: Stage, folder: Path, witness: Witness) -> None:
    """A proxy that says again what it was told."""
    sent = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with ConnectProxy(refusal=f"403 not for {PASSWORD.upper()} ({sent})") as proxy:
        named = {"HTTPS_PROXY": f"http://{USER}:{PASSWORD}@{proxy.address}"}
        env = {**desk.env, **named, "ATLAS_API_BASE": "https://atlas.example", "ATLAS_API_KEY": PASTED}
        with desk.open("--start", folder=folder, env=env) as program:
            program.wait_state("Failed")
            program.wait_words("did not let us through")
            witness.look(program)
        assert f"Basic {sent}" in proxy.given


def cores() -> set[Path]:
    """Dumps where the kernel puts them by default: where a process was."""
    return {file for file in Path.cwd().glob("core*") if file.is_file()}


@pytest.mark.timeout(300)
def test_no_secret_is_anywhere_but_where_it_was_given(
    desk: Stage, atlas: LocalAtlas, folder: Path, witness: Witness, tmp_path: Path
) -> None:
    dumped = cores()
    with bus_traffic(desk, tmp_path) as traffic:
        hold_a_call(desk, atlas, folder, witness)
        be_echoed(desk, folder, witness)
        use_a_backend(desk, folder, witness)
        be_refused_by_a_proxy(desk, folder, witness)
    for file in traffic:
        assert file.stat().st_size > 10_000, "nothing was recorded"
        witness.found += witness.search.in_bytes(file.read_bytes(), file.name)
    witness.look_at_files()
    assert witness.texts > 100
    assert [str(found) for found in witness.found] == []
    assert cores() == dumped


def test_the_same_search_finds_what_is_planted(
    desk: Stage, folder: Path, witness: Witness, tmp_path: Path
) -> None:
    witness.search = Search(planted=PLANTED)
    coded = base64.b64encode(f"key={PLANTED}".encode()).decode()
    with bus_traffic(desk, tmp_path) as traffic, desk.open(folder=folder) as program:
        (folder / "profile" / "log" / "note").write_text(f"it was {coded}", "utf-8")
        witness.look_at_files()
        assert {found.where for found in witness.found} == {str(folder / "profile" / "log" / "note")}
        witness.found.clear()
        program.screen.press("Rehearse")
        program.wait_state("Live")
        desk.paste(program, "Message", PLANTED)
        witness.look(program)
        assert {found.where for found in witness.found} == {"the window"}
        witness.found.clear()
        assert witness.look_at_clipboard() == PLANTED
        assert {found.where for found in witness.found} == {"the clipboard"}
        words = ["dbus-send", "--session", "/x", "org.example.X", f"string:{coded}"]
        run(words, desk.env)
        assert poll(lambda: witness.search.in_bytes(traffic[0].read_bytes(), "the bus"), 10)
    with subprocess.Popen(
        [sys.executable, "-c", "input()", PLANTED], stdin=subprocess.PIPE, env={"SOME_KEY": PLANTED}
    ) as process:
        shown = psutil.Process(process.pid)
        assert poll(lambda: witness.search.in_text(str(shown.environ()), "its environment"), 10)
        assert witness.search.in_text(str(shown.cmdline()), "its command line")
        process.communicate(b"\n")
