"""The faces that we ship: recognised by their bytes, animated from the layers drawn beforehand."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from atlas_desktop.assets import default_faces
from atlas_desktop.local_atlas.avatar.enlarging import patch_of, planes_of
from atlas_desktop.local_atlas.avatar.likeness import Likeness, Marks
from atlas_desktop.local_atlas.avatar.mouth import Consonant, Mouth
from atlas_desktop.local_atlas.avatar.planes import FINE_PX, Patch

_JAW_PX = 6.0
_MARGIN_PX = 8
_EYES_KEPT = 64  # 12 MB
_CONSONANT_HALF = 0.45
_SMILES = 4


def shipped_name(face: bytes | None) -> str | None:
    """The name of a face of ours, by its PNG's bytes; the first one's without a picture."""
    known = _names_by_digest()
    if face is None:
        return next(iter(known.values()))
    return known.get(hashlib.sha256(face).hexdigest())


@lru_cache(maxsize=4)
def shipped(name: str) -> Likeness:
    """Loads a face of ours: some 25 MB, kept for the avatars to come. Thread: any; about 0.3 s."""
    layers = default_faces()[0].parent / "layers"
    layout: dict[str, Any] = json.loads((layers / f"{name}.json").read_text("utf-8"))
    base = Image.open(layers / f"{name}-base.png").convert("RGB")
    sprites = DrawnSprites(
        _Sheet(base, _rgba(layers / f"{name}-mouths.png"), layout["mouth_box"], len(layout["spread_levels"])),
        _Sheet(base, _rgba(layers / f"{name}-eyes.png"), layout["eye_box"], 1),
        layout,
    )
    marks = Marks(
        head=(layout["head"][0], layout["head"][1], layout["head"][2], layout["head"][3]),
        mouth=(layout["mouth"][0], layout["mouth"][1]),
        chin_y=layout["chin"][0],
        brows_y=layout["brows"][0],
    )
    return Likeness(planes_of(base, FINE_PX // base.width), marks, _JAW_PX, 1.0, sprites)


class DrawnSprites:
    """Mouths and eyes of a drawn face. Thread: any, one at a time for ``eyes``."""

    def __init__(self, mouths: "_Sheet", eyes: "_Sheet", layout: dict[str, Any]) -> None:
        self._open: list[float] = layout["open_levels"]
        self._spread: list[float] = layout["spread_levels"]
        self._lids: list[float] = layout["lid_levels"]
        count = len(self._open) * len(self._spread)
        self._grid = [mouths.patch([mouths.cell(i)]) for i in range(count)]
        self._extras = {
            name: mouths.patch([mouths.cell(count + i)]) for i, name in enumerate(layout["extras"])
        }
        self._sheet = eyes
        self._white, self._iris, self._glasses, *self._lid_cells = (
            eyes.cell(i) for i in range(3 + len(self._lids))
        )
        self._eyes: dict[tuple[int, tuple[int, int]], Patch] = {}

    def mouth(self, mouth: Mouth, warmth: float) -> Patch:
        """The mouth nearest to what was asked for; at rest it smiles as warmly as ``warmth``, 0 to 1."""
        if mouth.consonant is Consonant.CLOSED and mouth.opening < _CONSONANT_HALF:
            return self._extras["press"]
        if mouth.consonant in (Consonant.TEETH_ON_LIP, Consonant.HISS):
            near = mouth.opening < _CONSONANT_HALF
            return self._extras[mouth.consonant.value if near else f"{mouth.consonant.value}-half"]
        row = nearest(self._open, mouth.opening)
        if row == 0 and warmth > 0.5 and (smile := round((warmth - 0.5) * 2 * _SMILES)):
            return self._extras[f"smile-{smile}"]
        spread = mouth.spread + (1 - mouth.opening) * min(1.0, 2 * warmth)
        return self._grid[row * len(self._spread) + nearest(self._spread, spread)]

    def eyes(self, lids: float, gaze: tuple[int, int]) -> Patch:
        """Both eyes; put together when first asked for, about 1 ms."""
        key = (nearest(self._lids, lids), gaze)
        patch = self._eyes.get(key)
        if patch is None:
            iris = ImageChops.offset(self._iris, *gaze)
            iris.putalpha(ImageChops.multiply(iris.getchannel("A"), self._white.getchannel("A")))
            patch = self._sheet.patch([self._white, iris, self._lid_cells[key[0]], self._glasses])
            if len(self._eyes) >= _EYES_KEPT:
                self._eyes.pop(next(iter(self._eyes)))
            self._eyes[key] = patch
        return patch


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Transparent cells that all belong at one place of the face: left, top, width, height."""

    base: Image.Image
    cells: Image.Image
    box: list[int]
    columns: int

    def cell(self, number: int) -> Image.Image:
        width, height = self.box[2:]
        left, top = number % self.columns * width, number // self.columns * height
        return self.cells.crop((left, top, left + width, top + height))

    def patch(self, cells: list[Image.Image]) -> Patch:
        """The face with these cells on it, as far as they reach."""
        left, top, width, height = self.box
        around = (left - _MARGIN_PX, top - _MARGIN_PX, left + width + _MARGIN_PX, top + height + _MARGIN_PX)
        ground = self.base.crop(around).convert("RGBA")
        for cell in cells:
            ground.alpha_composite(cell, (_MARGIN_PX, _MARGIN_PX))
        return patch_of(ground, left, top, _MARGIN_PX, FINE_PX // self.base.width)


def nearest(levels: Sequence[float], value: float) -> int:
    """The number of the level that ``value`` is nearest to."""
    return min(range(len(levels)), key=lambda i: abs(levels[i] - value))


def _rgba(path: Path) -> Image.Image:
    return Image.open(path).convert("RGBA")


@cache
def _names_by_digest() -> dict[str, str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path.stem for path in default_faces()}
