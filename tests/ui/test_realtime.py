"""Who goes first: the sound thread and Qt's own, with the system's leave or by RealtimeKit."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jeepney import new_error, new_method_return

from atlas_desktop.audio.realtime import NICENESS, PRIORITY, go_first
from tests.desk.bus import session_bus
from tests.desk.sound import Card, sound
from tests.ui.fake_service import FakeService, private_bus

KIT = "org.freedesktop.RealtimeKit1"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Qt sees to it")
WITHOUT_LEAVE = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice")


class FakeKit(FakeService):
    """Serves one connection; it notes, and gives nothing.

    Attributes:
        asked: Each call's method, the thread's name, the number asked for, and the limit of its process.
    """

    def __init__(self, address: str) -> None:
        self.asked: list[tuple[str, str, int, str]] = []
        self.refuses = False
        super().__init__(address, KIT)

    def _answer(self, method: str, message: Any) -> None:
        if not method.startswith("MakeThread"):
            return
        thread, number = message.body
        of_process = Path(f"/proc/{thread}")
        limits = (of_process / "limits").read_text().splitlines()
        limit = next(line.split()[3] for line in limits if line.startswith("Max realtime timeout"))
        self.asked.append((method, (of_process / "comm").read_text().strip(), number, limit))
        if self.refuses:
            self._bus.send(new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "s", ("no",)))
        else:
            self._bus.send(new_method_return(message, "", ()))


@pytest.fixture(scope="module")
def card() -> Iterator[Card]:
    with session_bus(os.environ) as env, sound({**env, "QT_QPA_PLATFORM": "offscreen"}) as card:
        yield card


def play(card: Card, before: Sequence[str] = (), system_bus: str = "unix:path=/nowhere") -> dict[str, Any]:
    words = [*before, sys.executable, "-m", "tests.desk.player", '{"seconds": 1.5}']
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


def in_a_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes the leave to be realtime")
def test_with_leave_the_sound_goes_first_and_nothing_else(card: Card) -> None:
    found = policies(play(card))
    assert os.SCHED_RR in found.pop("QPulse")
    assert found.pop("sound") == {os.SCHED_RR}
    assert set().union(*found.values()) == {os.SCHED_OTHER}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes the leave to be realtime")
def test_where_long_computing_would_end_the_program_it_stays_behind() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (before[1] if before[1] > 0 else 1_000_000, before[1]))
    said: list[bool] = []
    try:
        in_a_thread(lambda: said.append(go_first()))
    finally:
        resource.setrlimit(resource.RLIMIT_RTTIME, before)
    in_a_thread(lambda: said.append(go_first()))
    assert said == [False, True]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes the leave away")
@pytest.mark.parametrize("refuses", [False, True])
def test_without_leave_it_asks_realtimekit_and_plays_whatever_that_says(card: Card, refuses: bool) -> None:
    with private_bus() as address, closing(FakeKit(address)) as kit:
        kit.refuses = refuses
        found = policies(play(card, WITHOUT_LEAVE, address))
    assert found["sound"] == found["QPulse"] == {os.SCHED_OTHER}
    assert kit.asked[0] == ("MakeThreadHighPriority", "sound", NICENESS, "200000")
    rest = {(method, name[:6], number) for method, name, number, _ in kit.asked[1:]}
    assert rest == (set() if refuses else {("MakeThreadRealtime", "QPulse", PRIORITY)})


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes the leave away")
def test_without_either_it_plays_all_the_same(card: Card) -> None:
    found = policies(play(card, WITHOUT_LEAVE))
    assert set().union(*found.values()) == {os.SCHED_OTHER}
