"""Arguments to one call to an exit code."""

from monitor.cli.app import run_command

__all__ = ["run_command"]
