"""Logging: one format, one file a profile, and a filter that never lets a secret through."""

import logging
import logging.handlers
import re
from pathlib import Path

_SECRETS = re.compile(
    r"""(?x)
      (?P<key>\bak_[A-Za-z0-9_\-]{4,})                        # an Atlas key
    | (?P<jwt>\beyJ[\w\-]{8,}\.[\w\-]+\.[\w\-]*)              # a room token
    | (?P<bearer>(?i:bearer)\s+[^\s"',]+)                     # an Authorization header
    | (?P<query>(?i:access_token|join_request|token)=[^\s&"']+)
    """
)
_LOG_BYTES = 2_000_000


def redact(text: str) -> str:
    """Returns ``text`` with every key, token and bearer replaced by its kind."""
    return _SECRETS.sub(lambda match: f"[{match.lastgroup}]", text)


class RedactingFormatter(logging.Formatter):
    """Formats as usual, then redacts the whole line, the traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def set_up(level: int = logging.INFO, file: Path | None = None) -> None:
    """Sends our log to stderr; with ``file`` (rotated at 2 MB) all goes there, to stderr only complaints."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if file is not None:
        handlers[0].setLevel(logging.WARNING)
        # LiveKit complains of every plain goodbye; that is for the file.
        handlers[0].addFilter(lambda record: record.name != "livekit")
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                file,
                maxBytes=_LOG_BYTES,
                backupCount=2,
                encoding="utf-8",
                delay=True,
                # A name may hold bytes that are no UTF-8.
                errors="backslashreplace",
            )
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
