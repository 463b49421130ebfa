"""The one place where HTTP responses and httpx's exceptions become our errors."""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from atlas_desktop.api.response import HttpResponse, first_line, notice_line, phrase, retry_after_s, text_in
from atlas_desktop.api.send_monitor import SendMonitor
from atlas_desktop.errors import (
    BadAnswerError,
    ConflictError,
    ModeRefusedError,
    NoCapacityError,
    NoCreditError,
    NotFoundError,
    ProxyRefusedError,
    RateLimitedError,
    RejectedError,
    ServerFailedError,
    ServiceError,
    UnauthorizedError,
    UnreachableError,
    UntrustedError,
)
from atlas_desktop.proxies import Proxy
from atlas_desktop.redaction import known

_CODE = re.compile(r"[a-z][a-z0-9_]{1,63}")
_MODE_STATUSES = (400, 403, 404, 409, 422, 501)
_MODE = re.compile(r"(?i)\bmode\b")
_REFUSED = re.compile(
    r"(?i)\b(not (available|supported|offered|enabled|allowed)|unavailable|unsupported|disabled)"
)
_BAD_MODE = re.compile(r"(?i)\b(invalid|unknown|unsupported)\b.{0,20}\bmode\b")


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """The error that a response describes. ``code`` is Atlas's, empty when it is not in Atlas's format."""

    code: str
    detail: str


_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


@contextmanager
def mapped(host: str, proxy: Proxy | None = None, monitor: SendMonitor | None = None) -> Iterator[None]:
    """Map httpx's exceptions for a request through ``proxy`` to ``host``.

    Args:
        host: The service's, for messages.
        proxy: The one in use.
        monitor: Knows whether the request was sent; without it httpx's exception types decide.

    Raises:
        UnreachableError: No connection, or it broke, or no answer in time; ``params["sent"]`` is false
            where the request was not sent.
        ProxyRefusedError: The proxy can't be reached, or refuses.
        UntrustedError: The certificate is not trusted.
        BadAnswerError: What arrived is not valid HTTP.
    """
    try:
        with _noted(host, proxy, monitor):
            yield
    except TimeoutError as error:
        raise UnreachableError(host=host, detail="no answer in time") from error
    except (httpx.DecodingError, httpx.RemoteProtocolError, httpx.TooManyRedirects) as error:
        if _hung_up(error):
            raise UnreachableError(host=host, detail="the connection broke") from error
        raise BadAnswerError(host=host, detail=notice_line(str(error))) from error
    except _UNSENT as error:
        raise _unsent_error(error, host, proxy) from error
    except httpx.TimeoutException as error:
        raise UnreachableError(host=host, detail="no answer in time") from error
    except (httpx.TransportError, httpx.StreamError, OSError) as error:
        raise UnreachableError(host=host, detail=type(error).__name__) from error


@contextmanager
def _noted(host: str, proxy: Proxy | None, monitor: SendMonitor | None) -> Iterator[None]:
    """Map every exception before the request was sent."""
    try:
        yield
    except (TimeoutError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
        if monitor is None or monitor.is_sent:
            raise
        raise _unsent_error(error, host, proxy) from error


def body_of(answer: HttpResponse) -> dict[str, Any]:
    """Return the JSON object of a successful response; an empty body is an empty object.

    Raises:
        ServiceError: The response is an error.
        BadAnswerError: Its body is not a JSON object.
    """
    if not answer.ok:
        raise error_of(answer)
    if not answer.content.strip():
        return {}
    body = answer.json()
    if not isinstance(body, dict):
        raise BadAnswerError(host=answer.host, status=answer.status, detail=first_line(answer))
    return body


def error_detail_of(answer: HttpResponse) -> ErrorDetail:
    """Parse Atlas's ``{"error": code, "message": text}``; similar formats give a detail without a code."""
    body = answer.json()
    if not isinstance(body, dict):
        return ErrorDetail("", first_line(answer))
    code, message = body.get("error"), body.get("message")
    if isinstance(code, str) and isinstance(message, str) and _is_code(code):
        return ErrorDetail(code, notice_line(message) or code)
    nested = code if isinstance(code, dict) else {}
    words = text_in(body, "message", "error", "detail") or text_in(nested, "message", "code")
    return ErrorDetail("", notice_line(words) or phrase(answer.status))


def _is_code(text: str) -> bool:
    # A key can look like one.
    return _CODE.fullmatch(text) is not None and not known.finds_in(text)


def error_of(answer: HttpResponse) -> ServiceError:
    """Return the error that an unsuccessful response means."""
    problem = error_detail_of(answer)
    status, detail = answer.status, problem.detail
    if status == 429:
        return RateLimitedError(status=status, detail=detail, retry_after_s=retry_after_s(answer))
    foreign = status < 400 or (status == 404 and not problem.code)
    if answer.is_html or foreign:
        return BadAnswerError(host=answer.host, status=status, detail=detail)
    if status == 409:
        return ConflictError(status=status, detail=detail, reason=problem.code)
    kind = _KINDS.get(status) or (RejectedError if status < 500 else ServerFailedError)
    return kind(status=status, detail=detail)


_KINDS: Mapping[int, type[ServiceError]] = {
    401: UnauthorizedError,
    402: NoCreditError,
    403: UnauthorizedError,
    404: NotFoundError,
    503: NoCapacityError,
}


def create_error_of(answer: HttpResponse, mode: str) -> ServiceError:
    """Return the error as ``error_of`` does, for a create: the mode may have been refused."""
    problem = error_detail_of(answer)
    named = "mode" in problem.code.split("_") or _is_mode_refused(problem.detail)
    if named and answer.status in _MODE_STATUSES and not answer.is_html:
        return ModeRefusedError(status=answer.status, detail=problem.detail, mode=mode)
    return error_of(answer)


def _is_mode_refused(detail: str) -> bool:
    mode = _MODE.search(detail)
    is_refused = mode is not None and _REFUSED.search(detail, mode.end()) is not None
    return is_refused or _BAD_MODE.search(detail) is not None


def _unsent_error(error: Exception, host: str, proxy: Proxy | None) -> UnreachableError:
    foreign = _certificate_error_in(error)
    if foreign is not None:
        return UntrustedError(host=host, detail=foreign.verify_message)
    if proxy is not None and not isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return ProxyRefusedError(
            host=host, proxy=proxy.address, name=proxy.source, detail=_words_of_proxy(error)
        )
    return UnreachableError(host=host, detail=_unsent(error), sent=False)


def _certificate_error_in(error: BaseException) -> ssl.SSLCertVerificationError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause


def _words_of_proxy(error: Exception) -> str:
    match error:
        case httpx.ProxyError():
            # The proxy's status line; name and password are never in it.
            return notice_line(str(error))
        case httpx.RemoteProtocolError():
            return "it does not answer like a proxy"
        case httpx.ConnectError():
            return "no connection came about"
    return _unsent(error)


def _unsent(error: Exception) -> str:
    is_late = isinstance(error, httpx.TimeoutException | TimeoutError)
    return "no answer in time" if is_late else type(error).__name__


def _hung_up(error: httpx.HTTPError) -> bool:
    # httpx distinguishes a closed connection from broken HTTP by the message only (0.28).
    words = str(error).lower()
    return "disconnected" in words or "closed connection" in words
