"""A process that takes files as a drop does, from name to blocks or face, and reports what became of each.

``python -m tests.hostile.files.subject``: paths come in on standard input, a line each; JSON goes out.
"""

import contextlib
import faulthandler
import json
import logging
import math
import os
import random
import resource
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from atlas_desktop.api.face_file import load_face
from atlas_desktop.errors import AppError, MediaError
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.probe import ClipInfo, probe
from atlas_desktop.ui.drops.drop_plan import ItemKind, find_kind, plan_drop

SPOKEN, SHOWN, NAMED, BUG = "spoken", "shown", "named", "bug"
_MOST_BLOCKS = 3000
_SEEKS, _PLACES = 3, (0.0, 0.1, 0.5, 0.66, 0.7, 0.9, 0.999, 1.0, 1.5)
_STOP_WITHIN_S = 0.02
_JOIN_S = 10.0
_ADDRESS_SPACE_BYTES = 6 << 30


class Report:
    """What work and closing took while a file was tried.

    Attributes:
        close_s: The longest, of a processor's time: others may use the processor as well.
        work_s: The same of all else that was done, each by itself.
    """

    def __init__(self) -> None:
        self.close_s = self.work_s = 0.0

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """One thing is done in here."""
        began_s = time.process_time()
        try:
            yield
        finally:
            self.work_s = max(self.work_s, time.process_time() - began_s)

    def closed(self, close: Callable[[], object], join: Callable[[float], bool]) -> None:
        """Close, and wait for what reads to end.

        Raises:
            TimeoutError: It does not.
        """
        began_s = time.process_time()
        close()
        if not join(_JOIN_S):
            raise TimeoutError("what reads does not end")
        self.close_s = max(self.close_s, time.process_time() - began_s)


def taken(path: Path, report: Report) -> tuple[str, str]:
    """What becomes of a dropped file, and the words for it."""
    plan = plan_drop([str(path)])
    try:
        if plan.face is not None:
            with report.working():
                face = load_face(plan.face)
            return SHOWN, str(len(face.content or b""))
        if plan.audio and find_kind(path) is ItemKind.AUDIO:
            return SPOKEN, spoken(path, report)
    except MediaError as error:
        return NAMED, str(error) if path.name in str(error) else f"not named: {error}"
    return NAMED, "not accepted"


def spoken(path: Path, report: Report) -> str:
    """Probe and decode a clip to blocks, half a minute at most; seek in it; close it anywhere."""
    # What chance decides is decided by the content: a file that was kept does it again.
    chance = random.Random(zlib.crc32(path.read_bytes()))
    infos, info = probe(path), ClipInfo()
    while not info.is_exact:
        with report.working():
            found = next(infos, None)
        if found is None:
            break
        info = found
    infos.close()
    reader = ClipReader(path, chance.choice((info, None)), chance.random() < 0.2)
    with report.working():
        blocks = read(reader)
    for _ in range(_SEEKS):
        if reader.error is None and info.duration_s:
            reader.seek(info.duration_s * chance.choice(_PLACES) + chance.choice((0.0, -0.011, 0.007)))
            with report.working():
                read(reader, chance.choice((0, 3, 100)), wait_s=chance.choice((0.0, 0.002, 5.0)))
    error = reader.error
    report.closed(reader.close, reader.join)
    stop_anywhere(path, chance, report)
    if error is not None:
        raise error
    if not blocks:
        raise RuntimeError("neither spoken nor named")
    return f"{blocks} blocks"


def stop_anywhere(path: Path, chance: random.Random, report: Report) -> None:
    """Begin to probe a file, to read it, and stop that at any moment."""
    stop = threading.Event()
    looking = threading.Thread(target=look, args=(path, stop), daemon=True)
    looking.start()
    time.sleep(chance.random() * _STOP_WITHIN_S)
    report.closed(stop.set, partial(has_ended, looking))
    reader = ClipReader(path)
    time.sleep(chance.random() * _STOP_WITHIN_S)
    report.closed(reader.close, reader.join)


def has_ended(thread: threading.Thread, limit_s: float) -> bool:
    """Wait for a thread."""
    thread.join(limit_s)
    return not thread.is_alive()


def look(path: Path, stop: threading.Event) -> None:
    """What it finds does not matter, nor that it finds nothing where it was stopped."""
    with contextlib.suppress(MediaError):
        for _info in probe(path, stop):
            pass


def read(reader: ClipReader, most: int = _MOST_BLOCKS, wait_s: float = math.inf) -> int:
    """How many blocks a reader gave, up to ``most`` and in ``wait_s`` at most."""
    blocks, until_s = 0, time.monotonic() + wait_s
    while not reader.finished and blocks < most and time.monotonic() < until_s:
        if reader.read() is None:
            time.sleep(0.0005)
        else:
            blocks += 1
    return blocks


def peak_mb() -> float:
    """The most memory held since the last call, where the system tells; else since the start."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_kb / 1024


def main() -> None:
    """Takes files until standard input ends."""
    faulthandler.enable()
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        peak_mb()
        began_s, report = time.monotonic(), Report()
        try:
            outcome, words = taken(path, report)
        except (Exception, AppError) as error:  # noqa: BLE001 - whatever comes up here is what is looked for
            outcome, words = BUG, f"{type(error).__name__}: {error!s:.200} {error.__cause__!r:.300}"
        answer = {
            "outcome": outcome,
            "words": words,
            "wall_s": time.monotonic() - began_s,
            "cpu_s": report.work_s,
            "close_s": report.close_s,
            "peak_mb": peak_mb(),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
