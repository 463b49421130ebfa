"""The calibration of the speaker's delay, as a dialog."""
