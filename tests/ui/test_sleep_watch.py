import os
import subprocess
import sys
from collections.abc import Iterator
from ctypes import addressof, wintypes
from typing import Any, cast

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from atlas_desktop.sleep_watch import SleepMonitor
from atlas_desktop.sleep_watch.power_messages import (
    PBT_APMRESUMEAUTOMATIC,
    PBT_APMSUSPEND,
    WM_POWERBROADCAST,
    PowerMessages,
)
from atlas_desktop.sleep_watch.sleep_monitor import SleepCallback
from tests.desk.service import private_bus
from tests.ui.fake_logind import FakeLogind


class FakeSystem:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.tell: SleepCallback = lambda going: None

    def open(self, tell: SleepCallback) -> "FakeSystem":
        self.tell = tell
        self.said.append("open")
        return self

    def close(self) -> None:
        self.said.append("close")


class Bench:
    """A watch with clocks that stand still until they are moved, on a system that records."""

    def __init__(self, has_system: bool = True) -> None:
        self.system = FakeSystem()
        self.boottime_s = self.waking_s = 1000.0
        opener = cast(Any, self.system.open if has_system else _nothing)
        self.watch = SleepMonitor(
            system=opener, lasting=lambda: self.boottime_s, waking=lambda: self.waking_s
        )
        self.goings = QSignalSpy(self.watch.about_to_sleep)
        self.wakes = QSignalSpy(self.watch.woke)

    def hold(self, qtbot: QtBot) -> None:
        """Holds the watch until the system's own is open, too."""
        self.watch.hold(True)
        assert self.system.said == []
        qtbot.waitUntil(lambda: self.system.said == ["open"])

    def pass_time(self, awake_s: float, asleep_s: float = 0.0) -> None:
        self.boottime_s += awake_s + asleep_s
        self.waking_s += awake_s


def _nothing(_tell: SleepCallback) -> None:
    return None


@pytest.fixture(scope="module")
def bus() -> Iterator[str]:
    with private_bus() as address:
        yield address


@pytest.fixture
def logind(bus: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLogind]:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
    fake = FakeLogind(bus)
    yield fake
    fake.close()


@pytest.fixture
def watch(qapp: QApplication) -> Iterator[SleepMonitor]:
    made = SleepMonitor()
    yield made
    made.hold(False)


# On the bus

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's")


@on_linux
def test_a_held_watch_makes_the_computer_wait(watch: SleepMonitor, logind: FakeLogind, qtbot: QtBot) -> None:
    assert logind.asked == []
    watch.hold(True)
    qtbot.waitUntil(lambda: logind.held == [True])
    assert logind.asked == [("sleep", "Atlas Desktop", "ends the paid session first", "delay")]
    watch.hold(False)
    qtbot.waitUntil(lambda: logind.held == [False])


@on_linux
def test_sleep_waits_until_it_is_let_go_and_the_lock_is_taken_again_by_the_next_session(
    watch: SleepMonitor, logind: FakeLogind, qtbot: QtBot
) -> None:
    watch.hold(True)
    qtbot.waitUntil(lambda: logind.held == [True])
    with qtbot.waitSignal(watch.about_to_sleep):
        logind.prepare_for_sleep(True)
    qtbot.wait(100)
    assert logind.held == [True]
    watch.hold(False)
    qtbot.waitUntil(lambda: logind.held == [False])
    logind.prepare_for_sleep(False)
    watch.hold(True)
    qtbot.waitUntil(lambda: logind.held == [False, True])


@on_linux
def test_a_lock_that_comes_too_late_is_not_kept(
    watch: SleepMonitor, logind: FakeLogind, qtbot: QtBot
) -> None:
    watch.hold(True)
    watch.hold(False)
    qtbot.wait(200)
    assert True not in logind.held
    watch.hold(True)
    qtbot.waitUntil(lambda: logind.held[-1:] == [True])


@on_linux
def test_a_watch_that_was_let_go_is_told_nothing(
    watch: SleepMonitor, logind: FakeLogind, qtbot: QtBot
) -> None:
    goings = QSignalSpy(watch.about_to_sleep)
    watch.hold(True)
    qtbot.waitUntil(lambda: logind.held == [True])
    watch.hold(False)
    logind.prepare_for_sleep(True)
    qtbot.wait(150)
    assert goings.count() == 0


@on_linux
def test_a_child_of_ours_does_not_keep_the_lock(
    watch: SleepMonitor, logind: FakeLogind, qtbot: QtBot
) -> None:
    watch.hold(True)
    qtbot.waitUntil(lambda: logind.held == [True])
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    watch.hold(False)
    qtbot.waitUntil(lambda: logind.held == [False])
    child.communicate(b"\n")


@on_linux
def test_sleep_is_told_where_the_lock_is_refused(
    watch: SleepMonitor, logind: FakeLogind, qtbot: QtBot
) -> None:
    logind.refuses = True
    watch.hold(True)
    qtbot.waitUntil(lambda: bool(logind.asked))
    with qtbot.waitSignal(watch.about_to_sleep):
        logind.prepare_for_sleep(True)
    with qtbot.waitSignal(watch.woke):
        logind.prepare_for_sleep(False)


@on_linux
@pytest.mark.parametrize("there_is_a_bus", [True, False])
def test_without_logind_nothing_is_said(
    there_is_a_bus: bool, watch: SleepMonitor, bus: str, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus if there_is_a_bus else "unix:path=/nowhere")
    watch.hold(True)
    qtbot.wait(150)
    watch.hold(False)


def test_before_it_is_held_no_bus_is_known() -> None:
    words = (
        "import sys; from atlas_desktop.sleep_watch import SleepMonitor; "
        "SleepMonitor(); sys.exit('PySide6.QtDBus' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", words], check=True, env=dict(os.environ))


# By the clocks


@pytest.mark.parametrize("has_system", [True, False])
def test_a_night_asleep_is_seen_by_the_clocks_once(has_system: bool, qtbot: QtBot) -> None:
    bench = Bench(has_system)
    bench.watch.hold(True)
    bench.pass_time(2, asleep_s=8 * 3600)
    qtbot.waitUntil(lambda: bench.wakes.count() == 1, timeout=5000)
    bench.pass_time(2)
    bench.watch.compare_clocks()
    assert bench.wakes.count() == 1
    assert bench.goings.count() == 0
    bench.watch.hold(False)


def test_a_stalled_program_or_a_slow_drift_is_no_sleep(qtbot: QtBot) -> None:
    bench = Bench()
    bench.hold(qtbot)
    for _ in range(2):
        bench.pass_time(60, asleep_s=4)
        bench.watch.compare_clocks()
    assert bench.wakes.count() == 0
    bench.watch.hold(False)


def test_a_wake_that_system_and_clocks_see_is_told_once(qtbot: QtBot) -> None:
    bench = Bench()
    bench.hold(qtbot)
    bench.system.tell(True)
    bench.system.tell(True)
    assert bench.goings.count() == 1
    bench.pass_time(1, asleep_s=600)
    bench.system.tell(False)
    bench.watch.compare_clocks()
    assert bench.wakes.count() == 1
    bench.system.tell(True)
    bench.pass_time(1, asleep_s=600)
    bench.watch.compare_clocks()
    assert bench.wakes.count() == 2
    bench.system.tell(False)
    assert bench.wakes.count() == 2
    bench.watch.hold(False)


def test_it_is_opened_and_closed_once(qtbot: QtBot) -> None:
    bench = Bench()
    bench.hold(qtbot)
    bench.watch.hold(True)
    assert bench.system.said == ["open"]
    bench.system.tell(True)
    bench.system.tell(False)
    bench.watch.hold(False)
    bench.watch.hold(False)
    assert bench.system.said == ["open", "close"]


# By Windows' messages


@pytest.mark.parametrize(
    ("message", "detail", "told"),
    [
        (WM_POWERBROADCAST, PBT_APMSUSPEND, [True]),
        (WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC, [False]),
        (WM_POWERBROADCAST, 0xA, []),
        (0x0219, PBT_APMSUSPEND, []),
    ],
)
def test_windows_tells_by_message(message: int, detail: int, told: list[bool], qapp: QApplication) -> None:
    heard: list[bool] = []
    filter_ = PowerMessages(heard.append)
    native = wintypes.MSG(message=message, wParam=detail)
    kind = QByteArray(b"windows_generic_MSG")
    assert filter_.nativeEventFilter(kind, addressof(native)) == (False, 0)
    filter_.close()
    assert heard == told
