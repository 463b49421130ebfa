"""Notices about money: limits that come near, the question whether the user is present, leftovers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, assert_never

from PySide6.QtCore import QObject

from atlas_desktop.api.guard_protocol import LeftoverOutcome
from atlas_desktop.api.limits import EXTENSION, WARN_SHARE, Bound, SpendingLimits
from atlas_desktop.api.source import Mode, SourceKind
from atlas_desktop.session.guard_events import Leftover
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.ui.controllers.notices import Intent, Notice, NoticeAction, Severity
from atlas_desktop.ui.look.amounts import countdown, fill, money, number, percent, recent

LIMIT = "limit"
IDLE = "idle"
LIMITS_FIRST = "limits_first"


class BillingNoticeFactory(QObject):
    """Makes these notices in the user's language. Thread: the UI's."""

    def near(self, snapshot: SessionSnapshot, extend: Intent | None) -> Notice:
        """The warning at 80 % of a limit."""
        left = fill(self.tr("{minutes} min left"), minutes=max(1, round((snapshot.left_s or 0.0) / 60)))
        bound = snapshot.allowance.bound if snapshot.allowance else Bound.SESSION_TIME
        if bound in (Bound.SESSION_USD, Bound.DAY_USD) and snapshot.allowed_usd is not None:
            rest_usd = max(0.0, snapshot.allowed_usd - (snapshot.cost_usd or 0.0))
            left = self.tr("{time}, {money}").format(time=left, money=money(rest_usd))
        title = self._near_title(bound).format(share=percent(round(WARN_SHARE * 100)), left=left)
        advice = self.tr("The session then ends by itself.")
        return Notice(LIMIT, Severity.WARN, title, advice, self._extension(extend))

    def _near_title(self, bound: Bound) -> str:
        if bound is Bound.DAY_USD:
            return self.tr("{share} of what today's limit allows is used: {left}")
        if bound is Bound.SERVICE_TIME:
            return self.tr("{share} of Atlas's longest time is used: {left}")
        return self.tr("{share} of this session's limit is used: {left}")

    def last(self, snapshot: SessionSnapshot, extend: Intent | None) -> Notice:
        """The last minute, second by second."""
        title = self.tr("The session ends in {time}").format(time=countdown(snapshot.left_s or 0.0))
        actions = self._extension(extend, primary=True)
        return Notice(LIMIT, Severity.WARN, title, self._last_advice(snapshot, extend is not None), actions)

    def _extension(self, extend: Intent | None, *, primary: bool = False) -> tuple[NoticeAction, ...]:
        return () if extend is None else (NoticeAction(self.tr("Extend"), extend, primary, costs=True),)

    def _last_advice(self, snapshot: SessionSnapshot, extensible: bool) -> str:
        allowance = snapshot.allowance
        if allowance is None:
            return ""
        if not extensible:
            return self.tr("Atlas lets no session run longer. What is in the strip and said stays.")
        if allowance.bound is Bound.SESSION_TIME:
            minutes = _minutes(allowance.seconds * EXTENSION)
            return self.tr("Extend it by a quarter, to {minutes} min in all?").format(minutes=minutes)
        if snapshot.allowed_usd is not None and allowance.bound is Bound.SESSION_USD:
            cost = money(snapshot.allowed_usd * EXTENSION)
            return self.tr("Extend it by a quarter, to {cost} in all?").format(cost=cost)
        return self.tr("Extend today's limit by a quarter?")

    def idle(self, left_s: float, stay: Intent) -> Notice:
        """The question whether the user is present."""
        title = self.tr("Is anybody there? The session ends in {time}").format(time=countdown(left_s))
        advice = self.tr("Nobody spoke, typed, dropped or moved for a while, and it costs.")
        go_on = NoticeAction(self.tr("Go on"), stay, primary=True)
        return Notice(IDLE, Severity.WARN, title, advice, (go_on,))

    def limits_first(self, limits: SpendingLimits, change: Intent) -> Notice:
        """The limits, for a first paid session that was not started on the start page, which shows them."""
        title = self.tr(
            "A paid session ends by itself after {cost} or {minutes} min, {day} a day, {idle} min of nobody"
        ).format(
            cost=money(limits.session_usd),
            minutes=_minutes(limits.session_s),
            day=money(limits.day_usd),
            idle=_minutes(limits.idle_s),
        )
        action = NoticeAction(self.tr("Change limits"), change)
        return Notice(LIMITS_FIRST, Severity.INFO, title, "", (action,))

    def unguarded(self, start: Intent) -> Notice:
        """The guard does not start."""
        title = self.tr("A session can be started without the guard")
        advice = self.tr(
            "If this program or the computer then breaks down, the session stays open, and costs, until its "
            "longest time."
        )
        action = NoticeAction(self.tr("Start without the guard"), start, costs=True)
        return Notice("unguarded", Severity.WARN, title, advice, (action,))

    def unrecorded(self, start: Intent) -> Notice:
        """The journal can't be written."""
        title = self.tr("A session can be started without a record")
        advice = self.tr("If the computer then breaks down, nothing here knows that the session is open.")
        action = NoticeAction(self.tr("Start without a record"), start, costs=True)
        return Notice("unrecorded", Severity.WARN, title, advice, (action,))

    def leftover(self, left: Leftover, actions: tuple[NoticeAction, ...] = ()) -> Notice:
        """A session that an earlier run left open, and what became of it."""
        severity, title, advice = self._leftover_words(left)
        return Notice(leftover_id(left), severity, title.format(facts=self._facts(left)), advice, actions)

    def wrong_key(self, left: Leftover, actions: tuple[NoticeAction, ...]) -> Notice:
        """The key that was tried is not the one."""
        title = self.tr("That key did not make the session that may still be open: {facts}")
        facts = self._facts(left)
        return Notice(leftover_id(left), Severity.WARN, title.format(facts=facts), "", actions)

    def _leftover_words(self, left: Leftover) -> tuple[Severity, str, str]:
        match left.outcome:
            case LeftoverOutcome.ENDING:
                title = self.tr("A session of an earlier run is still open and is being ended: {facts}")
                return Severity.INFO, title, ""
            case LeftoverOutcome.ENDED:
                title = self.tr("A session of an earlier run was still open and has been ended: {facts}")
                return Severity.INFO, title, ""
            case LeftoverOutcome.LOCKED:
                return Severity.WARN, *self._locked(left)
            case LeftoverOutcome.UNCONFIRMED:
                title = self.tr("Atlas did not confirm the end of an earlier session: {facts}")
                advice = self.tr("It may still cost money. It is tried again; else look into your account.")
                return Severity.ERROR, title, advice
            case LeftoverOutcome.UNKNOWN:
                title = self.tr("A session was asked for and its answer never came: {facts}")
                advice = self.tr(
                    "If Atlas made it, it can't be ended from here: look into your account. It ends by "
                    "itself at its longest time."
                )
                if left.most_usd is not None:
                    most = self.tr("By then it costs {cost}.").format(cost=money(left.most_usd))
                    advice = f"{advice} {most}"
                return Severity.WARN, title, advice
            case _ as never:
                assert_never(never)

    def _locked(self, left: Leftover) -> tuple[str, str]:
        if left.entry.get("kind") == SourceKind.BACKEND:
            title = self.tr("A session that another backend made may still be open: {facts}")
            return title, str(left.entry.get("address", ""))
        title = self.tr("A session that another key made may still be open: {facts}")
        return title, self.tr("With that key it can be ended. The key that you use now stays.")

    def leftover_actions(
        self, left: Leftover, enter: Intent, again: Intent, forget: Intent
    ) -> tuple[NoticeAction, ...]:
        """Return the buttons that help with a leftover."""
        forgets = NoticeAction(self.tr("Forget it"), forget)
        if left.outcome is LeftoverOutcome.LOCKED:
            is_backend = left.entry.get("kind") == SourceKind.BACKEND
            label = self.tr("Use that backend") if is_backend else self.tr("Enter that key")
            return (NoticeAction(label, enter, primary=True), forgets)
        if left.outcome is LeftoverOutcome.UNCONFIRMED:
            return (NoticeAction(self.tr("Try again"), again, primary=True), forgets)
        return ()

    def _facts(self, left: Leftover) -> str:
        mode = (
            self.tr("passthrough") if left.entry.get("mode") == Mode.PASSTHROUGH else self.tr("conversation")
        )
        parts = [mode]
        since = _since(left.entry)
        if since:
            parts.append(self.tr("since {time}").format(time=since))
        stated_usd = left.receipt.cost_usd if left.receipt is not None else None
        if stated_usd is not None:
            parts.append(money(stated_usd))
        elif left.cost_usd is not None:
            parts.append(self.tr("about {cost}").format(cost=money(left.cost_usd)))
        return ", ".join(parts)


def leftover_id(left: Leftover) -> str:
    """The notice of one leftover; what becomes of it takes its place."""
    return f"leftover_{left.entry.get('key', '')}"


def _minutes(seconds: float) -> str:
    """Whole minutes, or as many decimals as it takes."""
    minutes = f"{seconds / 60:.2f}".rstrip("0")
    return number(float(minutes), len(minutes.partition(".")[2]))


def _since(entry: Mapping[str, Any]) -> str:
    """Local time; with the day, where it was not today."""
    text = entry.get("granted_at") or entry.get("asked_at")
    try:
        moment = datetime.fromisoformat(str(text))
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone()
    except (ValueError, OverflowError):
        return ""
    return recent(moment)
