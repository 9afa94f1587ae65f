"""The command line."""

from falco.cli.entry import main

__all__ = ["main"]
