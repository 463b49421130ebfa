"""The shipped faces: recognised by their digests, animated with prepared layers."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from atlas_desktop.assets import default_faces
from atlas_desktop.local_atlas.avatar.face_model import (
    FINE_PX,
    FaceLandmarks,
    FaceModel,
    Patch,
    upscale,
    upscale_patch,
)
from atlas_desktop.local_atlas.avatar.visemes import Consonant, MouthShape

_JAW_PX = 6.0
_MARGIN_PX = 8
_EYES_CACHED = 64  # 12 MB
_CONSONANT_HALF = 0.45  # a mouth further open shows the half-formed consonant
_SMILES = 4


def shipped_name(face: bytes | None) -> str | None:
    """Return the name of a shipped face, ``None`` for any other; without a picture the default one's."""
    known = _names_by_digest()
    if face is None:
        return next(iter(known.values()))
    return known.get(hashlib.sha256(face).hexdigest())


@lru_cache(maxsize=4)
def load_shipped(name: str) -> FaceModel:
    """Load a shipped face: about 25 MB, cached. Thread: any; about 0.3 s."""
    layers = default_faces()[0].parent / "layers"
    layout: dict[str, Any] = json.loads((layers / f"{name}.json").read_text("utf-8"))
    base = Image.open(layers / f"{name}-base.png").convert("RGB")
    sprites = LayeredSprites(
        _SpriteSheet(
            base, _rgba(layers / f"{name}-mouths.png"), layout["mouth_box"], len(layout["spread_levels"])
        ),
        _SpriteSheet(base, _rgba(layers / f"{name}-eyes.png"), layout["eye_box"], 1),
        layout,
    )
    landmarks = FaceLandmarks(
        head=(layout["head"][0], layout["head"][1], layout["head"][2], layout["head"][3]),
        mouth=(layout["mouth"][0], layout["mouth"][1]),
        chin_y=layout["chin"][0],
        brows_y=layout["brows"][0],
    )
    return FaceModel(upscale(base, FINE_PX // base.width), landmarks, _JAW_PX, 1.0, sprites)


class LayeredSprites:
    """Mouths and eyes of a shipped face. Thread: any, one at a time for ``eyes``."""

    def __init__(self, mouths: "_SpriteSheet", eyes: "_SpriteSheet", layout: dict[str, Any]) -> None:
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

    def mouth(self, mouth: MouthShape, smile: float) -> Patch:
        """Return the nearest mouth; at rest it smiles by ``smile``, 0 to 1."""
        if mouth.consonant is Consonant.CLOSED and mouth.opening < _CONSONANT_HALF:
            return self._extras["press"]
        if mouth.consonant in (Consonant.TEETH_ON_LIP, Consonant.HISS):
            near = mouth.opening < _CONSONANT_HALF
            return self._extras[mouth.consonant.value if near else f"{mouth.consonant.value}-half"]
        row = nearest(self._open, mouth.opening)
        if row == 0 and smile > 0.5 and (level := round((smile - 0.5) * 2 * _SMILES)):
            return self._extras[f"smile-{level}"]
        spread = mouth.spread + (1 - mouth.opening) * min(1.0, 2 * smile)
        return self._grid[row * len(self._spread) + nearest(self._spread, spread)]

    def eyes(self, lids: float, gaze: tuple[int, int]) -> Patch:
        """Return both eyes; composed at first use, about 1 ms."""
        key = (nearest(self._lids, lids), gaze)
        patch = self._eyes.get(key)
        if patch is None:
            iris = ImageChops.offset(self._iris, *gaze)
            iris.putalpha(ImageChops.multiply(iris.getchannel("A"), self._white.getchannel("A")))
            patch = self._sheet.patch([self._white, iris, self._lid_cells[key[0]], self._glasses])
            if len(self._eyes) >= _EYES_CACHED:
                self._eyes.pop(next(iter(self._eyes)))
            self._eyes[key] = patch
        return patch


@dataclass(frozen=True, slots=True)
class _SpriteSheet:
    """Transparent cells that share one position on the face: left, top, width, height."""

    base: Image.Image
    cells: Image.Image
    box: list[int]
    columns: int

    def cell(self, number: int) -> Image.Image:
        width, height = self.box[2:]
        left, top = number % self.columns * width, number // self.columns * height
        return self.cells.crop((left, top, left + width, top + height))

    def patch(self, cells: list[Image.Image]) -> Patch:
        """Return the part of the face under these cells, composed with them."""
        left, top, width, height = self.box
        around = (left - _MARGIN_PX, top - _MARGIN_PX, left + width + _MARGIN_PX, top + height + _MARGIN_PX)
        ground = self.base.crop(around).convert("RGBA")
        for cell in cells:
            ground.alpha_composite(cell, (_MARGIN_PX, _MARGIN_PX))
        return upscale_patch(ground, left, top, _MARGIN_PX, FINE_PX // self.base.width)


def nearest(levels: Sequence[float], value: float) -> int:
    """Return the index of the level nearest to ``value``."""
    return min(range(len(levels)), key=lambda i: abs(levels[i] - value))


def _rgba(path: Path) -> Image.Image:
    return Image.open(path).convert("RGBA")


@cache
def _names_by_digest() -> dict[str, str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path.stem for path in default_faces()}
