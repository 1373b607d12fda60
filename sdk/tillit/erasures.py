"""Erasures: a recipient's signed word that it has erased what a disclosure gave it (design.md § 8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tillit.errors import VerificationError
from tillit.jcs import canonical
from tillit.jose import sign_compact, strict_json, verify_compact
from tillit.keys import ServiceKey
from tillit.wire import Attestation

TYP = "tillit-erasure+jws"
MAX_CHARS = 4096


class ErasureInvalid(VerificationError):
    """The attestation is not signed by the recipient, or not about this disclosure."""

    code = "verification.erasure_invalid"


@dataclass(frozen=True, slots=True)
class VerifiedErasure:
    """An attestation whose signature holds. That anything was erased is the recipient's word, and is not checked."""

    attestation: Attestation
    token: str


def attest(attestation: Attestation, key: ServiceKey) -> str:
    """The attestation as a compact JWS (EdDSA) by the recipient's signing key."""
    payload = canonical(attestation.model_dump(mode="json"))
    return sign_compact(payload, signer=key.signer, kid=key.sig_kid, typ=TYP)


def verify(token: str, jwks: Mapping[str, Any], *, disclosure: str) -> VerifiedErasure:
    """Check an attestation against the recipient's keys and the disclosure it must be about.

    Raises:
        ErasureInvalid: signed by another key, altered, or about something else.
    """
    try:
        payload = verify_compact(token, jwks=jwks, typ=TYP, max_chars=MAX_CHARS)
        attestation = Attestation.model_validate(strict_json(payload))
    except ValueError as error:
        raise ErasureInvalid("not an attestation that the recipient signed") from error
    if attestation.disclosure != disclosure:
        raise ErasureInvalid("the attestation is about another disclosure")
    return VerifiedErasure(attestation, token)
