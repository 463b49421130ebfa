"""Logging: one format, one file a profile, and a filter that never lets a secret through."""

import logging
import logging.handlers
import re
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from atlas_desktop.escapes import one_line, terminal_text
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
# A room token's shape, with whatever it is glued to. Each run of its characters is looked at once.
_DOTTED = re.compile(r"(?<![\w\-])[\w\-]{11,}+(?:\.[\w\-]*+){2,}+")
_TOKEN_START = "eyJ"  # noqa: S105 - the beginning of any
_LOG_BYTES = 2_000_000


def redact(text: str, limit: int | None = None) -> str:
    """Returns ``text`` without the secrets in use, and with whatever looks like one replaced by its kind.

    Args:
        text: Anything.
        limit: So many of its characters are read.
    """
    text = known.blank(text, limit)
    without_tokens = _DOTTED.sub(lambda match: "[jwt]" if _TOKEN_START in match[0] else match[0], text)
    return _SECRETS.sub(lambda match: f"[{match.lastgroup}]", without_tokens)


class RedactingFormatter(logging.Formatter):
    """One line a message, whatever is in it, and a traceback below; then redacts all of it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's own name
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return redact(terminal_text(super().format(record)))


class LogFile(logging.handlers.RotatingFileHandler):
    """A log that goes silent where it can't be written: a full disk, a folder that is for reading only."""

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=open_private,
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Leaves the record out, without a word for each; anything but the disk is a mistake of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def set_up(level: int = logging.INFO, file: Path | None = None) -> None:
    """Sends our log to stderr; with ``file`` (rotated at 2 MB) all goes there, to stderr only complaints."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if file is not None:
        handlers[0].setLevel(logging.WARNING)
        # LiveKit complains of every plain goodbye; that is for the file.
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
    # Both print one line a request or a frame, addresses with their query included.
    for chatty in ("httpx", "httpcore", "livekit", "aioice", "aiortc", "qasync"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
