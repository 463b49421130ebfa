"""Two of the environments of ``tests.environments``, as unlike the desk of the other tests as can be."""

import pytest

from tests.environments.matrix import named
from tests.environments.trial import run


@pytest.mark.parametrize(
    "words",
    [
        "tr_TR.UTF-8 / PipeWire / HTTP / Wayland / keyring: none",
        "ar_EG.UTF-8 / PulseAudio, no realtime / SOCKS / X11 / gnome-keyring, locked",
    ],
)
def test_a_rehearsal_lives_is_seen_and_is_heard(words: str) -> None:
    outcome = run(named(words))
    assert outcome.missing == ""
    assert outcome.faults == [], outcome.last_words
