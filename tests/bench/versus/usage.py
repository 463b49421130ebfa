"""What a viewer takes: CPU and memory of all its processes, found by a mark in their environment."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "VERSUS_MARK"


@dataclass(frozen=True, slots=True)
class Taken:
    """CPU time so far, of each process by its id and birth."""

    cpu_s: Mapping[tuple[int, float], float]

    def since(self, before: "Taken") -> dict[tuple[int, float], float]:
        """CPU seconds of each between two looks; what was born meanwhile counts from its birth."""
        return {who: spent_s - before.cpu_s.get(who, 0.0) for who, spent_s in self.cpu_s.items()}


class Tree:
    """All processes of one viewer: what descends from it, and what carries its mark, whoever adopted it."""

    def __init__(self, pid: int, mark: str) -> None:
        self._pid = pid
        self._mark = mark

    def taken(self) -> Taken:
        """CPU time so far."""
        found = {}
        for process in self.processes():
            times = process.cpu_times()
            found[process.pid, process.create_time()] = times.user + times.system
        return Taken(found)

    def pss_mb(self) -> float:
        """Memory now: what is shared among processes counts once."""
        return sum(process.memory_full_info().pss for process in self.processes()) / 1e6

    def roles(self) -> dict[tuple[int, float], str]:
        """What each process is: the word that tells it from the others of its program."""
        return {
            (process.pid, process.create_time()): _role(process.cmdline()) for process in self.processes()
        }

    def processes(self) -> Iterator[psutil.Process]:
        """Each of them that is alive."""
        family = {self._pid}
        for process in psutil.process_iter():
            try:
                ours = process.pid in family or process.ppid() in family
                ours = ours or process.environ().get(MARK) == self._mark
                if not ours or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                family.add(process.pid)
                yield process
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue


def _role(words: list[str]) -> str:
    for flag in ("--utility-sub-type=", "--type="):
        found = next((word.removeprefix(flag) for word in words if word.startswith(flag)), None)
        if found is not None:
            return found
    return "guard" if "guard" in words else "main"


def marked(env: Mapping[str, str], mark: str) -> dict[str, str]:
    """The environment for a viewer."""
    return {**env, MARK: mark}


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    cpu = next((line for line in lines if line.startswith("model name")), ":?")
    return {
        "cpu": cpu.split(":")[1].strip(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": " ".join(os.uname()[i] for i in (0, 2, 4)),
    }
