"""What the operator's commands share: how one is declared, how it ends, and what it says when it cannot be done."""

import argparse
from collections.abc import Callable
from typing import Any

from broker.settings import Settings, read

DOWN, WRONG = 1, 2

Ends = int | None
"""A command's exit code; None for 0."""


class Mistake(Exception):
    """What the operator asked for cannot be; the text says what to do instead."""


def add(
    commands: Any, name: str, command: Callable[[argparse.Namespace, Settings], Ends]
) -> argparse.ArgumentParser:
    """Declare a command that runs on the settings; its help is its docstring's first line."""
    return _declared(commands, name, command.__doc__, lambda given: command(given, read()))


def add_bare(
    commands: Any, name: str, command: Callable[[argparse.Namespace], Ends]
) -> argparse.ArgumentParser:
    """Declare a command that needs no settings, so that it runs on anybody's machine."""
    return _declared(commands, name, command.__doc__, command)


def _declared(
    commands: Any, name: str, described: str | None, run: Callable[[argparse.Namespace], Ends]
) -> argparse.ArgumentParser:
    said = (described or "").splitlines()[0]
    added: argparse.ArgumentParser = commands.add_parser(name, help=said, description=said)
    added.set_defaults(command=run)
    return added
