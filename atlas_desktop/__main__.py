"""The command line: arguments and dispatch. Everything heavier is imported by the role that runs."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from atlas_desktop import __version__, hardening
from atlas_desktop.locales import pin_c_numbers
from atlas_desktop.options import CHILD_FLAG, CheckOptions, WindowOptions

EXIT_INTERRUPTED = 130
MODES = ("conversation", "passthrough")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    role = words[0] if words and words[0] in _ROLES else ""
    pin_c_numbers(os.environ)
    _restart_in_utf8_mode()
    hardening.forbid_core_dumps()
    hardening.hide_environment()
    try:
        return _ROLES[role](words[1:] if role else words)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _window(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="atlas-desktop",
        description="Talk with, or speak through, a realtime avatar.",
        epilog="Other roles: 'atlas-desktop check' makes a test call, 'atlas-desktop local' serves the "
        "local Atlas to other clients, 'atlas-desktop sessions' ends what was left open; each has "
        "its own --help. The key is read from the keyring or from ATLAS_API_KEY, never from an argument.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--local", action="store_true", help="rehearse on this computer: free, no key")
    source.add_argument("--backend", metavar="URL", help="a server of yours that keeps the key")
    parser.add_argument("--mode", choices=MODES)
    parser.add_argument("--face", metavar="PATH|URL", help="a picture, or its https address")
    parser.add_argument("--start", action="store_true", help="start at once")
    parser.add_argument("--mic", action="store_true", help="microphone on when connected")
    parser.add_argument("--fullscreen", action="store_true")
    parser.add_argument("--profile", metavar="DIR", type=Path, help="settings, log and transcripts here")
    parser.add_argument("--version", action="version", version=f"atlas-desktop {__version__}")
    parser.add_argument("audio", metavar="AUDIO", nargs="*", help="files to speak, in order")
    given = parser.parse_args(words)
    _make_qt_lean()
    from atlas_desktop.app import run

    return run(
        WindowOptions(
            local=given.local,
            backend=given.backend,
            mode=given.mode,
            face=given.face,
            start=given.start,
            microphone=given.mic,
            fullscreen=given.fullscreen,
            profile=given.profile,
            audio=tuple(given.audio),
        )
    )


def _check(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="atlas-desktop check",
        description="A test call with the real window: picture, sound, delay, CPU and memory.",
    )
    parser.add_argument("--local", action="store_true", help="call the local Atlas: free, no key")
    parser.add_argument("--mode", choices=MODES, default=MODES[0])
    parser.add_argument("--seconds", type=_positive_seconds, default=20.0, help="default 20")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where report and screenshot go")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--profile", metavar="DIR", type=Path)
    given = parser.parse_args(words)
    _make_qt_lean()
    from atlas_desktop.check import run

    return run(CheckOptions(given.local, given.mode, given.seconds, given.out, given.json, given.profile))


def _local(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="atlas-desktop local",
        description="Serve the local Atlas on this computer. The first line printed is JSON: "
        '{"base": "http://127.0.0.1:PORT", "key": "ak_…"}. Ctrl-C ends it.',
    )
    parser.add_argument("--port", type=_port, default=0, help="default: any free port")
    parser.add_argument(CHILD_FLAG, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    from atlas_desktop.local_atlas.entry_point import main as serve

    return serve(port=given.port, as_child=given.child)


def _guard(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="atlas-desktop guard",
        description="Ends paid sessions whatever becomes of the window, which starts it by itself.",
    )
    parser.add_argument("--profile", metavar="DIR", type=Path)
    parser.add_argument(CHILD_FLAG, action="store_true", required=True, help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    from atlas_desktop.guard.server import main as guard

    return guard(given.profile)


def _sound(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="atlas-desktop sound",
        description="Has speaker and microphone, whatever becomes of the sound server; the window starts it.",
    )
    parser.add_argument(CHILD_FLAG, action="store_true", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--wait", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("memory", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    _make_qt_lean()
    from atlas_desktop.audio.process import main as serve

    return serve(given.memory, waits=given.wait)


def _sessions(words: list[str]) -> int:
    from atlas_desktop.sessions_cli.arguments import parse

    options = parse(words)
    from atlas_desktop.sessions_cli.run import run

    return run(options)


def _restart_in_utf8_mode() -> None:
    """Restart in Python's UTF-8 mode where the locale has another encoding.

    Qt decodes file names as UTF-8 whatever the locale; a name from Qt must mean the same file to Python.
    """
    is_utf8 = sys.getfilesystemencoding().lower().replace("-", "") == "utf8"
    if is_utf8 or "PYTHONUTF8" in os.environ or getattr(sys, "frozen", False):
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very program


def _make_qt_lean() -> None:
    """Before anything that imports much."""
    from atlas_desktop.lean_qt import skip_source_scan

    skip_source_scan()


def _positive_seconds(text: str) -> float:
    seconds = float(text)
    if not 1.0 <= seconds <= 24 * 3600:
        raise argparse.ArgumentTypeError("from 1 second to a day")
    return seconds


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("from 0 to 65535")
    return port


_ROLES = {
    "": _window,
    "check": _check,
    "local": _local,
    "guard": _guard,
    "sound": _sound,
    "sessions": _sessions,
}

if __name__ == "__main__":
    sys.exit(main())
