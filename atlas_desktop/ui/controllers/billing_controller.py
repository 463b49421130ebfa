"""Limits of paid sessions, warnings before they are reached, and notices about the guard's events."""

from functools import partial
from typing import TYPE_CHECKING

from atlas_desktop.aio import TaskScope, wait_full
from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import LeftoverOutcome
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import SourceKind
from atlas_desktop.errors import AppError, GuardDownError, JournalError
from atlas_desktop.session.guard_events import (
    DailySpendReceived,
    GuardEvent,
    JournalBroken,
    Leftover,
    SessionStatusReceived,
    SessionStopped,
)
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Failed, Joining
from atlas_desktop.storage.settings import Settings
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.billing_notice_factory import (
    IDLE,
    LIMIT,
    LIMITS_FIRST,
    BillingNoticeFactory,
    leftover_id,
)
from atlas_desktop.ui.controllers.key_controller import KeyController
from atlas_desktop.ui.controllers.notices import Notice, NoticeAction

if TYPE_CHECKING:
    from atlas_desktop.session.guard_client import GuardClient
    from atlas_desktop.session.limit_enforcer import LimitEnforcer
    from atlas_desktop.ui.model import AppModel

_KEY_JUDGED_AFTER_S = 1.5
_WITHOUT = ("unguarded", "unrecorded")


class BillingController:
    """Connects settings, session and guard where money is concerned. Thread: the UI's, with the event loop.

    Args:
        model: Raises the notices; starts again once the user agreed to go without guard or record.
        limits: Enforces the limits of the session that runs.
        guard: Enforces the same limits in a process of its own; ``None`` where nothing is billed.
        settings: The limits.
        scope: Owns the tasks that wait for the keyring.
    """

    def __init__(
        self,
        model: "AppModel",
        limits: "LimitEnforcer",
        guard: "GuardClient | None",
        settings: SettingsStore,
        scope: TaskScope,
    ) -> None:
        self._model = model
        self._enforcer = limits
        self._guard = guard
        self._settings = settings
        self._scope = scope
        self._factory = BillingNoticeFactory()
        self._limits: SpendingLimits | None = None
        self._locked: dict[str, Leftover] = {}
        self._said: dict[str, Notice] = {}
        self._last_minute = False
        self._hold_limits()
        settings.on_change(self._take_settings)
        if guard is not None:
            limits.on_limits_changed(guard.set_session_limits)
            guard.on_event(self._take_event)

    # Limits

    def _take_settings(self, _settings: Settings) -> None:
        self._hold_limits()

    def _hold_limits(self) -> None:
        limits = self._settings.settings.spending_limits
        if limits == self._limits:
            return
        self._limits = limits
        if self._guard is not None:
            self._guard.set_limits(limits)
        # After the guard: what was extended in the running session stays extended there, too.
        self._enforcer.set_spending_limits(limits)

    def follow(self, snapshot: SessionSnapshot) -> None:
        """Warn when a limit comes near, count the last minute down, ask whether the user is present."""
        here = snapshot.grant is not None
        self._follow_limit(snapshot, here and (snapshot.limit_near or snapshot.limit_last))
        left_s = snapshot.idle_left_s if here else None
        self._show(IDLE, None if left_s is None else self._factory.idle(left_s, self._enforcer.touch))

    def _follow_limit(self, snapshot: SessionSnapshot, near: bool) -> None:
        if not near:
            self._show(LIMIT, None)
            return
        if snapshot.limit_last is not self._last_minute:
            # The countdown is raised again even if the first warning was closed.
            self._last_minute = snapshot.limit_last
            self._said.pop(LIMIT, None)
        extend = self._enforcer.extend if snapshot.can_extend else None
        make = self._factory.last if snapshot.limit_last else self._factory.near
        self._show(LIMIT, make(snapshot, extend))

    def _show(self, notice_id: str, notice: Notice | None) -> None:
        """Raise a notice once, then only change its text; ``None`` takes it down."""
        before = self._said.get(notice_id)
        if notice is None:
            if before is not None:
                del self._said[notice_id]
                self._model.clear(notice_id)
            return
        self._said[notice_id] = notice
        if before is None:
            self._model.notice_raised.emit(notice)
        elif before != notice:
            self._model.notice_changed.emit(notice)

    def follow_state(self, snapshot: SessionSnapshot) -> None:
        """Show the limits with a first session that began without them; offer to start without a guard."""
        if self._guard is None:
            return
        state = snapshot.state
        self._model.clear(*((LIMITS_FIRST,) if snapshot.is_over else _WITHOUT))
        if snapshot.billed and isinstance(state, Joining):
            self._show_limits_once()
        elif snapshot.billed and isinstance(state, Failed):
            self._offer_without(state.error)

    def _show_limits_once(self) -> None:
        settings = self._settings.settings
        if not settings.limits_seen:
            self._settings.change(limits_seen=True)
            notice = self._factory.limits_first(settings.spending_limits, self._model.settings_requested.emit)
            self._model.notice_raised.emit(notice)

    def _offer_without(self, error: AppError) -> None:
        if isinstance(error, GuardDownError):
            self._model.notice_raised.emit(self._factory.unguarded(self._start_unguarded))
        elif isinstance(error, JournalError):
            self._model.notice_raised.emit(self._factory.unrecorded(self._start_unrecorded))

    def _start_unguarded(self) -> None:
        if self._guard is not None:
            self._guard.allow_unguarded()
            self._model.start_again()

    def _start_unrecorded(self) -> None:
        if self._guard is not None:
            self._guard.allow_unrecorded()
            self._model.start_again()

    # Events of the guard

    def end_leftovers(self, keys: KeyController) -> None:
        """End what earlier runs left open, as soon as the key is known."""
        if self._guard is not None:
            self._scope.start(self._end_leftovers(keys), "leftovers")

    async def _end_leftovers(self, keys: KeyController) -> None:
        await keys.introduce()
        self._look_again()

    def _look_again(self) -> None:
        if self._guard is not None:
            self._guard.look_for_leftovers()

    def try_key(self, access: Access) -> None:
        """Use a key only to end what it left open."""
        if self._guard is not None:
            self._guard.open(access)
            self._guard.look_for_leftovers()
            self._scope.start(self._judge_key(), "other key")

    async def _judge_key(self) -> None:
        """Report a wrong key: a right one ends something at once, a wrong one gets no answer."""
        await wait_full(_KEY_JUDGED_AFTER_S)
        for left in tuple(self._locked.values()):
            self._model.notice_raised.emit(self._factory.wrong_key(left, self._leftover_actions(left)))

    def _take_event(self, event: GuardEvent) -> None:
        match event:
            case SessionStopped(session_id, why, receipt):
                self._enforcer.stopped(session_id, why, receipt)
            case SessionStatusReceived(session_id, duration_s, _status):
                if duration_s is not None:
                    self._enforcer.reconcile_duration(session_id, duration_s)
            case DailySpendReceived(session_id, spent_today_usd, day_left_s):
                self._enforcer.update_day(session_id, spent_today_usd, day_left_s)
            case Leftover():
                self._locked.pop(leftover_id(event), None)
                if event.outcome is LeftoverOutcome.LOCKED:
                    self._locked[leftover_id(event)] = event
                self._model.notice_raised.emit(self._factory.leftover(event, self._leftover_actions(event)))
            case JournalBroken(error):
                self._model.report(error)

    def _leftover_actions(self, left: Leftover) -> tuple[NoticeAction, ...]:
        return self._factory.leftover_actions(
            left, partial(self._enter, left), self._look_again, partial(self._forget, left)
        )

    def _enter(self, left: Leftover) -> None:
        is_backend = left.entry.get("kind") == SourceKind.BACKEND
        self._model.key_requested.emit(str(left.entry.get("address", "")) if is_backend else "")
        # The notice stays until it is answered: the key may turn out to be a wrong one.
        self._model.notice_raised.emit(self._factory.leftover(left, self._leftover_actions(left)))

    def _forget(self, left: Leftover) -> None:
        self._model.clear(leftover_id(left))
        self._locked.pop(leftover_id(left), None)
        if self._guard is not None:
            self._guard.dismiss(str(left.entry.get("key", "")))
