"""The statistics: what they say, and that they cost nothing while nobody looks."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode
from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.media.frames import I420Frame, i420_size
from atlas_desktop.media.lipsync import SyncFigures
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.state import Live, Parked, Summary
from atlas_desktop.sound_client.memory import SoundCounters
from atlas_desktop.ui.live.call_statistics import CallFigures, CallStatistics
from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.live.statistics_card import EVERY_MS, StatisticsCard
from atlas_desktop.ui.live.statistics_texts import NOTHING, StatisticsTexts
from atlas_desktop.ui.look.pill import PillButton
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.video.picture_view import PictureView
from tests.ui.desk import Desk, button
from tests.ui.driven_model import GRANT, DrivenModel

SYNC = SyncFigures(lip_sync=True, settled=True, hold_ms=63.7, sound_ms=80.2, picture_ms=78.4, skew_ms=1.8)
FIGURES = CallFigures(
    size_px=(512, 512),
    rate_hz=24.96,
    received=1250,
    shown=1240,
    dropped=8,
    sync=SYNC,
    speaker_ms=18.0,
    sound_held_ms=8.4,
    underruns=2,
    gaps=1,
    starved=3,
    round_trip_ms=32.3,
    painter="raster",
    paint_ms=1.23,
)


def frame() -> I420Frame:
    now_us = monotonic_us()
    return I420Frame(np.full(i420_size(64, 48), 128, np.uint8), 64, 48, now_us, 0, now_us)


def rows(figures: CallFigures) -> dict[str, str]:
    return dict(StatisticsTexts().rows(figures))


@dataclass
class Bench:
    window: QWidget
    page: LivePage
    model: DrivenModel
    feed: VideoFeed
    picture: PictureView
    looks: list[int] = field(default_factory=list)
    figures: CallFigures = FIGURES

    def read(self) -> CallFigures:
        self.looks.append(1)
        return self.figures

    @property
    def card(self) -> StatisticsCard:
        found = self.page.findChild(StatisticsCard)
        assert found is not None
        return found

    def names(self) -> set[str]:
        return {label.accessibleName() for label in self.card.findChildren(QLabel) if label.isVisible()}


@pytest.fixture
def bench(theme: Theme, qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    feed = VideoFeed()
    window, model, picture = QWidget(), DrivenModel(tmp_path), PictureView(feed)
    bench: Bench

    def read() -> CallFigures:
        return bench.read()

    page = LivePage(model, theme, picture, QLabel("Cues"), window, read_figures=read)
    bench = Bench(window, page, model, feed, picture)
    qtbot.addWidget(window)
    window.resize(780, 720)
    page.resize(780, 720)
    window.show()
    qtbot.waitExposed(window)
    model.live(rtt_ms=32.0)
    yield bench
    picture.detach()


def test_every_figure_in_words() -> None:
    assert rows(FIGURES) == {
        "Picture": "512 × 512, 25 a second",
        "Frames": "1240 shown of 1250, 8 dropped",
        "Picture delay": "78 ms",
        "Sound delay": "80 ms, 18 of it the speaker's",
        "Sound comes": "2 ms later",
        "Lip sync": "pictures wait 64 ms",
        "Sound held": "8 ms",
        "Sound ran dry": "2×, 1 of them heard; 3 for want of sound",
        "Round trip": "32 ms",
        "Painted by": "raster, 1.2 ms a frame",
    }


def test_what_is_not_known_is_not_said() -> None:
    said = rows(CallFigures())
    assert said["Lip sync"] == "pictures wait 0 ms, settling"
    assert said["Sound ran dry"] == "never"
    assert {value for caption, value in said.items() if caption not in ("Lip sync", "Sound ran dry")} == {
        NOTHING
    }


@pytest.mark.parametrize(
    ("skew_ms", "words"), [(-20.4, "20 ms earlier"), (0.3, "with the picture"), (None, NOTHING)]
)
def test_skew_in_words(skew_ms: float | None, words: str) -> None:
    assert rows(replace(FIGURES, sync=replace(SYNC, skew_ms=skew_ms)))["Sound comes"] == words


def test_other_ways_are_named() -> None:
    other = replace(FIGURES, unseen=4, sync=SyncFigures(lip_sync=False))
    said = rows(other)
    assert said["Lip sync"] == "off: lowest delay"
    assert said["Frames"].endswith(", 4 while hidden")


def test_the_latency_opens_them_and_closes_them(bench: Bench) -> None:
    assert bench.page.findChild(StatisticsCard) is None
    button(bench.page, "Statistics").click()
    assert bench.card.isVisible()
    assert "Round trip: 32 ms" in bench.names()
    button(bench.page, "Statistics").click()
    assert bench.card.isHidden()


def test_they_count_while_they_are_seen_and_only_then(bench: Bench, qtbot: QtBot) -> None:
    qtbot.wait(50)
    assert bench.looks == []
    bench.page.toggle_statistics()
    assert len(bench.looks) == 1
    bench.figures = replace(FIGURES, shown=1265, received=1275)
    qtbot.waitUntil(lambda: "Frames: 1265 shown of 1275, 8 dropped" in bench.names(), timeout=4 * EVERY_MS)
    assert bench.page.close_statistics()
    assert not bench.page.close_statistics()
    looks = len(bench.looks)
    qtbot.wait(round(EVERY_MS * 1.5))
    assert len(bench.looks) == looks
    bench.page.toggle_statistics()
    bench.page.hide()
    looks = len(bench.looks)
    qtbot.wait(round(EVERY_MS * 1.5))
    assert len(bench.looks) == looks


class PaintCount(QObject):
    """Counts the paintings of one widget."""

    def __init__(self, watched: QWidget) -> None:
        super().__init__(watched)
        self.paints = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.paints += event.type() == QEvent.Type.Paint
        return False


def test_frames_below_do_not_paint_the_card(bench: Bench, qtbot: QtBot) -> None:
    bench.page.toggle_statistics()
    qtbot.wait(100)
    label = next(label for label in bench.card.findChildren(QLabel) if label.text() == "32 ms")
    count = PaintCount(label)
    for _ in range(10):
        bench.feed.offer(frame())
        qtbot.wait(30)
    assert bench.picture.counters.painted >= 5
    assert bench.picture.picture_rect.intersects(bench.card.geometry())
    assert count.paints == 0


def test_what_reads_the_same_paints_nothing(bench: Bench, qtbot: QtBot) -> None:
    bench.feed.offer(frame())
    bench.page.toggle_statistics()
    qtbot.wait(200)
    picture, card = PaintCount(bench.picture), PaintCount(bench.card)
    looks = len(bench.looks)
    qtbot.waitUntil(lambda: len(bench.looks) > looks, timeout=3 * EVERY_MS)
    qtbot.wait(50)
    assert (picture.paints, card.paints) == (0, 0)


def test_the_button_is_there_with_the_latency_only(bench: Bench) -> None:
    pill = bench.page.findChild(PillButton)
    assert pill is not None
    assert pill.isVisible()
    bench.model.show(Parked(Summary("ses_1", Mode.CONVERSATION, True, 64.0, 0.18)), rtt_ms=None)
    assert pill.isHidden()
    pill.show()
    assert pill.isHidden()
    bench.model.live(rtt_ms=3.0)
    assert pill.isVisible()


def test_closing_gives_the_focus_to_the_stage(bench: Bench) -> None:
    bench.window.activateWindow()
    bench.page.toggle_statistics()
    close = button(bench.card, "Close statistics")
    close.setFocus()
    close.click()
    assert bench.card.isHidden()
    focused = bench.window.focusWidget()
    assert focused.accessibleName() == "Stage"


def test_they_are_copied_as_text(bench: Bench) -> None:
    bench.page.toggle_statistics()
    button(bench.card, "Copy statistics").click()
    text = QGuiApplication.clipboard().text()
    assert "Sound comes: 2 ms later" in text.splitlines()


@pytest.mark.parametrize("size", [(780, 720), (360, 480)])
def test_the_card_stays_in_the_stage(bench: Bench, size: tuple[int, int], qtbot: QtBot) -> None:
    bench.page.resize(*size)
    bench.page.toggle_statistics()
    qtbot.wait(50)
    stage = bench.card.parentWidget()
    assert stage is not None
    assert stage.rect().contains(bench.card.geometry())
    area = bench.card.findChild(QScrollArea)
    assert area is not None
    close = button(bench.card, "Close statistics")
    assert bench.card.rect().contains(close.rect().translated(close.mapTo(bench.card, QPoint())))
    if size == (780, 720):
        assert not area.verticalScrollBar().isVisible()


def test_keys_open_them_on_the_stage_alone(desk: Desk) -> None:
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(desk.window, Qt.Key.Key_I, both)
    assert not desk.stage.shows_statistics()
    desk.model.show(Live(GRANT), speaking=True)
    QTest.keyClick(desk.window, Qt.Key.Key_I, both)
    assert desk.stage.shows_statistics()
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert not desk.stage.shows_statistics()
    assert desk.asked("interrupt") == []


@dataclass
class Counted:
    counters: SoundCounters = field(default_factory=SoundCounters)


async def test_they_are_read_from_those_who_count(qtbot: QtBot) -> None:
    now_s = [10.0]
    session = AtlasSession()
    picture = PictureView(session.video)
    qtbot.addWidget(picture)
    sound = Counted()
    sound.counters.underruns = 4
    statistics = CallStatistics(session, picture, cast(Any, sound), lambda: now_s[0])
    statistics.begin()
    session.video.offer(frame())
    first = statistics.read()
    assert (first.size_px, first.received, first.rate_hz) == ((64, 48), 1, None)
    assert (first.underruns, first.sound_held_ms, first.painter) == (0, None, "raster")
    for _ in range(25):
        session.video.offer(frame())
    sound.counters.underruns, sound.counters.writes, sound.counters.level_ms = 5, 50, 8.0
    now_s[0] += 1.0
    second = statistics.read()
    assert second.rate_hz == 25.0
    assert (second.underruns, second.sound_held_ms) == (1, 8.0)
    # Nobody shows the view: what came is taken by nobody, but for the newest, which still waits.
    assert second.dropped == 25
    now_s[0] += 60.0
    assert statistics.read().rate_hz is None
    session.video.clear()
    assert statistics.read().dropped == 0
    picture.detach()
    await session.aclose()
