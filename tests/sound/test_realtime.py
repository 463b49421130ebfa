"""Who goes first: the sound thread and Qt's own, with the system's leave or by RealtimeKit."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from atlas_desktop.audio.realtime import NICENESS, PRIORITY, set_realtime
from tests.desk.bus import session_bus
from tests.desk.kit import Kit
from tests.desk.service import private_bus
from tests.desk.sound import WITHOUT_LEAVE, Card, sound


def in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def may_be_realtime() -> bool:
    """Whether we have that leave: root, but for containers."""
    said: list[bool] = []
    in_a_thread(lambda: said.append(set_realtime()))
    return said[0]


HAS_LEAVE = may_be_realtime()
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Qt sees to it")


@pytest.fixture(scope="module")
def card() -> Iterator[Card]:
    with session_bus(os.environ) as env, sound({**env, "QT_QPA_PLATFORM": "offscreen"}) as card:
        yield card


def play(card: Card, before: Sequence[str] = (), system_bus: str = "unix:path=/nowhere") -> dict[str, Any]:
    # As in the program, some time passes until there is sound.
    order = json.dumps({"seconds": 1.5, "waits_s": 0.5})
    words = [*before, sys.executable, "-m", "tests.desk.player", order]
    env = {**card.env, "DBUS_SYSTEM_BUS_ADDRESS": system_bus}
    said = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
    report: dict[str, Any] = json.loads(said)
    assert report["failures"] == []
    assert report["counters"]["writes"] > 100
    return report


def policies(report: dict[str, Any]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, policy in report["threads"]:
        found.setdefault("QPulse" if name.startswith("QPulse") else name, set()).add(policy)
    return found


@pytest.mark.skipif(not HAS_LEAVE, reason="takes the leave to be realtime")
def test_with_leave_the_sound_goes_first_and_nothing_else(card: Card) -> None:
    found = policies(play(card))
    assert os.SCHED_RR in found.pop("QPulse")
    assert found.pop("sound") == {os.SCHED_RR}
    assert set().union(*found.values()) == {os.SCHED_OTHER}


@pytest.mark.skipif(not HAS_LEAVE, reason="takes the leave to be realtime")
def test_where_long_computing_would_end_the_program_it_stays_behind() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (before[1] if before[1] > 0 else 1_000_000, before[1]))
    said: list[bool] = []
    try:
        in_a_thread(lambda: said.append(set_realtime()))
    finally:
        resource.setrlimit(resource.RLIMIT_RTTIME, before)
    in_a_thread(lambda: said.append(set_realtime()))
    assert said == [False, True]


@pytest.mark.skipif(shutil.which("setpriv") is None or not HAS_LEAVE, reason="takes the leave away")
def test_without_leave_realtimekit_is_asked_and_the_server_then_keeps_less(card: Card) -> None:
    with private_bus() as address, closing(Kit(address)) as kit:
        report = play(card, WITHOUT_LEAVE, address)
    assert policies(report)["QPulse"] == {os.SCHED_RR | os.SCHED_RESET_ON_FORK}
    assert policies(report)["sound"] == {os.SCHED_RR | os.SCHED_RESET_ON_FORK}
    assert ("MakeThreadHighPriority", "sound", NICENESS, "200000") in kit.asked
    rest = {(name[:6], number) for method, name, number, _ in kit.asked if method == "MakeThreadRealtime"}
    assert rest == {("QPulse", PRIORITY), ("sound", PRIORITY)}
    assert report["counters"]["server_ms"] < 0


@pytest.mark.skipif(shutil.which("setpriv") is None or not HAS_LEAVE, reason="takes the leave away")
def test_where_realtimekit_refuses_it_plays_as_usual(card: Card) -> None:
    with private_bus() as address, closing(Kit(address)) as kit:
        kit.refuses = True
        report = play(card, WITHOUT_LEAVE, address)
    assert policies(report)["QPulse"] == policies(report)["sound"] == {os.SCHED_OTHER}
    assert {asked[0] for asked in kit.asked} == {"MakeThreadHighPriority"}
    assert report["counters"]["server_ms"] == 0


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes the leave away")
def test_without_either_it_plays_all_the_same(card: Card) -> None:
    found = policies(play(card, WITHOUT_LEAVE))
    assert set().union(*found.values()) == {os.SCHED_OTHER}


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes the leave away")
@pytest.mark.parametrize("before", [(), WITHOUT_LEAVE], ids=["we may", "we may not"])
def test_a_server_that_is_not_realtime_is_asked_to_keep_more(before: Sequence[str]) -> None:
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with session_bus(env) as env, sound(env, realtime=False) as card:
        report = play(card, before)
    assert report["counters"]["server_ms"] >= 10
