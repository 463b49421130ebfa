import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.media.frames import I420Frame
from atlas_desktop.video.picture_view import PictureView
from tests.desk.display import display

ATTEMPTS = 3
RED, GREEN = (81, 90, 240), (145, 54, 34)


def solid(colour: tuple[int, int, int] = RED, width: int = 64, height: int = 64) -> I420Frame:
    parts = [np.full(width * height, colour[0])]
    parts += [np.full(((width + 1) // 2) * ((height + 1) // 2), value) for value in colour[1:]]
    now_us = monotonic_us()
    return I420Frame(np.concatenate(parts).astype(np.uint8), width, height, now_us, 0, now_us)


@pytest.fixture
def feed() -> VideoFeed:
    return VideoFeed()


@pytest.fixture
def view(qtbot: QtBot, feed: VideoFeed) -> Iterator[PictureView]:
    view = PictureView(feed)
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    qtbot.waitExposed(view)
    yield view
    view.detach()


def colour_at(view: PictureView, x: int, y: int) -> str:
    return QColor(view.grab().toImage().pixelColor(x, y)).name()


def is_red(view: PictureView, x: int, y: int) -> bool:
    colour = view.grab().toImage().pixelColor(x, y)
    return colour.red() > 240 and colour.green() < 15 and colour.blue() < 15


def offer(qtbot: QtBot, view: PictureView, feed: VideoFeed, frame: I420Frame) -> None:
    with qtbot.waitSignal(view.arrived):
        feed.offer(frame)
    # One that comes sooner than the screen shows it waits for that.
    qtbot.wait(20)


def test_a_frame_is_shown_with_bars_beside_it(qtbot: QtBot, view: PictureView, feed: VideoFeed) -> None:
    view.set_bars(QColor("#090a0d"))
    offer(qtbot, view, feed, solid())
    assert view.picture_rect.getRect() == (50, 0, 200, 200)
    assert is_red(view, 55, 5)
    assert is_red(view, 244, 195)
    assert colour_at(view, 45, 100) == "#090a0d"
    assert colour_at(view, 255, 100) == "#090a0d"
    assert view.counters.painted == 1
    assert view.counters.last_painted_us is not None
    assert view.counters.last_delay_us < 1_000_000


def test_only_the_newest_of_many_is_painted(qtbot: QtBot, view: PictureView, feed: VideoFeed) -> None:
    with qtbot.waitSignal(view.arrived):
        for _ in range(9):
            feed.offer(solid(GREEN))
        feed.offer(solid(RED))
    qtbot.wait(5)
    assert view.counters.painted == 1
    assert feed.dropped == 9
    assert is_red(view, 150, 100)


def test_the_poster_stands_until_the_first_frame_and_after_a_clear(
    qtbot: QtBot, view: PictureView, feed: VideoFeed
) -> None:
    poster = QImage(10, 10, QImage.Format.Format_RGB32)
    poster.fill(QColor("#123456"))
    view.set_poster(poster)
    shown = [colour_at(view, 150, 100)]
    offer(qtbot, view, feed, solid())
    shown.append("red" if is_red(view, 150, 100) else "other")
    view.clear()
    shown.append(colour_at(view, 150, 100))
    assert shown == ["#123456", "red", "#123456"]
    assert view.counters.painted == 0


def test_without_poster_and_picture_it_is_the_bars_colour(view: PictureView) -> None:
    assert colour_at(view, 150, 100) == "#000000"


def test_a_resize_keeps_the_picture(qtbot: QtBot, view: PictureView, feed: VideoFeed) -> None:
    offer(qtbot, view, feed, solid())
    view.resize(200, 400)
    assert view.picture_rect.getRect() == (0, 100, 200, 200)
    assert is_red(view, 100, 110)
    assert colour_at(view, 100, 90) == "#000000"


def test_a_new_shape_of_picture_leaves_nothing_of_the_old(
    qtbot: QtBot, view: PictureView, feed: VideoFeed
) -> None:
    offer(qtbot, view, feed, solid(GREEN, 128, 64))
    offer(qtbot, view, feed, solid(RED, 33, 65))
    assert view.picture_rect.height() == 200
    assert colour_at(view, 60, 100) == "#000000"
    assert is_red(view, 150, 100)


def test_a_hidden_view_takes_frames_and_shows_the_last_when_it_is_back(
    qtbot: QtBot, view: PictureView, feed: VideoFeed
) -> None:
    view.hide()
    offer(qtbot, view, feed, solid(GREEN))
    offer(qtbot, view, feed, solid(RED))
    assert (view.counters.painted, view.counters.unseen) == (0, 2)
    view.show()
    assert is_red(view, 150, 100)


def test_a_frame_too_small_to_be_a_picture_is_passed_over(
    qtbot: QtBot, view: PictureView, feed: VideoFeed
) -> None:
    offer(qtbot, view, feed, solid(RED, 2, 2))
    assert view.counters.painted == 0
    assert colour_at(view, 150, 100) == "#000000"


def test_a_frame_after_the_window_is_gone_harms_nobody(qtbot: QtBot, feed: VideoFeed) -> None:
    view = PictureView(feed)
    view.detach()
    feed.offer(solid())
    assert feed.latest() is not None
    assert view.counters.painted == 0
    view.close()


def paint(scale: str, **more: object) -> dict[str, Any]:
    """Two seconds of frames on a display of their own, at this scale."""
    order = {"seconds": 2, "window_px": 384, **more}
    with display(os.environ) as env:
        done = subprocess.run(
            [sys.executable, "-m", "tests.desk.painter", json.dumps(order)],
            env={**env, "QT_SCALE_FACTOR": scale},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("scale", ["1", "1.5", "2"])
def test_every_frame_reaches_a_real_screen_in_time(scale: str) -> None:
    # Other programs may take the machine for a moment; a view that is too slow is so in every attempt.
    found = []
    for _ in range(ATTEMPTS):
        report = paint(scale)
        assert report["received"] == 50
        assert report["painted"] + report["dropped"] == 50
        assert report["ratio"] == float(scale)
        found.append((report["painted"], report["cost_ms"]))
        # About 3.5 ms on two cores without a GPU.
        if report["painted"] >= 47 and report["cost_ms"] < 15:
            return
    pytest.fail(f"painted, cost in ms: {found}")


def test_of_more_frames_than_the_screen_shows_the_newest_are_painted() -> None:
    report = paint("1", frames_per_s=240)
    assert report["received"] == 480
    assert report["painted"] + report["dropped"] == 480
    # The screen shows 60 a second; that many come every 12 ms.
    assert 20 <= report["painted"] <= 180
    # Nothing piles up: the last one is as young as the others.
    assert report["last_delay_us"] < 200_000


def test_one_frame_a_second_is_shown_when_it_comes() -> None:
    report = paint("1", frames_per_s=1)
    assert (report["received"], report["painted"]) == (2, 2)


def test_a_frame_of_8k_is_shown_and_not_hoarded() -> None:
    report = paint("1", frame_px=[7680, 4320], frames_per_s=4, seconds=5)
    assert report["painted"] >= 1
    # The maker holds one of 50 MB and rolls another; the view and the feed hold one, or two in passing.
    # All twenty would be a gigabyte.
    assert report["peak_mb"] < 650
