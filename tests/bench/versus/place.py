"""Where viewers are measured: a screen of 1024×768 that every window fills, and a sound card."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.desk.bus import session_bus
from tests.desk.display import display
from tests.desk.kit import realtime_kit
from tests.desk.sound import sound

WIDTH_PX, HEIGHT_PX = 1024, 768
_BARE = ("ATLAS_", "XDG_")
# Full screen by the window manager, not by the viewers: neither can miss it.
_WINDOWS = """<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <applications>
    <application class="*"><decor>no</decor><maximized>true</maximized></application>
  </applications>
</openbox_config>
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The desk's environment, and the file that holds the screen's pixels."""

    env: Mapping[str, str]
    pixels: Path


@contextmanager
def place(*, realtime: bool = True) -> Iterator[Place]:
    """Sets it up for one run.

    Args:
        realtime: Whether the sound server goes before all other programs, and a program may ask for that.
    """
    bare = {name: value for name, value in os.environ.items() if not name.startswith(_BARE)}
    with TemporaryDirectory(prefix="versus-screen-") as name:
        folder = Path(name)
        (folder / "openbox").mkdir()
        (folder / "openbox/rc.xml").write_text(_WINDOWS, "utf-8")
        bare["XDG_CONFIG_HOME"] = name
        with (
            session_bus(bare) as env,
            display(env, WIDTH_PX, HEIGHT_PX, pixels=folder) as env,
            realtime_kit(env) if realtime else nullcontext(env) as env,
            sound(env, realtime=realtime) as card,
        ):
            yield Place(card.env, folder / "Xvfb_screen0")
