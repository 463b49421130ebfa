"""``python -m tests.desk COMMAND…``: runs a command on a desk of its own; its status is ours.

``--pipewire``: the sound server is PipeWire. ``--no-realtime``: neither it nor the command may go before
other programs, as on a desk without RealtimeKit.
"""

import argparse
import os
import subprocess
import sys

from tests.desk.bus import session_bus
from tests.desk.display import display
from tests.desk.sound import WITHOUT_LEAVE, sound


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.desk")
    parser.add_argument("--pipewire", action="store_true")
    parser.add_argument("--no-realtime", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    before = WITHOUT_LEAVE if given.no_realtime else ()
    with (
        session_bus(os.environ) as env,
        display(env) as env,
        sound(env, "pipewire" if given.pipewire else "pulseaudio", realtime=not given.no_realtime) as card,
    ):
        return subprocess.run([*before, *given.command], env=card.env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
