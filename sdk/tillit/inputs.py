"""What the command line reads: identity numbers, values and subjects, from a prompt, standard input or files."""

import getpass
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from tillit import errors
from tillit.jose import TokenInvalid, strict_json
from tillit.results import Subject

_MAX_BYTES = 4 * 1024 * 1024
_MAX_LINE = 64
_MAX_TEXT = 8192
_PROMPT = "National identity number: "
_DIGITS = 11
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def known(given: str) -> Subject:
    """A subject from a handle or a file; a handle does without the identity number."""
    return Subject(given) if given.startswith("hdl_") else _read_subject(given)


def numbered(given: str) -> Subject:
    """A subject with the identity number: from a file, or a handle with the number asked for."""
    if given.startswith("hdl_"):
        return Subject(given, national_id=national_id())
    return _read_subject(given)


def national_id() -> str:
    """From a prompt that does not echo, or the first line of standard input."""
    prompted = sys.stdin.isatty()
    typed = getpass.getpass(_PROMPT) if prompted else sys.stdin.readline(_MAX_LINE)
    number = typed.strip()
    if not (number.isascii() and number.isdecimal() and len(number) == _DIGITS):
        raise errors.UsageError("eleven digits are wanted on standard input")
    return number


def _read_subject(path: str) -> Subject:
    content = json_file(path, private=True)
    if not isinstance(content, dict) or content.keys() != {"subject", "national_id"}:
        raise errors.UsageError("not a file that `tillit subject --save` wrote")
    return Subject(str(content["subject"]), national_id=str(content["national_id"]))


def keep(path: str, subject: Subject) -> None:
    """Write handle and number to a new file that only its owner may read."""
    content = {"subject": subject.handle, "national_id": subject.reveal()}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be written: {error.strerror}") from None


def text_file(path: str) -> str:
    """The text in a file, or on standard input for ``-``, without the line break at its end."""
    try:
        data = _bytes(path, private=False)
        return data[: _MAX_TEXT + 1].decode().strip()
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise errors.UsageError(f"{path} is not UTF-8") from None


def json_file(path: str, *, private: bool = False) -> Any:
    """The JSON in a file, or on standard input for ``-``; ``private``: none that others can read."""
    try:
        data = _bytes(path, private=private)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise errors.UsageError(f"{path} is larger than {_MAX_BYTES} bytes")
    try:
        return strict_json(data)
    except TokenInvalid:
        raise errors.UsageError(f"{path} is not JSON") from None


def _bytes(path: str, *, private: bool) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_MAX_BYTES + 1)
    with Path(path).open("rb") as file:
        if private and os.fstat(file.fileno()).st_mode & _OTHERS:
            raise errors.UsageError(f"{path} can be read by others; chmod 600 it")
        return file.read(_MAX_BYTES + 1)
