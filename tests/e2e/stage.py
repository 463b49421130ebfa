"""The desk of the whole run: display, sound card, buses and keyring, and the programs opened on it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from tests.desk.bus import accessibility, session_bus
from tests.desk.display import display
from tests.desk.keyring import secret_service
from tests.desk.languages import with_locale
from tests.desk.sound import Card, sound
from tests.e2e.accessibility import Accessibility, poll
from tests.e2e.ears import Ears
from tests.e2e.eyes import look
from tests.e2e.hands import Hands
from tests.e2e.program import LocalAtlas, Window, local_atlas, window

_NOT_INHERITED = ("ATLAS_", "XDG_")


@dataclass
class Stage:
    """Where the program under test is opened.

    Attributes:
        card: The sound card; its ``env`` leads a program to everything else, too.
        hands: Mouse and keyboard.
        folder: Profiles and logs lie below it.
    """

    card: Card
    hands: Hands
    folder: Path
    _figures_ms: list[tuple[str, float]] = field(default_factory=list)
    _opened: list[Window] = field(default_factory=list)
    _number: int = 0
    _last_sight: tuple[str, Image.Image, list[Path]] | None = None

    @property
    def env(self) -> dict[str, str]:
        return self.card.env

    def new_folder(self, name: str) -> Path:
        self._number += 1
        folder = self.folder / f"{self._number:02d}-{name}"
        folder.mkdir()
        return folder

    def measured(self, what: str, seconds: float) -> float:
        """Notes a figure for the report; returns it in ms."""
        self._figures_ms.append((what, seconds * 1000))
        return seconds * 1000

    def take_figures(self) -> list[tuple[str, float]]:
        """What was measured since they were last taken, in ms."""
        taken, self._figures_ms = self._figures_ms, []
        return taken

    def paste(self, program: Window, field: str, text: str) -> None:
        """Pastes ``text`` from another program into the field of that name, in place of what it holds."""
        self.hands.copy(text)
        control = program.screen.wait("text", field)
        self.hands.click(*control.centre)
        assert poll(lambda: control.focused, 5), program.screen.listing()
        self.hands.key("ctrl+a", "ctrl+v")

    def drop(self, program: Window, *paths: Path) -> float:
        """Drags files onto the middle of the window; returns when they were let go, in CLOCK_MONOTONIC s."""
        window = program.screen.wait("frame", "Atlas Desktop")
        return self.hands.drag("files", [str(path) for path in paths], window.centre)

    @contextmanager
    def listening(self) -> Iterator[Ears]:
        """Records the speaker during the block."""
        with self.card.recording() as recording:
            yield Ears(recording)

    @contextmanager
    def open(
        self, *words: str, folder: Path | None = None, env: Mapping[str, str] | None = None, **more_env: str
    ) -> Iterator[Window]:
        """Opens the program with ``words``: by default on a new profile, in the desk's environment.

        Args:
            words: Its arguments.
            folder: That of an earlier run, to open the same profile again.
            env: Another environment than the desk's.
            more_env: What is added to either.
        """
        with window(
            {**(env or self.env), **more_env}, folder or self.new_folder("program"), *words
        ) as opened:
            self._opened.append(opened)
            try:
                yield opened
            except BaseException:
                # Before it is gone: what was to be seen is what explains the failure.
                self._last_sight = self._describe()
                raise
            finally:
                self._opened.remove(opened)

    @contextmanager
    def serve(self, *words: str) -> Iterator[LocalAtlas]:
        """Runs ``atlas-desktop local`` in a process of its own."""
        with local_atlas(self.env, self.new_folder("local") / "local.log", *words) as served:
            yield served

    def evidence(self, folder: Path) -> str:
        """Keeps what was seen and logged at the failure in ``folder``; says where, and what it was."""
        words, picture, logs = self._last_sight or self._describe()
        self._last_sight = None
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / "screen.png")
        kept = [f"screenshot: {folder / 'screen.png'}"]
        for number, log in enumerate(logs):
            shutil.copyfile(log, folder / f"program-{number}.log")
            kept += [f"log: {folder / f'program-{number}.log'}", log.read_text(errors="replace")[-3000:]]
        return "\n".join([*kept, words])

    def _describe(self) -> tuple[str, Image.Image, list[Path]]:
        words = []
        for opened in self._opened:
            status = opened.process.poll()
            gone = "" if status is None else f"the program is gone: {status}\n"
            words.append(gone + opened.screen.listing())
        logs = [log for opened in self._opened for log in (opened.log, opened.complaints) if log.exists()]
        return "\n".join(words), Image.fromarray(look(self.env)), logs


@contextmanager
def stage(folder: Path, locale: str) -> Iterator[Stage]:
    """Sets everything up for a user with that locale, and takes it down again."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_INHERITED)}
    bare = with_locale(inherited, locale)
    with ExitStack() as stack:
        env = stack.enter_context(session_bus(bare))
        env = stack.enter_context(secret_service(env))
        env = stack.enter_context(accessibility(env))
        # Named, as the display's own note of it may be another bus's, which is gone.
        env = {**env, "AT_SPI_BUS_ADDRESS": Accessibility.address_for(env)}
        env = stack.enter_context(display(env))
        card = stack.enter_context(sound(env))
        hands = stack.enter_context(closing(Hands(card.env)))
        yield Stage(card, hands, folder)
