"""The environments that are tried, and a small set of combinations in which each pair meets."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product

AXES: Mapping[str, Sequence[str]] = {
    "locale": ("C.UTF-8", "en_US.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8"),
    "sound": ("PulseAudio", "PulseAudio, no realtime", "PipeWire", "PipeWire, no realtime"),
    "proxy": ("none", "HTTP", "HTTP, dead", "SOCKS"),
    "session": ("X11", "Wayland"),
    "keyring": ("gnome-keyring", "gnome-keyring, locked", "none"),
}
"""What a person's computer may differ in. The first of each is the plainest."""

Cell = Mapping[str, str]
_Pair = frozenset[tuple[str, str]]


def covering_array(axes: Mapping[str, Sequence[str]] = AXES) -> list[Cell]:
    """Combinations in which every two values of different axes meet at least once (strength 2).

    Greedy, as in AETG (Cohen, Dalal, Fredman, Patton 1997): of all combinations the one that adds most new
    pairs, until none is left. Always the same.
    """
    every = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    open_pairs = set().union(*(pairs_of(cell) for cell in every))
    chosen: list[Cell] = []
    while open_pairs:
        best = max(every, key=lambda cell: len(pairs_of(cell) & open_pairs))
        chosen.append(best)
        open_pairs -= pairs_of(best)
    return chosen


def pairs_of(cell: Cell) -> set[_Pair]:
    """Every two values that meet in ``cell``."""
    return {frozenset(pair) for pair in combinations(cell.items(), 2)}


def named(words: str) -> Cell:
    """The combination that ``words`` names, values parted by ``/``; what is left out is the plainest.

    Raises:
        ValueError: A word is no value of any axis.
    """
    cell = {axis: values[0] for axis, values in AXES.items()}
    for word in (part.strip() for part in words.split("/")):
        if not word:
            continue
        # "none" is a value of two axes: it is written with its own, "keyring: none".
        axis, _, value = word.rpartition(": ")
        fitting = [axis] if axis else [name for name, values in AXES.items() if value in values]
        if len(fitting) != 1 or value not in AXES.get(fitting[0], ()):
            raise ValueError(f"{word!r} is not one value; there are: {dict(AXES)}")
        cell[fitting[0]] = value
    return cell
