"""Keeping a process's secrets from the system: in its visible environment, and in its memory when it crashes.

Linux shows a process's initial environment in ``/proc``, whatever the process changes later: so there it is
overwritten in place. A core dump would be a copy of the memory on the disk, or be uploaded by a crash
reporter; the stacks that ``faulthandler`` writes are not affected.

The process is not made undumpable (``PR_SET_DUMPABLE``): desktop portals refuse such a process, and any
program of this user can read the keyring itself.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|CREDENTIALS?)(?:_|$)", re.IGNORECASE
)
_ADDRESS_NAME: Final = "ATLAS_BACKEND_URL"
"""Its query may hold a secret."""
_CREDENTIALS: Final = re.compile(r"//[^\s/?#@]{1,500}@")
_PROXY_SUFFIX: Final = "_proxy"
_ENV_START, _ENV_END = 47, 48
"""Fields of ``/proc/self/stat`` after the program's name. Source: proc_pid_stat(5), 50 and 51."""
_NO_MEMORY: Final = "0"


def forbid_core_dumps() -> None:
    """Disable core dumps of this process and of those that it starts."""
    if os.name != "posix":
        return
    import resource

    # The hard limit stays: other programs that are started from here may want theirs.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # A crash reporter that the kernel pipes dumps to gets one whatever the limit is: then one without memory.
    with suppress(OSError):
        Path("/proc/self/coredump_filter").write_text(_NO_MEMORY, encoding="ascii")


def hide_environment() -> None:
    """Overwrite secrets where the system shows the environment; ``os.environ`` keeps them.

    Call it before threads start. Linux only: other systems show the initial environment to its own user.
    """
    if sys.platform != "linux":
        return
    secrets = {name: value for name, value in os.environ.items() if _is_secret(name, value)}
    if not secrets:
        return
    for name, value in secrets.items():
        # Native code reads a copy from now on.
        os.putenv(name, value)
    with suppress(OSError, ValueError, IndexError):
        _overwrite([os.fsencode(f"{name}={value}") for name, value in secrets.items()])


def without_secrets(environment: Mapping[str, str], *, proxies: bool) -> dict[str, str]:
    """Return ``environment`` for a process of ours: keys and tokens reach it over its pipes only.

    Args:
        environment: This process's.
        proxies: Keep the addresses of proxies, passwords included: it has to connect through them.
    """
    return dict(_harmless(environment, proxies=proxies))


def _harmless(environment: Mapping[str, str], *, proxies: bool) -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        is_proxy = name.lower().endswith(_PROXY_SUFFIX)
        if (is_proxy and proxies) or not _is_secret(name, value):
            yield name, value


def _is_secret(name: str, value: str) -> bool:
    if name == _ADDRESS_NAME or _NAME.search(name) is not None:
        return bool(value)
    # A proxy may be given without a scheme.
    is_proxy = name.lower().endswith(_PROXY_SUFFIX)
    return (is_proxy and "@" in value) or _CREDENTIALS.search(value) is not None


def _overwrite(entries: list[bytes]) -> None:
    """Overwrite the values of ``entries`` (``NAME=value``) in the process's initial environment."""
    # Imported here: only needed with secrets in the environment.
    import ctypes

    stat = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = int(stat[_ENV_START]), int(stat[_ENV_END])
    if not 0 < start < end:
        return
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        if entry in entries:
            begin = entry.index(b"=") + 1
            ctypes.memset(at + begin, 0, len(entry) - begin)
        at += len(entry) + 1
