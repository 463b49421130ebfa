"""Where each row of a long list lies when rows differ in height. No Qt."""

from bisect import bisect_right


class RowHeights:
    """Heights in pixels, measured or guessed. A change costs the rows after it, at the end nothing."""

    def __init__(self) -> None:
        self._heights: list[int] = []
        self._tops: list[int] = [0]
        self._measured = bytearray()

    def __len__(self) -> int:
        return len(self._heights)

    @property
    def total_px(self) -> int:
        """The height of all rows."""
        return self.top(len(self._heights))

    def insert(self, row: int, guesses_px: list[int]) -> None:
        """Insert unmeasured rows at ``row``."""
        self._heights[row:row] = guesses_px
        self._measured[row:row] = bytes(len(guesses_px))
        self._forget_tops_after(row)

    def remove(self, row: int, count: int) -> None:
        """Remove rows."""
        del self._heights[row : row + count]
        del self._measured[row : row + count]
        self._forget_tops_after(row)

    def guess(self, guesses_px: list[int]) -> None:
        """Replace all rows by estimates."""
        self._heights = guesses_px
        self._measured = bytearray(len(guesses_px))
        self._tops = [0]

    def measure(self, row: int, height_px: int) -> bool:
        """Set the measured height of ``row``; return whether that moves the rows after it."""
        self._measured[row] = 1
        if height_px == self._heights[row]:
            return False
        self._heights[row] = height_px
        self._forget_tops_after(row)
        return True

    def is_measured(self, row: int) -> bool:
        """Whether ``row`` is measured."""
        return bool(self._measured[row])

    def forget(self, row: int) -> None:
        """Mark ``row`` as not measured."""
        self._measured[row] = 0

    def last_unmeasured(self) -> int:
        """Return the last row that is not measured; -1 when all are."""
        return self._measured.rfind(b"\0")

    def top(self, row: int) -> int:
        """Return the top of ``row``."""
        while len(self._tops) <= row:
            self._tops.append(self._tops[-1] + self._heights[len(self._tops) - 1])
        return self._tops[row]

    def height(self, row: int) -> int:
        """Return the height of ``row``."""
        return self._heights[row]

    def row_at(self, y_px: int) -> int:
        """Return the row at ``y_px``, else the nearest one; -1 without rows."""
        self.top(len(self._heights))
        return min(max(bisect_right(self._tops, y_px) - 1, 0), len(self._heights) - 1)

    def _forget_tops_after(self, row: int) -> None:
        del self._tops[row + 1 :]
