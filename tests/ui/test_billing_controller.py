"""Money in the window: warnings in time, the question whether anybody is there, and what the guard tells."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtWidgets import QApplication

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import EndReason, LeftoverOutcome
from atlas_desktop.api.limits import Allowance, Bound, SpendingLimits
from atlas_desktop.api.source import EndReceipt, SessionGrant, SourceKind
from atlas_desktop.errors import AppError, GuardDownError, JournalError, NoCreditError
from atlas_desktop.session.guard_events import (
    DailySpendReceived,
    JournalBroken,
    Leftover,
    SessionStatusReceived,
    SessionStopped,
)
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Ended, Failed, Joining, Live
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.billing_controller import BillingController
from atlas_desktop.ui.controllers.notices import Notice
from tests.ui.billing_fakes import FakeGuard
from tests.ui.driven_model import DrivenModel
from tests.unit.session.fakes import settle

GRANT = SessionGrant("ses_1", "ws://localhost", "token", price_per_hour_usd=10.0)
LIVE = SessionSnapshot(
    state=Live(GRANT),
    cost_usd=1.0,
    price_per_hour_usd=10.0,
    allowance=Allowance(Bound.SESSION_USD, 1800.0),
    allowed_usd=5.0,
    left_s=1440.0,
    can_extend=True,
)
NEAR = replace(LIVE, cost_usd=4.0, left_s=360.0, limit_near=True)
LAST = replace(NEAR, cost_usd=4.86, left_s=52.0, limit_last=True)
ENTRY = {"key": "e1", "kind": "atlas", "address": "https://atlas", "mode": "conversation"}


class FakeEnforcer:
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.limits_changed: Callable[[str, SpendingLimits], None] | None = None

    def set_spending_limits(self, limits: SpendingLimits) -> None:
        self.told.append(("limits", limits))

    def extend(self) -> None:
        self.told.append(("extend",))

    def touch(self) -> None:
        self.told.append(("touch",))

    def stopped(self, session_id: str, why: EndReason, receipt: EndReceipt) -> None:
        self.told.append(("stopped", session_id, why))

    def reconcile_duration(self, session_id: str, duration_s: float) -> None:
        self.told.append(("duration", session_id, duration_s))

    def update_day(self, session_id: str, spent_today_usd: float, day_left_s: float) -> None:
        self.told.append(("day", session_id, spent_today_usd, day_left_s))

    def on_limits_changed(self, callback: Callable[[str, SpendingLimits], None]) -> Callable[[], None]:
        self.limits_changed = callback
        return lambda: None


@dataclass
class Bench:
    """``up``: the notices that stand. ``read``: the titles that were read out, ``shown``: all titles."""

    folder: Path
    guarded: bool = True
    enforcer: FakeEnforcer = field(default_factory=FakeEnforcer)
    guard: FakeGuard = field(default_factory=FakeGuard)
    up: dict[str, Notice] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = SettingsStore(self.folder / "settings.json", write_after_s=9)
        guard = self.guard if self.guarded else None
        self.scope = TaskScope("bench")
        self.model = DrivenModel(self.folder)
        self.controller = self.make(self.scope, guard)
        self.model.notice_raised.connect(self._raise)
        self.model.notice_changed.connect(self._change)
        self.model.notice_cleared.connect(self.close)

    def make(self, scope: TaskScope, guard: FakeGuard | None) -> BillingController:
        return BillingController(self.model, cast(Any, self.enforcer), cast(Any, guard), self.settings, scope)

    def _raise(self, notice: Notice) -> None:
        self.read.append(notice.title)
        self.shown.append(notice.title)
        self.up[notice.id] = notice

    def _change(self, notice: Notice) -> None:
        self.shown.append(notice.title)
        if notice.id in self.up:
            self.up[notice.id] = notice

    def close(self, notice_id: str) -> None:
        self.up.pop(notice_id, None)

    def press(self, notice_id: str, label: str) -> None:
        notice = self.up.pop(notice_id)
        next(action for action in notice.actions if action.label == label).intent()

    def labels(self, notice_id: str) -> list[str]:
        return [action.label for action in self.up[notice_id].actions]


@pytest.fixture
def bench(tmp_path: Path, qapp: QApplication) -> Bench:
    return Bench(tmp_path)


# Limits


def test_the_limits_hold_in_session_and_guard_from_the_first_and_after_a_change(bench: Bench) -> None:
    first = ("limits", SpendingLimits())
    assert bench.enforcer.told == bench.guard.told == [first]
    bench.settings.change(volume=3)
    bench.settings.change(limit_session_usd=2.0)
    assert bench.enforcer.told == bench.guard.told == [first, ("limits", SpendingLimits(session_usd=2.0))]


def test_what_a_session_was_given_more_the_guard_gives_it_too(bench: Bench) -> None:
    assert bench.enforcer.limits_changed is not None
    bench.enforcer.limits_changed("ses_1", SpendingLimits(session_usd=6.25))
    assert bench.guard.told[-1] == ("session limits", "ses_1", SpendingLimits(session_usd=6.25))


def test_80_percent_are_said_once_and_what_is_left_follows(bench: Bench) -> None:
    bench.controller.follow(LIVE)
    assert not bench.up
    bench.controller.follow(NEAR)
    bench.controller.follow(replace(NEAR, left_s=280.0, cost_usd=4.2))
    assert bench.read == ["80 % of this session's limit is used: 6 min left, $1.00"]
    assert bench.shown[-1] == "80 % of this session's limit is used: 5 min left, $0.80"
    bench.press("limit", "Extend")
    assert bench.enforcer.told[-1] == ("extend",)
    bench.controller.follow(LIVE)
    assert not bench.up


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (Bound.DAY_USD, "today's limit"),
        (Bound.SERVICE_TIME, "Atlas's longest time"),
        (Bound.SESSION_TIME, "session"),
    ],
)
def test_the_warning_names_the_limit(bench: Bench, bound: Bound, words: str) -> None:
    bench.controller.follow(replace(NEAR, allowance=Allowance(bound, 1800.0)))
    assert words in bench.read[0]


def test_the_last_minute_counts_in_place_and_is_read_out_once(bench: Bench) -> None:
    bench.controller.follow(NEAR)
    for left_s in (59.6, 58.6, 9.2):
        bench.controller.follow(replace(LAST, left_s=left_s))
    assert bench.read[1:] == ["The session ends in 1:00"]
    assert bench.shown[1:] == [
        "The session ends in 1:00",
        "The session ends in 0:59",
        "The session ends in 0:10",
    ]
    assert bench.labels("limit") == ["Extend"]
    assert "$6.25" in bench.up["limit"].advice


def test_a_countdown_that_was_closed_stays_closed_but_the_last_minute_comes_all_the_same(
    bench: Bench,
) -> None:
    bench.controller.follow(NEAR)
    bench.close("limit")
    bench.controller.follow(replace(NEAR, left_s=200.0))
    assert not bench.up
    bench.controller.follow(LAST)
    assert bench.up
    bench.close("limit")
    bench.controller.follow(replace(LAST, left_s=3.0))
    assert not bench.up


def test_what_can_not_be_extended_offers_nothing(bench: Bench) -> None:
    bench.controller.follow(replace(LAST, can_extend=False, allowance=Allowance(Bound.SERVICE_TIME, 1800.0)))
    assert bench.labels("limit") == []
    assert "no session run longer" in bench.up["limit"].advice


def test_a_limit_of_time_is_extended_in_minutes(bench: Bench) -> None:
    bench.controller.follow(replace(LAST, allowance=Allowance(Bound.SESSION_TIME, 3600.0)))
    assert "75 min" in bench.up["limit"].advice


def test_the_question_whether_anybody_is_there_goes_with_its_answer(bench: Bench) -> None:
    bench.controller.follow(replace(LIVE, idle_left_s=60.0))
    bench.controller.follow(replace(LIVE, idle_left_s=51.3))
    assert bench.read == ["Is anybody there? The session ends in 1:00"]
    assert bench.up["idle"].title == "Is anybody there? The session ends in 0:52"
    bench.press("idle", "Go on")
    assert bench.enforcer.told[-1] == ("touch",)
    bench.controller.follow(LIVE)
    assert not bench.up


def test_a_session_that_is_over_warns_no_more(bench: Bench) -> None:
    bench.controller.follow(replace(LAST, idle_left_s=3.0))
    assert set(bench.up) == {"limit", "idle"}
    bench.controller.follow(replace(LAST, state=Ended(None), idle_left_s=3.0))
    assert not bench.up


# The first session, and doing without


def test_a_first_session_not_begun_on_the_start_page_says_its_limits_once(bench: Bench) -> None:
    asked: list[bool] = []
    bench.model.settings_requested.connect(lambda: asked.append(True))
    bench.controller.follow_state(replace(LIVE, state=Joining(GRANT)))
    assert "$5.00 or 60 min, $20.00 a day, 10 min" in bench.up["limits_first"].title
    assert bench.settings.settings.limits_seen
    bench.press("limits_first", "Change limits")
    assert asked == [True]
    bench.controller.follow_state(replace(LIVE, state=Joining(GRANT)))
    assert not bench.up


def test_who_has_seen_the_limits_and_who_rehearses_is_left_alone(bench: Bench) -> None:
    bench.controller.follow_state(replace(LIVE, state=Joining(GRANT), billed=False))
    assert not bench.settings.settings.limits_seen
    bench.settings.change(limits_seen=True)
    bench.controller.follow_state(replace(LIVE, state=Joining(GRANT)))
    assert not bench.up


@pytest.mark.parametrize(
    ("error", "notice", "label", "told"),
    [
        (GuardDownError(detail="no"), "unguarded", "Start without the guard", "unguarded"),
        (JournalError(detail="full"), "unrecorded", "Start without a record", "unrecorded"),
    ],
)
def test_without_guard_or_record_only_after_the_user_agreed(
    bench: Bench, error: AppError, notice: str, label: str, told: str
) -> None:
    bench.controller.follow_state(SessionSnapshot(state=Failed(error)))
    assert (told,) not in bench.guard.told
    bench.press(notice, label)
    assert bench.guard.told[-1] == (told,)
    assert bench.model.asked == [("start_again",)]


def test_a_rehearsal_takes_the_offer_back_and_its_end_the_limits(bench: Bench) -> None:
    bench.controller.follow_state(SessionSnapshot(state=Failed(GuardDownError(detail="no"))))
    bench.controller.follow_state(replace(LIVE, billed=False))
    assert not bench.up
    bench.controller.follow_state(replace(LIVE, state=Joining(GRANT)))
    bench.controller.follow_state(replace(LIVE, state=Ended(None)))
    assert not bench.up


def test_another_failure_offers_nothing_of_the_kind_and_a_new_start_takes_it_back(bench: Bench) -> None:
    bench.controller.follow_state(SessionSnapshot(state=Failed(NoCreditError())))
    assert not bench.up
    bench.controller.follow_state(SessionSnapshot(state=Failed(GuardDownError(detail="no"))))
    bench.settings.change(limits_seen=True)
    bench.controller.follow_state(replace(LIVE, state=Joining(GRANT)))
    assert not bench.up


# What the guard tells


def test_the_session_hears_of_its_end_and_of_the_services_count(bench: Bench) -> None:
    receipt = EndReceipt("ses_1", True, 60.0, 0.2)
    bench.guard.tell(SessionStopped("ses_1", EndReason.HANG, receipt))
    bench.guard.tell(SessionStatusReceived("ses_1", 61.0, "active"))
    bench.guard.tell(SessionStatusReceived("ses_1", None, "active"))
    bench.guard.tell(DailySpendReceived("ses_1", 3.5, 7200.0))
    assert bench.enforcer.told[1:] == [
        ("stopped", "ses_1", EndReason.HANG),
        ("duration", "ses_1", 61.0),
        ("day", "ses_1", 3.5, 7200.0),
    ]


def test_a_record_that_breaks_is_reported(bench: Bench) -> None:
    bench.guard.tell(JournalBroken(JournalError(detail="full")))
    assert list(bench.up) == [JournalError.code]


def test_a_leftover_says_what_since_when_and_how_much(bench: Bench) -> None:
    entry = {**ENTRY, "granted_at": "2020-01-02T03:04:05+00:00"}
    bench.guard.tell(Leftover(entry, LeftoverOutcome.ENDING, 1.2))
    assert "is being ended: conversation, since " in bench.up["leftover_e1"].title
    assert "about $1.20" in bench.up["leftover_e1"].title
    receipt = EndReceipt("ses_0", True, 400.0, 1.11)
    bench.guard.tell(Leftover(entry, LeftoverOutcome.ENDED, 1.2, receipt))
    assert bench.up["leftover_e1"].title.endswith(", $1.11")
    assert bench.labels("leftover_e1") == []


def test_what_is_not_known_of_a_leftover_is_left_out(bench: Bench) -> None:
    bench.guard.tell(
        Leftover({**ENTRY, "asked_at": "nonsense", "mode": "passthrough"}, LeftoverOutcome.ENDED)
    )
    assert bench.up["leftover_e1"].title.endswith("has been ended: passthrough")


def test_two_leftovers_are_two_notices(bench: Bench) -> None:
    for key in ("a", "b"):
        bench.guard.tell(Leftover({**ENTRY, "key": key}, LeftoverOutcome.UNCONFIRMED))
    assert set(bench.up) == {"leftover_a", "leftover_b"}


async def test_a_locked_leftover_asks_for_its_key_and_stays_until_it_is_answered(bench: Bench) -> None:
    asked: list[str] = []
    bench.model.key_requested.connect(asked.append)
    bench.guard.tell(Leftover(ENTRY, LeftoverOutcome.LOCKED, 0.5))
    bench.press("leftover_e1", "Enter that key")
    assert asked == [""]
    assert bench.labels("leftover_e1") == ["Enter that key", "Forget it"]
    bench.controller.try_key(Access(SourceKind.ATLAS, "ak_other", "https://atlas"))
    assert bench.guard.told[-2:] == [("open", SourceKind.ATLAS, "ak_other", "https://atlas"), ("look",)]
    await settle(lambda: bench.up["leftover_e1"].title.startswith("That key did not make"), 4.0)
    bench.press("leftover_e1", "Forget it")
    assert bench.guard.told[-1] == ("dismiss", "e1")
    assert not bench.up


async def test_the_right_key_is_answered_by_the_end(bench: Bench) -> None:
    bench.guard.tell(Leftover(ENTRY, LeftoverOutcome.LOCKED, 0.5))
    bench.controller.try_key(Access(SourceKind.ATLAS, "ak_other", "https://atlas"))
    bench.guard.tell(Leftover(ENTRY, LeftoverOutcome.ENDING, 0.5))
    bench.guard.tell(Leftover(ENTRY, LeftoverOutcome.ENDED, 0.5))
    await bench.scope.join(4.0)
    assert "has been ended" in bench.up["leftover_e1"].title
    assert not any(title.startswith("That key") for title in bench.read)


def test_a_leftover_of_another_backend_names_it(bench: Bench) -> None:
    asked: list[str] = []
    bench.model.key_requested.connect(asked.append)
    bench.guard.tell(
        Leftover({**ENTRY, "kind": "backend", "address": "https://b/api"}, LeftoverOutcome.LOCKED)
    )
    bench.press("leftover_e1", "Use that backend")
    assert asked == ["https://b/api"]


def test_an_end_that_was_not_confirmed_is_asked_for_again(bench: Bench) -> None:
    bench.guard.tell(Leftover(ENTRY, LeftoverOutcome.UNCONFIRMED))
    bench.press("leftover_e1", "Try again")
    assert bench.guard.told[-1] == ("look",)


def test_one_that_may_never_have_been_says_where_to_look(bench: Bench) -> None:
    bench.guard.tell(Leftover(ENTRY, LeftoverOutcome.UNKNOWN))
    assert bench.labels("leftover_e1") == []
    assert "look into your account" in bench.up["leftover_e1"].advice


async def test_the_key_at_hand_is_known_to_the_guard_before_it_looks(
    tmp_path: Path, qapp: QApplication
) -> None:
    bench = Bench(tmp_path)

    class Keys:
        async def introduce(self) -> None:
            bench.guard.told.append(("introduced",))

    scope = TaskScope("keys")
    controller = bench.make(scope, bench.guard)
    controller.end_leftovers(cast(Any, Keys()))
    await scope.join(1.0)
    assert bench.guard.told[-2:] == [("introduced",), ("look",)]


def test_without_a_guard_there_is_nothing_to_say_of_it(tmp_path: Path, qapp: QApplication) -> None:
    bench = Bench(tmp_path, guarded=False)
    bench.controller.follow_state(replace(LIVE, state=Joining(GRANT)))
    bench.controller.follow_state(SessionSnapshot(state=Failed(GuardDownError(detail="no"))))
    bench.controller.try_key(Access(SourceKind.ATLAS, "ak_1", "https://atlas"))
    bench.controller.end_leftovers(cast(Any, None))
    assert not bench.up
    assert not bench.settings.settings.limits_seen


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "soon", "", None, 7]
)
def test_a_leftover_of_a_moment_that_can_not_be_is_said_without_it(bench: Bench, moment: object) -> None:
    bench.guard.tell(Leftover({**ENTRY, "granted_at": moment, "asked_at": ""}, LeftoverOutcome.ENDING, 1.2))
    assert "about $1.20" in bench.up["leftover_e1"].title
