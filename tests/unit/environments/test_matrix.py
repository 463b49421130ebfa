from itertools import combinations, product

import pytest

from tests.environments.matrix import AXES, Cell, covering_array, named, pairs_of
from tests.environments.page import as_markdown
from tests.environments.trial import Outcome

PLAIN: Cell = {axis: values[0] for axis, values in AXES.items()}
GOOD = {"problems": [], "shown_percent": 98.0, "frames_shown": 98, "frames_received": 100}
GOOD |= {"longest_gap_ms": 80.4, "underruns": 0, "starved": 1}


def test_every_two_values_meet() -> None:
    met = set().union(*(pairs_of(cell) for cell in covering_array()))
    for (one, values), (other, others) in combinations(AXES.items(), 2):
        for value, another in product(values, others):
            assert frozenset({(one, value), (other, another)}) in met


def test_it_is_small_and_always_the_same() -> None:
    cells = covering_array()
    widest = sorted(len(values) for values in AXES.values())[-2:]
    assert widest[0] * widest[1] <= len(cells) <= 1.3 * widest[0] * widest[1]
    assert cells == covering_array()
    assert cells[0] == PLAIN


def test_a_combination_is_named_by_what_is_not_plain() -> None:
    assert named("") == PLAIN
    given = named("de_DE.UTF-8 / PipeWire, no realtime / keyring: none")
    assert given == {**PLAIN, "locale": "de_DE.UTF-8", "sound": "PipeWire, no realtime", "keyring": "none"}
    for wrong in ("none", "Beos", "sound: X11"):
        with pytest.raises(ValueError, match="is not one value"):
            named(wrong)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            Outcome(PLAIN, status=0, report=dict(GOOD), heard_s=4.25),
            "98 of 100 | 80 ms | 0 + 1 | 4.2 s | 0 | good",
        ),
        (Outcome(PLAIN, status=0, report=dict(GOOD)), "nothing was heard at the card"),
        (Outcome(PLAIN, status=-6, heard_s=3.0), "-6 (SIGABRT) | exit status -6 (SIGABRT)"),
        (Outcome(PLAIN, missing="weston is missing"), "not tried: weston is missing"),
        (Outcome(PLAIN, status=0, report={**GOOD, "shown_percent": 20.0}, heard_s=3.0), "too few frames"),
        (Outcome(PLAIN, status=0, report=dict(GOOD), heard_s=3.0, asked_proxy=["a:1"]), "asked for a:1"),
    ],
)
def test_the_page_says_what_came_of_it(outcome: Outcome, words: str) -> None:
    assert words in as_markdown([outcome])
    assert bool(outcome.faults) == ("good" not in words and "not tried" not in words)
