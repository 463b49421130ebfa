"""A program that plays a voice through the real sound thread and listens through the real microphone.

``python -m tests.desk.echo '{"voice": "far.wav", "out": "heard.npy", "canceller": true}'``; what the room
would get is saved as int16 (samples,), 48 kHz, from the first block played; it says ``playing`` then.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QTimer

from atlas_desktop.audio.microphone import Microphone
from atlas_desktop.audio.sink import SoundThread
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.media.sound_file import SoundFile
from tests.desk.listener import NoCanceller

_ARRIVAL_S = 0.02
_SETTLED_S = 0.5


class Caller:
    """Speaker and microphone as in a session, without a room."""

    def __init__(self, order: dict[str, Any]) -> None:
        with SoundFile(Path(order["voice"])) as file:
            self._voice = np.concatenate(list(file.samples())).reshape(-1, 1)
        self.feed = AudioFeed()
        self.sound = SoundThread(self.feed, PlayoutControl(volume=100))
        self.microphone = Microphone(None if order["canceller"] else NoCanceller)
        self.sound.listen_to_render(self.microphone.hear_render)
        self._reader = self.microphone.reader()
        self.heard: list[Block] = []
        self.sound.start()
        self.playing = threading.Thread(target=self._play)

    def poll(self) -> None:
        while (block := self._reader.read()) is not None:
            if self.playing.ident is not None:
                self.heard.append(block)

    def close(self) -> None:
        self.sound.stop()
        self.microphone.close()

    def _play(self) -> None:
        print("playing", flush=True)
        due_s, step = time.monotonic(), round(_ARRIVAL_S * SAMPLE_RATE_HZ)
        for at in range(0, len(self._voice), step):
            self.feed.offer(np.repeat(self._voice[at : at + step], 2, axis=1))
            due_s += _ARRIVAL_S
            time.sleep(max(0.0, due_s - time.monotonic()))


def main() -> None:
    order: dict[str, Any] = json.loads(sys.argv[1])
    application = QCoreApplication(sys.argv[:1])
    caller = Caller(order)
    poller = QTimer()
    poller.timeout.connect(caller.poll)
    poller.start(5)
    QTimer.singleShot(round(_SETTLED_S * 1000), caller.playing.start)
    ender = QTimer()
    ender.timeout.connect(
        lambda: None if caller.playing.ident is None or caller.playing.is_alive() else application.quit()
    )
    ender.start(50)
    application.exec()
    caller.close()
    np.save(order["out"], np.concatenate(caller.heard)[:, 0])


if __name__ == "__main__":
    main()
