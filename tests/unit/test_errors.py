import pickle

import pytest

from atlas_desktop import errors
from atlas_desktop.errors import AppError, RateLimitedError


def all_kinds(kind: type[AppError] = AppError) -> list[type[AppError]]:
    ours = [child for child in kind.__subclasses__() if child.__module__.startswith(errors.__name__)]
    return [kind, *(found for child in ours for found in all_kinds(child))]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.__name__)
def test_every_error_formats_with_its_own_defaults(kind: type[AppError]) -> None:
    text = str(kind())
    assert text
    assert "{" not in text


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in all_kinds()]
    assert len(codes) == len(set(codes))


def test_the_tree_at_the_top_of_the_file_names_every_error() -> None:
    assert errors.__doc__ is not None
    missing = [kind.__name__ for kind in all_kinds() if kind.__name__ not in errors.__doc__]
    assert missing == []


def test_params_reach_the_text() -> None:
    assert "wait 7 s" in str(RateLimitedError(retry_after_s=7))


def test_an_error_crosses_a_process_boundary() -> None:
    copy = pickle.loads(pickle.dumps(RateLimitedError(retry_after_s=7)))
    assert isinstance(copy, RateLimitedError)
    assert copy.params["retry_after_s"] == 7
