"""``python -m tests.faults``: the fault campaign. Exit 1 when anything was left billing, or too long."""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

from tests.faults.campaign import plans, run_all
from tests.faults.injections import ALL, KINDS
from tests.faults.run import Plan, Verdict
from tests.faults.stages import STAGES

_OUT = Path("out/faults.jsonl")


def main() -> int:
    """Runs the campaign, prints a table of it and every run that failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--stage", choices=STAGES, help="only this stage")
    parser.add_argument("--kind", choices=KINDS, default="harm", help="which faults")
    parser.add_argument("--injection", choices=ALL, help="only this fault")
    given = parser.parse_args()
    todo = _wanted(plans(given.runs, given.seed, KINDS[given.kind]), given.stage, given.injection)
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    with _OUT.open("w", encoding="utf-8") as file:

        def note(verdict: Verdict) -> None:
            file.write(json.dumps({**asdict(verdict), "passed": verdict.passed}) + "\n")
            file.flush()
            if not verdict.passed:
                sys.stdout.write(f"FAILED {verdict}\n")
                sys.stdout.flush()

        verdicts = run_all(todo, given.workers, note)
    print(table(verdicts))
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def table(verdicts: list[Verdict]) -> str:
    """A row for each kind of fault: runs, passed, lost ids, and how long until it was over."""
    by_injection: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_injection[verdict.plan.injection].append(verdict)
    rows = [f"{'fault':<32}{'runs':>6}{'passed':>8}{'no id':>7}{'median s':>10}{'longest s':>11}{'≤':>6}"]
    rows += [_row(name, by_injection[name]) for name in ALL if name in by_injection]
    lost = sum(verdict.passed and verdict.lost_id for verdict in verdicts)
    passed = sum(verdict.passed for verdict in verdicts)
    apart = f", {lost} of them without an id: it was lost in flight with the guard" if lost else ""
    return "\n".join([*rows, f"{passed} of {len(verdicts)} passed{apart}"])


def _row(name: str, verdicts: list[Verdict]) -> str:
    times_s = [verdict.ended_s for verdict in verdicts if verdict.ended_s is not None]
    middle, longest = (statistics.median(times_s), max(times_s)) if times_s else (float("nan"),) * 2
    passed = sum(verdict.passed for verdict in verdicts)
    lost = sum(verdict.lost_id for verdict in verdicts)
    figures = f"{len(verdicts):>6}{passed:>8}{lost:>7}{middle:>10.1f}{longest:>11.1f}"
    return f"{name:<32}{figures}{ALL[name].bound_s:>6g}"


def _wanted(todo: list[Plan], stage: str | None, injection: str | None) -> list[Plan]:
    return [plan for plan in todo if stage in (None, plan.stage) and injection in (None, plan.injection)]


if __name__ == "__main__":
    sys.exit(main())
