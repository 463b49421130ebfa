"""A program that plays a made-up avatar's sound through the real sound thread, and says what it saw.

``python -m tests.desk.player '{"seconds": 4, "stall": "sleep"}'``; it prints one JSON object.
"""

import json
import os
import resource
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QTimer

from atlas_desktop.audio.server_buffer import ask_for_low_latency
from atlas_desktop.audio.sound_thread import SoundThread
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.media.playout import PlayoutControl

ARRIVAL_S = 0.01
TONE_HZ = 440
PEAK = 8_000
STALL_EVERY_MS, STALL_S = 3_000, 0.5


def tone(seconds: float, frequency_hz: float = TONE_HZ) -> Block:
    """A steady tone, int16 (samples, 2): every missing sample is seen as a jump in it."""
    ticks = np.arange(round(seconds * SAMPLE_RATE_HZ))
    mono = (PEAK * np.sin(2 * np.pi * frequency_hz * ticks / SAMPLE_RATE_HZ)).astype(np.int16)
    return np.repeat(mono[:, np.newaxis], 2, axis=1)


def tone_with_stops(seconds: float, on_s: float = 1.0, off_s: float = 0.4) -> Block:
    """A tone that starts and stops, as speech does."""
    sound = tone(seconds)
    place_s = np.arange(len(sound)) / SAMPLE_RATE_HZ % (on_s + off_s)
    sound[place_s >= on_s] = 0
    return sound


class Player:
    """Feeds the sound as the room would: 10 ms every 10 ms, from a thread of its own."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.feed = AudioFeed()
        self.control = PlayoutControl(volume=100)
        self.thread = SoundThread(self.feed.ring, self.control)
        self.report: dict[str, Any] = {"failures": [], "opened": [], "presses_s": [], "press_writes": []}
        self.thread.device_failed.connect(self.failed)
        self.thread.device_opened.connect(self.opened)

    def failed(self, error: AppError) -> None:
        self.report["failures"].append(error.code)

    def opened(self, name: str) -> None:
        self.report["opened"].append(name)

    def produce(self) -> None:
        seconds = self.order["seconds"]
        sound = tone_with_stops(seconds) if self.order.get("stops") else tone(seconds)
        step = round(ARRIVAL_S * SAMPLE_RATE_HZ)
        pending = sorted(self.order.get("press_at_s", []))
        time.sleep(self.order.get("waits_s", 0.0))
        due_s = started_s = time.monotonic()
        self.report["started_s"] = started_s
        for at in range(0, len(sound), step):
            self.feed.offer(sound[at : at + step])
            due_s += ARRIVAL_S
            while pending and started_s + pending[0] < due_s:
                time.sleep(max(0.0, started_s + pending.pop(0) - time.monotonic()))
                self.report["presses_s"].append(time.monotonic())
                self.control.close()
            time.sleep(max(0.0, due_s - time.monotonic()))


def stall(kind: str) -> None:
    """Blocks the main thread: asleep, or computing in Python."""
    until_s = time.monotonic() + STALL_S
    while time.monotonic() < until_s:
        if kind == "sleep":
            time.sleep(STALL_S)


def threads() -> list[tuple[str, int]]:
    """Name and scheduling policy of each."""
    return [
        ((task / "comm").read_text().strip(), os.sched_getscheduler(int(task.name)))
        for task in Path("/proc/self/task").iterdir()
    ]


def main() -> None:
    order = json.loads(sys.argv[1])
    ask_for_low_latency()
    application = QCoreApplication(sys.argv[:1])
    player = Player(order)
    timer = QTimer()
    if order.get("stall"):
        timer.timeout.connect(lambda: stall(order["stall"]))
        timer.start(STALL_EVERY_MS)
    player.thread.choose(order.get("speaker", "").encode())
    player.thread.start()
    producer = threading.Thread(target=player.produce)
    before = resource.getrusage(resource.RUSAGE_SELF)
    producer.start()
    turns_s = [time.monotonic()]
    player.report["main_longest_ms"] = 0.0

    def watch() -> None:
        turns_s.append(time.monotonic())
        longest_ms = max(player.report["main_longest_ms"], (turns_s[-1] - turns_s.pop(0)) * 1000)
        player.report["main_longest_ms"] = longest_ms
        if not producer.is_alive():
            application.quit()

    watcher = QTimer()
    watcher.timeout.connect(watch)
    watcher.start(50)
    application.exec()
    player.report["threads"] = threads()
    time.sleep(0.2)
    after = resource.getrusage(resource.RUSAGE_SELF)
    player.report["cpu_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    player.report["counters"] = asdict(player.thread.counters)
    player.report["ring_overruns"] = player.feed.ring.overruns
    player.thread.stop()
    print(json.dumps(player.report))


if __name__ == "__main__":
    main()
