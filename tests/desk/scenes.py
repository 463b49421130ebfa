"""A program that shows one scene after the other in the real picture view, and keeps what the X screen shows.

``python -m tests.desk.scenes '{"xwd": "/…/Xvfb_screen0", "out": "/…/seen.npz", "by_gl": true}'``. ``SCENES``
names them; ``only`` in the order picks some. It prints one JSON object.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.media.frames import ColourMatrix, I420Frame
from atlas_desktop.video.picture_view import PictureView
from tests.bench.versus import patches
from tests.bench.versus.glass import FrameBuffer

CORNERS = ((81, 90, 240), (145, 54, 34), (41, 240, 110), (180, 128, 128))
"""Red, green, blue, grey: top left, top right, bottom right, bottom left; Y, U, V."""
SQUARE, BARS = QSize(400, 400), QColor("#203040")
_LIMIT_S, _SETTLE_S = 20.0, 0.15


@dataclass(frozen=True, slots=True)
class Scene:
    """What is shown, and how large the view is."""

    make: Callable[[float], I420Frame]
    size: QSize = SQUARE
    is_shown: bool = True


def chart(width: int = 512, height: int = 512) -> I420Frame:
    now_us = monotonic_us()
    return I420Frame(patches.drawn(width, height).ravel(), width, height, now_us, 0, now_us)


def corners(width: int, height: int, rotation_deg: int = 0) -> I420Frame:
    """Four quarters, each of its own colour."""
    planes = []
    for part in range(3):
        wide, high = (width, height) if part == 0 else ((width + 1) // 2, (height + 1) // 2)
        plane = np.empty((high, wide), np.uint8)
        for place, colour in zip(((0, 0), (0, 1), (1, 1), (1, 0)), CORNERS, strict=True):
            rows = slice(high // 2, None) if place[0] else slice(high // 2)
            columns = slice(wide // 2, None) if place[1] else slice(wide // 2)
            plane[rows, columns] = colour[part]
        planes.append(plane.ravel())
    now_us = monotonic_us()
    return I420Frame(np.concatenate(planes), width, height, now_us, rotation_deg, now_us)


def stripes(side: int) -> I420Frame:
    """Columns of black and white, one pixel each: any second scaling makes grey of them."""
    luma = np.where(np.arange(side) % 2, 235, 16).astype(np.uint8)
    parts = [np.tile(luma, side), np.full(2 * ((side + 1) // 2) ** 2, 128, np.uint8)]
    now_us = monotonic_us()
    return I420Frame(np.concatenate(parts), side, side, now_us, 0, now_us)


def as_bt709(_ratio: float) -> I420Frame:
    frame = chart()
    frame.matrix = ColourMatrix.BT709
    return frame


def odd(rotation_deg: int, _ratio: float) -> I420Frame:
    return corners(511, 513, rotation_deg)


SCENES = {
    "chart": Scene(lambda _: chart()),
    **{f"odd {turn}": Scene(partial(odd, turn)) for turn in (0, 90, 180, 270)},
    "wide": Scene(lambda _: corners(640, 360)),
    "wide on its side": Scene(lambda _: corners(640, 360, 90)),
    "one pixel": Scene(lambda _: corners(1, 1), is_shown=False),
    "other window": Scene(lambda _: corners(65, 33), QSize(333, 401)),
    "8K": Scene(lambda _: corners(7680, 4320)),
    "stripes": Scene(lambda ratio: stripes(round(SQUARE.width() * ratio))),
    "BT.709": Scene(as_bt709),
    "chart again": Scene(lambda _: chart()),
}


class Shower:
    """Shows scenes, and looks at the screen."""

    def __init__(self, application: QApplication, order: dict[str, object]) -> None:
        self._application = application
        self._screen = FrameBuffer(Path(str(order["xwd"]))).rgb
        self._feed = VideoFeed()
        surface = None
        if order.get("by_gl"):
            from atlas_desktop.video.gl_surface import GlSurface

            surface = GlSurface()
        self.surface = surface
        self.view = PictureView(self._feed, surface=surface)
        self.failures: list[str] = []
        self.view.gl_failed.connect(self.failures.append)
        self.view.setWindowFlags(Qt.WindowType.X11BypassWindowManagerHint | Qt.WindowType.FramelessWindowHint)
        self.view.set_bars(BARS)
        self.view.move(0, 0)

    def show(self, names: Iterable[str]) -> dict[str, NDArray[np.uint8]]:
        """What the screen shows of each."""
        seen = {}
        for name in names:
            self._show(SCENES[name])
            ratio = self.view.devicePixelRatioF()
            wide, high = round(self.view.width() * ratio), round(self.view.height() * ratio)
            seen[name] = self._screen[:high, :wide].copy()
        return seen

    def _show(self, scene: Scene) -> None:
        if self.view.size() != scene.size or not self.view.isVisible():
            self.view.resize(scene.size)
            self.view.show()
            self._wait(_SETTLE_S)
        before = self.view.counters.painted
        self._feed.offer(scene.make(self.view.devicePixelRatioF()))
        until_s = time.monotonic() + _LIMIT_S
        while scene.is_shown and self.view.counters.painted == before and time.monotonic() < until_s:
            self._application.processEvents()
        self._wait(_SETTLE_S)

    def _wait(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._application.processEvents()
            time.sleep(0.005)


def main() -> None:
    order = json.loads(sys.argv[1])
    application = QApplication(sys.argv[:1])
    shower = Shower(application, order)
    seen = shower.show(order.get("only", SCENES))
    if order.get("fails") and shower.surface is not None:
        shower.surface.failed.emit("made up")
        seen |= {f"{name}, without": picture for name, picture in shower.show(["wide"]).items()}
    np.savez(order["out"], allow_pickle=False, **seen)
    report = {
        "painted": shower.view.counters.painted,
        "ratio": shower.view.devicePixelRatioF(),
        "failures": shower.failures,
    }
    shower.view.detach()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
