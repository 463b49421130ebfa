"""The short form of ``make fuzz KINDS=local``: some hundreds of strangers, none of whom does any harm."""

import random
from pathlib import Path

from tests.hostile.local.campaign import Campaign
from tests.hostile.local.requests import request
from tests.hostile.local.subject import running


def test_strangers_are_answered_or_cut_off_and_a_good_client_is_served(tmp_path: Path) -> None:
    with running(tmp_path) as subject:
        tally = Campaign(subject, 7, tmp_path / "found").run(300)
    assert tally.findings == []
    assert tally.outcomes.total() == 300
    assert tally.outcomes.keys() >= {
        "refused",
        "taken",
        "cut off or kept waiting",
        "rooms entered",
        "datagrams",
    }


def test_a_seed_makes_the_same_again() -> None:
    assert request(random.Random("7-1")) == request(random.Random("7-1"))
