"""The processes that a program of ours has started, by what they are for."""

import psutil


def children_as(role: str, pid: int) -> list[psutil.Process]:
    """The children of ``pid`` that were started as ``role``; others of it may end meanwhile."""
    return [child for child in psutil.Process(pid).children() if _is(child, role)]


def child_as(role: str, pid: int) -> psutil.Process:
    """The one of this role."""
    (found,) = children_as(role, pid)
    return found


def _is(process: psutil.Process, role: str) -> bool:
    try:
        return role in process.cmdline()
    except psutil.Error:
        return False  # gone meanwhile
