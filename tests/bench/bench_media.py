"""What the media path costs by itself, without a room or a window: ``python -m tests.bench.bench_media``."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, ArrayReader
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.feeder import Feeder
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.media.frames import I420Frame, NativeMemory, i420_size
from atlas_desktop.media.outgoing import OutgoingTrack
from atlas_desktop.media.probe import probe
from atlas_desktop.media.processing import EchoCanceller
from atlas_desktop.media.speaker import ClipEvent, ClipStarted
from tests.unit.media.clips import encode, noise
from tests.unit.media.stand_ins import tone, until, write_wav

_ROUNDS = 5


def line(name: str, value: float, unit: str) -> None:
    print(f"{name:<52}{value:>10.2f} {unit}")


def each_us(function: Callable[[], object], times: int = 2000) -> float:
    began = time.perf_counter()
    for _ in range(times):
        function()
    return (time.perf_counter() - began) / times * 1e6


def bench_incoming() -> None:
    memory = np.zeros(i420_size(512, 512), np.uint8)
    address = memory.ctypes.data

    def wrap() -> I420Frame:
        lent = NativeMemory(address, memory.size, lambda: None)
        return I420Frame(np.asarray(lent), 512, 512)

    feed, block = AudioFeed(), np.zeros((960, 2), np.int16)
    canceller, capture = EchoCanceller(), np.zeros((480, 1), np.int16)
    line("a picture wrapped without a copy", each_us(wrap), "µs")
    line("20 ms of sound offered to a feed", each_us(lambda: feed.offer(block, 1)), "µs")
    line("10 ms of microphone cleaned", each_us(lambda: canceller.process_capture(capture), 300), "µs")


def first_block_ms(path: Path) -> float:
    began = time.perf_counter()
    reader = ClipReader(path)
    while reader.read() is None:
        time.sleep(0.0002)
    spent = time.perf_counter() - began
    reader.close()
    return spent * 1e3


def bench_files(folder: Path) -> None:
    short = write_wav(folder / "short.wav", tone(3.0))
    wide = write_wav(folder / "wide.wav", np.repeat(tone(2.0, 192_000).reshape(-1, 1), 8, 1), 192_000)
    for name, path in (("3 s WAV", short), ("8 channels at 192 kHz", wide)):
        line(f"file opened to first block, {name}", statistics.median(map(first_block_ms, [path] * 5)), "ms")
        began = time.perf_counter()
        list(probe(path))
        line(f"probe, {name}", (time.perf_counter() - began) * 1e3, "ms")


def cost_ms(path: Path, *, match_loudness: bool, seek_s: float | None = None) -> float:
    """CPU of all threads for the whole file, or for a seek in it and the block that follows."""
    reader = ClipReader(path, match_loudness=match_loudness)
    began = time.process_time()
    if seek_s is not None:
        until(lambda: reader.read() is not None)
        began = time.process_time()
        reader.seek(seek_s)
        until(lambda: reader.read() is not None, 20)
    if seek_s is None:
        while not reader.finished:
            if reader.read() is None:
                time.sleep(0.001)
    spent = time.process_time() - began
    reader.close()
    reader.join(1)
    return spent * 1e3


def bench_loudness(folder: Path) -> None:
    minute = encode(
        folder / "minute.mp3", "libmp3lame", noise(60 * SAMPLE_RATE_HZ), options={"write_xing": "0"}
    )
    hours = folder / "hours.mp3"
    hours.write_bytes(minute.read_bytes() * 120)
    for name, path in (("a minute of MP3", minute), ("2 hours of MP3", hours)):
        line(f"file opened to first block, {name}", statistics.median(map(first_block_ms, [path] * 5)), "ms")
    for name, match in (("decoded", False), ("decoded, measured and levelled", True)):
        spent = [cost_ms(minute, match_loudness=match) for _ in range(3)]
        line(f"CPU, a minute of MP3 {name}", min(spent), "ms")
    spent_ms = cost_ms(hours, match_loudness=False, seek_s=6000.0)
    line("CPU, seek to 1:40:00 in 2 hours of MP3", spent_ms, "ms")


async def bench_outgoing(path: Path) -> None:
    feeder, events = Feeder(), list[ClipEvent]()
    track = OutgoingTrack("tts-audio", feeder.loop)
    feeder.on_event(events.append)
    feeder.attach(track)
    delays = []
    for _ in range(_ROUNDS):
        events.clear()
        began_us = time.monotonic_ns() / 1000
        feeder.play(ClipReader(path))
        until(lambda: bool(events))
        assert isinstance(events[0], ClipStarted)
        delays.append((events[0].first_block_monotonic_us - began_us) / 1000)
        feeder.interrupt()
        await asyncio.sleep(0.05)
    line("play(file) to first block at the SDK, worst of 5", max(delays), "ms")
    for name, reader in (("a clip", ArrayReader(np.ones(4 * SAMPLE_RATE_HZ, np.int16))), ("nothing", None)):
        if reader is not None:
            feeder.play(reader)
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(3)
        share = (time.process_time() - cpu) / (time.perf_counter() - began) * 100
        line(f"CPU while {name} is sent", share, "%")
        feeder.interrupt()
    feeder.detach()
    await track.aclose()
    feeder.close()


def main() -> None:
    bench_incoming()
    with tempfile.TemporaryDirectory() as name:
        bench_files(Path(name))
        bench_loudness(Path(name))
        asyncio.run(bench_outgoing(Path(name) / "short.wav"))


if __name__ == "__main__":
    main()
