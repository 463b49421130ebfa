"""Realtime scheduling for the threads whose lateness is audible, where the system grants it.

Beside busy programs a thread waits some milliseconds until it runs, whatever its niceness: about as long as
the sound server's buffer lasts. Linux only; elsewhere Qt and the system take care of it.
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
"""Above all that is not realtime, not above the sound server: PulseAudio has 5 too, PipeWire 83 to 88."""
NICENESS = -11
"""What RealtimeKit grants where it refuses realtime; PulseAudio has the same."""
_SERVICE = "org.freedesktop.RealtimeKit1"
_PATH = "/org/freedesktop/RealtimeKit1"
_ANSWERS_WITHIN_S = 5.0
_RTTIME_US = 200_000
"""RealtimeKit's condition: a thread that computes for so long without a pause is killed, and the sound
process with it. The window then starts another."""
_TASKS = Path("/proc/self/task")
_QT_PULSE = "QPulse"


def take_priority(on_taken: Callable[[], None]) -> None:
    """Make the calling thread, and those in which Qt talks with the sound server, realtime.

    Call it as the thread begins, and again once Qt has started another: it costs some microseconds, or
    a request to RealtimeKit.

    Args:
        on_taken: Called, at once or in a thread of its own, when they are.
    """
    if set_realtime():
        on_taken()
    else:
        request_from_kit(on_taken)


def set_realtime() -> bool:
    """Make the calling thread and those that it starts realtime; return False where that is not permitted.

    Unlike through RealtimeKit, their computing time is not limited.
    """
    if sys.platform != "linux" or resource.getrlimit(resource.RLIMIT_RTTIME)[0] != resource.RLIM_INFINITY:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True


def request_from_kit(on_granted: Callable[[], None]) -> None:
    """Ask RealtimeKit to make the calling thread and Qt's sound server threads realtime, or less nice.

    Returns at once: the answer may take seconds, when the system starts RealtimeKit for it.

    Args:
        on_granted: Called, in a thread of its own, when everything was granted.
    """
    if sys.platform == "linux":
        own = threading.get_native_id()
        words = ((own, *_qt_pulse_threads()), own, on_granted)
        ask = guarded("the realtime kit")(_call_kit)
        threading.Thread(target=ask, args=words, name="realtime-kit", daemon=True).start()


def _qt_pulse_threads() -> Sequence[int]:
    """Return the ids of the threads in which Qt talks with PulseAudio."""
    found = []
    for task in _TASKS.iterdir():
        # It may have ended meanwhile.
        with suppress(OSError):
            if (task / "comm").read_text().startswith(_QT_PULSE):
                found.append(int(task.name))
    return found


def _call_kit(realtime: Sequence[int], nice: int, on_granted: Callable[[], None]) -> None:
    # Imported here: Linux only. Qt's D-Bus classes can't send unsigned numbers from Python.
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
        log.info("sound threads are not realtime, RealtimeKit failed: %s", error)
        return
    on_granted()


def _limit_rttime() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_RTTIME)
    limit_us = _RTTIME_US if most == resource.RLIM_INFINITY else min(most, _RTTIME_US)
    resource.setrlimit(resource.RLIMIT_RTTIME, (limit_us, limit_us))
