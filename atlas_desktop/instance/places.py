"""Where a window is met: in folders that only this user can enter, so that no stranger gets there first."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from atlas_desktop.private_files import FOLDER_MODE, is_closed, is_movable_by_others

IN_PROFILE = "instance"
"""The name of what lies in the profile's folder for this."""
LONGEST_ADDRESS_BYTES = 103
"""Of a socket's path, on macOS; Linux takes four more. Source: ``sockaddr_un``."""

# Two computers would share the socket's name, and neither could tell the other's from a stale one.
_NETWORK_FILE_SYSTEMS = """
    nfs nfs4 cifs smb3 smbfs ncpfs 9p afs virtiofs ceph gfs2 ocfs2 lustre beegfs
    fuse.sshfs fuse.glusterfs fuse.ceph fuse.s3fs fuse.rclone fuse.davfs
"""
MOUNTS = Path("/proc/self/mountinfo")
LOGINS = Path("/run/user")
"""Where systemd and elogind make a runtime folder for each user who is logged in."""


def socket_name(profile: Path) -> str:
    """The socket's name where other profiles have theirs, too."""
    # A digest is short, and keeps the path to itself. Links that lead in a circle are followed as far as
    # that goes.
    return "atlas-desktop-" + hashlib.sha256(os.fsencode(os.path.realpath(profile))).hexdigest()[:16]


def addresses(profile: Path) -> list[Path]:
    """Every path at which the window of ``profile`` may be met now, the best first; maybe none."""
    return [path for path in _wanted(profile) if _is_safe(path)]


def address_to_serve(profile: Path) -> Iterator[Path]:
    """The paths to listen at, the best first; a folder that only this is for is made."""
    for path in _wanted(profile):
        if path.parent == _own_temporary_folder():
            with suppress(OSError):
                path.parent.mkdir(FOLDER_MODE)
        if _is_safe(path):
            yield path


def is_local(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether ``folder`` lies on this computer, as far as that can be known."""
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


def _wanted(profile: Path) -> Iterator[Path]:
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
        # A launch from a shell that does not name it meets the window all the same.
        own = LOGINS / str(os.geteuid())
        if os.path.realpath(given) != str(own):
            yield own


def _own_temporary_folder() -> Path:
    """For a profile whose path is too long: short, and ours; one that a stranger has made is not used."""
    user = "" if sys.platform == "win32" else os.geteuid()
    return Path(os.path.realpath(tempfile.gettempdir())) / f"atlas-desktop-{user}"


def _is_safe(path: Path) -> bool:
    return (
        len(os.fsencode(path)) <= LONGEST_ADDRESS_BYTES
        and is_closed(path.parent)
        and not is_movable_by_others(path.parent)
        and is_local(path.parent)
    )
