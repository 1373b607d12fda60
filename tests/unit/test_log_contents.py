"""Sealed contents of log entries: what opens them, and that nothing else does."""

import hashlib
from datetime import UTC, datetime
from itertools import count

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tillit import leaves
from tillit.contents import (
    ContentBroken,
    Volume,
    check_content,
    fresh_id,
    is_epoch,
    open_address,
    open_content,
    open_receipt,
    open_volume,
    seal_address,
    seal_content,
    seal_receipt,
    seal_volume,
)
from tillit.envelopes import (
    HPKE_ALG,
    Randomness,
    hybrid_jwk,
    hybrid_private,
    open_hybrid,
    seal_hybrid,
)
from tillit.jose import TokenInvalid, b64u

KEY, SALT, LEAF = bytes(range(32)), b"s" * 32, b"l" * 32
EPOCH_SEED, SUBJECT_SEED = b"e" * 32, b"p" * 32
CONTENT = b'{"actor":"a17"}'
EPOCH = "sharing-2026-11"
VOLUME = f"{EPOCH}.{'A' * 16}"


def counted() -> Randomness:
    """Randomness that repeats itself from run to run, and never within one."""
    numbers = count()
    return lambda size: hashlib.shake_256(b"%d" % next(numbers)).digest(size)


def sealed(*, salt: bytes = SALT, leaf_hash: bytes = LEAF) -> bytes:
    """The content under the key."""
    return seal_content(CONTENT, salt=salt, leaf_hash=leaf_hash, key=KEY, randomness=counted())


def volume(*, subject: str | None = "sub_one", key: bytes = KEY, name: str = VOLUME) -> Volume:
    """The key wrapped for the epoch, and for the subject where there is one."""
    jwk = None if subject is None else hybrid_jwk(SUBJECT_SEED)
    return seal_volume(
        key, id=name, subject=subject, subject_jwk=jwk, epoch_jwk=hybrid_jwk(EPOCH_SEED)
    )


def test_a_content_opens_with_its_salt_under_its_key_at_its_leaf() -> None:
    """The salt is what unblinds the commitment, so it is sealed with what it blinds."""
    assert open_content(sealed(), leaf_hash=LEAF, key=KEY) == (SALT, CONTENT)
    assert SALT not in sealed()
    assert CONTENT not in sealed()


def test_no_bit_of_a_sealed_content_can_change() -> None:
    """Version, IV, ciphertext and tag are all bound."""
    whole = sealed()
    for at in range(len(whole) * 8):
        bent = bytearray(whole)
        bent[at // 8] ^= 1 << at % 8
        with pytest.raises(ContentBroken):
            open_content(bytes(bent), leaf_hash=LEAF, key=KEY)


@pytest.mark.parametrize("length", [0, 1, 13, 60])
def test_a_cut_content_is_refused(length: int) -> None:
    """What is too short to hold a salt and a tag is no content."""
    with pytest.raises(ContentBroken):
        open_content(sealed()[:length], leaf_hash=LEAF, key=KEY)


def test_a_content_opens_for_no_other_entry_and_under_no_other_key() -> None:
    """Two entries' contents cannot be swapped in the database."""
    with pytest.raises(ContentBroken):
        open_content(sealed(), leaf_hash=b"x" * 32, key=KEY)
    with pytest.raises(ContentBroken):
        open_content(sealed(), leaf_hash=LEAF, key=b"x" * 32)


def test_a_receipt_opens_as_itself_and_as_nothing_else() -> None:
    """A receipt and a content of the same entry under the same key cannot pass for one another."""
    kept = seal_receipt("a.b.c", leaf_hash=LEAF, key=KEY, randomness=counted())
    assert open_receipt(kept, leaf_hash=LEAF, key=KEY) == "a.b.c"
    for wrong in (
        lambda: open_receipt(kept, leaf_hash=b"x" * 32, key=KEY),
        lambda: open_receipt(kept[:-1], leaf_hash=LEAF, key=KEY),
        lambda: open_receipt(sealed(), leaf_hash=LEAF, key=KEY),
        lambda: open_content(kept, leaf_hash=LEAF, key=KEY),
    ):
        with pytest.raises(ContentBroken):
            wrong()
    foreign = seal_receipt("blåbær", leaf_hash=LEAF, key=KEY, randomness=counted())
    with pytest.raises(ContentBroken):
        open_receipt(foreign, leaf_hash=LEAF, key=KEY)


def test_an_address_opens_for_the_contact_that_it_is_of() -> None:
    """For no other contact, under no other key, and for nothing that is no address."""
    kept = seal_address("emil@example.no", contact="ctc_1", key=KEY, randomness=counted())
    assert open_address(kept, contact="ctc_1", key=KEY) == "emil@example.no"
    other = seal_receipt("a.b.c", leaf_hash=b"ctc_1", key=KEY, randomness=counted())
    for sealed_one, contact, key in (
        (kept, "ctc_2", KEY),
        (kept, "ctc_1", b"x" * 32),
        (kept[:-1], "ctc_1", KEY),
        (other, "ctc_1", KEY),
    ):
        with pytest.raises(ContentBroken):
            open_address(sealed_one, contact=contact, key=key)
    aad = b"contact\0ctc_1"
    iv = b"i" * 12
    foreign = b"\x01" + iv + AESGCM(KEY).encrypt(iv, b"\xff", aad)
    with pytest.raises(ContentBroken):
        open_address(foreign, contact="ctc_1", key=KEY)


def test_a_content_without_room_for_its_salt_is_none() -> None:
    """Whatever a writer sealed."""
    short = seal_content(b"", salt=b"short", leaf_hash=LEAF, key=KEY, randomness=counted())
    with pytest.raises(ContentBroken):
        open_content(short, leaf_hash=LEAF, key=KEY)


def test_a_content_is_held_against_its_commitment() -> None:
    """What opens must also be what the leaf committed to: the key alone proves nothing."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    leaf = leaves.Leaf("disclosure", at, leaves.commitment_to(SALT, CONTENT))
    check_content(CONTENT, salt=SALT, leaf=leaf)
    with pytest.raises(ContentBroken):
        check_content(CONTENT + b" ", salt=SALT, leaf=leaf)
    with pytest.raises(ContentBroken):
        check_content(bytes(leaves.MAX_CONTENT_BYTES + 1), salt=SALT, leaf=leaf)


def test_a_subjects_volume_takes_both_keys() -> None:
    """Either key's end is the end of the volume's."""
    epoch, own = hybrid_private(EPOCH_SEED), hybrid_private(SUBJECT_SEED)
    assert open_volume(volume(), epoch_key=epoch, subject_key=own) == KEY
    for wrong in ((own, own), (epoch, epoch), (epoch, None)):
        with pytest.raises(TokenInvalid):
            open_volume(volume(), epoch_key=wrong[0], subject_key=wrong[1])


def test_a_volume_about_nobody_takes_the_epochs_key() -> None:
    """Loading a policy concerns no person; time alone ends what is said of it."""
    epoch = hybrid_private(EPOCH_SEED)
    assert open_volume(volume(subject=None), epoch_key=epoch, subject_key=None) == KEY
    with pytest.raises(TokenInvalid):
        open_volume(volume(subject=None), epoch_key=epoch, subject_key=epoch)


def test_a_volume_is_bound_to_its_name() -> None:
    """A wrapped key cannot be passed off as another volume's."""
    other = f"{EPOCH}.{'B' * 16}"
    moved = Volume(other, None, volume(subject=None).sealed)
    with pytest.raises(TokenInvalid):
        open_volume(moved, epoch_key=hybrid_private(EPOCH_SEED), subject_key=None)


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_volume_key_has_32_bytes(key: bytes) -> None:
    """Whatever a writer wrapped, only a key comes out."""
    with pytest.raises(TokenInvalid):
        open_volume(
            volume(subject=None, key=key),
            epoch_key=hybrid_private(EPOCH_SEED),
            subject_key=None,
        )


@pytest.mark.parametrize("cut", [b"", bytes(100), bytes(1135)])
def test_what_is_no_sealed_key_is_refused(cut: bytes) -> None:
    """Bytes from a database are anybody's."""
    with pytest.raises(TokenInvalid):
        open_hybrid(cut, key=hybrid_private(EPOCH_SEED), info=b"")


def test_a_key_that_cannot_be_sealed_to_is_refused() -> None:
    """A public key read from a database is anybody's too."""
    for jwk in (
        {},
        {"kty": "AKP", "alg": HPKE_ALG, "pub": "AA"},
        {"kty": "AKP", "alg": HPKE_ALG, "pub": b64u(b"\xff" * 1216)},
    ):
        with pytest.raises(TokenInvalid):
            seal_hybrid(KEY, reader=jwk, info=b"")


def test_a_volumes_id_says_its_epoch() -> None:
    """From the id alone it is known what time ends it."""
    assert Volume(fresh_id(EPOCH, counted()), None, b"").epoch == EPOCH
    assert fresh_id(EPOCH, counted()) != fresh_id(EPOCH, bytes)
    for wrong in ("", EPOCH, f"{EPOCH}.", f"{EPOCH}.{'A' * 17}", f"../x.{'A' * 16}"):
        with pytest.raises(TokenInvalid):
            _ = Volume(wrong, None, b"").epoch


def test_an_epoch_is_a_class_and_a_month() -> None:
    """A name can be a file's name and nothing more."""
    assert is_epoch(EPOCH)
    for wrong in (
        "",
        "sharing",
        "sharing-2026-13",
        "Sharing-2026-01",
        "../a-2026-01",
        f"{EPOCH}\n",
    ):
        assert not is_epoch(wrong)


def test_keys_stay_out_of_what_is_printed() -> None:
    """A wrapped key in a log line would be one copy more to erase."""
    assert "sealed" not in repr(volume())
