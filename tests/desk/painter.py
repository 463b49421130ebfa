"""A program that shows made-up frames in the real picture view, and says what each of them cost.

``python -m tests.desk.painter '{"seconds": 4, "window_px": 768}'``; it prints one JSON object. More of the
order: ``frame_px`` (a side, or width and height), ``frames_per_s``, ``by_gl``.
"""

import json
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.media.frames import I420Frame, i420_size
from atlas_desktop.video.picture_view import PictureView
from tests.desk.process import raise_priority

FRAMES_PER_S = 25.0


def produce(feed: VideoFeed, seconds: float, size_px: tuple[int, int], frames_per_s: float) -> None:
    """Offers frames from a thread of its own, as the room would."""
    base = np.random.default_rng(1).integers(16, 236, i420_size(*size_px), np.uint8)
    due_s = time.monotonic()
    for number in range(round(seconds * frames_per_s)):
        data = np.roll(base, number * 4)
        data.flags.writeable = False
        now_us = monotonic_us()
        feed.offer(I420Frame(data, *size_px, now_us, 0, now_us))
        due_s += 1 / frames_per_s
        time.sleep(max(0.0, due_s - time.monotonic()))


def size_of(side: int | list[int]) -> tuple[int, int]:
    return (side, side) if isinstance(side, int) else (side[0], side[1])


def peak_mb() -> float:
    """The most memory that this program has held; ``getrusage`` counts what forked it, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


def main() -> None:
    order = json.loads(sys.argv[1])
    application = QApplication(sys.argv[:1])
    feed = VideoFeed()
    surface = None
    if order.get("by_gl"):
        from atlas_desktop.video.gl_surface import GlSurface

        surface = GlSurface()
    view = PictureView(feed, surface=surface)
    view.resize(order["window_px"], order["window_px"])
    view.show()
    delays_us: list[int] = []
    view.arrived.connect(lambda: delays_us.append(view.counters.last_delay_us))
    size_px = size_of(order.get("frame_px", 512))
    work = (feed, order["seconds"], size_px, order.get("frames_per_s", FRAMES_PER_S))
    producer = threading.Thread(target=produce, args=work)
    QTimer.singleShot(300, producer.start)
    QTimer.singleShot(round(order["seconds"] * 1000) + 900, application.quit)
    application.exec()
    delays_us = delays_us or [0]
    report = asdict(view.counters) | {"received": feed.received, "dropped": feed.dropped}
    report |= {"delay_p50_us": float(np.percentile(delays_us, 50)), "ratio": view.devicePixelRatioF()}
    report |= {"delay_p95_us": float(np.percentile(delays_us, 95)), "peak_mb": peak_mb()}
    view.detach()
    print(json.dumps(report))


if __name__ == "__main__":
    raise_priority(os.getpid())
    main()
