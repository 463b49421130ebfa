"""The arguments of ``atlas-desktop sessions``. Imports nothing heavy: ``--help`` answers at once."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SESSION_ID = re.compile(r"ses_[0-9a-fA-F]{20}")
"""The form that Atlas gives its ids. Source: the official web example."""

_EPILOG = """\
list           what is open, or was asked for and never answered (default)
end ID         end one session on the server, even one in use; ID as the list or your Atlas account has it
end --all      end every open one, but for those that a running Atlas Desktop uses
forget ID      take it off the list: you know that it is over. Nothing is sent

The key is read from ATLAS_API_KEY or the keyring, a backend's address from ATLAS_BACKEND_URL or the
settings. A session is ended only with the key or backend that made it. Ending one is asked for a minute
at most; what the service did not confirm stays on the list.
Exit status: 0 done, 1 failed (one line on stderr says why), 2 wrong usage, 130 interrupted."""


class Action(StrEnum):
    """What is to be done."""

    LIST = "list"
    END = "end"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class SessionsOptions:
    """What the command line asked for; with ``END``, an empty ``session_id`` means all."""

    action: Action = Action.LIST
    session_id: str = ""
    as_json: bool = False
    profile: Path | None = None


def parse(words: Sequence[str]) -> SessionsOptions:
    """Reads the words behind ``sessions``; ends the program with status 2 on wrong ones."""
    parser = argparse.ArgumentParser(
        prog="atlas-desktop sessions",
        description="What this computer started and has not seen end.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="atlas-desktop sessions [-h] [list | end ID | end --all | forget ID] [--json] [--profile DIR]",
    )
    parser.add_argument(
        "action", nargs="?", choices=list(Action), default=Action.LIST, help=argparse.SUPPRESS
    )
    parser.add_argument("session_id", nargs="?", default="", help=argparse.SUPPRESS)
    parser.add_argument("--all", action="store_true", help="with end: every open one")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument("--profile", metavar="DIR", type=Path, help="another folder than the user's own")
    given = parser.parse_intermixed_args(words)
    action, session_id = Action(given.action), given.session_id.strip(" \t\r\n\"'")
    if given.all and (action is not Action.END or session_id):
        parser.error("--all belongs to end, without an ID")
    if action is Action.LIST and session_id:
        parser.error("list takes no ID")
    if action is not Action.LIST and not session_id and not given.all:
        parser.error(f"{action.value} needs an ID{' or --all' if action is Action.END else ''}")
    return SessionsOptions(action, session_id, given.json, given.profile)
