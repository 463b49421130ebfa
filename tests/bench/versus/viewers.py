"""The two that are compared, each started as its user starts it."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from subprocess import Popen
from typing import Protocol

from atlas_desktop.storage.settings import Settings
from tests.bench.versus.page_server import page_server
from tests.desk.process import DeskError, running
from tests.e2e.program import give_settings

START_KEYS = "ctrl+Return"
_LIP_SYNC = "lip_sync"
# What the program's bars and its transcript leave for the picture: the page leaves as much, so that
# both paint the picture in one size.
_PICTURE_PX = (704, 648)
_CHROMIUM_FLAGS = (
    "--kiosk",
    "--window-position=0,0",
    "--window-size=1024,768",
    "--autoplay-policy=no-user-gesture-required",
    # There is no GPU: Chromium finds that out by itself, and then takes 40 MB and a point of CPU more.
    "--disable-gpu",
    # It refuses to run as root otherwise.
    "--no-sandbox",
    # What it would do beside showing the page counts for nobody.
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the sender is, and the key to it."""

    base: str
    key: str


@dataclass(frozen=True, slots=True)
class Way:
    """How a viewer is run.

    Attributes:
        stalled: Its main thread stands still now and then.
        pressed: It joins when ``START_KEYS`` are pressed, else at once.
        beside: Goes before its command.
    """

    stalled: bool = False
    pressed: bool = False
    beside: Sequence[str] = ()


AS_USUAL = Way()


class Viewer(Protocol):
    """Something that shows the stream full screen and plays its sound."""

    name: str

    def open(
        self, at: Address, env: Mapping[str, str], folder: Path, way: Way = AS_USUAL
    ) -> AbstractContextManager["Popen[bytes]"]:
        """Runs it during the block."""
        ...


def has_lip_sync() -> bool:
    """Whether the program has the choice between lip sync and the lowest delay."""
    return any(field.name == _LIP_SYNC for field in fields(Settings))


class Program:
    """Atlas Desktop: the full window."""

    def __init__(self, lip_sync: bool = True, by_gl: bool = False) -> None:
        self.name = "program" if lip_sync else "program, lowest delay"
        if by_gl:
            self.name += ", OpenGL"
        self._lip_sync = lip_sync
        self._by_gl = by_gl

    @contextmanager
    def open(
        self, at: Address, env: Mapping[str, str], folder: Path, way: Way = AS_USUAL
    ) -> "Iterator[Popen[bytes]]":
        profile = folder / "profile"
        give_settings(profile, limits_seen=True, volume=100, **self._settings())
        module = "tests.bench.versus.stalled" if way.stalled else "atlas_desktop"
        words = [sys.executable, "-m", module, "--profile", str(profile)]
        words += () if way.pressed else ("--start",)
        env = {**env, "ATLAS_API_BASE": at.base, "ATLAS_API_KEY": at.key}
        with running([*way.beside, *words], env, folder / "viewer.log") as process:
            yield process

    def _settings(self) -> dict[str, object]:
        chosen: dict[str, object] = {_LIP_SYNC: self._lip_sync} if has_lip_sync() else {}
        return chosen | ({"picture_path": "gl"} if self._by_gl else {})


class Chromium:
    """A page built on livekit-client in Debian's Chromium."""

    name = "chromium"

    @contextmanager
    def open(
        self, at: Address, env: Mapping[str, str], folder: Path, way: Way = AS_USUAL
    ) -> "Iterator[Popen[bytes]]":
        if shutil.which("chromium") is None:
            raise DeskError("chromium is missing: run packaging/setup.sh run desk test bench")
        with page_server(at.base, at.key) as page:
            url = "{}?width={}&height={}".format(page, *_PICTURE_PX)
            url += ("&stall" if way.stalled else "") + ("&press" if way.pressed else "")
            words = ["chromium", *_CHROMIUM_FLAGS, f"--user-data-dir={folder / 'chromium'}", f"--app={url}"]
            with running([*way.beside, *words], env, folder / "viewer.log") as process:
                yield process
