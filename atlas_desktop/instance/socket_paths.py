"""Paths of a window's socket: in folders that only this user can enter."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from atlas_desktop.private_files import FOLDER_MODE, is_closed, is_movable_by_others

IN_PROFILE = "instance"
"""The socket's name in the profile's folder."""
LONGEST_ADDRESS_BYTES = 103
"""Of a socket's path, on macOS; Linux takes four more. Source: ``sockaddr_un``."""

# Two computers would share the socket's path, and neither could tell the other's from a stale one.
_NETWORK_FILE_SYSTEMS = """
    nfs nfs4 cifs smb3 smbfs ncpfs 9p afs virtiofs ceph gfs2 ocfs2 lustre beegfs
    fuse.sshfs fuse.glusterfs fuse.ceph fuse.s3fs fuse.rclone fuse.davfs
"""
MOUNTS = Path("/proc/self/mountinfo")
LOGINS = Path("/run/user")
"""Where systemd and elogind create a runtime folder for each user who is logged in."""


def socket_name(profile: Path) -> str:
    """Return the socket's name in a folder shared by profiles."""
    # A digest is short, and hides the path. realpath follows circular links as far as that goes.
    return "atlas-desktop-" + hashlib.sha256(os.fsencode(os.path.realpath(profile))).hexdigest()[:16]


def addresses(profile: Path) -> list[Path]:
    """Return every path at which the window of ``profile`` may listen, the best first; perhaps none."""
    return [path for path in _candidates(profile) if _is_safe(path)]


def paths_to_listen_at(profile: Path) -> Iterator[Path]:
    """Yield the paths to listen at, the best first; our temporary folder is created."""
    for path in _candidates(profile):
        if path.parent == _own_temporary_folder():
            with suppress(OSError):
                path.parent.mkdir(FOLDER_MODE)
        if _is_safe(path):
            yield path


def is_local(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Return whether ``folder`` lies on this computer, as far as that can be known."""
    if sys.platform != "linux":
        return True
    try:
        device = folder.stat().st_dev
        mounted = mounts.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounted.splitlines():
        here, _, there = line.partition(" - ")
        if here.split(" ", 3)[2:3] == [number]:
            return there.split(" ", 1)[0] not in _NETWORK_FILE_SYSTEMS.split()
    return True


def _candidates(profile: Path) -> Iterator[Path]:
    name = socket_name(profile)
    for folder in _runtime_folders():
        yield folder / name
    yield Path(os.path.realpath(profile)) / IN_PROFILE
    yield _own_temporary_folder() / name


def _runtime_folders() -> Iterator[Path]:
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given.startswith("/"):
        yield Path(os.path.realpath(given))
    if sys.platform == "linux":
        # For a launch from a shell without XDG_RUNTIME_DIR.
        own = LOGINS / str(os.geteuid())
        if os.path.realpath(given) != str(own):
            yield own


def _own_temporary_folder() -> Path:
    """Return a short path for profiles with a long one; not used when another user has created it."""
    user = "" if sys.platform == "win32" else os.geteuid()
    return Path(os.path.realpath(tempfile.gettempdir())) / f"atlas-desktop-{user}"


def _is_safe(path: Path) -> bool:
    return (
        len(os.fsencode(path)) <= LONGEST_ADDRESS_BYTES
        and is_closed(path.parent)
        and not is_movable_by_others(path.parent)
        and is_local(path.parent)
    )
