"""Errors of microphones, speakers and the graphics driver."""

from typing import Any, ClassVar

from atlas_desktop.errors.base import N_, AppError


class DeviceError(AppError):
    """A microphone or a speaker failed. ``device`` is its description."""

    code = "device"
    title = N_("{device} does not work: {detail}")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"device": "", "detail": ""}


class NoSpeakerError(DeviceError):
    code = "no_speaker"
    title = N_("There is no speaker")
    advice = N_("Connect one: the sound starts by itself. The picture goes on.")


class NoMicrophoneError(DeviceError):
    code = "no_microphone"
    title = N_("There is no microphone")
    advice = N_("Connect one: it is used by itself.")


class MicrophoneDeniedError(DeviceError):
    code = "microphone_denied"
    title = N_("This computer does not allow the microphone")
    advice = N_("Allow it for Atlas Desktop in the system's privacy settings.")


class DeviceLostError(DeviceError):
    code = "device_lost"
    title = N_("{device} is gone")
    advice = N_("Another device is used as soon as there is one.")


class SoundServerLostError(DeviceError):
    code = "sound_server"
    title = N_("This computer's sound server has stopped")
    advice = N_("The sound comes back with it, by itself. The picture goes on.")


class PictureDriverError(DeviceError):
    code = "picture_driver"
    title = N_("The graphics driver failed when it was last used")
    advice = N_("The picture is painted without it, until there is another driver.")
