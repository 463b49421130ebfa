"""What the whole window sees of the model: state as it is told, every intent written down."""

from collections.abc import Callable

from PySide6.QtCore import Signal

from tests.ui.fake_model import FakeModel


class WholeModel(FakeModel):
    """For window, stage and transcript together."""

    volume_changed = Signal(int, bool)
    microphone_level_changed = Signal(float)
    message_changed = Signal(int, object)
    transcript_reset = Signal()
    text_offered = Signal(str)
    muted = False

    def send(self, text: str) -> bool:
        self.asked.append(("send", text))
        return True

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Any other intent is written down, too."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *words: self.asked.append((name, *words))
