"""What a service gives back of a secret is blanked, and the search that says so finds what is there."""

import random
from pathlib import Path

import pytest

from tests.hostile.secrecy.echoes import echoed_secrets
from tests.hostile.secrecy.forms import FORMS
from tests.hostile.secrecy.search import Search

KEY = "ak_Live9x7QzT4mB2vN8sD1fG6hJ3kL5"


def test_no_echo_in_any_form_reaches_a_text(tmp_path: Path) -> None:
    tally = echoed_secrets(400, 7, tmp_path)
    assert tally.findings == []
    assert tally.outcomes["made"] > 20
    assert len(tally.outcomes) > 5


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"base32", "in wide letters"}))
def test_the_search_finds_each_form(form: str, tmp_path: Path) -> None:
    echo = FORMS[form](KEY, random.Random(3))
    (tmp_path / "planted").write_text(f"before {echo} after", "utf-8")
    assert Search(key=KEY).in_folder(tmp_path)


def test_the_search_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("ak_ and [secret], a key of another kind: ak_0123456789abcdef", "utf-8")
    assert Search(key=KEY).in_folder(tmp_path) == []


def test_the_search_finds_a_secret_in_a_file_s_name(tmp_path: Path) -> None:
    (tmp_path / KEY).touch()
    assert Search(key=KEY).in_folder(tmp_path)
