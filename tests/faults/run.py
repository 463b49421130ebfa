"""One run: a program is brought to a stage, hurt, and its session's end is looked for in the books."""

import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from atlas_desktop.errors import SessionIdLostAtMostError, SessionIdLostError
from tests.desk.display import display
from tests.e2e.program import LocalAtlas
from tests.faults.injections import ALL, Scene
from tests.faults.relay import Relay
from tests.faults.stages import STAGES
from tests.faults.subject import GoneError, Subject, subject

_LONGEST_LULL_S = 0.3
_GUARD_GONE_S = 20.0
_LAST_CALL_S = 3.0
LOSS_CODES = {SessionIdLostError.code, SessionIdLostAtMostError.code}


@dataclass(frozen=True)
class Plan:
    """What one run does; everything by chance in it comes from the seed."""

    seed: int
    stage: str
    injection: str
    hang_s: int = 5


@dataclass(frozen=True)
class Verdict:
    """What came of it.

    Attributes:
        ended_s: From the injection (or from when the guard could notice, or the service answered again) to
            the last session's end in the books; ``None`` while one is billing.
        lost_id: No id was known to anybody, as this injection may do.
        trouble: What else went wrong; empty when all was well.
        answers: What went out in the place of real answers.
    """

    plan: Plan
    ended_s: float | None
    lost_id: bool = False
    trouble: str = ""
    answers: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        in_time = self.ended_s is not None and self.ended_s <= ALL[self.plan.injection].bound_s
        return not self.trouble and (in_time or self.lost_id)


def judged(plan: Plan, atlas: LocalAtlas, env: Mapping[str, str]) -> Verdict:
    """Does one run against ``atlas``, which no other run uses meanwhile."""
    atlas.turn_page()
    with TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        try:
            return _run(plan, atlas, env, Path(folder), stack)
        except GoneError as error:
            return Verdict(plan, None, trouble=str(error))


def _run(plan: Plan, atlas: LocalAtlas, env: Mapping[str, str], folder: Path, stack: ExitStack) -> Verdict:
    injection, chance = ALL[plan.injection], random.Random(plan.seed)
    relay = Relay(int(atlas.base.rpartition(":")[2]))
    stack.callback(relay.close)
    if injection.spoils is not None:
        relay.spoiler = injection.spoils(chance)
    screen = stack.enter_context(ExitStack())
    there = {**env, "ATLAS_API_BASE": f"http://127.0.0.1:{relay.port}", "ATLAS_API_KEY": atlas.key}
    there["QT_QPA_PLATFORM"] = "offscreen"
    shown = screen.enter_context(display(there)) if injection.needs_display else there
    opened = stack.enter_context(subject(folder, shown, plan.hang_s))
    STAGES[plan.stage](opened, atlas)
    time.sleep(chance.uniform(0, _LONGEST_LULL_S))

    def reopen() -> None:
        stack.enter_context(subject(folder, there, plan.hang_s))

    injection.inject(Scene(opened, atlas, relay, reopen, screen.close, plan.hang_s))
    injected_s = time.monotonic() + (plan.hang_s if injection.hangs else 0.0)
    ended_s = _ended_s(atlas, injected_s, injection.bound_s)
    answers = () if relay.spoiler is None else tuple(relay.spoiler.names)
    if ended_s is None and injection.may_lose_id and _has_no_id(opened):
        is_silent = injection.must_report_loss and not opened.errors & LOSS_CODES
        trouble = "the program did not say that an id is lost" if is_silent else ""
        return Verdict(plan, None, lost_id=True, trouble=trouble, answers=answers)
    return Verdict(plan, ended_s, trouble=_trouble(opened), answers=answers)


def _ended_s(atlas: LocalAtlas, injected_s: float, bound_s: float) -> float | None:
    """Waits until nothing is billing, and a last call's answer can't make anything billing any more."""
    until_s = injected_s + bound_s + _LAST_CALL_S
    quiet_since_s: float | None = None
    while time.monotonic() < until_s:
        if atlas.open_sessions():
            quiet_since_s = None
        elif quiet_since_s is None:
            quiet_since_s = time.monotonic()
        elif time.monotonic() - quiet_since_s > _LAST_CALL_S:
            return max(0.0, quiet_since_s - injected_s)
        time.sleep(0.1)
    return None if quiet_since_s is None else max(0.0, quiet_since_s - injected_s)


def _has_no_id(opened: Subject) -> bool:
    return '"granted"' not in opened.journal.read_text("utf-8")


def _trouble(opened: Subject) -> str:
    """A guard whose program is gone must go, too, when nothing is open any more."""
    if opened.process.poll() is None:
        return ""
    until_s = time.monotonic() + _GUARD_GONE_S
    while opened.guards_left():
        if time.monotonic() > until_s:
            return f"guards {opened.guards_left()} stayed"
        time.sleep(0.1)
    return ""
