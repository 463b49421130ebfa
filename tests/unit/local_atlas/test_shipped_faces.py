"""The shipped faces: their files, and the mouths and eyes that they are animated with."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atlas_desktop.assets import default_faces
from atlas_desktop.local_atlas.avatar.face_model import FINE_PX, Patch
from atlas_desktop.local_atlas.avatar.shipped_faces import load_shipped, shipped_name
from atlas_desktop.local_atlas.avatar.visemes import WINDOW_SAMPLES, MouthShape, VisemeEstimator

from .vowels import Samples, hiss, nasal, quiet, vowel

NAMES = [path.stem for path in default_faces()]
RENDERER = Path(__file__).parents[3] / "packaging" / "render_faces.py"


def mouth_for(*sounds: Samples) -> MouthShape:
    whole = np.concatenate(sounds)
    reader = VisemeEstimator()
    return [
        reader.estimate(whole[i : i + WINDOW_SAMPLES])
        for i in range(0, len(whole) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES)
    ][-1]


def test_there_are_three_faces_with_their_sources() -> None:
    assert len(NAMES) >= 3
    for path in default_faces():
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.size == (512, 512)
        root = ET.parse(path.with_suffix(".svg")).getroot()
        groups = {group.get("id") for group in root}
        assert {"head", "irises", "lids-open", "lids-half", "lids-closed", "mouths"} <= groups


def test_a_poster_is_what_its_source_shows() -> None:
    """Of one face, as drawing takes a second; ``render_faces.py --check`` looks at all."""
    done = subprocess.run(
        [sys.executable, RENDERER, "--check", NAMES[-1]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_faces_are_known_by_their_files() -> None:
    assert [shipped_name(path.read_bytes()) for path in default_faces()] == NAMES
    assert shipped_name(None) == NAMES[0]
    assert shipped_name(b"another") is None


@pytest.mark.parametrize("name", NAMES)
def test_six_sounds_have_six_mouths(name: str) -> None:
    sprites = load_shipped(name).sprites
    assert sprites is not None
    a = vowel("a")
    sounds = [(a,), (vowel("i"),), (vowel("u"),), (a, hiss()), (a, nasal()), (quiet(),), (vowel("o"),)]
    shown = [sprites.mouth(mouth_for(*sound), 0.12) for sound in sounds]
    assert len({id(patch) for patch in shown}) == len(sounds)
    for number, patch in enumerate(shown):
        for other in shown[:number]:
            difference = patch.planes.luma.astype(int) - other.planes.luma
            assert np.abs(difference).mean() > 0.3


def test_a_quiet_face_smiles() -> None:
    sprites = load_shipped(NAMES[0]).sprites
    assert sprites is not None
    assert sprites.mouth(MouthShape(), 1.0) is not sprites.mouth(MouthShape(), 0.0)
    assert sprites.mouth(MouthShape(0.9), 1.0) is sprites.mouth(MouthShape(0.9, 0.0), 0.99)


@pytest.mark.parametrize("name", NAMES)
def test_eyes_close_and_look_aside(name: str) -> None:
    sprites = load_shipped(name).sprites
    assert sprites is not None
    patches = [sprites.eyes(0.0, (0, 0)), sprites.eyes(1.0, (0, 0)), sprites.eyes(0.0, (5, 0))]
    lumas = [patch.planes.luma.astype(int) for patch in patches if patch is not None]
    assert len(lumas) == 3
    assert np.abs(lumas[0] - lumas[1]).mean() > 3
    assert np.abs(lumas[0] - lumas[2]).mean() > 0.3
    assert sprites.eyes(0.0, (0, 0)) is patches[0]


@pytest.mark.parametrize("name", NAMES)
def test_patches_fit_into_the_face_without_an_edge(name: str) -> None:
    model = load_shipped(name)
    assert model.sprites is not None
    patches = [model.sprites.mouth(MouthShape(opening / 7), 0.2) for opening in range(8)]
    for patch in [*patches, model.sprites.eyes(0.5, (0, 0))]:
        assert patch is not None
        height, width = patch.planes.luma.shape
        assert patch.left % 2 == patch.top % 2 == width % 2 == height % 2 == 0
        assert patch.left + width <= FINE_PX
        assert patch.top + height <= FINE_PX
        assert edge_difference(patch, model.planes.luma) <= 2


def edge_difference(patch: Patch, face: np.ndarray) -> int:
    """How much the rim of a patch differs from what lies under it."""
    height, width = patch.planes.luma.shape
    under = face[patch.top : patch.top + height, patch.left : patch.left + width].astype(int)
    difference = np.abs(under - patch.planes.luma)
    return int(
        max(difference[0].max(), difference[-1].max(), difference[:, 0].max(), difference[:, -1].max())
    )
