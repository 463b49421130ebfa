import pytest

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import NoCapacityError, RoomLostError, SleptError
from atlas_desktop.session.snapshot import SessionSnapshot, state_name
from atlas_desktop.session.state import (
    Closed,
    Confirmed,
    ConnectionChanged,
    EndAsked,
    Ended,
    Ending,
    Event,
    Failed,
    FirstFrame,
    Granted,
    Idle,
    Joined,
    Joining,
    Live,
    Park,
    Parked,
    Reconnecting,
    Requesting,
    RetryScheduled,
    SessionState,
    StartAsked,
    Stop,
    Stopped,
    Summary,
    Switch,
    Waiting,
    is_over,
    transition,
)

GRANT = SessionGrant("ses_1", "ws://room", "secret")
SUMMARY = Summary("ses_1", Mode.CONVERSATION, True, 10.0, 0.03, confirmed=False)
LOST = RoomLostError()
SLEPT = SleptError()
NO_ROOM = NoCapacityError()
STATES: list[SessionState] = [
    Idle(),
    Requesting(),
    Joining(GRANT),
    Waiting(GRANT),
    Live(GRANT),
    Reconnecting(GRANT, was_live=True),
    Ending(Stop()),
    Ended(SUMMARY),
    Parked(SUMMARY),
    Failed(LOST, "ses_1", SUMMARY),
]


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        (Idle(), StartAsked(), Requesting()),
        (Failed(LOST), StartAsked(), Requesting()),
        (Requesting(), RetryScheduled(5.0), Requesting(5.0)),
        (Requesting(5.0), RetryScheduled(None), Requesting()),
        (Requesting(), Granted(GRANT), Joining(GRANT)),
        (Joining(GRANT), Joined(), Waiting(GRANT)),
        (Waiting(GRANT), FirstFrame(), Live(GRANT)),
        (Waiting(GRANT), ConnectionChanged(False), Reconnecting(GRANT, was_live=False)),
        (Reconnecting(GRANT, was_live=False), ConnectionChanged(True), Waiting(GRANT)),
        (Reconnecting(GRANT, was_live=False), FirstFrame(), Reconnecting(GRANT, was_live=True)),
        (Live(GRANT), ConnectionChanged(False), Reconnecting(GRANT, was_live=True)),
        (Reconnecting(GRANT, was_live=True), ConnectionChanged(True), Live(GRANT)),
        (Live(GRANT), EndAsked(error=LOST), Ending(Stop(), LOST)),
        (Requesting(), EndAsked(), Ending(Stop())),
        (Ending(Switch(Mode.PASSTHROUGH)), EndAsked(), Ending(Stop())),
        (
            Ending(Switch(Mode.PASSTHROUGH)),
            EndAsked(Switch(Mode.CONVERSATION, True)),
            Ending(Switch(Mode.CONVERSATION, True)),
        ),
        (Ending(Stop()), EndAsked(Switch(Mode.CONVERSATION)), Ending(Stop())),
        (Ending(Stop(), LOST), EndAsked(Switch(Mode.PASSTHROUGH)), Ending(Stop(), LOST)),
        (Ending(Stop()), Closed(SUMMARY), Ended(SUMMARY)),
        (Ending(Park()), Closed(SUMMARY), Parked(SUMMARY)),
        (Ending(Switch(Mode.PASSTHROUGH)), Closed(SUMMARY), Requesting()),
        (Ending(Stop(), LOST), Closed(SUMMARY, "ses_1"), Failed(LOST, "ses_1", SUMMARY)),
        (Failed(LOST, "ses_1", SUMMARY), Confirmed(SUMMARY), Failed(LOST, None, SUMMARY)),
        (Ending(Stop(), SLEPT), Closed(SUMMARY, "ses_1"), Ended(SUMMARY, SLEPT)),
        (Ended(SUMMARY, SLEPT), Confirmed(SUMMARY), Ended(SUMMARY, SLEPT)),
        (Ending(Stop(), LOST), Stopped(SLEPT), Ending(Stop(), SLEPT)),
        (Failed(LOST, "ses_1", SUMMARY), Stopped(SLEPT), Ended(SUMMARY, SLEPT)),
        (Failed(NO_ROOM), Stopped(SLEPT), Failed(NO_ROOM)),
        (Ending(Park()), Stopped(SLEPT), Ending(Park())),
        (Ended(SUMMARY), Stopped(SLEPT), Ended(SUMMARY)),
        (Live(GRANT), Stopped(SLEPT), Live(GRANT)),
    ],
)
def test_an_event_leads_on(state: SessionState, event: Event, after: SessionState) -> None:
    assert transition(state, event) == after


@pytest.mark.parametrize("state", [state for state in STATES if is_over(state)], ids=state_name)
@pytest.mark.parametrize(
    "event",
    [EndAsked(), FirstFrame(), Joined(), Granted(GRANT), ConnectionChanged(False), ConnectionChanged(True)],
    ids=lambda event: type(event).__name__,
)
def test_what_is_over_is_moved_by_a_start_only(state: SessionState, event: Event) -> None:
    assert transition(state, event) == state


@pytest.mark.parametrize("state", [state for state in STATES if not is_over(state)], ids=state_name)
def test_what_is_not_over_can_be_ended_and_not_started(state: SessionState) -> None:
    assert transition(state, StartAsked()) == state
    assert isinstance(transition(state, EndAsked()), Ending)


def test_a_confirmation_of_another_session_changes_nothing() -> None:
    other = Summary("ses_2", Mode.CONVERSATION, True, 1.0, 0.0)
    assert transition(Ended(SUMMARY), Confirmed(other)) == Ended(SUMMARY)


def test_every_state_has_its_name() -> None:
    assert [state_name(state) for state in STATES] == [
        "Idle",
        "Connecting",
        "Connecting",
        "Waiting",
        "Live",
        "Reconnecting",
        "Ending",
        "Ended",
        "Parked",
        "Failed",
    ]


def test_a_snapshot_derives_what_follows_from_the_state() -> None:
    failed = SessionSnapshot(state=Failed(NoCapacityError(), None, SUMMARY))
    assert failed.is_over
    assert failed.error is not None
    assert failed.summary is SUMMARY
    assert not SessionSnapshot(state=Waiting(GRANT), waited_s=19.9).avatar_late
    assert SessionSnapshot(state=Waiting(GRANT), waited_s=20.0).avatar_late
    assert SessionSnapshot(state=Requesting(5.0)).retry_in_s == 5.0
    assert SessionSnapshot(mode=Mode.PASSTHROUGH).can_speak_text is False
