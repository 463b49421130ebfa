"""CPU and memory of processes over a stretch of time."""

import time
from dataclasses import dataclass

import psutil

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process used: percent of one core, and megabytes at the end."""

    cpu_percent: float
    memory_mb: float


class UsageMeter:
    """Measures one process from its making to ``read``."""

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._began_s = time.monotonic()
        self._cpu_s = self._cpu()

    def read(self) -> Usage | None:
        """What it used since; ``None`` when it is gone."""
        try:
            cpu_s = self._cpu() - self._cpu_s
            memory = self._memory_bytes()
        except psutil.NoSuchProcess:
            return None
        return Usage(100 * cpu_s / max(1e-3, time.monotonic() - self._began_s), memory / _MB)

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _memory_bytes(self) -> int:
        """PSS where the system tells it (Linux), else the resident set."""
        try:
            full = self._process.memory_full_info()
        except psutil.AccessDenied:
            return int(self._process.memory_info().rss)
        return int(getattr(full, "pss", 0) or full.rss)


def launched_s() -> float:
    """Seconds since this process was started, at the moment of the call."""
    return time.time() - float(psutil.Process().create_time())
