"""What paid sessions may cost: limits held everywhere, warnings in time, and what the guard tells."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from PySide6.QtCore import SignalInstance

from atlas_desktop.aio import TaskScope, wait_full
from atlas_desktop.api.access import Access
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.orders import LeftoverOutcome, Why
from atlas_desktop.api.source import EndReceipt, SessionSource, SourceKind
from atlas_desktop.errors import AppError, GuardDownError, JournalError
from atlas_desktop.session.callbacks import Unsubscribe
from atlas_desktop.session.guard_events import (
    DayTold,
    GuardEvent,
    JournalBroken,
    Leftover,
    SessionStatusTold,
    SessionStopped,
)
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Failed, Joining
from atlas_desktop.storage.settings import Settings
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.desks.billing_words import IDLE, LIMIT, LIMITS_FIRST, BillingWords, leftover_id
from atlas_desktop.ui.desks.key_desk import KeyDesk
from atlas_desktop.ui.desks.notices import Notice, NoticeAction

_KEY_JUDGED_AFTER_S = 1.5
_WITHOUT = ("unguarded", "unrecorded")


class SpendingSession(Protocol):
    """What a session knows of money."""

    def set_spending_limits(self, limits: SpendingLimits) -> None: ...
    def extend(self) -> None: ...
    def touch(self) -> None: ...
    def stopped(self, session_id: str, why: Why, receipt: EndReceipt) -> None: ...
    def reconcile_duration(self, session_id: str, duration_s: float) -> None: ...
    def update_day(self, session_id: str, spent_today_usd: float, day_left_s: float) -> None: ...
    def on_limits_changed(self, callback: Callable[[str, SpendingLimits], None]) -> Unsubscribe: ...


class GuardPort(Protocol):
    """The guard, as this desk needs it."""

    def open(self, access: Access) -> SessionSource: ...
    def set_limits(self, limits: SpendingLimits) -> None: ...
    def set_session_limits(self, session_id: str, limits: SpendingLimits) -> None: ...
    def look_for_leftovers(self) -> None: ...
    def dismiss(self, entry_key: str) -> None: ...
    def allow_unguarded(self) -> None: ...
    def allow_unrecorded(self) -> None: ...
    def on_event(self, callback: Callable[[GuardEvent], None]) -> Unsubscribe: ...


class BilledModel(Protocol):
    """The part of the model that this desk speaks through, and the ways out that it offers."""

    @property
    def notice_raised(self) -> SignalInstance: ...
    @property
    def notice_changed(self) -> SignalInstance: ...
    @property
    def key_asked(self) -> SignalInstance: ...
    @property
    def settings_asked(self) -> SignalInstance: ...

    def clear(self, *ids: str) -> None: ...
    def report(self, error: AppError) -> None: ...
    def start_again(self) -> None: ...


class BillingDesk:
    """Joins settings, session and guard where it is about money. Thread: the UI's, with the event loop.

    Args:
        model: Says it, and starts again where the user agrees to do without something.
        session: Counts and warns.
        guard: Holds the same limits in a process of its own; ``None`` where nothing is billed.
        settings: The limits.
        scope: Owns the waiting for the keyring.
    """

    def __init__(
        self,
        model: BilledModel,
        session: SpendingSession,
        guard: GuardPort | None,
        settings: SettingsStore,
        scope: TaskScope,
    ) -> None:
        self._model = model
        self._session = session
        self._guard = guard
        self._settings = settings
        self._scope = scope
        self._words = BillingWords()
        self._limits: SpendingLimits | None = None
        self._locked: dict[str, Leftover] = {}
        self._said: dict[str, Notice] = {}
        self._last_minute = False
        self._hold_limits()
        settings.on_change(self._take_settings)
        if guard is not None:
            session.limits.on_limits_changed(guard.set_session_limits)
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
        # After the guard: what was extended of the session that runs stays extended there, too.
        self._session.limits.set_spending_limits(limits)

    def follow(self, snapshot: SessionSnapshot) -> None:
        """Warns when a limit comes near, counts the last minute down, and asks whether anybody is there."""
        here = snapshot.grant is not None
        self._follow_limit(snapshot, here and (snapshot.limit_near or snapshot.limit_last))
        left_s = snapshot.idle_left_s if here else None
        go_on = NoticeAction(self._words.go_on_label(), self._session.limits.touch, primary=True)
        self._say(IDLE, None if left_s is None else self._words.idle(left_s, go_on))

    def _follow_limit(self, snapshot: SessionSnapshot, near: bool) -> None:
        if not near:
            self._say(LIMIT, None)
            return
        if snapshot.limit_last is not self._last_minute:
            # Another matter than the one that was perhaps closed: it is raised anew.
            self._last_minute = snapshot.limit_last
            self._said.pop(LIMIT, None)
        extend = None
        if snapshot.can_extend:
            extend = NoticeAction(
                self._words.extend_label(), self._session.limits.extend, snapshot.limit_last, costs=True
            )
        words = self._words.last if snapshot.limit_last else self._words.near
        self._say(LIMIT, words(snapshot, extend))

    def _say(self, notice_id: str, notice: Notice | None) -> None:
        """Raises a notice once, then only changes its words; ``None`` takes it back."""
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

    def follow_life(self, snapshot: SessionSnapshot) -> None:
        """Shows the limits with a first session that was begun without them; offers to do without a guard."""
        if self._guard is None:
            return
        life = snapshot.state
        self._model.clear(*((LIMITS_FIRST,) if snapshot.is_over else _WITHOUT))
        if snapshot.billed and isinstance(life, Joining):
            self._show_limits_once()
        elif snapshot.billed and isinstance(life, Failed):
            self._offer_without(life.error)

    def _show_limits_once(self) -> None:
        settings = self._settings.settings
        if not settings.limits_seen:
            self._settings.change(limits_seen=True)
            change = NoticeAction(self._words.change_limits_label(), self._model.settings_asked.emit)
            self._model.notice_raised.emit(self._words.limits_first(settings.spending_limits, change))

    def _offer_without(self, error: AppError) -> None:
        if isinstance(error, GuardDownError):
            start = NoticeAction(self._words.start_unguarded_label(), self._start_unguarded, costs=True)
            self._model.notice_raised.emit(self._words.unguarded(start))
        elif isinstance(error, JournalError):
            start = NoticeAction(self._words.start_unrecorded_label(), self._start_unrecorded, costs=True)
            self._model.notice_raised.emit(self._words.unrecorded(start))

    def _start_unguarded(self) -> None:
        if self._guard is not None:
            self._guard.allow_unguarded()
            self._model.start_again()

    def _start_unrecorded(self) -> None:
        if self._guard is not None:
            self._guard.allow_unrecorded()
            self._model.start_again()

    # What the guard tells

    def end_leftovers(self, keys: KeyDesk) -> None:
        """Has what earlier runs left open ended, as soon as the key at hand is known."""
        if self._guard is not None:
            self._scope.start(self._end_leftovers(keys), "leftovers")

    async def _end_leftovers(self, keys: KeyDesk) -> None:
        await keys.introduce()
        self._look_again()

    def _look_again(self) -> None:
        if self._guard is not None:
            self._guard.look_for_leftovers()

    def try_key(self, access: Access) -> None:
        """Uses a key for nothing but ending what it left open."""
        if self._guard is not None:
            self._guard.open(access)
            self._guard.look_for_leftovers()
            self._scope.start(self._judge_key(), "other key")

    async def _judge_key(self) -> None:
        """A key that fits ends something at once; of one that does not the guard says nothing."""
        await wait_full(_KEY_JUDGED_AFTER_S)
        for left in tuple(self._locked.values()):
            self._model.notice_raised.emit(self._words.wrong_key(left, self._ways_out(left)))

    def _take_event(self, event: GuardEvent) -> None:
        match event:
            case SessionStopped(session_id, why, receipt):
                self._session.limits.stopped(session_id, why, receipt)
            case SessionStatusTold(session_id, duration_s, _status):
                if duration_s is not None:
                    self._session.reconcile_duration(session_id, duration_s)
            case DayTold(session_id, spent_today_usd, day_left_s):
                self._session.update_day(session_id, spent_today_usd, day_left_s)
            case Leftover():
                self._locked.pop(leftover_id(event), None)
                if event.outcome is LeftoverOutcome.LOCKED:
                    self._locked[leftover_id(event)] = event
                self._model.notice_raised.emit(self._words.leftover(event, self._ways_out(event)))
            case JournalBroken(error):
                self._model.report(error)

    def _ways_out(self, left: Leftover) -> tuple[NoticeAction, ...]:
        forget = NoticeAction(self._words.forget_label(), partial(self._forget, left))
        if left.outcome is LeftoverOutcome.LOCKED:
            enter = NoticeAction(self._words.enter_label(left), partial(self._enter, left), primary=True)
            return (enter, forget)
        if left.outcome is LeftoverOutcome.UNCONFIRMED:
            again = NoticeAction(self._words.try_again_label(), self._look_again, primary=True)
            return (again, forget)
        return ()

    def _enter(self, left: Leftover) -> None:
        is_backend = left.entry.get("kind") == SourceKind.BACKEND
        self._model.key_asked.emit(str(left.entry.get("address", "")) if is_backend else "")
        # It stays until it is answered; the key may turn out to be another one.
        self._model.notice_raised.emit(self._words.leftover(left, self._ways_out(left)))

    def _forget(self, left: Leftover) -> None:
        self._model.clear(leftover_id(left))
        self._locked.pop(leftover_id(left), None)
        if self._guard is not None:
            self._guard.dismiss(str(left.entry.get("key", "")))
