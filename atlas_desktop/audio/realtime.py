"""Threads whose lateness is heard run before all others, where the system lets them.

Beside busy programs a thread waits some milliseconds until it runs, whatever its niceness: about as long as
what the sound server keeps will last. Linux only; elsewhere Qt and the system see to it.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from atlas_desktop.aio import guarded

if sys.platform == "linux":
    import resource

log = logging.getLogger(__name__)

PRIORITY = 5
"""Before all that is not realtime, not before the sound server: PulseAudio has 5 too, PipeWire 83 to 88."""
NICENESS = -11
"""What RealtimeKit gives to those that it does not trust with more: PulseAudio's own."""
_SERVICE = "org.freedesktop.RealtimeKit1"
_PATH = "/org/freedesktop/RealtimeKit1"
_ANSWERS_WITHIN_S = 5.0
_RTTIME_US = 200_000
"""RealtimeKit's condition: a thread that computes for so long without a pause is ended, and with it the sound
process, which may be: the window starts another."""
_TASKS = Path("/proc/self/task")
_QT_PULSE = "QPulse"


def take_priority(on_taken: Callable[[], None]) -> None:
    """Lets the calling thread, and those in which Qt talks with the sound server, go before all others.

    To be called as the thread begins, and again once Qt has started another: it costs some microseconds, or
    asks RealtimeKit.

    Args:
        on_taken: Told, at once or in a thread of its own, that they do.
    """
    if go_first():
        on_taken()
    else:
        ask_kit(on_taken)


def go_first() -> bool:
    """Makes the calling thread realtime, and each that it starts; False where it may not.

    Without RealtimeKit's condition, so that there is no limit to what they compute.
    """
    if sys.platform != "linux" or resource.getrlimit(resource.RLIMIT_RTTIME)[0] != resource.RLIM_INFINITY:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True


def ask_kit(on_granted: Callable[[], None]) -> None:
    """Asks RealtimeKit for the calling thread and Qt's sound server threads; at least for a better niceness.

    Returns at once: the answer may take seconds, when the system starts the kit for it.

    Args:
        on_granted: Told, in a thread of its own, that all was given.
    """
    if sys.platform == "linux":
        own = threading.get_native_id()
        words = ((own, *_qt_pulse_threads()), own, on_granted)
        ask = guarded("the realtime kit")(_ask_kit)
        threading.Thread(target=ask, args=words, name="realtime-kit", daemon=True).start()


def _qt_pulse_threads() -> Sequence[int]:
    """Those in which Qt talks with PulseAudio."""
    found = []
    for task in _TASKS.iterdir():
        # It may have ended meanwhile.
        with suppress(OSError):
            if (task / "comm").read_text().startswith(_QT_PULSE):
                found.append(int(task.name))
    return found


def _ask_kit(realtime: Sequence[int], nice: int, on_granted: Callable[[], None]) -> None:
    # Not at the top: it is there on Linux only. Qt's D-Bus classes can't send unsigned numbers from Python.
    from jeepney import DBusAddress, DBusErrorResponse, new_method_call
    from jeepney.io.blocking import open_dbus_connection
    from jeepney.wrappers import unwrap_msg

    kit = DBusAddress(_PATH, bus_name=_SERVICE, interface=_SERVICE)
    calls = [("MakeThreadHighPriority", "ti", (nice, NICENESS))]
    calls += [("MakeThreadRealtime", "tu", (thread, PRIORITY)) for thread in realtime]
    try:
        with open_dbus_connection("SYSTEM") as bus:
            _limit_rttime()
            for name, signature, words in calls:
                call = new_method_call(kit, name, signature, words)
                unwrap_msg(bus.send_and_get_reply(call, timeout=_ANSWERS_WITHIN_S))
    except (OSError, ValueError, DBusErrorResponse) as error:
        log.info("sound threads wait their turn, RealtimeKit does not help: %s", error)
        return
    on_granted()


def _limit_rttime() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_RTTIME)
    limit_us = _RTTIME_US if most == resource.RLIM_INFINITY else min(most, _RTTIME_US)
    resource.setrlimit(resource.RLIMIT_RTTIME, (limit_us, limit_us))
