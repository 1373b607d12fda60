"""Published post-quantum vectors through the function that opens a hybrid key.

ML-KEM-768's known answers (FIPS 203, in ``cryptography_vectors``) give ciphertext and secret. What
stands between them and a sealed key is written out here: the combiner of MLKEM768-X25519, and the key
schedule of RFC 9180, which the published HPKE vectors check first.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tillit.envelopes import HPKE_ALG, open_key
from tillit.jose import TokenInvalid, b64u
from tillit.wire import SealedKey

MLKEM768_X25519, HKDF_SHA256, AES_256_GCM = 0x647A, 1, 2
KEY, BOUND, KID = bytes(range(32)), hashlib.sha256(b"a manifest").digest(), "a reader"
ANSWERS = 1000

pytestmark = pytest.mark.vectors


def known_answers() -> Iterator[dict[str, bytes]]:
    """Key seed (d, z), public key, ciphertext and secret; and ``ct_n``, which is another key's."""
    answer: dict[str, bytes] = {}
    with cryptography_vectors.open_vector_file("asymmetric/MLKEM/kat_MLKEM_768.rsp", "r") as lines:
        for line in lines:
            name, _, value = line.partition(" = ")
            if name != "count" and value:
                answer[name] = bytes.fromhex(value)
            if name == "ss":
                yield answer
                answer = {}


def combined(kem: bytes, curve: bytes, ciphertext: bytes, public: bytes) -> bytes:
    """The secret of MLKEM768-X25519 (X-Wing): SHA3-256 over both secrets and the curve's halves."""
    return hashlib.sha3_256(kem + curve + ciphertext + public + b"\\.//^\\").digest()


def scheduled(secret: bytes, info: bytes, *, kem: int, kdf: int, aead: int) -> tuple[bytes, bytes]:
    """Key and first nonce of base mode (RFC 9180 section 5.1) with HKDF-SHA256."""
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (kem, kdf, aead))

    def extract(salt: bytes, label: bytes, given: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + given, "sha256")

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    prk = extract(secret, b"secret", b"")

    def expand(label: bytes, size: int) -> bytes:
        labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return HKDFExpand(hashes.SHA256(), size, labelled).derive(prk)

    return expand(b"key", 32), expand(b"base_nonce", 12)


def test_the_key_schedule_is_the_published_one() -> None:
    """On every published base mode of 256-bit keys with HKDF-SHA256, ours of the hybrid among them."""
    cases: list[dict[str, Any]] = []
    for file in ("test-vectors.json", "hpke-pq-test-vectors.json"):
        with cryptography_vectors.open_vector_file(f"HPKE/{file}", "r") as vectors:
            cases += json.load(vectors)
    wanted = [
        case
        for case in cases
        if (case["mode"], case["kdf_id"]) == (0, HKDF_SHA256) and case["aead_id"] in {2, 3}
    ]
    for case in wanted:
        secret, info = bytes.fromhex(case["shared_secret"]), bytes.fromhex(case["info"])
        made = scheduled(secret, info, kem=case["kem_id"], kdf=case["kdf_id"], aead=case["aead_id"])
        assert [part.hex() for part in made] == [case["key"], case["base_nonce"]]
    assert sorted(case["kem_id"] for case in wanted).count(MLKEM768_X25519) == 1
    assert len(wanted) == 9


def test_known_answers_open_as_sealed_keys() -> None:
    """A thousand ML-KEM ciphertexts, each as the one half of a sealed key; with its neighbour's, none."""
    reader = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"reader").digest())
    ephemeral = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"ephemeral").digest())
    public, half = (key.public_key().public_bytes_raw() for key in (reader, ephemeral))
    agreed = ephemeral.exchange(reader.public_key())
    seen = 0
    for answer in known_answers():
        kem = MLKEM768PrivateKey.from_seed_bytes(answer["d"] + answer["z"])
        assert kem.public_key().public_bytes_raw() == answer["pk"]
        assert kem.decapsulate(answer["ct"]) == answer["ss"]
        assert kem.decapsulate(answer["ct_n"]) == answer["ss_n"]
        secret = combined(answer["ss"], agreed, half, public)
        key, nonce = scheduled(
            secret, BOUND, kem=MLKEM768_X25519, kdf=HKDF_SHA256, aead=AES_256_GCM
        )
        ciphertext = AESGCM(key).encrypt(nonce, KEY, None)
        private = MLKEM768X25519PrivateKey(kem, reader)

        def opened(enc: bytes, *, private: Any = private, sealed: bytes = ciphertext) -> bytes:
            made = SealedKey(alg=HPKE_ALG, kid=KID, jwe=b64u(enc + half + sealed))
            return open_key(made, key=private, kid=KID, manifest_hash=BOUND)

        assert opened(answer["ct"]) == KEY
        with pytest.raises(TokenInvalid):
            opened(answer["ct_n"])
        seen += 1
    assert seen == ANSWERS
