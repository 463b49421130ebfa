"""A window, offscreen, with all that a session shows in it, and a watch on whether it answers."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication

from atlas_desktop.session.transcript import Message
from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.cues.cue_strip import CueStrip
from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.message_list import MessageList
from atlas_desktop.ui.talk.transcript_model import TranscriptModel
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from atlas_desktop.video.picture_view import PictureView
from tests.stalls import Stall, StallWatch
from tests.ui.model_bench import ModelBench

ANSWER_LIMIT_S = 0.1
_PROBED_EVERY_MS = 5


class AnswerProbe(QObject):
    """Looks how long events wait: by the clock, and by what the thread itself computed meanwhile.

    Attributes:
        worst_s: The longest wait, by the clock; other programs make it longer.
        worst_busy_s: The most that this thread computed between two events.
        stalls: Callbacks that computed, or waited for something, for too long.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stalls: list[Stall] = []
        self._watch = StallWatch(self.stalls.append)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_PROBED_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self.clear()
        self._timer.start()

    def clear(self) -> None:
        """Begins anew."""
        self.worst_s = self.worst_busy_s = 0.0
        self.stalls.clear()
        self._looked_s, self._worked_s = time.monotonic(), time.thread_time()

    def stop(self) -> None:
        """Looks no more."""
        self._timer.stop()
        self._watch.stop()

    @Slot()
    def _look(self) -> None:
        now_s, worked_s = time.monotonic(), time.thread_time()
        self.worst_s = max(self.worst_s, now_s - self._looked_s)
        self.worst_busy_s = max(self.worst_busy_s, worked_s - self._worked_s)
        self._looked_s, self._worked_s = now_s, worked_s


class Complaints(logging.Handler):
    """What the program logs as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] in ("atlas_desktop", "asyncio", "root"):
            self.said.append(f"{record.levelname} {record.name}: {record.getMessage()[:300]}")


class Watched:
    """A model in its window, on the screen that there is not."""

    def __init__(self, application: QApplication, bench: ModelBench) -> None:
        self.bench = bench
        self.theme = Theme(application, ThemeChoice.DARK)
        self.window = MainWindow(self.theme, ())
        wiring = WindowWiring(self.window, bench.model, self.theme)
        picture = PictureView(bench.session.video)
        cues, waiting = CueStrip(bench.model, self.theme), CueStrip(bench.model, self.theme)
        stage = LivePage(bench.model, self.theme, picture, cues)
        pane = TranscriptPane(bench.model, self.theme)
        wiring.join_live(stage, pane, waiting)
        self.window.resize(1024, 700)
        self.window.show()
        messages = pane.findChild(MessageList)
        assert messages is not None
        rows = messages.model()
        assert isinstance(rows, TranscriptModel)
        self.rows = rows
        self.probe = AnswerProbe()
        self.complaints = Complaints()
        logging.getLogger().addHandler(self.complaints)

    async def shown(self, quiet_s: float = 0.0, limit_s: float = 60.0) -> bool:
        """Waits until all messages are in the list; whether that came to be.

        Args:
            quiet_s: For so long nothing more must have come.
            limit_s: Not longer than this.
        """
        until_s, known, since_s = time.monotonic() + limit_s, self._all(), time.monotonic()
        while time.monotonic() < until_s:
            messages = self._all()
            if messages != known:
                known, since_s = messages, time.monotonic()
            elif messages == self._listed() and time.monotonic() - since_s >= quiet_s:
                return True
            await asyncio.sleep(0.05)
        return False

    def _all(self) -> list[Message]:
        return list(self.bench.model.messages)

    def _listed(self) -> list[Message]:
        return [self.rows.message(row) for row in range(self.rows.rowCount())]

    def found(self) -> list[str]:
        """What should not be, since the last time."""
        found = [f"complained: {said}" for said in self.complaints.said]
        found += [str(stall) for stall in self.probe.stalls]
        if self.probe.worst_busy_s > ANSWER_LIMIT_S:
            found.append(
                f"the window did not answer for {self.probe.worst_busy_s * 1000:.0f} ms of computing"
            )
        if "bug" in self.bench.notices:
            found.append(f"a bug was told: {self.bench.notices.pop('bug')}")
        self.complaints.said.clear()
        self.probe.clear()
        return found

    async def aclose(self) -> None:
        """The window goes, and all that is behind it."""
        self.probe.stop()
        logging.getLogger().removeHandler(self.complaints)
        await self.bench.aclose()
        self.window.close_for_good()


@asynccontextmanager
async def watched(application: QApplication, bench: ModelBench) -> AsyncIterator[Watched]:
    """A window over ``bench`` for as long as the block runs."""
    window = Watched(application, bench)
    await bench.load()
    try:
        yield window
    finally:
        await window.aclose()


def prepare(folder: Path) -> None:
    """Sets what must be set before Qt begins: no screen, no home but ``folder``."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["HOME"] = str(folder)
