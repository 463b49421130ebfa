"""Picture and sound in the settings: lip sync or lowest delay, and the speaker's delay."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout

from atlas_desktop.storage.settings import RANGES, Settings, speaker_delay_default_ms
from atlas_desktop.ui.look.amount_field import AmountField, RefusalLine, Unit
from atlas_desktop.ui.look.amounts import fill
from atlas_desktop.ui.look.choice_card import ChoiceCard
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import flow_box, make_column
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_fields import SettingField

_LOWEST_DELAY, _LIP_SYNC = 0, 1


class SyncFields(SettingField):
    """Lip sync or lowest delay; the speaker's own delay, typed or calibrated.

    Signals:
        calibration_requested(): Measure the speaker's delay.
    """

    calibration_requested = Signal()

    def __init__(self, theme: Theme, settings: Settings) -> None:
        super().__init__()
        self._usual_ms = speaker_delay_default_ms()
        self._choices = QButtonGroup(self)
        self._lip_sync = ChoiceCard(
            theme, self.tr("Lip sync"), self.tr("The picture waits for its sound: lips and words meet.")
        )
        self._lowest = ChoiceCard(
            theme,
            self.tr("Lowest delay"),
            self.tr("Each picture is shown at once: quicker, but ahead of its sound."),
        )
        words = self.tr("Speaker delay")
        self._delay = AmountField(theme, RANGES["speaker_delay_ms"], words, Unit(suffix=self.tr(" ms")))
        self._refusal = RefusalLine(self._delay)
        self._caption = make_label(words, tone="dim", wraps=True)
        self._caption.setBuddy(self._delay)
        self._calibrate = Button(theme, self.tr("Calibrate…"))
        self._calibrate.hide()
        usual = fill(self.tr("Use {count} ms, usual on this system"), count=round(self._usual_ms))
        self._reset = Button(theme, usual, ButtonKind.LINK)
        self._build()
        self.show_settings(settings)
        self._choices.idToggled.connect(self._choose)
        self._delay.valueChanged.connect(self._choose_delay)
        self._calibrate.clicked.connect(self.calibration_requested)
        self._reset.clicked.connect(self._choose_usual)

    def offer_calibration(self) -> None:
        """Show *Calibrate…*."""
        self._calibrate.show()

    def take_refusal(self) -> bool:
        """Return whether a typed delay was refused since the last call."""
        self._delay.interpretText()
        return self._refusal.take()

    def show_settings(self, settings: Settings) -> None:
        """Show the current values."""
        blocked = self._choices.blockSignals(True)
        (self._lip_sync if settings.lip_sync else self._lowest).setChecked(True)
        self._choices.blockSignals(blocked)
        self._delay.show_amount(settings.speaker_delay_ms)
        # With the lowest delay nothing is delayed: the speaker's delay has no effect.
        for control in (self._caption, self._delay, self._calibrate, self._reset):
            control.setEnabled(settings.lip_sync)
        is_usual = settings.speaker_delay_ms == self._usual_ms
        if is_usual and self._reset.hasFocus():
            self._delay.setFocus(Qt.FocusReason.OtherFocusReason)
        self._reset.setVisible(not is_usual)

    def _build(self) -> None:
        self._choices.addButton(self._lip_sync, _LIP_SYNC)
        self._choices.addButton(self._lowest, _LOWEST_DELAY)
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self._caption, 1)
        line.addWidget(self._delay)
        explains = self.tr("How much later than this computer plays it a sound is heard.")
        note = make_label(explains, tone="dim", size="small", wraps=True)
        ways = flow_box(self._calibrate, self._reset, gap_px=12)
        column = make_column(self, spacing_px=8)
        column.addWidget(self._lip_sync)
        column.addWidget(self._lowest)
        column.addSpacing(4)
        column.addLayout(line)
        column.addWidget(self._refusal)
        column.addWidget(note)
        column.addWidget(ways)

    @Slot(int, bool)
    def _choose(self, choice: int, chosen: bool) -> None:
        if chosen:
            self.change_requested.emit({"lip_sync": choice == _LIP_SYNC})

    @Slot()
    def _choose_delay(self) -> None:
        if self._delay.is_changed:
            self.change_requested.emit({"speaker_delay_ms": self._delay.amount})

    @Slot()
    def _choose_usual(self) -> None:
        self.change_requested.emit({"speaker_delay_ms": self._usual_ms})
