"""Many runs, several at a time: each worker has a local Atlas of its own, whose books judge."""

import itertools
import os
import queue
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.program import local_atlas
from tests.faults.injections import INJECTIONS, Injection
from tests.faults.run import Plan, Verdict, judged
from tests.faults.stages import STAGES


def plans(runs: int, seed: int, injections: Mapping[str, Injection] = INJECTIONS) -> list[Plan]:
    """``runs`` plans: every stage with every injection that fits equally often, in random order."""
    pairs = [
        (stage, name)
        for stage, name in itertools.product(STAGES, injections)
        if stage in (injections[name].stages or STAGES)
    ]
    chance = random.Random(seed)
    found: list[Plan] = []
    while len(found) < runs:
        chance.shuffle(pairs)
        found += [Plan(seed + len(found) + n, *pair) for n, pair in enumerate(pairs)]
    return found[:runs]


def run_all(todo: list[Plan], workers: int, on_verdict: Callable[[Verdict], None]) -> list[Verdict]:
    """Carries the plans out; ``on_verdict`` hears of each in the thread that did it."""
    left: queue.SimpleQueue[Plan] = queue.SimpleQueue()
    for plan in todo:
        left.put(plan)
    verdicts: list[Verdict] = []

    def work(folder: Path) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("ATLAS_")}
        with local_atlas(env, folder / "local.log") as atlas:
            for plan in _taken(left):
                verdict = judged(plan, atlas, env)
                verdicts.append(verdict)
                on_verdict(verdict)

    with TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as name:
        folders = [Path(name) / str(number) for number in range(workers)]
        for folder in folders:
            folder.mkdir()
        threads = [threading.Thread(target=work, args=(folder,)) for folder in folders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return verdicts


def _taken(left: "queue.SimpleQueue[Plan]") -> Iterator[Plan]:
    while True:
        try:
            yield left.get_nowait()
        except queue.Empty:
            return
