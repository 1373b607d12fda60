"""Uploads: a form that comes with a file (RFC 7578), of which only the hash goes further. Nothing is written to a disk."""

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from tillit.jose import b64u

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MEDIA_TYPE = "multipart/form-data"
MAX_BYTES = 6 * 1024 * 1024
"""A photograph of a page, or a few pages as PDF."""
MAX_TEXT_BYTES = 4096
MAX_BOUNDARY_BYTES = 70  # RFC 2046, 5.1.1


def is_upload(content_type: str) -> bool:
    """Whether a form says that it comes with files."""
    return content_type.partition(";")[0].strip().lower() == MEDIA_TYPE


def as_form(body: bytes, content_type: str, *, file: str, most: int) -> bytes:
    """The same form as one without a file: in its place the base64url SHA-256 of what it holds, empty where it holds nothing.

    Two presses of one button differ in how the parts are set apart, and are the same form by this.

    Raises:
        ValueError: it is not one, has more than ``most`` parts, or a text is too long.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise ValueError("no boundary")
    parts = _Parts(most)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
        parser.finalize()
    except MultipartParseError:
        raise ValueError("not parted as it says") from None
    if not parts.ended:
        raise ValueError("cut off")
    return urlencode([(name, _said(name, held, file)) for name, held in parts.found]).encode()


def _said(name: str, held: bytes, file: str) -> str:
    if name == file:
        return b64u(hashlib.sha256(held).digest()) if held else ""
    if len(held) > MAX_TEXT_BYTES:
        raise ValueError("a text is too long")
    return held.decode()


class _Parts:
    """The parts as the parser finds them."""

    def __init__(self, most: int) -> None:
        self.found: list[tuple[str, bytes]] = []
        self.ended = False
        self._most = most
        self._header = b""
        self._value = b""
        self._name = ""
        self._held = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_header,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_part_data": self._add_data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        if len(self.found) >= self._most:
            raise ValueError("too many parts")
        self._name, self._held = "", bytearray()

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            kind, said = parse_options_header(self._value)
            self._name = said.get(b"name", b"").decode() if kind == b"form-data" else ""
        self._header = self._value = b""

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._held += data[start:end]

    def _end(self) -> None:
        if not self._name:
            raise ValueError("a part without a name")
        self.found.append((self._name, bytes(self._held)))

    def _finish(self) -> None:
        self.ended = True
