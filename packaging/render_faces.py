"""Draws the shipped faces: `resources/faces/NAME.svg` → `NAME.png` and the layers of the animated avatar.

Run after a source was edited, and commit what it writes (QtSvg is needed, no window is). With ``--check``
nothing is written: the exit status is 1 when a poster is not what its source shows.

    .venv/bin/python packaging/render_faces.py [--check] [NAME…]

To add a face, copy the source that is most like it to `resources/faces/NAME.svg`, redraw it group by group,
run this, and look at NAME.png and at a rehearsal with that face. It is then in the gallery, in the order of
the names. A source is 512×512 and has these groups, back to front: background, hair-back, body, head, brows,
hair-front, eyes, irises, lids-open, lids-half, lids-closed, glasses (maybe), mouths with one mouth-… group a
shape. All lids are made of the same elements, and all mouths: what lies between two of them is drawn by going
part of the way from each number to its counterpart. The root's data-head, data-mouth, data-chin and
data-brows say where these are.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

FACES = Path(__file__).parent.parent / "resources" / "faces"
LAYERS = FACES / "layers"
POSTER_PX = 512
LAYER_PX = 1024
_SVG = "http://www.w3.org/2000/svg"
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
_MARGIN_PX = 6
_SHADE = 1.0
_GRID_PX = 4  # boxes lie on it, so that the halved colour planes are cut alike

LID_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
OPEN_LEVELS = (0.0, 0.13, 0.27, 0.4, 0.55, 0.7, 0.85, 1.0)
SPREAD_LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)
# Rows: how far open; columns: rounded, neutral, wide.
_ROWS = ((0.0, ("mbp", "rest", "grin")), (0.4, ("u", "slight", "e")), (1.0, ("o", "a", "wide")))
EXTRAS: dict[str, dict[str, float]] = {
    "smile-1": {"grin": 0.75, "smile": 0.25},
    "smile-2": {"grin": 0.5, "smile": 0.5},
    "smile-3": {"grin": 0.25, "smile": 0.75},
    "smile-4": {"smile": 1.0},
    "fv": {"fv": 1.0},
    "fv-half": {"fv": 0.5, "slight": 0.5},
    "s": {"s": 1.0},
    "s-half": {"s": 0.5, "slight": 0.5},
    "l": {"l": 1.0},
    "press": {"mbp": 0.8, "rest": 0.2},
}

Weights = dict[str, float]


class Source:
    """One face's SVG, drawn a few groups at a time."""

    def __init__(self, path: Path) -> None:
        self._root = ET.fromstring(path.read_text("utf-8"))
        self._groups = {g.get("id", ""): g for g in self._root.findall(f"{{{_SVG}}}g")}
        mouths = self._groups["mouths"].findall(f"{{{_SVG}}}g")
        self._mouths = {g.get("id", "").removeprefix("mouth-"): g for g in mouths}
        self._others = [e for e in self._root if not e.tag.endswith("}g")]

    def numbers(self, name: str) -> list[int]:
        """The numbers of a data-… attribute of the root, in pixels of the 512 px picture."""
        return [round(float(v)) for v in self._root.get(f"data-{name}", "").split()]

    def has(self, group: str) -> bool:
        """Whether there is such a group."""
        return group in self._groups

    def draw(self, groups: Iterable[ET.Element]) -> Image.Image:
        """RGBA, ``LAYER_PX`` square, nothing but these groups."""
        root = ET.Element(f"{{{_SVG}}}svg", {"viewBox": "0 0 512 512"})
        root.extend(self._others)
        root.extend(groups)
        image = QImage(LAYER_PX, LAYER_PX, QImage.Format.Format_RGBA8888_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        QSvgRenderer(QByteArray(ET.tostring(root))).render(painter)
        painter.end()
        straight = image.convertToFormat(QImage.Format.Format_RGBA8888)
        pixels = np.frombuffer(straight.constBits(), np.uint8).reshape(LAYER_PX, LAYER_PX, 4)
        return Image.fromarray(pixels.copy())

    def named(self, *names: str) -> list[ET.Element]:
        """Those of the groups that exist."""
        return [self._groups[name] for name in names if name in self._groups]

    def all_but(self, *prefixes: str) -> list[ET.Element]:
        """The groups whose names start otherwise, back to front."""
        return [g for name, g in self._groups.items() if not name.startswith(prefixes)]

    def irises(self) -> list[ET.Element]:
        """The irises uncut: the avatar moves them, and cuts them by the white of the eyes."""
        whole = ET.fromstring(ET.tostring(self._groups["irises"]))
        for element in whole.iter():
            element.attrib.pop("mask", None)
        return [whole]

    def lids(self, closed: float) -> list[ET.Element]:
        """The lids from open (0) over half to closed (1)."""
        low, high = ("lids-open", "lids-half") if closed <= 0.5 else ("lids-half", "lids-closed")
        part = (closed - (0.0 if closed <= 0.5 else 0.5)) * 2
        return [_blend({low: 1 - part, high: part}, self._groups)]

    def mouth(self, weights: Weights) -> list[ET.Element]:
        """A mouth between some of the shapes."""
        holder = ET.Element(f"{{{_SVG}}}g", self._groups["mouths"].attrib)
        holder.append(_blend(weights, self._mouths))
        return [holder]


def _blend(weights: Weights, groups: dict[str, ET.Element]) -> ET.Element:
    used = [(groups[name], weight) for name, weight in weights.items() if weight > 0]
    return _between([g for g, _ in used], [w for _, w in used])


def _between(elements: list[ET.Element], weights: list[float]) -> ET.Element:
    first = elements[0]
    if len({len(e) for e in elements}) > 1 or len({e.tag for e in elements}) > 1:
        raise SystemExit(f"{first.get('id')}: shapes that are blended need the same elements")
    attributes = {
        k: v if k == "id" else _mix([e.get(k, v) for e in elements], weights) for k, v in first.items()
    }
    result = ET.Element(first.tag, attributes)
    result.extend(_between([e[i] for e in elements], weights) for i in range(len(first)))
    return result


def _mix(texts: list[str], weights: list[float]) -> str:
    if len(set(texts)) == 1:
        return texts[0]
    rows = [[float(n) for n in _NUMBER.findall(text)] for text in texts]
    mixed = iter(np.average(np.array(rows), axis=0, weights=weights))
    return _NUMBER.sub(lambda _: f"{next(mixed):.3f}", texts[0])


def mouth_weights(opening: float, spread: float) -> Weights:
    """How much of each named shape there is in a mouth ``opening`` 0…1 and ``spread`` −1…1."""
    upper = 1 if opening <= _ROWS[1][0] else 2
    (low, low_names), (high, high_names) = _ROWS[upper - 1], _ROWS[upper]
    down = (opening - low) / (high - low)
    side = abs(spread)
    column = 2 if spread > 0 else 0
    weights: Weights = {}
    for names, part in ((low_names, 1 - down), (high_names, down)):
        weights[names[1]] = part * (1 - side)
        weights[names[column]] = part * side
    return weights


def _box(pictures: Iterable[Image.Image]) -> tuple[int, int, int, int]:
    """The smallest box on the grid around everything visible, left, top, right, bottom."""
    boxes = [box for picture in pictures if (box := picture.getchannel("A").getbbox())]
    low = [min(box[i] for box in boxes) - _MARGIN_PX for i in (0, 1)]
    high = [max(box[i] for box in boxes) + _MARGIN_PX for i in (2, 3)]
    left, top = (v // _GRID_PX * _GRID_PX for v in low)
    right, bottom = (-(-v // _GRID_PX) * _GRID_PX for v in high)
    return left, top, right, bottom


def _sheet(pictures: list[Image.Image], box: tuple[int, int, int, int], columns: int) -> Image.Image:
    width, height = box[2] - box[0], box[3] - box[1]
    sheet = Image.new("RGBA", (width * columns, height * -(-len(pictures) // columns)))
    for i, picture in enumerate(pictures):
        sheet.paste(picture.crop(box), (i % columns * width, i // columns * height))
    return sheet


def _place(box: tuple[int, int, int, int]) -> list[int]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def render(name: str, tell: Callable[[str], None] = print) -> None:
    """Writes the poster, the layers and their description."""
    source = Source(FACES / f"{name}.svg")
    base = source.draw(source.all_but("eyes", "irises", "lids-", "glasses", "mouths"))
    eyes = [
        source.draw(source.named("eyes")),
        source.draw(source.irises()),
        source.draw(source.named("glasses")),
    ]
    eyes += [source.draw(source.lids(level)) for level in LID_LEVELS]
    grid = [mouth_weights(opening, spread) for opening in OPEN_LEVELS for spread in SPREAD_LEVELS]
    mouths = [source.draw(source.mouth(weights)) for weights in grid + list(EXTRAS.values())]
    eye_box, mouth_box = _box(eyes), _box(mouths)
    LAYERS.mkdir(exist_ok=True)
    base.convert("RGB").save(LAYERS / f"{name}-base.png", optimize=True)
    _sheet(eyes, eye_box, 1).save(LAYERS / f"{name}-eyes.png", optimize=True)
    _sheet(mouths, mouth_box, len(SPREAD_LEVELS)).save(LAYERS / f"{name}-mouths.png", optimize=True)
    _poster(source).save(FACES / f"{name}.png", optimize=True)
    marks = {key: source.numbers(key) for key in ("head", "mouth", "chin", "brows")}
    layout = {
        "layer_px": LAYER_PX,
        **marks,
        "eye_box": _place(eye_box),
        "mouth_box": _place(mouth_box),
        "lid_levels": LID_LEVELS,
        "open_levels": OPEN_LEVELS,
        "spread_levels": SPREAD_LEVELS,
        "extras": list(EXTRAS),
    }
    (LAYERS / f"{name}.json").write_text(json.dumps(layout, indent=1) + "\n", "utf-8")
    tell(f"{name}: {len(mouths)} mouths of {mouth_box[2] - mouth_box[0]}×{mouth_box[3] - mouth_box[1]}")


def _poster(source: Source) -> Image.Image:
    """The face as the gallery shows it: awake and smiling."""
    poster = source.draw(source.all_but("lids-", "mouths", "glasses"))
    for layer in (source.lids(0.0), source.named("glasses"), source.mouth({"smile": 1.0})):
        poster.alpha_composite(source.draw(layer))
    return poster.convert("RGB").resize((POSTER_PX, POSTER_PX), Image.Resampling.LANCZOS)


def is_current(name: str, tell: Callable[[str], None] = print) -> bool:
    """Whether the poster shows what its source does; renderers may differ by a shade."""
    drawn = np.asarray(_poster(Source(FACES / f"{name}.svg")), np.int16)
    shipped = np.asarray(Image.open(FACES / f"{name}.png").convert("RGB"), np.int16)
    difference = float(np.abs(drawn - shipped).mean())
    tell(f"{name}: {difference:.2f} levels from its source")
    return difference < _SHADE


def main() -> int:
    """Renders, or checks, the faces named, or all of them."""
    ET.register_namespace("", _SVG)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    _application = QGuiApplication([])
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    names = names or [path.stem for path in sorted(FACES.glob("*.svg"))]
    if "--check" in sys.argv[1:]:
        stale = [name for name in names if not is_current(name)]
        return 1 if stale else 0
    for name in names:
        render(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
