"""The model where it is about money: parked and resumed, through a guard, and what both are told."""

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import Mode, SourceKind
from atlas_desktop.session.state import Ended, Parked
from tests.ui.billing_fakes import FakeGuard
from tests.ui.model_bench import KEY, Make, ModelBench, go_live
from tests.unit.session.fakes import settle

BASE_KEY = "ak_environment"


async def test_a_parked_session_costs_nothing_and_goes_on_in_place(keyed: ModelBench) -> None:
    await go_live(keyed)
    keyed.model.send("Hello")
    keyed.model.park()
    await settle(lambda: isinstance(keyed.model.snapshot.state, Parked))
    assert keyed.atlas.open_sessions == []
    assert [message.text for message in keyed.model.messages] == ["Hello"]
    keyed.model.resume()
    await keyed.live()
    assert len(keyed.atlas.open_sessions) == 1
    assert [message.text for message in keyed.model.messages] == ["Hello"]


async def test_a_parked_session_is_resumed_in_the_mode_that_is_chosen_then(keyed: ModelBench) -> None:
    await go_live(keyed)
    keyed.model.park()
    await settle(lambda: isinstance(keyed.model.snapshot.state, Parked))
    keyed.model.set_mode(Mode.PASSTHROUGH)
    assert keyed.raised == []
    keyed.model.resume()
    await keyed.live()
    assert keyed.atlas.modes == [Mode.CONVERSATION, Mode.PASSTHROUGH]


async def test_a_rehearsal_can_be_parked_too(make_model: Make) -> None:
    bench = make_model()
    bench.model.rehearse()
    await bench.live()
    bench.model.park()
    await settle(lambda: isinstance(bench.model.snapshot.state, Parked))
    bench.model.resume()
    await bench.live()


async def test_with_a_guard_it_makes_the_sessions_and_knows_the_key_from_the_first(make_model: Make) -> None:
    guard = FakeGuard()
    bench = make_model(environment=KEY, guard=guard)
    guard.source = bench.atlas
    await bench.load()
    opened = [words for words in guard.told if words[0] == "open"]
    assert [words[:3] for words in opened] == [("open", SourceKind.ATLAS, BASE_KEY)]
    assert guard.told[-1] == ("look",)
    assert bench.opened == []
    await go_live(bench)
    assert len(bench.atlas.open_sessions) == 1
    assert bench.settings.settings.limits_seen


async def test_another_key_is_tried_and_the_one_in_use_stays(make_model: Make) -> None:
    guard = FakeGuard()
    bench = make_model(environment=KEY, guard=guard)
    guard.source = bench.atlas
    await bench.load()
    state = bench.model.key_state
    bench.model.try_key(' "ak_other"\n')
    assert guard.told[-2][:3] == ("open", SourceKind.ATLAS, "ak_other")
    assert guard.told[-1] == ("look",)
    bench.model.try_key("  ")
    assert guard.told[-1] == ("look",)
    assert bench.model.key_state == state


async def test_limits_of_the_settings_hold_while_a_session_runs(make_model: Make) -> None:
    guard = FakeGuard()
    bench = make_model(environment=KEY, guard=guard)
    guard.source = bench.atlas
    await bench.load()
    await go_live(bench)
    bench.model.change_settings(limit_session_s=30.0)
    assert ("limits", SpendingLimits(session_s=30.0)) in guard.told
    await settle(lambda: "limit" in bench.notices)
    assert bench.notices["limit"].title.startswith("The session ends in 0:")
    bench.model.end()
    await bench.over()
    assert isinstance(bench.model.snapshot.state, Ended)
    assert "limit" not in bench.notices
