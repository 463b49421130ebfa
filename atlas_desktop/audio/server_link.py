"""The connection to the computer's sound server: whether it exists, breaks, or can be made.

Qt notices a break late, in the main thread, and its client of PulseAudio then aborts the process, or lists
each device twice (6.11). So once the connection is broken the process exits, and the window starts the next
one. Linux only; elsewhere Qt is not connected to a process for sound.
"""

import os
import select
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ASK_S = 0.3
_SERVER_NAMES = ("pulseaudio", "pipewire-pulse")
_RESET = getattr(os, "SCHED_RESET_ON_FORK", 0)


def server_connections() -> dict[int, int]:
    """Return the stream sockets of this process, descriptor and inode: those of Qt to its server.

    Call it when Qt has just connected, before anything else of ours opens one.
    """
    found: dict[int, int] = {}
    if sys.platform != "linux":
        return found
    for link in Path("/proc/self/fd").iterdir():
        descriptor = int(link.name)
        # It may have been closed since: the listing's own descriptor is.
        with suppress(OSError):
            about = os.fstat(descriptor)
            if stat.S_ISSOCK(about.st_mode) and _is_stream(descriptor):
                found[descriptor] = about.st_ino
    return found


def wait_for_break(connections: dict[int, int], timeout_s: float) -> bool:
    """Wait until one of ``connections`` is broken; return False when the time is out."""
    poll = select.poll()
    for descriptor in connections:
        # No event mask: a hang-up is always reported.
        poll.register(descriptor, 0)
    if poll.poll(timeout_s * 1000):
        return True
    return any(_inode(descriptor) != inode for descriptor, inode in connections.items())


def is_server_there() -> bool:
    """Return whether a sound server accepts connections where PulseAudio's clients look for one."""
    return sys.platform == "linux" and any(_answers(address) for address in _addresses())


def is_server_realtime() -> bool:
    """Return whether the sound server has realtime threads: only then a short buffer lasts."""
    return any(_has_realtime_thread(process) for process in _servers())


def _servers() -> Iterator[Path]:
    """Yield the processes of the server that we are connected with, as folders of /proc."""
    for descriptor in server_connections():
        with socket.socket(fileno=os.dup(descriptor)) as link, suppress(OSError):
            if link.family == socket.AF_UNIX:
                whose = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
                yield Path("/proc", str(struct.unpack("3i", whose)[0]))


def _has_realtime_thread(process: Path) -> bool:
    with suppress(OSError):
        if (process / "comm").read_text().strip() == "systemd":
            # Socket activation: systemd listened, and started the server for the first client.
            return any(map(_has_realtime_thread, _started_by_systemd()))
        threads = [int(task.name) for task in (process / "task").iterdir()]
        return any(os.sched_getscheduler(one) & ~_RESET in (os.SCHED_RR, os.SCHED_FIFO) for one in threads)
    return False


def _started_by_systemd() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_ours = process.stat().st_uid == os.getuid()
            if is_ours and (process / "comm").read_text().strip() in _SERVER_NAMES:
                yield process


def _addresses() -> Iterator[str | tuple[str, int]]:
    named = os.environ.get("PULSE_SERVER", "")
    for one in named.split():
        # A host may precede it: "{host}unix:/path".
        address = one.rpartition("}")[2]
        if address.startswith(("unix:", "/")):
            yield address.removeprefix("unix:")
        else:
            host, _, port = address.removeprefix("tcp:").removeprefix("tcp4:").rpartition(":")
            if host and port.isdecimal():
                yield host, int(port)
    if not named:
        for name, inside in (("PULSE_RUNTIME_PATH", "native"), ("XDG_RUNTIME_DIR", "pulse/native")):
            if folder := os.environ.get(name):
                yield str(Path(folder) / inside)


def _answers(address: str | tuple[str, int]) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as asking, suppress(OSError):
        asking.settimeout(_ASK_S)
        asking.connect(address)
        return True
    return False


def _inode(descriptor: int) -> int:
    try:
        return os.fstat(descriptor).st_ino
    except OSError:
        return 0


def _is_stream(descriptor: int) -> bool:
    with socket.socket(fileno=os.dup(descriptor)) as one:
        return one.type == socket.SOCK_STREAM
