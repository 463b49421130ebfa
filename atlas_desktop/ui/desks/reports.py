"""What a bug's notice copies: enough to mend it, nothing secret."""

import platform
import traceback

from atlas_desktop import __version__
from atlas_desktop.errors import AppError
from atlas_desktop.logs import redact


def report_text(error: AppError) -> str:
    """Version, system and traceback of ``error``, redacted."""
    cause = error.__cause__ or error
    trace = "".join(traceback.format_exception(cause))
    system = f"Atlas Desktop {__version__}, Python {platform.python_version()}, {platform.platform()}"
    return redact(f"{system}\n{error}\n\n{trace}")
