"""Signatures over policies: who has read these very files, and what is no such thing."""

import json
import shutil
from pathlib import Path

import pytest

from broker.engine import signing
from broker.engine.signing import SignatureWrong

DIGEST = "sha256:" + "1" * 64


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A small directory of policies."""
    made = tmp_path / "policies"
    (made / "tables").mkdir(parents=True)
    (made / "rules.rego").write_text("package tillit\n")
    (made / "tables" / "a.yaml").write_text("a: []\n")
    return made


def known(*signers: signing.Signer, file: Path) -> Path:
    """A file of those who may sign."""
    file.write_text(json.dumps({"keys": [signer.public_jwk() for signer in signers]}))
    return file


def test_two_persons_sign_side_by_side(directory: Path, tmp_path: Path) -> None:
    """Each with a key of their own, in any order, and again without harm."""
    kari = signing.new_signer("kari", tmp_path / "kari.jwk")
    ola = signing.new_signer("ola", tmp_path / "ola.jwk")
    may = signing.read_signers(known(kari, ola, file=tmp_path / "signers.json"))
    assert signing.signers(directory, may, digest=DIGEST) == ()
    for signer in (ola, kari, signing.read_signer(tmp_path / "ola.jwk")):
        signing.sign(directory, signer, digest=DIGEST)
    assert signing.signers(directory, may, digest=DIGEST) == ("kari", "ola")
    assert len(signing.tokens(directory)) == 2


def test_a_signers_key_is_its_owners_only(tmp_path: Path) -> None:
    """Whoever reads it signs in their name; and none is overwritten."""
    signing.new_signer("kari", tmp_path / "kari.jwk")
    assert (tmp_path / "kari.jwk").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        signing.new_signer("kari", tmp_path / "kari.jwk")
    with pytest.raises(SignatureWrong):
        signing.new_signer("Kari Nordmann", tmp_path / "other.jwk")


@pytest.mark.parametrize("place", ["rules.rego", "tables/a.yaml", "new.yaml"])
def test_a_changed_file_takes_every_signature_with_it(
    place: str, directory: Path, tmp_path: Path
) -> None:
    """Rules, tables, and a file that was not there: what was read is what counts."""
    kari = signing.new_signer("kari", tmp_path / "kari.jwk")
    ola = signing.new_signer("ola", tmp_path / "ola.jwk")
    may = signing.read_signers(known(kari, ola, file=tmp_path / "signers.json"))
    signing.sign(directory, kari, digest=DIGEST)
    (directory / place).write_text("something: else\n")
    with pytest.raises(SignatureWrong, match="about other files"):
        signing.signers(directory, may, digest=DIGEST)
    signing.sign(directory, ola, digest=DIGEST)
    assert signing.signers(directory, may, digest=DIGEST) == ("ola",)


def test_a_signature_is_for_one_digest(directory: Path, tmp_path: Path) -> None:
    """What was signed is what is loaded, whatever lay in the directory in between."""
    kari = signing.new_signer("kari", tmp_path / "kari.jwk")
    may = signing.read_signers(known(kari, file=tmp_path / "signers.json"))
    signing.sign(directory, kari, digest=DIGEST)
    with pytest.raises(SignatureWrong, match="about other files"):
        signing.signers(directory, may, digest="sha256:" + "2" * 64)


def test_nobody_signs_who_may_not(directory: Path, tmp_path: Path) -> None:
    """A stranger's key, also under a known name, and a flipped bit."""
    kari = signing.new_signer("kari", tmp_path / "kari.jwk")
    stranger = signing.new_signer("kari", tmp_path / "stranger.jwk")
    may = signing.read_signers(known(kari, file=tmp_path / "signers.json"))
    signing.sign(directory, stranger, digest=DIGEST)
    with pytest.raises(SignatureWrong, match="a signature is wrong"):
        signing.signers(directory, may, digest=DIGEST)
    with pytest.raises(SignatureWrong, match="a signature is wrong"):
        signing.signers(directory, signing.read_signers(None), digest=DIGEST)
    signing.sign(directory, kari, digest=DIGEST)
    token = signing.tokens(directory)[0]
    flipped = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    (directory / signing.FILE).write_text(json.dumps({"signatures": [flipped]}))
    with pytest.raises(SignatureWrong, match="a signature is wrong"):
        signing.signers(directory, may, digest=DIGEST)


def test_one_person_is_one_signer(directory: Path, tmp_path: Path) -> None:
    """A signature in two names by one key would be two persons that are one."""
    kari = signing.new_signer("kari", tmp_path / "kari.jwk")
    again = signing.Signer("ola", kari.private)
    with pytest.raises(SignatureWrong, match="twice"):
        signing.read_signers(known(kari, again, file=tmp_path / "signers.json"))
    signing.sign(directory, kari, digest=DIGEST)
    shutil.copy(directory / signing.FILE, tmp_path / "copy")
    token = signing.tokens(directory)[0]
    (directory / signing.FILE).write_text(json.dumps({"signatures": [token, token]}))
    may = signing.read_signers(known(kari, file=tmp_path / "signers.json"))
    assert signing.signers(directory, may, digest=DIGEST) == ("kari",)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"signatures": 7}', '{"signatures": [7]}', '{"other": []}']
)
def test_a_file_of_signatures_that_is_none_is_refused(content: str, directory: Path) -> None:
    """Never taken for an unsigned directory."""
    (directory / signing.FILE).write_text(content)
    with pytest.raises(SignatureWrong):
        signing.tokens(directory)


def test_no_more_signatures_than_anybody_needs(directory: Path) -> None:
    """A bound on every input."""
    many = ["a.b.c"] * (signing.MAX_SIGNATURES + 1)
    (directory / signing.FILE).write_text(json.dumps({"signatures": many}))
    with pytest.raises(SignatureWrong, match="more than"):
        signing.tokens(directory)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"keys": [{"kid": "kari"}]}', '{"keys": 7}'])
def test_keys_that_are_none_are_refused(content: str, tmp_path: Path) -> None:
    """A signer's own file, and the file of signers."""
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(SignatureWrong):
        signing.read_signer(file)
    with pytest.raises(SignatureWrong):
        signing.read_signers(file)
