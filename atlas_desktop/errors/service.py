"""Errors of Atlas, or of the backend in front of it."""

from typing import Any, ClassVar

from atlas_desktop.errors.base import N_, AppError


class ServiceError(AppError):
    """Atlas, or the backend in front of it, refused or failed. ``status`` is the HTTP status, or 0."""

    code = "service"
    title = N_("Atlas could not do that ({status}: {detail})")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": ""}


class UnauthorizedError(ServiceError):
    code = "unauthorized"
    title = N_("Atlas did not accept the key")
    advice = N_("Check the key, or get a new one from your Atlas account.")
    retryable = False


class NoCreditError(ServiceError):
    code = "no_credit"
    title = N_("Your Atlas account has no credit left")
    advice = N_("Add credit to your account, then start again. A rehearsal is free.")


class NotFoundError(ServiceError):
    code = "not_found"
    title = N_("Atlas does not know this session")
    retryable = False


class ConflictError(ServiceError):
    """409; ``reason`` is Atlas's own code, for example ``already_ended``."""

    code = "conflict"
    title = N_("Atlas says this can't be done now ({detail})")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 409, "detail": "", "reason": ""}


class RateLimitedError(ServiceError):
    """429; ``retry_after_s`` is how long the service asked to wait."""

    code = "rate_limited"
    title = N_("Too many requests")
    advice = N_("Atlas asks to wait {retry_after_s:.0f} s.")
    defaults: ClassVar[dict[str, Any]] = {"status": 429, "detail": "", "retry_after_s": 5.0}


class NoCapacityError(ServiceError):
    code = "no_capacity"
    title = N_("Atlas has no free avatar at the moment")
    advice = N_("Try again in a minute. Nothing was charged.")


class ModeRefusedError(ServiceError):
    code = "mode_refused"
    title = N_("This Atlas does not offer {mode} sessions")
    advice = N_("Choose the other mode.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 400, "detail": "", "mode": ""}


class RejectedError(ServiceError):
    code = "rejected"
    title = N_("Atlas refused the request ({status}: {detail})")
    retryable = False


class ServerFailedError(ServiceError):
    code = "server_failed"
    title = N_("Atlas has a problem of its own ({status}: {detail})")
    advice = N_("Try again in a moment.")


class BadAnswerError(ServiceError):
    code = "bad_answer"
    title = N_("{host} did not answer like Atlas ({status}: {detail})")
    advice = N_("Check the address; a proxy may be in the way.")
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": ""}


class UnreachableError(ServiceError):
    """No connection, or no answer. ``sent`` is false when the request cannot have reached the service."""

    code = "unreachable"
    title = N_("{host} can't be reached")
    advice = N_("Check the internet connection. A rehearsal works without.")
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": "Atlas", "sent": True}


class ProxyRefusedError(UnreachableError):
    """The proxy can't be reached, or refuses. ``proxy``: its address, without a password.

    ``name``: the variable or the setting that names it.
    """

    code = "proxy_refused"
    title = N_("The proxy {proxy} in {name} did not let us through to {host} ({detail})")
    advice = N_("Check the proxy in the settings, or in the environment of this program.")
    defaults: ClassVar[dict[str, Any]] = {
        "status": 0,
        "detail": "",
        "host": "Atlas",
        "sent": False,
        "proxy": "",
        "name": "",
    }


class BadProxyError(UnreachableError):
    """The configured proxy is unusable. ``name``: the variable or the setting."""

    code = "bad_proxy"
    title = N_("Nothing was sent, because of the proxy in {name}: {detail}")
    advice = N_("Correct it, or choose another one in the settings.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": "", "sent": False, "name": ""}


class CertificatesError(UnreachableError):
    """The file of trusted certificates can't be read. ``name``: the variable that names it."""

    code = "certificates"
    title = N_("Nothing was sent, because the certificates that {name} names can't be read ({detail})")
    advice = N_("Correct {name} in the environment, or remove it.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": "", "sent": False, "name": ""}


class KeyLogError(UnreachableError):
    """The TLS key log can't be written. ``name``: the variable."""

    code = "key_log"
    title = N_("Nothing was sent, because the file that {name} names can't be written ({detail})")
    advice = N_("Correct {name} in the environment, or remove it.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": "", "sent": False, "name": ""}


class UntrustedError(UnreachableError):
    """The certificate is not trusted: a proxy or a virus scanner may sit in between."""

    code = "untrusted"
    title = N_("{host} could not prove that it is {host} ({detail})")
    advice = N_(
        "A proxy or a virus scanner may open encrypted connections: its certificate must then be among this "
        "computer's, or in the file that SSL_CERT_FILE names."
    )
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": "Atlas", "sent": False}


class InsecureAddressError(ServiceError):
    code = "insecure_address"
    title = N_("{url} is not an https:// address")
    advice = N_("A key is only ever sent over https, or to this computer.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "url": ""}


class EndUnconfirmedError(ServiceError):
    """The service did not confirm that a session is over: it may go on, and cost."""

    code = "end_unconfirmed"
    title = N_("Atlas did not confirm that session {session_id} is over")
    advice = N_("It may still cost. Try to end it again, or end it in your Atlas account.")
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "session_id": ""}
