"""What keeps paid sessions from being left open, and why it ended one."""

from typing import Any, ClassVar

from atlas_desktop.errors.base import N_, AppError


class GuardError(AppError):
    """What keeps sessions from being left open does not work, or has acted."""

    code = "guard"
    title = N_("The guard of paid sessions failed: {detail}")
    defaults: ClassVar[dict[str, Any]] = {"detail": ""}


class JournalError(GuardError):
    code = "journal"
    title = N_("The record of paid sessions can't be written ({detail})")
    advice = N_(
        "Without it a crash could leave a session open. See that there is room on the disk and that its "
        "folder can be written, then start again."
    )
    retryable = True


class GuardDownError(GuardError):
    code = "guard_down"
    title = N_("The guard of paid sessions does not start ({detail})")
    advice = N_("Without it a crash of this program could leave a session open, and costing.")
    retryable = True


class GuardLostError(GuardError):
    """The guard died before it answered; the next one may be given the same order."""

    code = "guard_lost"
    title = N_("The guard of paid sessions was killed")


class SessionIdLostError(GuardLostError):
    """The guard was killed between the request for a session and its answer: the id is lost with it.

    There is no call that lists sessions: only the user can find out whether the service made one.
    """

    code = "session_id_lost"
    title = N_("The guard of paid sessions was killed while it asked for a session")
    advice = N_(
        "If {host} made one, it can't be ended from here: its ID is lost. It costs ${per_hour_usd:.2f} an "
        "hour until the service ends it. Your account there shows it; else ask the service for the session "
        "that was requested at {asked_at}."
    )
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "host": "", "per_hour_usd": 0.0, "asked_at": ""}


class SessionIdLostAtMostError(SessionIdLostError):
    """The same where the service has named its longest time before."""

    code = "session_id_lost_at_most"
    advice = N_(
        "If {host} made one, it can't be ended from here: its ID is lost. It may cost ${most_usd:.2f} at "
        "most: ${per_hour_usd:.2f} an hour, to its longest time. Your account there shows it; else ask the "
        "service for the session that was requested at {asked_at}."
    )
    defaults: ClassVar[dict[str, Any]] = {
        "detail": "",
        "host": "",
        "per_hour_usd": 0.0,
        "most_usd": 0.0,
        "asked_at": "",
    }


class StoppedError(GuardError):
    """A session was ended unasked; it is over, not broken.

    ``why`` is an ``orders.Why``, ``what`` the ``limits.Bound`` that was reached, where it was one.
    """

    code = "stopped"
    title = N_("The session was ended by its guard ({why})")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "", "what": ""}


class CostReachedError(StoppedError):
    code = "stopped_cost"
    title = N_("The session reached its limit of ${limit_usd:.2f}")
    advice = N_("Start again to go on; the settings hold the limit.")
    defaults: ClassVar[dict[str, Any]] = {
        "detail": "",
        "why": "limit",
        "what": "session_usd",
        "limit_usd": 0.0,
    }


class TimeReachedError(StoppedError):
    code = "stopped_time"
    title = N_("The session reached its limit of {limit_min:.0f} min")
    advice = N_("Start again to go on; the settings hold the limit.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "limit", "what": "session_s", "limit_min": 0.0}


class DayReachedError(StoppedError):
    code = "stopped_day"
    title = N_("The sessions of today reached their limit of ${limit_usd:.2f}")
    advice = N_("Raise today's limit in the settings to go on. A rehearsal is free.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "limit", "what": "day_usd", "limit_usd": 0.0}


class LongestTimeError(StoppedError):
    code = "stopped_longest"
    title = N_("Atlas ended the session: its longest time is over")
    advice = N_("Start again to go on.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "limit", "what": "service"}


class EndedByServiceError(StoppedError):
    code = "stopped_service"
    title = N_("Atlas ended the session")
    advice = N_("Start again to go on.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "service", "what": ""}


class NobodyThereError(StoppedError):
    code = "stopped_idle"
    title = N_("Nobody spoke, typed, dropped or moved for {idle_min:.0f} min")
    advice = N_("The session was ended, so it costs nothing more.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "idle", "what": "", "idle_min": 0.0}


class HungError(StoppedError):
    code = "stopped_hang"
    title = N_("The program did not answer for {hang_s:.0f} s")
    advice = N_("The session was ended, so it costs nothing more.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "hang", "what": "", "hang_s": 0.0}


class SleptError(StoppedError):
    code = "stopped_sleep"
    title = N_("The computer went to sleep")
    advice = N_("The session was ended, so it costs nothing more.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "sleep", "what": ""}
