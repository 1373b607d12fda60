"""Trust: the public keys that services need, and how a unit's own first come in."""

import hashlib
import hmac
from typing import Any

from broker.domain.ids import UnitId
from broker.errors import CustodianDown, EnrolmentRefused, UnknownService
from broker.ports import Ports, Transaction
from broker.usecases import service_keys
from tillit.enrolment import KeysUnusable, PublicKeys
from tillit.notes import Vkey
from tillit.wire import SUBJECT, BrokerKeys, Enrolment

# A client by such a name reads the log and nothing else; no unit of a catalogue is called so.
AUDITOR = "auditor-"


def keys(ports: Ports) -> BrokerKeys:
    """The broker's receipt keys (old ones too, not revoked ones), the custodian's deposit key, the log's verifier key."""
    return BrokerKeys(
        issuer=ports.issuer,
        receipts=_receipts_jwks(ports),
        custodian=deposit_jwk(ports),
        log=str(Vkey.of(ports.origin, ports.secrets.log)),
        succession=ports.secrets.signing.succession(ports.clock()),
    )


def _receipts_jwks(ports: Ports) -> dict[str, Any]:
    believed = ports.secrets.signing.believed("receipts", ports.clock())
    return {"keys": [key.jwk for key in believed]}


def deposit_jwk(ports: Ports) -> dict[str, Any]:
    """The custodian's public key. One that quantum computers break is not given out where nothing may be sealed to such.

    Raises:
        CustodianDown: it has none that may be given out.
        CustodianError: it does not answer.
    """
    jwk = ports.custodian.public_jwk()
    if ports.post_quantum and not service_keys.is_hybrid(jwk):
        raise CustodianDown("its deposit key is no hybrid")
    return jwk


def service_jwks(unit: UnitId, ports: Ports) -> dict[str, Any]:
    """A unit's registered public keys (RFC 7517 § 5).

    What a subject writes themself is signed for them with the keys that sign receipts: those are exchanged and revoked by
    commands there are, and believed for good. A field's signature and a receipt differ by type (RFC 8725 § 3.11).

    Raises:
        UnknownService: no such unit, or it has registered no keys.
    """
    with ports.store.read() as tx:
        found = jwks_of(tx, unit, ports)
    if found is None:
        raise UnknownService
    return found


def jwks_of(tx: Transaction, unit: UnitId, ports: Ports) -> dict[str, Any] | None:
    """The same within a transaction; None where there are no keys."""
    if unit == SUBJECT:
        return _receipts_jwks(ports)
    registered = tx.service_keys(unit)
    return {"keys": service_keys.published(registered, ports.clock())} if registered else None


def published(ports: Ports) -> dict[str, Any]:
    """Every public key of the broker's and the custodian's, as one JWK set (RFC 7517 § 5)."""
    at, signing = ports.clock(), ports.secrets.signing
    signed = [key for kind in ("receipts", "tokens") for key in signing.believed(kind, at)]
    return {"keys": [*(key.jwk for key in signed), deposit_jwk(ports)]}


def enrol(enrolment: Enrolment, *, ports: Ports) -> None:
    """Register a unit's public keys with the operator's one-time code and a proof of possession.

    Raises:
        HybridKeyRequired: the reading key is not of the kind that this deployment wants.
        EnrolmentRefused: the code, the keys or the proof do not hold; the code is not spent by a bad proof.
    """
    unit = UnitId(enrolment.unit)
    if unit not in ports.catalogue.units and not unit.startswith(AUDITOR):
        raise EnrolmentRefused
    try:
        public = PublicKeys.parse(enrolment.jwks)
        claimed = public.verify_possession(enrolment.proof)
    except KeysUnusable as error:
        raise EnrolmentRefused from error
    if not hmac.compare_digest(claimed, enrolment.code.encode()):
        raise EnrolmentRefused
    service_keys.require_hybrid(public, ports)
    now = ports.clock()
    with ports.store.write() as tx:
        if not tx.spend_enrolment(unit, hashlib.sha256(enrolment.code.encode()).digest(), at=now):
            raise EnrolmentRefused
        service_keys.add(tx, unit, public, at=now)
        kids = {"enc": public.enc["kid"], "sig": public.sig["kid"]}
        service_keys.enter(tx, "service.enrolled", unit, kids, at=now, ports=ports)
