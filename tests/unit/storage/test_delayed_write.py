"""Writing soon after a change: when, how often, and what is never waited for."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from atlas_desktop.storage.delayed_write import DelayedWrite
from atlas_desktop.storage.settings_store import SettingsStore

LIMIT_S = 10.0


class Disk:
    """Notes what held at each write, and may be slow."""

    def __init__(self) -> None:
        self.value = 0
        self.written: list[int] = []
        self.begun = threading.Event()
        self.answers = threading.Event()
        self.answers.set()

    def write(self) -> None:
        self.begun.set()
        assert self.answers.wait(2 * LIMIT_S)
        self.written.append(self.value)


@pytest.fixture
def disk() -> Disk:
    return Disk()


def until(reached: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not reached():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_many_changes_are_one_write_of_the_last(disk: Disk) -> None:
    delay = DelayedWrite("test", disk.write, 0.2)
    for disk.value in range(1, 100):
        delay.schedule()
    until(lambda: bool(disk.written))
    assert disk.written == [99]


def test_changes_that_never_cease_are_written(tmp_path: Path) -> None:
    """As of a volume that is moved to and fro: a crash in the midst of it loses nothing else."""
    store = SettingsStore(tmp_path / "settings.json", write_after_s=0.3)
    deadline_s, volume = time.monotonic() + LIMIT_S, 0
    while not (tmp_path / "settings.json").exists():
        assert time.monotonic() < deadline_s
        volume = (volume + 1) % 100
        store.change(volume=volume)
        time.sleep(0.005)
    store.close()


def test_a_change_while_it_is_written_is_written_too(disk: Disk) -> None:
    delay = DelayedWrite("test", disk.write, 0.001)
    disk.answers.clear()
    delay.schedule()
    assert disk.begun.wait(LIMIT_S)
    disk.value = 1
    delay.schedule()
    disk.answers.set()
    until(lambda: len(disk.written) == 2)
    assert disk.written[-1] == 1


def test_what_is_flushed_is_written_at_once_and_what_comes_later_later(disk: Disk) -> None:
    delay = DelayedWrite("test", disk.write, 60.0)
    delay.schedule()
    delay.flush()
    assert disk.written == [0]
    disk.value = 1
    delay.schedule()
    delay.flush()
    assert disk.written == [0, 1]


def test_stopping_waits_for_no_disk_and_closing_comes_after_what_is_being_written(disk: Disk) -> None:
    delay = DelayedWrite("test", disk.write, 0.001)
    disk.answers.clear()
    delay.schedule()
    assert disk.begun.wait(LIMIT_S)
    delay.stop()
    delay.schedule()
    assert disk.written == []
    disk.answers.set()
    delay.close(lambda: disk.written.append(-1))
    assert disk.written == [0, -1]


@pytest.mark.logs("test failed")
def test_a_write_that_fails_is_no_end_of_writing() -> None:
    failures: list[int] = []

    def fail() -> None:
        failures.append(1)
        raise RuntimeError

    delay = DelayedWrite("test", fail, 0.001)
    for count in (1, 2):
        delay.schedule()
        until(lambda count=count: len(failures) == count)  # type: ignore[misc]
    delay.flush()
    assert len(failures) == 3
