"""The assignment of tests to workers."""

from collections.abc import Iterator
from itertools import cycle
from types import SimpleNamespace
from typing import Any

import pytest

from tests.scheduling import DeskScheduling

E2E = [f"tests/e2e/test_{name}.py::test_{number}" for name in "abcd" for number in range(3)]
SOUND = [f"tests/sound/test_a.py::test_{number}" for number in range(9)]
SCREEN = [f"tests/ui/test_picture_view.py::test_{number}" for number in range(3)]
REAL_TIME = [*SOUND, *SCREEN]
UNIT = [f"tests/unit/test_{name}.py::test_{number}" for name in "abcdef" for number in range(4)]
COLLECTED = [*E2E, *REAL_TIME, *UNIT]


class Worker:
    """Runs what it is given, a test at a time."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.pending: list[int] = []
        self.ran: list[str] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.pending += indices

    def shutdown(self) -> None:
        self.shutting_down = True


@pytest.fixture
def workers() -> list[Worker]:
    return [Worker(f"gw{number}") for number in range(4)]


def run(workers: list[Worker]) -> Iterator[str]:
    """Let the workers take turns until nothing is left; yield the tests in the order in which they ran."""
    option = SimpleNamespace(tx=["popen"] * len(workers), loadscopereorder=True)
    config: Any = SimpleNamespace(option=option, getvalue=lambda name: getattr(option, name))
    scheduling = DeskScheduling(config)
    scheduling.log = lambda *_: None
    for worker in workers:
        scheduling.add_node(worker)
        scheduling.add_node_collection(worker, COLLECTED)
    scheduling.schedule()
    for worker in cycle(workers):
        # A worker knows its next test, or that there is none, before it runs one.
        if len(worker.pending) > 1 or (worker.pending and worker.shutting_down):
            index = worker.pending.pop(0)
            worker.ran.append(COLLECTED[index])
            yield COLLECTED[index]
            scheduling.mark_test_complete(worker, index)
            if scheduling.tests_finished:
                for one in workers:
                    one.shutdown()
        if not any(one.pending for one in workers):
            return


def test_each_runs_once(workers: list[Worker]) -> None:
    assert sorted(run(workers)) == sorted(COLLECTED)


def test_half_of_the_workers_open_a_desk_and_a_file_stays_together(workers: list[Worker]) -> None:
    list(run(workers))
    with_desk = [worker for worker in workers if set(worker.ran) & set(E2E)]
    assert len(with_desk) == 2
    for name in {test.partition("::")[0] for test in (*E2E, *UNIT)}:
        assert sum(any(test.startswith(name) for test in worker.ran) for worker in workers) == 1


def test_what_keeps_real_time_comes_last(workers: list[Worker]) -> None:
    list(run(workers))
    for worker in workers:
        kinds = [test in REAL_TIME for test in worker.ran]
        assert kinds == sorted(kinds)
        assert any(kinds)


def test_one_worker_runs_everything() -> None:
    (alone,) = workers = [Worker("gw0")]
    assert list(run(workers)) == alone.ran
    assert sorted(alone.ran) == sorted(COLLECTED)
