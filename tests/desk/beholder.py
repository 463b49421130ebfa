"""A program with a picture view in a window, that says how many of ten frames it paints in each state.

``python -m tests.desk.beholder``; it prints one JSON object: by state painted and unseen frames.
"""

import json
import os
import time

from PySide6.QtWidgets import QApplication, QWidget

from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.video.picture_view import PictureView
from tests.desk.process import run
from tests.desk.scenes import corners

FRAMES = 10
_SETTLE_S, _EVERY_S = 0.6, 0.04


def main() -> None:
    application = QApplication([])
    window = QWidget()
    window.resize(400, 400)
    feed = VideoFeed()
    view = PictureView(feed, parent=window)
    view.setGeometry(window.rect())
    window.show()
    over = QWidget()

    def wait(seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            application.processEvents()
            time.sleep(0.005)

    def counted() -> dict[str, int]:
        wait(_SETTLE_S)
        before = view.counters.painted, view.counters.unseen
        for _ in range(FRAMES):
            feed.offer(corners(64, 64))
            wait(_EVERY_S)
        return {"painted": view.counters.painted - before[0], "unseen": view.counters.unseen - before[1]}

    found = {"open": counted()}
    over.showMaximized()
    found["covered"] = counted()
    found["exposed says Qt"] = {"yes": int(window.windowHandle().isExposed())}
    over.hide()
    found["open again"] = counted()
    window.showMinimized()
    found["minimised"] = counted()
    window.showNormal()
    found["restored"] = counted()
    run(["xdotool", "set_desktop", "1"], os.environ)
    found["on another desktop"] = counted()
    view.detach()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
