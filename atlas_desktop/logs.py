"""Logging: one format, one file per profile, secrets redacted, control characters escaped.

A file's name may hold a newline that forges a log line, a terminal's control sequences, or signs that reverse
the direction of what follows (CVE-2021-42574). They are written as escapes.
"""

import logging
import logging.handlers
import re
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from atlas_desktop.private_files import make_folder, open_private
from atlas_desktop.redaction import known

_SECRETS = re.compile(
    r"""(?x)
      (?P<key>\bak_[A-Za-z0-9_\-]{4,})                        # an Atlas key
    | (?P<bearer>(?i:bearer)\s+[^\s"',]+)                     # an Authorization header
    | (?P<credentials>(?<=://)[^\s/@"']{1,300}(?=@))             # a name and password in an address
    | (?P<query>(?i:access_token|join_request|token)=[^\s&"']+)
    """
)
# A room token with whatever adjoins it. Possessive quantifiers: each character is looked at once.
_DOTTED = re.compile(r"(?<![\w\-])[\w\-]{11,}+(?:\.[\w\-]*+){2,}+")
_TOKEN_START = "eyJ"  # noqa: S105 - the beginning of any
_LOG_BYTES = 2_000_000


def redact(text: str, limit: int | None = None) -> str:
    """Return ``text`` without the secrets in use; what looks like one is replaced by the name of its kind.

    Args:
        text: Anything.
        limit: How many of its characters are read.
    """
    text = known.blank(text, limit)
    without_tokens = _DOTTED.sub(lambda match: "[jwt]" if _TOKEN_START in match[0] else match[0], text)
    return _SECRETS.sub(lambda match: f"[{match.lastgroup}]", without_tokens)


def one_line(text: str) -> str:
    """Return ``text`` on one line, with unprintable signs escaped as in a Python string."""
    return text if text.isprintable() else "".join(map(_escape, text))


def terminal_text(text: str) -> str:
    """Return ``text`` with unprintable signs escaped, except its line breaks."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def _escape(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode("ascii")


class RedactingFormatter(logging.Formatter):
    """Formats a message as one line with its traceback below, and redacts both."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's own name
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return redact(terminal_text(super().format(record)))


class LogFile(logging.handlers.RotatingFileHandler):
    """A log file that drops records while it can't be written: disk full, folder read-only."""

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=open_private,
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Drop the record silently on a disk error; report anything else, which is a bug of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def set_up(level: int = logging.INFO, file: Path | None = None) -> None:
    """Log to stderr; with ``file`` (rotated at 2 MB) log there, and only warnings to stderr."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if file is not None:
        handlers[0].setLevel(logging.WARNING)
        # LiveKit warns at every regular disconnect.
        handlers[0].addFilter(lambda record: record.name != "livekit")
        with suppress(OSError):
            make_folder(file.parent)
        handlers.append(
            LogFile(file, maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8", errors="replace", delay=True)
        )
    formatter = RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in handlers:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level)
    # They log one line a request or a frame, addresses with their query included.
    for chatty in ("httpx", "httpcore", "livekit", "aioice", "aiortc", "qasync"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
