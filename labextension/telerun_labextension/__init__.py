"""Telerun's side of the Jupyter server: what the front end asks for, with the token kept away from the browser."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from telerun_labextension.app import TelerunApp  # noqa: PLC0415 - asked for by a Jupyter server only

    return [{"module": "telerun_labextension", "app": TelerunApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """For `jupyter-builder develop`."""
    return [{"src": "labextension", "dest": "telerun-lab"}]
