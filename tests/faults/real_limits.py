"""``python -m tests.faults.real_limits``: three limits reached in real minutes, each by a real program.

Nobody touches them; how late the DELETE left after each limit is read from the books.
"""

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from atlas_desktop.api.limits import LAST_S
from tests.e2e.program import LocalAtlas, local_atlas
from tests.faults.subject import subject

LATEST_S = 5.0
_PRICE_PER_HOUR_USD = 10.0


@dataclass(frozen=True)
class Case:
    """One limit.

    Attributes:
        settings: What the profile says.
        due_s: When the session must end, from its grant.
    """

    name: str
    settings: Mapping[str, object]
    due_s: float


CASES = (
    Case("one minute a session", {"limit_session_s": 60.0}, 60.0),
    Case("$0.25 a session", {"limit_session_usd": 0.25}, 0.25 / _PRICE_PER_HOUR_USD * 3600),
    # In passthrough: an avatar that greets is somebody who speaks.
    Case(
        "nobody for a minute, and asked for another",
        {"limit_idle_s": 60.0, "mode": "passthrough"},
        60.0 + LAST_S,
    ),
)


def late_s(case: Case, atlas: LocalAtlas, env: Mapping[str, str], profile: Path) -> float:
    """How long after the limit the DELETE arrived; negative when it came before."""
    there = {**env, "ATLAS_API_BASE": atlas.base, "ATLAS_API_KEY": atlas.key, "QT_QPA_PLATFORM": "offscreen"}
    with subject(profile, there, hang_s=30, **case.settings) as program:
        program.tell("start")
        program.wait(lambda: program.life == "Live", "Live")
        program.wait(lambda: program.life == "Ended", "Ended", case.due_s + 30)
    (row,) = atlas.sessions()
    (call,) = [one for one in atlas.books()["calls"] if one["method"] == "DELETE"]
    started, asked = (datetime.fromisoformat(text) for text in (row["started_at"], call["at"]))
    return (asked - started).total_seconds() - case.due_s


def main() -> int:
    """All at once; 1 when one was more than 5 s late, or early."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ATLAS_")}
    found: dict[str, float] = {}
    with TemporaryDirectory(prefix="limits-", ignore_cleanup_errors=True) as name:

        def work(number: int, case: Case) -> None:
            folder = Path(name) / str(number)
            folder.mkdir()
            with local_atlas(env, folder / "local.log") as atlas:
                found[case.name] = late_s(case, atlas, env, folder / "profile")

        threads = [threading.Thread(target=work, args=both) for both in enumerate(CASES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for case in CASES:
        print(f"{case.name:<45}{found.get(case.name, float('nan')):>8.2f} s late   ≤ {LATEST_S:g}")
    in_time = [-0.5 <= found.get(case.name, float("inf")) <= LATEST_S for case in CASES]
    return 0 if all(in_time) else 1


if __name__ == "__main__":
    sys.exit(main())
