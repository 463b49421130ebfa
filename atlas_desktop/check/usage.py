"""CPU and memory of processes over a stretch of time."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process used: percent of one core; megabytes and threads at the end."""

    cpu_percent: float
    memory_mb: float
    threads: int


class UsageMeter:
    """Measures one process from the meter's creation to ``read``."""

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._began_s = time.monotonic()
        self._cpu_s = self._cpu()

    def read(self) -> Usage | None:
        """Return what the process has used; ``None`` when it has ended."""
        try:
            cpu_s = self._cpu() - self._cpu_s
            memory, threads = self._memory_bytes(), self._process.num_threads()
        except psutil.NoSuchProcess:
            return None
        return Usage(100 * cpu_s / max(1e-3, time.monotonic() - self._began_s), memory / _MB, threads)

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _memory_bytes(self) -> int:
        """Return the PSS where the system has it (Linux), else the resident set."""
        try:
            full = self._process.memory_full_info()
        except psutil.AccessDenied:
            return int(self._process.memory_info().rss)
        return int(getattr(full, "pss", 0) or full.rss)


def launched_s() -> float:
    """Return the seconds since this process was started."""
    stat = Path("/proc/self/stat")
    if stat.exists():
        # psutil counts from the boot time in whole seconds; the kernel's own ticks are good to 10 ms.
        ticks = int(stat.read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - float(psutil.Process().create_time())
