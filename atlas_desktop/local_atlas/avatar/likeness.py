"""What a face can do, drawn by us or given by a person: planes, where its parts are, and its sprites."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from atlas_desktop.local_atlas.avatar.mouth import Mouth
from atlas_desktop.local_atlas.avatar.planes import Patch, Planes


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the parts of a head are, in pixels of the 512 px picture.

    Attributes:
        head: Of the ellipse around the head and its hair: centre x, y, half width, half height.
        mouth: Middle of the line between the lips: x, y.
        chin_y: Lower edge of the chin.
        brows_y: Height of the brows.
        scale: Size of the face; ours have 1.
    """

    head: tuple[float, float, float, float]
    mouth: tuple[float, float]
    chin_y: float
    brows_y: float
    scale: float = 1.0


class Sprites(Protocol):
    """Ready-made mouths and eyes of a face."""

    def mouth(self, mouth: Mouth, warmth: float) -> Patch:
        """The mouth; at rest it smiles as warmly as ``warmth``, 0 to 1."""
        ...

    def eyes(self, lids: float, gaze: tuple[int, int]) -> Patch | None:
        """Both eyes, if they move: lids from open (0) to closed (1), gaze in half pixels."""
        ...


@dataclass(frozen=True, slots=True)
class Likeness:
    """A face, ready to be animated; shared by all avatars that wear it, never written to.

    Attributes:
        planes: The face at rest.
        marks: Where its parts are.
        jaw_px: How far the chin falls with the mouth wide open.
        liveliness: How much of the head's movement it takes, 0 to 1.
        sprites: Mouths and eyes; without them only the jaw moves, by bending the picture.
    """

    planes: Planes
    marks: Marks
    jaw_px: float
    liveliness: float
    sprites: Sprites | None = None


Prepare = Callable[[bytes | None], Likeness]
"""Makes a likeness from a picture file, or the first of ours without one. Thread: any; it takes a while."""
