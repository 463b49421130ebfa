"""File dialogs that do not block: their results are emitted as signals."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from atlas_desktop.media.formats import sound_endings
from atlas_desktop.ui.drops.drop_plan import FACE_ENDINGS


class FileChoice(QObject):
    """Asks for files.

    Signals:
        audio_chosen(list): Paths of audio files, in order.
        face_chosen(object): The path of a picture.
        transcript_place_chosen(object): The path to save the transcript to.
    """

    audio_chosen = Signal(list)
    face_chosen = Signal(object)
    transcript_place_chosen = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def ask_audio(self) -> None:
        """Ask for one or more sound or video files."""
        dialog = self._open(self.tr("Open audio"), _pattern(self.tr("Sound and video"), sound_endings()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._take_audio)
        dialog.open()

    def ask_face(self) -> None:
        """Ask for a picture."""
        dialog = self._open(self.tr("Change face"), _pattern(self.tr("Pictures"), FACE_ENDINGS))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._take_face)
        dialog.open()

    def ask_transcript_place(self, suggested_name: str) -> None:
        """Ask where to save the transcript."""
        dialog = self._open(self.tr("Save transcript"), [self.tr("Text (*.txt)"), self.tr("JSON (*.json)")])
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("txt")
        dialog.selectFile(suggested_name)
        dialog.fileSelected.connect(self._take_place)
        dialog.open()

    def _open(self, title: str, filters: list[str]) -> QFileDialog:
        dialog = QFileDialog(self._window, title)
        dialog.setNameFilters(filters)
        # A hundred suffixes of sound files would make it as wide as three screens.
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    def _take_audio(self, names: list[str]) -> None:
        self.audio_chosen.emit([Path(name) for name in names])

    def _take_face(self, name: str) -> None:
        self.face_chosen.emit(Path(name))

    def _take_place(self, name: str) -> None:
        self.transcript_place_chosen.emit(Path(name))


def _pattern(words: str, endings: frozenset[str]) -> list[str]:
    return [f"{words} ({' '.join(f'*{ending}' for ending in sorted(endings))})", "* (*)"]
