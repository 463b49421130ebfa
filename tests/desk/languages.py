"""Locales of the C library for the tests, made from the system's descriptions of them."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_cache_path

from atlas_desktop.private_files import make_folder
from tests.desk.process import DeskError

# Not in the folder for everybody's temporary files: the C library trusts what it finds there.
_CACHE = user_cache_path("atlas-desktop", appauthor=False) / "test-locales"
_LIMIT_S = 120
_WARNED = 1


def with_locale(env: Mapping[str, str], name: str) -> dict[str, str]:
    """``env`` of somebody whose locale is ``name``, for example ``de_DE.UTF-8``; ``C`` needs no more.

    Raises:
        DeskError: The locale can't be made; says how to get it.
    """
    plain = {key: value for key, value in env.items() if not key.startswith("LC_") and key != "LANGUAGE"}
    if name in ("C", "POSIX"):
        return {**plain, "LANG": name, "LC_ALL": name}
    _make(name)
    return {**plain, "LANG": name, "LOCPATH": str(_CACHE)}


def _make(name: str) -> None:
    folder = _CACHE / name
    if (folder / "LC_NUMERIC").exists():
        return
    make_folder(_CACHE)
    source, _point, charset = name.partition(".")
    with tempfile.TemporaryDirectory(dir=_CACHE) as made:
        place = Path(made) / name
        words = ["localedef", "-i", source, "-f", charset or "UTF-8", str(place)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        except FileNotFoundError as error:
            raise DeskError("localedef is missing: run packaging/setup.sh run desk test") from error
        # It also says 1 where it only warns.
        if done.returncode > _WARNED or not (place / "LC_NUMERIC").exists():
            raise DeskError(f"the locale {name} can't be made (Debian: locales): {done.stderr[-500:]}")
        if not folder.exists():
            place.rename(folder)
