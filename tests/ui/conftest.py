"""What every test of the window needs: the look, once, and a window on a desk."""

import locale
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.locales import pin_c_numbers, set_c_numbers
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.look.press_guard import PressPolicy
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from atlas_desktop.video.picture_view import PictureView
from tests.stalls import Stall, StallWatch
from tests.ui.desk import Desk, ObservedPage
from tests.ui.driven_model import DrivenModel
from tests.ui.model_bench import KEY, Make, ModelBench
from tests.ui.press_clock import PressClock

# Qt aborts the whole run where there is no display; the virtual desk names a platform of its own.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# As the program does it, before anything sets the locale.
pin_c_numbers(os.environ)
ENGLISH = "en_US"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins with English numbers and dates, whatever locale the tests are run in."""
    monkeypatch.setenv("LC_TIME", ENGLISH)
    QLocale.setDefault(QLocale(ENGLISH))
    set_c_numbers()
    yield
    assert locale.localeconv()["decimal_point"] == "."


@pytest.fixture(scope="session")
def stall_watch() -> Iterator[list[Stall]]:
    """Every stall of this thread so far, the newest last."""
    stalls: list[Stall] = []
    watch = StallWatch(stalls.append)
    yield stalls
    watch.stop()


@pytest.fixture(autouse=True)
def no_stall(stall_watch: list[Stall]) -> Iterator[None]:
    """Fails a test in which a callback kept the window's thread from its events for over 100 ms."""
    known = len(stall_watch)
    yield
    found = stall_watch[known:]
    assert not found, "\n".join(map(str, found))


@pytest.fixture
def qtbot(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[QtBot]:
    """Keeps what is added to it until the test is over: pytest-qt itself does not.

    A dialog that nobody holds is collected whenever Python likes, in the midst of its painting too.
    """
    kept: list[QWidget] = []
    add = qtbot.addWidget

    def add_and_keep(widget: QWidget, **more: Any) -> None:
        kept.append(widget)
        add(widget, **more)

    monkeypatch.setattr(qtbot, "addWidget", add_and_keep)
    yield qtbot
    kept.clear()


@pytest.fixture(autouse=True)
def press_clock(monkeypatch: pytest.MonkeyPatch) -> PressClock:
    """Of all guarded buttons; stopped by tests of what happens in a hurry."""
    clock = PressClock()
    monkeypatch.setattr(PressPolicy, "clock_s", staticmethod(clock))
    return clock


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, ThemeChoice.DARK)


@pytest.fixture
def desk(theme: Theme, qtbot: QtBot, tmp_path: Path) -> Desk:
    theme.set_choice(ThemeChoice.DARK)
    window, model = MainWindow(theme, ()), DrivenModel(tmp_path, theme=ThemeChoice.DARK)
    qtbot.addWidget(window, before_close_func=lambda closing: closing.close_for_good())
    wiring = WindowWiring(window, model, theme)
    stage = ObservedPage(model, theme, PictureView(VideoFeed()), QLabel("Cues"))
    pane, waiting_cues = TranscriptPane(model, theme), QLabel("Cues")
    wiring.join_live(stage, pane, waiting_cues)
    stage.observe()
    window.show()
    return Desk(window, model, stage, pane, waiting_cues)


@pytest.fixture
async def make_model(tmp_path: Path, qapp: QApplication) -> AsyncIterator[Make]:
    made: list[ModelBench] = []

    def make(**values: object) -> ModelBench:
        profile = tmp_path / "profile"
        profile.mkdir(exist_ok=True)
        made.append(ModelBench(profile, **values))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for bench in made:
        await bench.aclose()


@pytest.fixture
async def keyed(make_model: Make) -> ModelBench:
    """A model with a key from the environment."""
    bench = make_model(environment=KEY)
    await bench.load()
    return bench
