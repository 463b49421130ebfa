"""Writes ``packaging/uv.txt``, by which ``setup.sh`` knows its installer, from ``uv.lock``."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINNED = ROOT / "packaging" / "uv.txt"
_HEAD = """\
# The installer of everything else, known by its hashes: those of every platform's wheel, as in uv.lock.
# For a newer one: uv lock --upgrade-package uv, then python packaging/pin_uv.py.
"""


def pinned() -> str:
    """The requirement, as pip reads it."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    found = next(package for package in lock["package"] if package["name"] == "uv")
    hashes = sorted(wheel["hash"] for wheel in found["wheels"])
    lines = [f"uv=={found['version']}", *(f"    --hash={one}" for one in hashes)]
    return _HEAD + " \\\n".join(lines) + "\n"


if __name__ == "__main__":
    PINNED.write_text(pinned(), "utf-8")
