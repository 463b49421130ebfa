"""Asks the platform whether we may listen."""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QMicrophonePermission, QObject, Qt


def ask_for_microphone(context: QObject, answered: Callable[[bool], None]) -> None:
    """Tells ``answered`` whether the microphone is allowed, at once where it is known. Thread: main.

    On Linux and before macOS's own question it is. Nobody is told when ``context`` is gone by then.
    """
    application = QCoreApplication.instance()
    assert application is not None

    def ask_again(*_: object) -> None:
        # What Qt passes here differs between its Python bindings' versions.
        answered(application.checkPermission(QMicrophonePermission()) == Qt.PermissionStatus.Granted)

    match application.checkPermission(QMicrophonePermission()):
        case Qt.PermissionStatus.Granted:
            answered(True)
        case Qt.PermissionStatus.Denied:
            answered(False)
        case Qt.PermissionStatus.Undetermined:
            application.requestPermission(QMicrophonePermission(), context, ask_again)
