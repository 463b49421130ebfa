"""Content and geometry of the picture, from which every painter draws."""

from dataclasses import dataclass, field

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage

from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.picture import Placement, fit, upright_size

_Measures = tuple[Placement, QRect, QRect]


@dataclass(slots=True)
class Scene:
    """A frame, else a poster, centred in a space with bars beside it. Thread: main.

    Attributes:
        frame: The newest that was due; ``None`` before the first.
        poster: Shown before the first frame; ``None``: the bars' colour alone.
        bars: The colour beside the picture.
        width: Of the space, in logical pixels.
        height: Of the space, in logical pixels.
        ratio: Device pixels in a logical one.
    """

    frame: I420Frame | None = None
    poster: QImage | None = None
    bars: QColor = field(default_factory=lambda: QColor(Qt.GlobalColor.black))
    width: int = 0
    height: int = 0
    ratio: float = 1.0
    _sizes: tuple[int, int, int, int, float] | None = field(default=None, init=False)
    _measures: _Measures = field(default=(Placement(0, 0, 0, 0), QRect(), QRect()), init=False)

    @property
    def space(self) -> tuple[int, int]:
        """Width and height of the whole space in device pixels."""
        return round(self.width * self.ratio), round(self.height * self.ratio)

    @property
    def place(self) -> Placement:
        """The place of what is shown, in device pixels."""
        return self._measured()[0]

    @property
    def around(self) -> QRect:
        """The least logical pixels that hold all of the picture."""
        return self._measured()[1]

    @property
    def covered(self) -> QRect:
        """The logical pixels that the picture surely covers: whole ones only."""
        return self._measured()[2]

    def _measured(self) -> _Measures:
        """Return the geometry, cached for each combination of sizes."""
        if self.frame is not None:
            width, height = upright_size(self.frame)
        elif self.poster is not None:
            width, height = self.poster.width(), self.poster.height()
        else:
            width = height = 0
        sizes = (width, height, self.width, self.height, self.ratio)
        if sizes != self._sizes:
            place = fit(width, height, *self.space)
            self._sizes = sizes
            self._measures = (place, _around(place, self.ratio), _covered(place, self.ratio))
        return self._measures


def _around(place: Placement, ratio: float) -> QRect:
    left, top = int(place.x / ratio), int(place.y / ratio)
    right, bottom = -int(-(place.x + place.width) // ratio), -int(-(place.y + place.height) // ratio)
    return QRect(left, top, right - left, bottom - top)


def _covered(place: Placement, ratio: float) -> QRect:
    left, top = -int(-place.x // ratio), -int(-place.y // ratio)
    right, bottom = int((place.x + place.width) / ratio), int((place.y + place.height) / ratio)
    return QRect(left, top, right - left, bottom - top)
