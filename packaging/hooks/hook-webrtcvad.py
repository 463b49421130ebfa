"""PyInstaller's own hook asks for the metadata of ``webrtcvad``; the wheels are called otherwise."""

from PyInstaller.utils.hooks import copy_metadata

datas = copy_metadata("webrtcvad-wheels")
