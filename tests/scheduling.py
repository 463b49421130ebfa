"""The order in which tests are assigned to workers (pytest-xdist, ``-n``).

Most tests wait for media, a timeout or a process, so two workers per processor keep it busy. An end-to-end
test keeps a program, a room and a display busy: only half of the workers run those, each on its own desk.
Tests that keep real time with a sound server or a screen run last, when little else needs the processor.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_DESK, _SOUND = "tests/e2e/", "tests/sound/"
_LAST = (_SOUND, "tests/ui/test_picture_view.py")
_SINGLE = (_SOUND, "tests/faults/", "tests/unit/session/")
"""Folders of long tests with cheap fixtures, assigned one by one; elsewhere a worker gets a whole file."""


class DeskScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Assigns end-to-end tests first and those that keep real time last, else in the order of collection."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._most_desks = max(1, self.numnodes // 2)
        self._with_desk: set[WorkerController] = set()

    def remove_node(self, node: WorkerController) -> str | None:
        self._with_desk.discard(node)
        crashed: str | None = super().remove_node(node)
        return crashed

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(_SINGLE) else nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        may_open = node in self._with_desk or len(self._with_desk) < self._most_desks
        scopes = (scope for scope in self.workqueue if may_open or not scope.startswith(_DESK))
        if (scope := min(scopes, key=_rank, default=None)) is None:
            node.shutdown()
            return
        if scope.startswith(_DESK):
            self._with_desk.add(node)
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def _rank(scope: str) -> int:
    return 0 if scope.startswith(_DESK) else 2 if scope.startswith(_LAST) else 1
