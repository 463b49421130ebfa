"""The fault campaign in short: one run of each kind of fault; ``make faults`` does hundreds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import LocalAtlas, local_atlas
from tests.faults.injections import HOSTILE, INJECTIONS
from tests.faults.run import Plan, judged

STAGE_OF = {
    "SIGKILL": "in flight",
    "abort in a native thread": "joining",
    "UI thread stuck": "waiting",
    "window closed": "reconnecting",
    "guard killed": "live",
    "both killed, next launch": "answered",
    "DELETE 500, killed": "ending",
    "hostile create": "in flight",
    "hostile create, both killed": "answered",
    "hostile end": "joining",
}
"""Where a fault is tried here; the rest is tried live."""


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ATLAS_")}


@pytest.fixture(scope="module")
def atlas(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAtlas]:
    log: Path = tmp_path_factory.mktemp("faults") / "local.log"
    with local_atlas(env, log) as served:
        yield served


@pytest.mark.parametrize("injection", [*INJECTIONS, *(name for name in HOSTILE if name in STAGE_OF)])
def test_nothing_is_left_billing(injection: str, atlas: LocalAtlas, env: dict[str, str]) -> None:
    verdict = judged(Plan(1, STAGE_OF.get(injection, "live"), injection), atlas, env)
    assert verdict.passed, verdict
