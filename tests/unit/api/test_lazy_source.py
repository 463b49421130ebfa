import pytest

from atlas_desktop.api.lazy_source import LazySource
from atlas_desktop.api.source import Face, Mode, SessionSource
from atlas_desktop.errors import NoKeyError
from tests.unit.session.fakes import FakeSource

EARLY, LATE = Face("early.png", b"1"), Face("late.png", b"2")


class Opening:
    """Gives a source when asked, after the failures it was told of."""

    def __init__(self, *failures: Exception) -> None:
        self.source = FakeSource()
        self.failures = list(failures)
        self.times = 0

    async def __call__(self) -> SessionSource:
        self.times += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.source


async def test_it_is_opened_once_with_the_first_session() -> None:
    opening = Opening()
    lazy = LazySource("Atlas", True, opening)
    assert (lazy.label, lazy.billed, opening.times) == ("Atlas", True, 0)
    for _ in range(2):
        grant = await lazy.create(Mode.CONVERSATION, EARLY)
        assert (await lazy.end(grant.session_id)).confirmed
    assert opening.times == 1
    assert lazy.label == "fake.example"
    assert opening.source.faces == [EARLY, EARLY]


async def test_a_failed_opening_is_the_creates_error_and_is_tried_anew() -> None:
    opening = Opening(NoKeyError())
    lazy = LazySource("Atlas", True, opening)
    with pytest.raises(NoKeyError):
        await lazy.create(Mode.CONVERSATION, None)
    await lazy.create(Mode.CONVERSATION, None)
    assert opening.times == 2


async def test_the_face_may_be_chosen_at_the_last_moment() -> None:
    async def choosing() -> Face | None:
        return LATE

    opening = Opening()
    await LazySource("Atlas", True, opening, choosing).create(Mode.PASSTHROUGH, EARLY)
    assert opening.source.faces == [LATE]


async def test_closing_what_was_never_opened_opens_nothing() -> None:
    opening = Opening()
    lazy = LazySource("Atlas", True, opening)
    await lazy.aclose()
    assert opening.times == 0
    await lazy.create(Mode.CONVERSATION, None)
    await lazy.aclose()
    assert opening.source.calls[-1] == "aclose"
