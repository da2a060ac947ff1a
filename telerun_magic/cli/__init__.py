"""The command `telerun`."""

from telerun_magic.cli.app import main

__all__ = ["main"]
