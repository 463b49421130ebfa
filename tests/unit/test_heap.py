import os
import platform
import subprocess
import sys

import pytest

_BUSY = """
import ctypes, sys, threading
from atlas_desktop.heap import limit_arenas
if sys.argv[1] == "limited":
    limit_arenas()
together = threading.Barrier(12)
def work():
    together.wait()
    kept = ctypes.create_string_buffer(4096)
    together.wait()
    del kept
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def arenas(how: str, **env: str) -> int:
    """How many arenas a process with twelve threads ends up with."""
    clean = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run(
        [sys.executable, "-c", _BUSY, how], env=clean | env, capture_output=True, text=True, check=True
    )
    return done.stderr.count("Arena ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are glibc's")
class TestLimitArenas:
    def test_many_threads_share_two_arenas(self) -> None:
        assert arenas("limited") <= 2 < arenas("as it comes")

    def test_the_users_own_limit_stands(self) -> None:
        assert arenas("limited", MALLOC_ARENA_MAX="4") == 4
