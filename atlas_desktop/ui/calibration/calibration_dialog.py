"""The dialog that measures the speaker's delay in ten seconds, by microphone or by eye."""

from typing import TYPE_CHECKING, assert_never

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent, QResizeEvent
from PySide6.QtWidgets import QDialog, QStackedWidget, QWidget

from atlas_desktop.errors import AppError, MicrophoneDeniedError
from atlas_desktop.media.beep_finder import BEEPS, BeepMeasurement
from atlas_desktop.storage.settings import RANGES
from atlas_desktop.ui.calibration.panes import BeepDots, EyePane
from atlas_desktop.ui.calibration.steps import (
    Asking,
    Broken,
    ByEye,
    DelayFound,
    Listening,
    Ready,
    Step,
    StepTexts,
    Unheard,
)
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import flow_box, make_column
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.opener import open_address, privacy_page

if TYPE_CHECKING:
    from atlas_desktop.sound_client.calibration_run import CalibrationDevices, CalibrationRun

_SIZE = QSize(440, 310)
_SMALLEST = QSize(300, 300)
_EDGE_PX = 24
_LONGEST_MS = int(RANGES["speaker_delay_ms"][1])


class CalibrationDialog(QDialog):
    """Plays beeps only between *Start* and the end of the run, *Cancel* or Esc. Open it with ``open()``.

    Signals:
        use_requested(float): The speaker's delay is this, in milliseconds.
        quiet_requested(bool): Nothing else shall sound, and nobody hear the beeps; or no longer.
    """

    use_requested = Signal(float)
    quiet_requested = Signal(bool)

    def __init__(
        self,
        devices: "CalibrationDevices",
        theme: Theme,
        speaker_ms: float,
        parent: QWidget | None = None,
        *,
        in_session: bool = False,
    ) -> None:
        """Build the dialog; nothing is played yet.

        Args:
            devices: Speaker and microphone.
            theme: Colours and fonts.
            speaker_ms: The delay that holds now; the slider begins there.
            parent: The window that it stands before.
            in_session: An avatar may be speaking: it says that it will be silent.
        """
        super().__init__(parent)
        self._devices = devices
        self._run: CalibrationRun | None = None
        self._quiet = False
        self._beeps = 0
        self._privacy_page = privacy_page()
        self._texts = StepTexts(self)
        self._step: Step = Ready(devices.has_microphone)
        self.setWindowTitle(self.tr("Calibrate the speaker"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(_SMALLEST)
        self._title = make_label(size="heading", wraps=True)
        self._sentence = make_label(tone="dim", wraps=True)
        self._dots = BeepDots(theme, BEEPS)
        self._eye = EyePane(theme, _LONGEST_MS)
        self._eye.show_value(speaker_ms)
        self._nothing = QWidget()
        self._panes = QStackedWidget()
        self._in_session = in_session
        aside = self.tr("Meanwhile the avatar is silent, and your microphone is not heard by it.")
        self._aside = make_label(aside, tone="dim", size="small", wraps=True)
        self._start = Button(theme, self.tr("Start"), ButtonKind.PRIMARY)
        self._use = Button(theme, self.tr("Use it"), ButtonKind.PRIMARY)
        self._again = Button(theme, self.tr("Try again"))
        self._by_eye = Button(theme, self.tr("By eye"))
        self._by_ear = Button(theme, self.tr("By microphone"))
        self._allow = Button(theme, self.tr("Open system settings"))
        self._cancel = Button(theme, self.tr("Cancel"))
        self._build(parent)
        self._connect()
        self._show()

    def done(self, result: int) -> None:
        """Stop the run, however the dialog is closed."""
        self._stop()
        super().done(result)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Update the minimum height: text and buttons wrap in a narrow dialog."""
        super().resizeEvent(event)
        self._keep_room()

    def _keep_room(self) -> None:
        layout = self.layout()
        if layout is not None:
            needed_px = layout.totalMinimumHeightForWidth(self.width())
            self.setMinimumHeight(max(_SMALLEST.height(), needed_px))

    def _build(self, parent: QWidget | None) -> None:
        column = make_column(self, spacing_px=8, margins_px=(_EDGE_PX, 20, _EDGE_PX, 20))
        column.addWidget(self._title)
        column.addWidget(self._sentence)
        column.addSpacing(6)
        for pane in (self._nothing, self._dots, self._eye):
            self._panes.addWidget(pane)
        column.addWidget(self._panes, 1)
        column.addWidget(self._aside)
        column.addSpacing(6)
        ways = (self._start, self._use, self._allow, self._again, self._by_eye, self._by_ear, self._cancel)
        column.addWidget(flow_box(*ways, gap_px=10))
        self.resize(_SIZE if parent is None else _SIZE.boundedTo(parent.window().size()))

    def _connect(self) -> None:
        self._start.clicked.connect(self._begin)
        self._again.clicked.connect(self._begin)
        self._by_eye.clicked.connect(self._begin_by_eye)
        self._by_ear.clicked.connect(self._begin_by_ear)
        self._use.clicked.connect(self._use_it)
        self._allow.clicked.connect(self._open_privacy_page)
        self._cancel.clicked.connect(self.reject)
        self._eye.moved.connect(self._move_flash)

    # Requests

    @Slot()
    def _begin(self) -> None:
        if self._devices.has_microphone:
            self._begin_by_ear()
        else:
            self._begin_by_eye()

    @Slot()
    def _begin_by_ear(self) -> None:
        self._stop()
        self._go_to(Asking())
        self._devices.ask(self, self._take_answer)

    def _take_answer(self, allowed: bool) -> None:
        # Closed meanwhile, or continued by eye.
        if not isinstance(self._step, Asking) or not self.isVisible():
            return
        if not allowed:
            self._go_to(Broken(MicrophoneDeniedError()))
            return
        self._dots.show_played(0)
        self._begin_run(listens=True)

    @Slot()
    def _begin_by_eye(self) -> None:
        self._stop()
        self._begin_run(listens=False)

    @Slot()
    def _use_it(self) -> None:
        match self._step:
            case DelayFound():
                self.use_requested.emit(float(self._step.used_ms))
            case ByEye():
                self.use_requested.emit(float(self._eye.value_ms))
            case _:
                return
        self.accept()

    @Slot()
    def _open_privacy_page(self) -> None:
        if self._privacy_page is not None:
            open_address(self._privacy_page)

    @Slot(int)
    def _move_flash(self, value_ms: int) -> None:
        if self._run is not None:
            self._run.speaker_ms = float(value_ms)

    # Events

    def _begin_run(self, *, listens: bool) -> None:
        self._beeps = 0
        self._run = run = self._devices.make(self._eye.value_ms, self, listens=listens)
        run.flashed.connect(self._take_flash)
        run.finished.connect(self._take_result)
        run.failed.connect(self._take_error)
        self._go_to(Listening() if listens else ByEye(self._devices.has_microphone))
        self._set_quiet(True)
        run.start()

    @Slot()
    def _take_flash(self) -> None:
        if isinstance(self._step, Listening):
            self._beeps += 1
            self._dots.show_played(self._beeps)
        elif isinstance(self._step, ByEye):
            self._eye.panel.flash()

    @Slot(object)
    def _take_result(self, heard: BeepMeasurement | None) -> None:
        self._stop()
        if heard is None:
            self._go_to(Unheard())
            return
        used_ms = round(min(float(_LONGEST_MS), max(0.0, heard.delay_ms)))
        self._eye.show_value(used_ms)
        self._go_to(DelayFound(heard, used_ms))

    @Slot(object)
    def _take_error(self, error: AppError) -> None:
        self._stop()
        self._go_to(Broken(error))

    def _stop(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.stop()
            # Its queued signals are not about the next run.
            run.flashed.disconnect(self._take_flash)
            run.finished.disconnect(self._take_result)
            run.failed.disconnect(self._take_error)
            run.deleteLater()
        self._set_quiet(False)

    def _set_quiet(self, quiet: bool) -> None:
        if quiet != self._quiet:
            self._quiet = quiet
            self.quiet_requested.emit(quiet)

    # Display

    def _go_to(self, step: Step) -> None:
        self._step = step
        self._show()
        first = self._first_control()
        first.setFocus(Qt.FocusReason.OtherFocusReason)
        if not isinstance(step, Listening):
            # While listening nothing is announced: a voice would disturb the measurement.
            QAccessible.updateAccessibility(QAccessibleEvent(self._title, QAccessible.Event.Alert))

    def _show(self) -> None:
        step = self._step
        title, sentence = self._texts.of(step)
        self._title.setText(title)
        self._title.setAccessibleDescription(sentence)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        panes: dict[type[Step], QWidget] = {Listening: self._dots, ByEye: self._eye}
        self._panes.setCurrentWidget(panes.get(type(step), self._nothing))
        is_over = isinstance(step, DelayFound | Unheard | Broken)
        self._aside.setVisible(self._in_session and not is_over)
        shown = self._controls()
        for button in (self._start, self._use, self._again, self._by_eye, self._by_ear, self._allow):
            button.setVisible(button in shown)
            button.setDefault(button is shown[0])
        self._keep_room()

    def _controls(self) -> tuple[Button, ...]:
        """Return the buttons of the current step besides *Cancel*, the likeliest first."""
        match self._step:
            case Ready(hears):
                return (self._start, self._by_eye) if hears else (self._start,)
            case Asking() | Listening():
                return (self._by_eye,)
            case ByEye(hears):
                return (self._use, self._by_ear) if hears else (self._use,)
            case DelayFound():
                return (self._use, self._again)
            case Broken(MicrophoneDeniedError()) if self._privacy_page is not None:
                return (self._allow, self._again, self._by_eye)
            case Unheard() | Broken():
                return (self._again, self._by_eye)
            case _ as never:
                assert_never(never)

    def _first_control(self) -> QWidget:
        match self._step:
            case ByEye():
                return self._eye
            case Asking() | Listening():
                return self._cancel
            case _:
                return self._controls()[0]
