"""A disclosure made by hand: source, custodian, broker's paperwork and recipient, without a broker.

Every step is the product's own; only the decision is put in by the test. ``Disclosed`` is what the
recipient holds in the end, and what attack tests take apart.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import keyring
from keys.boxes import Cost
from keys.custodian import Custodian
from keys.keyring import LocalCustodian
from keys.warrants import Warrant
from tillit import receipts
from tillit.jose import b64u, ed25519_jwk, unb64u
from tillit.keys import ServiceKey
from tillit.manifests import manifest_bytes, manifest_hash
from tillit.opening import Opened, open_disclosure
from tillit.sealing import SubjectRef, Value, seal_deposit
from tillit.wire import (
    Actor,
    Ask,
    BrokerKeys,
    Deposit,
    DepositManifest,
    DisclosureAnswer,
    Ground,
    Manifest,
    ManifestConsent,
    ManifestField,
    Obligations,
    PolicyRef,
    Promise,
    Reason,
    Receipt,
    RecipientHeader,
    SealedField,
    Statement,
)

CHEAP = Cost(n=2**4, r=1, p=1)
PASSPHRASE = b"a passphrase of the tests"
NATIONAL_ID = "01817500000"
OBSERVED = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 9, 15, 30, 123456, tzinfo=UTC)
ISSUER = "https://tillit.example"
SOURCE, RECIPIENT, SUBJECT = "ot-vestfold", "nav-larvik", "sub_emil"
SOURCE_HANDLE, RECIPIENT_HANDLE = "hdl_" + "A" * 22, "hdl_" + "B" * 22
DISCLOSURE = "dis_" + "D" * 22
CONSENT = "con_" + "C" * 22
WITHHELD = "health.diagnosis"
TWO_VALUES = (
    Value("functioning.social", "trives i små grupper", OBSERVED, "stated_by_subject", "teacher"),
    Value(
        "plan.goals", {"first": "læreplass", "ranks": [1, 2]}, OBSERVED, "measured", "counsellor"
    ),
)

_FAR = datetime(2999, 1, 1, tzinfo=UTC)
_POLICY = PolicyRef(version="2026.11.1", digest="sha256:" + "0" * 64)
_OBLIGATIONS = Obligations(
    notify="immediate", erase_after="P30D", onward_sharing=False, journal=True
)


def counting(seed: str) -> Callable[[int], bytes]:
    """A source of bytes that gives the same ones in every run."""
    count = iter(range(1_000_000))
    return lambda size: hashlib.shake_256(f"{seed} {next(count)}".encode()).digest(size)


def local_custodian(directory: Path) -> LocalCustodian:
    """A custodian on a keyring of its own, behind a passphrase that costs little."""
    keyring.create(directory, PASSPHRASE, cost=CHEAP)
    return LocalCustodian(directory, lambda: PASSPHRASE, clock=lambda: NOW)


def deposited(
    values: Sequence[Value],
    *,
    source: ServiceKey,
    custodian_jwk: Mapping[str, Any],
    seed: str = SOURCE,
) -> Deposit:
    """The values, sealed by their source, as they cross the wire."""
    deposit = seal_deposit(
        values,
        key=source,
        subject=SubjectRef(SOURCE_HANDLE, NATIONAL_ID),
        custodian_jwk=custodian_jwk,
        randomness=counting(seed),
    )
    return Deposit.model_validate_json(deposit.model_dump_json())


def named(deposit: Deposit, source: str = SOURCE) -> tuple[DepositManifest, dict[str, SealedField]]:
    """What the broker reads off a deposit: its manifest, and the sealed fields by name."""
    aads = [json.loads(unb64u(item.sealed.aad)) for item in deposit.items]
    records = {aad["field"]: aad["record"] for aad in aads}
    manifest = DepositManifest(v=1, source=source, subject=deposit.subject, fields=records)
    sealed = {a["field"]: i.sealed for a, i in zip(aads, deposit.items, strict=True)}
    return manifest, sealed


def admit(custodian: Custodian, deposit: Deposit, subject: str = SUBJECT) -> dict[str, str]:
    """Hand a deposit's content keys to the custodian."""
    manifest, sealed = named(deposit)
    return custodian.admit(
        subject=subject,
        key=deposit.key,
        wrapped={manifest.fields[name]: field.encrypted_key for name, field in sealed.items()},
        manifest_hash=manifest_hash(manifest),
    )


@dataclass(frozen=True)
class Disclosed:
    """A disclosure as its recipient holds it, with everybody's keys and the deposit behind it."""

    answer: DisclosureAnswer
    asked: Ask
    recipient: ServiceKey
    source: ServiceKey
    custodian: LocalCustodian
    receipts: Ed25519PrivateKey
    deposit: Deposit
    national_id: str = NATIONAL_ID

    def opened(self, *, now: datetime | None = None) -> Opened:
        """What the recipient's SDK makes of it."""
        keys = {"keys": [ed25519_jwk(self.receipts.public_key())]}
        trust = BrokerKeys(
            issuer=ISSUER, receipts=keys, custodian=self.custodian.public_jwk(), log=""
        )
        return open_disclosure(
            self.answer,
            key=self.recipient,
            source_keys={self.source.unit: self.source.public_jwks()},
            broker_keys=trust,
            national_id=self.national_id,
            asked=self.asked,
            now=now,
        )

    def changed(self, **answer: Any) -> "Disclosed":
        """The same with members of the answer changed on its way; nothing checks the new ones."""
        return replace(self, answer=self.answer.model_copy(update=answer))

    def resigned(
        self, answer: DisclosureAnswer | None = None, *, issuer: str = ISSUER, **statement: Any
    ) -> "Disclosed":
        """The same by a broker that lies.

        Manifest hash and signature made to fit, members changed.
        """
        answer = answer or self.answer
        old = receipts.verify(
            self.answer.receipt, {"keys": [ed25519_jwk(self.receipts.public_key())]}
        )
        fitting = {"manifest": b64u(manifest_hash(answer.manifest)), **statement}
        receipt = Receipt(
            v=1,
            iss=issuer,
            statement=old.statement.model_copy(update=fitting),
            promise=old.promise,
        )
        token = receipts.issue(receipt, self.receipts)
        return replace(self, answer=answer.model_copy(update={"receipt": token}))


def disclosed(
    directory: Path,
    values: Sequence[Value] = TWO_VALUES,
    *,
    hybrid: bool = False,
    identity: str = DISCLOSURE,
    custodian: LocalCustodian | None = None,
) -> Disclosed:
    """Deposit, admit, release and receipt: a disclosure of the values, one more field withheld."""
    custodian = custodian or local_custodian(directory)
    source = ServiceKey.generate(SOURCE, randomness=counting("source"))
    recipient = ServiceKey.generate(RECIPIENT, hybrid=hybrid, randomness=counting("recipient"))
    deposit = deposited(values, source=source, custodian_jwk=custodian.public_jwk())
    stored = admit(custodian, deposit)
    fields, sealed = named(deposit)
    observed = dict(zip(fields.fields, (i.observed_at for i in deposit.items), strict=True))
    asked = _ask(tuple(fields.fields))
    manifest = _manifest(identity, asked, fields, observed)
    enc = recipient.public_jwks()["keys"][1]
    signer = custodian.broker_keys().receipts
    receipt = receipts.issue(_receipt(asked, manifest, enc["kid"]), signer)
    released = custodian.release(
        subject=SUBJECT,
        wrapped=stored,
        recipient_jwk=enc,
        kid=enc["kid"],
        warrant=Warrant(receipt, manifest_bytes(manifest)),
    )
    header = RecipientHeader(alg="A256KW", kid=identity)
    answer = DisclosureAnswer(
        id=identity,
        outcome="partly_released",
        sealed={
            name: field.model_copy(
                update={"header": header, "encrypted_key": released.wrapped[fields.fields[name]]}
            )
            for name, field in sealed.items()
        },
        key=released.key,
        grounds={name: (_ground(),) for name in fields.fields},
        withheld={WITHHELD: (Reason(code="consent.no_grant", text="Ikke samtykket."),)},
        manifest=manifest,
        stable_until=None,
        receipt=receipt,
    )
    crossed = DisclosureAnswer.model_validate_json(answer.model_dump_json())
    return Disclosed(crossed, asked, recipient, source, custodian, signer, deposit)


def _ask(fields: tuple[str, ...]) -> Ask:
    return Ask(
        subject=RECIPIENT_HANDLE,
        fields=(*fields, WITHHELD),
        purpose="case_discussion",
        actor=Actor(id="a17", role="veileder"),
        collaboration="ungdomsutvalget-larvik",
    )


def _ground() -> Ground:
    return Ground(kind="consent", id=CONSENT, version=3, grant="g2", source=SOURCE)


def _manifest(
    identity: str, asked: Ask, deposit: DepositManifest, observed: Mapping[str, datetime]
) -> Manifest:
    return Manifest(
        v=1,
        disclosure=identity,
        recipient=RECIPIENT,
        subject=asked.subject,
        purpose=asked.purpose,
        collaboration=asked.collaboration,
        meeting=asked.meeting,
        fields={
            name: ManifestField(record=record, source=SOURCE, observed_at=observed[name])
            for name, record in deposit.fields.items()
        },
        consents=(ManifestConsent(id=CONSENT, version=3),),
        policy=_POLICY,
        obligations=_OBLIGATIONS,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )


def warrant_for(
    records: Iterable[str],
    kid: str | None,
    signer: Ed25519PrivateKey,
    *,
    manifest: Mapping[str, Any] = MappingProxyType({}),
    **statement: Any,
) -> Warrant:
    """A warrant to release these records to this key, beside any deposit.

    ``statement`` and ``manifest`` replace what a sound one says.
    """
    fields = {f"plan.field_{word(at)}": record for at, record in enumerate(records)}
    asked = _ask(("plan.goals",))
    named = DepositManifest.model_construct(
        v=1, source=SOURCE, subject=RECIPIENT_HANDLE, fields=fields
    )
    sound = _manifest(DISCLOSURE, asked, named, dict.fromkeys(fields, OBSERVED))
    says = manifest_bytes(sound.model_copy(update={"expires_at": _FAR, **manifest}))
    receipt = _receipt(asked, sound, kid)
    told = {"manifest": b64u(hashlib.sha256(says).digest()), **statement}
    changed = receipt.statement.model_copy(update=told)
    return Warrant(receipts.issue(receipt.model_copy(update={"statement": changed}), signer), says)


def word(number: int) -> str:
    """A number in letters, as names of fields have them."""
    return chr(97 + number // 26) + chr(97 + number % 26)


def _receipt(asked: Ask, manifest: Manifest, kid: str | None) -> Receipt:
    statement = Statement(
        type="disclosure",
        id=manifest.disclosure,
        at=NOW,
        recipient=RECIPIENT,
        actor=asked.actor,
        subject=asked.subject,
        purpose=asked.purpose,
        collaboration=asked.collaboration,
        meeting=asked.meeting,
        outcome="partly_released",
        manifest=b64u(manifest_hash(manifest)),
        decision={**dict.fromkeys(manifest.fields, "permit"), WITHHELD: ("consent.no_grant",)},
        policy=_POLICY,
        recipient_kid=kid,
    )
    promise = Promise(origin="tillit.example/log", at=NOW, salt=b64u(b"s" * 32))
    return Receipt(v=1, iss=ISSUER, statement=statement, promise=promise)
