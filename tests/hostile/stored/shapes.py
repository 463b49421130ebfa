"""JSON of wrong shapes where a stored file has one of ours: numbers, texts and depths that nobody writes."""

import json
from typing import Any

from hypothesis import strategies as st

# What can't be made of Python's values: numbers without end, lone halves of letters, depths.
_RAW = (
    *("1e999", "-1e999", "NaN", "Infinity", "-0", "-0.0", "9" * 400, "-" + "9" * 400, "1" * 5000, "1e-400"),
    *('"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"a\\udce9"', '""', "[" * 400 + "]" * 400, "[" * 100_000),
    *('{"a":' * 400 + "1" + "}" * 400, "null", "true", "[]", "{}", "07", "1.", "'", "", "\x00", '"\n"'),
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**17, 10**20)
    | st.floats()
    | st.text(max_size=40)
    | st.text(st.characters(categories=("Cs", "Cc", "Cf", "Zl", "So")), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
_TEXTS = VALUES.map(json.dumps) | st.sampled_from(_RAW)


@st.composite
def reshaped(draw: st.DrawFn, good: dict[str, Any]) -> str:
    """A JSON object like ``good``, some of whose values are others, are missing, or are new."""
    members = {name: json.dumps(value) for name, value in good.items()}
    for name in draw(st.lists(st.sampled_from(sorted(good)), min_size=1, max_size=4)):
        if draw(st.integers(0, 5)):
            members[name] = draw(_TEXTS)
        else:
            members.pop(name, None)
    if not draw(st.integers(0, 4)):
        members[draw(st.text(max_size=10))] = draw(_TEXTS)
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


@st.composite
def contents(draw: st.DrawFn, good: bytes, shaped: str) -> bytes:
    """What a file may hold in place of ``good``.

    Args:
        draw: Hypothesis's own.
        good: The file.
        shaped: ``whole``, or ``lines`` of which each is an object.
    """
    if not draw(st.integers(0, 9)):
        return draw(_TEXTS).encode("utf-8", "surrogatepass")
    lines = good.split(b"\n") if shaped == "lines" else [good]
    objects = [json.loads(line) for line in lines if line.strip()]
    at = draw(st.integers(0, len(objects) - 1))
    texts = [json.dumps(one, separators=(",", ":")) for one in objects]
    texts[at] = draw(reshaped(objects[at]))
    return "\n".join(texts).encode("utf-8", "surrogatepass")
