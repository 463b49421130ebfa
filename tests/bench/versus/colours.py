"""Compares the colours that program and Chromium show of one encoded stream, pixel by pixel on the X screen.

``python -m tests.bench.versus.colours [512@25 512@25/H264 …]``: prints a table, keeps it as JSON; fails when
a patch of ours is further than 2 levels both from Chromium's and from what the standard makes of the stream:
Chromium's own conversion by the processor is up to 10 levels off in BT.709's blue.
``… send STREAM`` is the sender that it starts.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np

from atlas_desktop.local_atlas.composition import serve
from atlas_desktop.local_atlas.interfaces import AgentOutput, AvatarComponents, I420Frame, MediaFormat, Pcm
from atlas_desktop.media.frames import ColourMatrix
from tests.bench.versus import patches
from tests.bench.versus.glass import FrameBuffer
from tests.bench.versus.place import Place, place
from tests.bench.versus.stream import Stream, sound_block
from tests.bench.versus.viewers import Address, Chromium, Program, Viewer
from tests.desk.process import DeskError, running, wait_until

STREAMS = ("512@25", "1280x720@30", "1920x1080@25", "512@25/H264")
MOST_APART = 2
OUT = Path("out/versus/colours.json")
_FIRST_FRAME_LIMIT_S = 40.0
_SETTLE_S = 4.0
_BITS_A_PIXEL = 0.2

Seen = dict[str, patches.Rgb]


class Chart:
    """Shows the patches: an ``AvatarRenderer``."""

    def __init__(self, stream: Stream) -> None:
        self._picture = patches.drawn(stream.width_px, stream.height_px)

    @property
    def queued_samples(self) -> int:
        return 0

    def video_frame(self, index: int) -> I420Frame:
        return self._picture

    def audio_block(self, index: int) -> Pcm:
        return sound_block(index)

    def push_audio(self, block: Pcm) -> None: ...

    def flush(self) -> None: ...

    def set_face(self, face: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """A stream and its codec, as ``512@25`` or ``512@25/H264``."""

    stream: Stream
    codec: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads it; VP8 when no codec is named."""
        stream, _, codec = text.partition("/")
        return cls(Stream.parse(stream), codec or "VP8")

    def __str__(self) -> str:
        return f"{self.stream}/{self.codec}"


async def send(sent: Sent) -> None:
    """Serve the chart until stopped."""
    stream = sent.stream
    bps = round(stream.width_px * stream.height_px * stream.rate_hz * _BITS_A_PIXEL)
    media_format = MediaFormat(stream.width_px, stream.height_px, stream.rate_hz, bps)

    def create_avatar(mode: str, face: bytes | None, output: AgentOutput) -> AvatarComponents:
        return AvatarComponents(Chart(stream), format=media_format)

    stopped = asyncio.Event()
    atlas = await serve(create_avatar=create_avatar)
    atlas.faults.set_room_options(codec=sent.codec)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    print(json.dumps({"base": atlas.base, "key": atlas.key}), flush=True)
    await stopped.wait()
    await atlas.aclose()


def look(viewer: Viewer, sent: Sent, there: Place, folder: Path) -> Seen:
    """What the viewer shows of the stream once its picture has settled."""
    screen = FrameBuffer(there.pixels).rgb
    folder.mkdir()
    with (
        _sender(sent, there, folder) as address,
        viewer.open(address, there.env, folder),
    ):
        log = folder / "viewer.log"
        wait_until(lambda: patches.found(screen) is not None, viewer.name, log, _FIRST_FRAME_LIMIT_S)
        time.sleep(_SETTLE_S)
        seen = patches.found(screen)
    assert seen is not None
    return seen


@contextmanager
def _sender(sent: Sent, there: Place, folder: Path) -> Iterator[Address]:
    words = [sys.executable, "-m", "tests.bench.versus.colours", "send", str(sent)]
    log = folder / "sender.log"
    with running(words, there.env, log, stdout=PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise DeskError(log.read_text()[-2000:])
        yield Address(**json.loads(line))


def compare(streams: list[str]) -> dict[str, dict[str, Seen]]:
    """Stream by stream, viewer by viewer, what was seen."""
    result: dict[str, dict[str, Seen]] = {}
    for text in streams:
        sent = Sent.parse(text)
        with TemporaryDirectory(prefix="colours-", ignore_cleanup_errors=True) as name, place() as there:
            viewers: tuple[Viewer, ...] = (Program(), Program(by_gl=True), Chromium())
            result[text] = {
                viewer.name: look(viewer, sent, there, Path(name) / viewer.name) for viewer in viewers
            }
    return result


def apart(one: patches.Rgb, other: patches.Rgb) -> int:
    """The largest difference of a part, in levels."""
    return int(np.abs(np.subtract(one, other)).max())


def _told(text: str, by_viewer: dict[str, Seen]) -> int:
    """Prints the table of one stream; returns how far the worst patch is from right."""
    theirs = by_viewer.pop("chromium")
    standard = patches.read(ColourMatrix.of_codec(f"video/{Sent.parse(text).codec}"))
    print("".join([text.ljust(14), *(head.rjust(18) for head in ("standard", "chromium", *by_viewer))]))
    worst = 0
    for name, exact in standard.items():
        cells = [str(exact), str(theirs[name])]
        for ours in by_viewer.values():
            far, wrong = apart(ours[name], theirs[name]), apart(ours[name], exact)
            worst = max(worst, min(far, wrong))
            cells.append(f"{ours[name]} {far}/{wrong}")
        print("".join([name.ljust(14), *(cell.rjust(18) for cell in cells)]))
    return worst


def main(words: list[str]) -> int:
    if words[:1] == ["send"]:
        asyncio.run(send(Sent.parse(words[1])))
        return 0
    result = compare(words or list(STREAMS))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    worst = max(_told(stream, by_viewer) for stream, by_viewer in result.items())
    print(f"worst: {worst} of {MOST_APART} levels; {OUT}")
    return 0 if worst <= MOST_APART else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
