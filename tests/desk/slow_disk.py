"""A real file system that is slow, hangs or fails as it is told: FUSE, spoken straight to the kernel.

The protocol itself (linux/fuse.h, version 7.31) takes fewer lines than a library for it takes packages, and
as root nothing has to be installed. Elsewhere ``fusermount3`` mounts it (Debian: fuse3).
"""

import array
import ctypes
import errno
import os
import shutil
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<6Q10I")
_ENTRY = struct.Struct("<QQQQII")
_ROOT = 1
_REQUEST_BYTES = 1 << 18
_NOSUID, _NODEV, _DETACH = 2, 4, 2
_OPTIONS = "fd={fd},rootmode=40000,user_id={uid},group_id={gid}"


class _Call(IntEnum):
    LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, RELEASE = 1, 2, 3, 5, 14, 15, 18
    FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR = 25, 26, 27, 28, 29
    INTERRUPT, DESTROY, BATCH_FORGET = 36, 38, 42


@dataclass
class SlowDisk:
    """What is on it, and how it behaves; all of it may change while it is mounted.

    Attributes:
        folder: Where it is mounted.
        files: Names right in it, as bytes, with their content; ``None`` is a pipe, a ``str`` a link there.
        lookup_s: How long the kernel waits for each name that is looked up: each ``stat`` and ``open``.
        read_s: How long it waits for each piece that is read.
        errors: Names whose look-up fails, with the error's number.
        looked_up: The names that were asked for, in order.
    """

    folder: Path
    files: dict[bytes, bytes | str | None]
    lookup_s: float = 0.0
    read_s: float = 0.0
    errors: dict[bytes, int] = field(default_factory=dict)
    looked_up: list[bytes] = field(default_factory=list)
    _waiting: dict[int, threading.Event] = field(default_factory=dict)
    _is_stopped: bool = False

    def path(self, name: str | bytes) -> Path:
        return self.folder / (os.fsdecode(name))

    def serve(self, device: int) -> None:
        """Answers the kernel until it is unmounted; each request in a thread: none waits for another."""
        while True:
            try:
                request = os.read(device, _REQUEST_BYTES)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return
            if not request:
                return  # unmounted just now
            threading.Thread(target=self._answer, args=(device, request), daemon=True).start()

    def stop(self) -> None:
        """What waits is answered now."""
        self._is_stopped = True
        for event in tuple(self._waiting.values()):
            event.set()

    def _wait(self, unique: int, seconds: float) -> None:
        """As a network drive does: whoever is killed meanwhile is let go."""
        event = self._waiting.setdefault(unique, threading.Event())
        if not self._is_stopped and event.wait(seconds):
            raise OSError(errno.EINTR, "")

    def _answer(self, device: int, request: bytes) -> None:
        _length, code, unique, node, *_rest = _IN.unpack_from(request)
        if code == _Call.INTERRUPT:
            (interrupted,) = struct.unpack_from("<Q", request, _IN.size)
            if interrupted in self._waiting:
                self._waiting[interrupted].set()
        if code in (_Call.FORGET, _Call.INTERRUPT, _Call.BATCH_FORGET):
            return
        failure, answer = 0, b""
        try:
            answer = self._reply(code, unique, node, request[_IN.size :])
        except OSError as error:
            failure = -(error.errno or errno.EIO)
        self._waiting.pop(unique, None)
        # Who asked may have been killed.
        with suppress(OSError):
            os.write(device, _OUT.pack(_OUT.size + len(answer), failure, unique) + answer)

    def _reply(self, code: int, unique: int, node: int, body: bytes) -> bytes:
        match code:
            case _Call.INIT:
                return struct.pack("<IIIIHHIIHHI28x", 7, 31, 1 << 17, 0, 16, 12, 1 << 17, 1, 32, 0, 0)
            case _Call.LOOKUP:
                return self._look_up(unique, body.rstrip(b"\0"))
            case _Call.GETATTR:
                return struct.pack("<QII", 1, 0, 0) + self._attributes(node)
            case _Call.READLINK:
                target = self.files[self._name(node)]
                return os.fsencode(target) if isinstance(target, str) else b""
            case _Call.OPEN | _Call.OPENDIR:
                return struct.pack("<QII", 0, 0, 0)
            case _Call.READ:
                self._wait(unique, self.read_s)
                _handle, offset, size = struct.unpack_from("<QQI", body)
                content = self.files[self._name(node)]
                return content[offset : offset + size] if isinstance(content, bytes) else b""
            case _Call.READDIR:
                _handle, offset, size = struct.unpack_from("<QQI", body)
                return self._entries(offset, size)
            case _Call.RELEASE | _Call.FLUSH | _Call.RELEASEDIR | _Call.DESTROY:
                return b""
        raise OSError(errno.ENOSYS, "")

    def _look_up(self, unique: int, name: bytes) -> bytes:
        self.looked_up.append(name)
        self._wait(unique, self.lookup_s)
        if name in self.errors:
            raise OSError(self.errors[name], "")
        if name not in self.files:
            raise OSError(errno.ENOENT, "")
        node = list(self.files).index(name) + _ROOT + 1
        # The name is asked for each time, what is known of the file holds for a second.
        return _ENTRY.pack(node, 0, 0, 1, 0, 0) + self._attributes(node)

    def _name(self, node: int) -> bytes:
        return list(self.files)[node - _ROOT - 1]

    def _attributes(self, node: int) -> bytes:
        content = b"" if node == _ROOT else self.files[self._name(node)]
        kind = stat.S_IFREG | 0o644
        if node == _ROOT:
            kind = stat.S_IFDIR | 0o755
        elif content is None:
            kind = stat.S_IFIFO | 0o644
        elif isinstance(content, str):
            kind = stat.S_IFLNK | 0o777
        size = len(content or b"")
        return _ATTRIBUTES.pack(
            node, size, 1, 0, 0, 0, 0, 0, 0, kind, 1, os.getuid(), os.getgid(), 0, 4096, 0
        )

    def _entries(self, offset: int, size: int) -> bytes:
        found = b""
        for number, name in enumerate(list(self.files)[offset:], offset + 1):
            entry = struct.pack("<QQII", number + 1, number, len(name), 0) + name
            entry += b"\0" * (-len(entry) % 8)
            if len(found) + len(entry) > size:
                break
            found += entry
        return found


@contextmanager
def slow_disk(folder: Path, **files: bytes) -> Iterator[SlowDisk]:
    """Mounts one on a new ``folder``; ``SlowDisk.files`` may be filled further."""
    folder.mkdir()
    disk = SlowDisk(folder, {os.fsencode(name): content for name, content in files.items()})
    device = _mount(folder)
    threading.Thread(target=disk.serve, args=(device,), name="slow-disk", daemon=True).start()
    try:
        yield disk
    finally:
        disk.stop()
        _unmount(folder)
        os.close(device)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _mount(folder: Path) -> int:
    """Returns the device on which the kernel asks."""
    if os.geteuid():
        return _mount_by_helper(folder)
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = _OPTIONS.format(fd=device, uid=os.getuid(), gid=os.getgid()).encode()
    if _libc().mount(b"slow", os.fsencode(folder), b"fuse", _NOSUID | _NODEV, options):
        number = ctypes.get_errno()
        os.close(device)
        raise OSError(number, f"FUSE can't be mounted here: {os.strerror(number)}")
    return device


def _mount_by_helper(folder: Path) -> int:
    ours, its = socket.socketpair()
    with ours, its:
        env = {**os.environ, "_FUSE_COMMFD": str(its.fileno())}
        helper = shutil.which("fusermount3")
        assert helper, "only root mounts without fusermount3: apt-get install fuse3"
        subprocess.run([helper, str(folder)], env=env, pass_fds=[its.fileno()], check=True)
        _data, ancillary, _flags, _address = ours.recvmsg(1, socket.CMSG_SPACE(4))
    return array.array("i", ancillary[0][2])[0]


def _unmount(folder: Path) -> None:
    if os.geteuid():
        subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=True)
    else:
        _libc().umount2(os.fsencode(folder), _DETACH)
