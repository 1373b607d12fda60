"""A form with a file: read from memory, bounded, and of the file only the hash."""

import hashlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.portal.uploads import MAX_TEXT_BYTES, as_form, is_upload
from tillit.jose import b64u

TYPE = "multipart/form-data; boundary=b0undary"


def part(name: str, content: bytes, *, more: str = "") -> bytes:
    """One part as a browser writes it."""
    head = f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return b"--b0undary\r\n" + head.encode() + content + b"\r\n"


def read(*parts: bytes, end: bytes = b"--b0undary--\r\n", most: int = 8) -> dict[str, str]:
    """What the form says."""
    form = as_form(b"".join(parts) + end, TYPE, file="scan", most=most)
    return dict(parse_qsl(form.decode("ascii"), keep_blank_values=True))


@given(st.binary(min_size=1, max_size=500))
def test_of_a_file_only_the_hash_is_said(content: bytes) -> None:
    """Whatever bytes it holds: line ends, boundaries that are none, anything."""
    if b"\r\n--b0undary" in content:
        return
    said = read(part("once", b"a"), part("scan", content, more='; filename="a.pdf"'))
    assert said == {"once": "a", "scan": b64u(hashlib.sha256(content).digest())}


def test_no_file_is_nothing() -> None:
    """As browsers send a field in which nothing was chosen."""
    assert read(part("scan", b"", more='; filename=""')) == {"scan": ""}


def test_a_text_in_the_files_place_is_hashed_like_a_file() -> None:
    """Nobody says a hash by hand."""
    said = read(part("scan", b"a" * 43))
    assert said == {"scan": b64u(hashlib.sha256(b"a" * 43).digest())}


def test_two_presses_are_the_same_form() -> None:
    """Though browsers set the parts apart anew each time."""
    body = part("once", b"a") + part("scan", b"%PDF") + b"--b0undary--\r\n"
    other = body.replace(b"b0undary", b"another")
    again = as_form(other, "multipart/form-data; boundary=another", file="scan", most=8)
    assert again == as_form(body, TYPE, file="scan", most=8)


def test_a_text_may_be_in_any_language() -> None:
    """And have signs that mean something in forms."""
    assert read(part("text", "å & = % 😀".encode())) == {"text": "å & = % 😀"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--other\r\n",
        part("once", b"a"),
        part("once", b"a") + b"--b0undary",
        b"--b0undary\r\nContent-Type: text/plain\r\n\r\na\r\n--b0undary--\r\n",
        part("", b"a") + b"--b0undary--\r\n",
        part("once", b"\xff") + b"--b0undary--\r\n",
        part("once", b"a" * (MAX_TEXT_BYTES + 1)) + b"--b0undary--\r\n",
        b"".join(part(f"n{n}", b"a") for n in range(9)) + b"--b0undary--\r\n",
        b"--b0undary\r\n" + b"X: y\r\n" * 50 + b"\r\na\r\n--b0undary--\r\n",
        b"--b0undary\r\nX: " + b"y" * 10_000 + b"\r\n\r\na\r\n--b0undary--\r\n",
        b'--b0undary\r\nContent-Disposition: attachment; name="a"\r\n\r\na\r\n--b0undary--\r\n',
    ],
    ids=range(12),
)
def test_what_is_no_such_form_is_refused(body: bytes) -> None:
    """Cut off, nameless, too long, too many: one error, and nothing of it is used."""
    with pytest.raises(ValueError, match=r"."):
        assert as_form(body, TYPE, file="scan", most=8) == b"never"


@pytest.mark.parametrize(
    "said",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'b' * 71}",
    ],
)
def test_without_a_boundary_nothing_is_read(said: str) -> None:
    """Nor with one that is longer than the standard has."""
    with pytest.raises(ValueError, match="boundary"):
        as_form(b"--b\r\n", said, file="scan", most=8)


def test_only_a_form_with_files_is_one() -> None:
    """By its media type alone."""
    assert is_upload("Multipart/Form-Data; boundary=x")
    assert not is_upload("application/x-www-form-urlencoded")
