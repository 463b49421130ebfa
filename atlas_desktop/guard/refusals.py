"""Which errors of a create say that no session was made."""

from atlas_desktop.errors import AppError, BadAnswerError, ServiceError, UnreachableError

_TIMED_OUT = 408
_GATEWAYS = (502, 504)
"""A proxy's word that it has no answer: the request may have been carried out behind it."""


def made_none(error: AppError) -> bool:
    """Whether it is certain that no session runs because of the create that failed so.

    Not so after a request that may have reached the service and had no answer of the service's own.
    """
    if error.params.get("session_id") or not isinstance(error, ServiceError):
        return False
    if isinstance(error, UnreachableError):
        return not error.params.get("sent", True)
    status = int(error.params.get("status", 0))
    if status in (_TIMED_OUT, *_GATEWAYS):
        return False
    if isinstance(error, BadAnswerError):
        return 300 <= status < 500
    return True
