"""What is known of the graphics driver: a finding that is kept, and a mark that outlives a crash."""

import json
import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from atlas_desktop.lenient_json import parse_object
from atlas_desktop.storage import atomic

log = logging.getLogger(__name__)

_LONGEST_MS = 1e6
_KINDS: dict[str, Any] = {
    "use_gl": bool,
    "crashed": bool,
    "raster_ms": int | float | None,
    "gl_ms": int | float | None,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Which of the two ways to paint is the better one here.

    Attributes:
        driver: OpenGL's own names of card, driver and version; empty where there is no OpenGL.
        machine: The graphics hardware as the system names it: whether it is worth asking the driver again.
        use_gl: What was found.
        why: For the log.
        crashed: The driver took the program with it.
        raster_ms: What a picture costs the processor; ``None`` when not measured.
        gl_ms: What it costs by OpenGL; ``None`` when not measured.
    """

    driver: str
    machine: str
    use_gl: bool
    why: str
    crashed: bool = False
    raster_ms: float | None = None
    gl_ms: float | None = None


class PictureBook:
    """Keeps a profile's finding and the mark. Thread: any, one at a time.

    The mark lies in the profile while OpenGL is tried: who finds it at the start knows that the last
    program did not live to take it away.
    """

    def __init__(self, folder: Path) -> None:
        self._finding = folder / "picture-path.json"
        self._mark = folder / "picture-path.trying"

    def read(self) -> Finding | None:
        """The finding; ``None`` where there is none that can be read."""
        try:
            return _finding_in(parse_object(atomic.read_text(self._finding)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            log.info("what is known of the graphics driver can't be read: %s", error)
            return None

    def write(self, finding: Finding) -> None:
        """Keeps ``finding`` in place of the earlier one. A disk that refuses costs only a measurement."""
        try:
            atomic.write_text(self._finding, json.dumps(asdict(finding), indent=2) + "\n")
        except OSError as error:
            log.info("what is known of the graphics driver can't be kept: %s", error)

    def begin(self, driver: str) -> bool:
        """Marks that ``driver`` is being tried; False where nothing can be marked: then don't try it."""
        try:
            atomic.write_text(self._mark, driver)
        except OSError as error:
            log.info("OpenGL is not tried, a crash could not be noticed: %s", error)
            return False
        return True

    def passed(self) -> None:
        """Takes the mark away: it went well."""
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)

    def died(self) -> str | None:
        """The driver that was being tried when a program last died of it, or with it."""
        try:
            return atomic.read_text(self._mark)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            # What can't even be seen was left by nobody: links in a circle, a folder that may not be read.
            return "" if os.path.lexists(self._mark) else None


def _finding_in(found: dict[str, Any]) -> Finding:
    """The finding that was written.

    Raises:
        TypeError: Something in it is missing, or is not what we write.
    """
    finding = Finding(**found)
    is_ours = all(isinstance(value, _KINDS.get(name, str)) for name, value in found.items())
    if is_ours and all(0 <= cost < _LONGEST_MS for cost in (finding.raster_ms or 0, finding.gl_ms or 0)):
        return finding
    raise TypeError("not a finding")
