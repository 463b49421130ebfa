"""``python -m tests.desk COMMAND…``: runs a command on a desk of its own; its status is ours."""

import os
import subprocess
import sys

from tests.desk.bus import session_bus
from tests.desk.display import display
from tests.desk.sound import sound

if __name__ == "__main__":
    with session_bus(os.environ) as env, display(env) as env, sound(env) as card:
        sys.exit(subprocess.run(sys.argv[1:], env=card.env, check=False).returncode)
