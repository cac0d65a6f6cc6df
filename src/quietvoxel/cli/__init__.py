"""The command line: thin, it parses, calls the core and prints."""

from quietvoxel.cli.app import main

__all__ = ["main"]
