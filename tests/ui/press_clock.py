"""The clock by which a press is judged to have been meant: moved by hand."""

UNHURRIED_S = 10.0


class PressClock:
    """Counts seconds. By default a person looks before each press: it moves on whenever it is read.

    Attributes:
        now_s: What it shows.
        step_s: How far it moves with each reading.
    """

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.step_s = UNHURRIED_S

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s

    def stop(self) -> None:
        """From now on it moves only by ``pass_s``."""
        self.step_s = 0.0

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
