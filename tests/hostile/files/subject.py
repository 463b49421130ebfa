"""A process that takes files as a drop does, from name to blocks or face, and reports what became of each.

``python -m tests.hostile.files.subject``: paths come in on standard input, a line each; JSON goes out.
"""

import faulthandler
import json
import logging
import os
import resource
import sys
import threading
import time
from pathlib import Path

from atlas_desktop.api.face_file import load_face
from atlas_desktop.errors import AppError, MediaError
from atlas_desktop.media.decode import ClipReader
from atlas_desktop.media.probe import measure, probe
from atlas_desktop.ui.drops.drop import ItemKind, find_kind, foresee

SPOKEN, SHOWN, NAMED, BUG = "spoken", "shown", "named", "bug"
_MOST_BLOCKS = 3000
_ADDRESS_SPACE_BYTES = 6 << 30


def taken(path: Path) -> tuple[str, str]:
    """What becomes of a dropped file, and the words for it."""
    plan = foresee([str(path)])
    try:
        if plan.face is not None:
            face = load_face(plan.face)
            return SHOWN, str(len(face.content or b""))
        if plan.audio and find_kind(path) is ItemKind.AUDIO:
            return SPOKEN, spoken(path)
    except MediaError as error:
        return NAMED, str(error) if path.name in str(error) else f"not named: {error}"
    return NAMED, "not accepted"


def spoken(path: Path) -> str:
    """Probe, measure and decode a clip to blocks; half a minute at most."""
    info = probe(path)
    if not info.is_exact:
        info = measure(path, info=info, stop=threading.Event())
    reader = ClipReader(path, match_loudness=path.stem.endswith("0"), loudness_lufs=info.loudness_lufs)
    blocks = read(reader)
    error = reader.error
    if error is None and info.duration_s:
        reader.seek(info.duration_s / 2)
        read(reader, 100)
    reader.close()
    began_s = time.monotonic()
    if not reader.join(10):
        raise TimeoutError("the reader's thread does not end")
    if error is not None:
        raise error
    if not blocks:
        raise RuntimeError("neither spoken nor named")
    return f"{blocks} blocks, closed in {time.monotonic() - began_s:.2f} s"


def read(reader: ClipReader, most: int = _MOST_BLOCKS) -> int:
    """How many blocks a reader gave."""
    blocks = 0
    while not reader.finished and blocks < most:
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
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        try:
            outcome, words = taken(path)
        except (Exception, AppError) as error:  # noqa: BLE001 - whatever comes up here is what is looked for
            outcome, words = BUG, f"{type(error).__name__}: {error!s:.200} {error.__cause__!r:.300}"
        report = {
            "outcome": outcome,
            "words": words,
            "wall_s": time.monotonic() - began_s,
            "cpu_s": time.process_time() - began_cpu_s,
            "peak_mb": peak_mb(),
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
