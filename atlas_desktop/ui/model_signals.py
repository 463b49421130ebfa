"""The signals of the one Qt model: what widgets and controllers connect to."""

from PySide6.QtCore import QObject, Signal


class ModelSignals(QObject):
    """The outward half of ``AppModel``.

    Signals:
        session_changed(SessionSnapshot), cues_changed(tuple[Cue, ...]),
        message_changed(int, Message), transcript_reset(),
        notice_raised(Notice), notice_cleared(str),
        notice_changed(Notice): Replace the text of a notice that is up; one that was closed stays closed.
        key_changed(KeyState), face_changed(Face), mode_changed(Mode), settings_changed(Settings),
        microphone_level_changed(float): dBFS, some ten times a second while the microphone is open.
        volume_changed(int, bool): 0 to 100, and whether it is muted.
        text_offered(str): A dropped text, for the message box.
        key_requested(str): An earlier session can be ended with another key, or with the backend of that URL.
        settings_requested(): The user wants to change the limits.
        quit_requested(): The user closed the window: end what runs, then quit.
    """

    session_changed = Signal(object)
    cues_changed = Signal(object)
    message_changed = Signal(int, object)
    transcript_reset = Signal()
    notice_raised = Signal(object)
    notice_changed = Signal(object)
    notice_cleared = Signal(str)
    key_changed = Signal(object)
    face_changed = Signal(object)
    mode_changed = Signal(object)
    settings_changed = Signal(object)
    microphone_level_changed = Signal(float)
    volume_changed = Signal(int, bool)
    text_offered = Signal(str)
    key_requested = Signal(str)
    settings_requested = Signal()
    quit_requested = Signal()

    def clear(self, *ids: str) -> None:
        """Take notices down by their ids."""
        for notice_id in ids:
            self.notice_cleared.emit(notice_id)
