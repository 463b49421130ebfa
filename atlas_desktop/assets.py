"""Where the files in ``resources/`` lie: in a checkout, in a wheel and in a frozen bundle."""

from functools import cache
from pathlib import Path


@cache
def resources_dir() -> Path:
    """The folder of our own pictures, icons and faces."""
    inside = Path(__file__).parent / "resources"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "resources"


def default_faces() -> tuple[Path, ...]:
    """The shipped faces, 512×512 PNG, in the order in which the gallery shows them."""
    return tuple(sorted((resources_dir() / "faces").glob("*.png")))
