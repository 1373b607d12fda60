"""Disclosures: handing out what was recorded, once or again, and the proof that it stands in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audit.entries import Entry
from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision
from broker.domain.explaining import explain
from broker.domain.facets import of_manifest
from broker.domain.hiding import TELLS
from broker.domain.ids import ConsentId, DisclosureId, InvocationId, PersonKey, RecordId, UnitId
from broker.errors import (
    CustodianDown,
    DisclosureGone,
    HybridKeyRequired,
    NoRecipientKey,
    ProofPending,
    StoreDown,
    SubjectErased,
    TooManyReleases,
    UnknownDisclosure,
)
from broker.ports import Ports, Transaction
from broker.stored import Disclosure
from broker.usecases import receipts
from broker.usecases.people import myself
from broker.usecases.service_keys import is_hybrid
from keys.errors import CustodianError, RecipientKeyUnusable, ReleaseRateExceeded, SubjectShredded
from keys.warrants import Warrant
from tillit.manifests import manifest_bytes
from tillit.receipts import read_unsafe
from tillit.wire import (
    SUBJECT,
    DisclosureAnswer,
    FieldName,
    Ground,
    Language,
    ProofAnswer,
    Reason,
    RecipientHeader,
    SealedField,
    SealedKey,
)

Sealed = tuple[dict[FieldName, SealedField], SealedKey, dict[FieldName, SealedField]]
"""Values, their key, and what the subject says to those they contest."""
_STOPPED = (
    DisclosureGone,
    CustodianDown,
    HybridKeyRequired,
    NoRecipientKey,
    SubjectErased,
    TooManyReleases,
)


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A recipient's encryption key as it was when a disclosure was recorded; ``jwk`` is None when it had none."""

    kid: str | None
    jwk: Mapping[str, object] | None


def again(
    identity: DisclosureId, *, unit: UnitId, language: Language, ports: Ports
) -> DisclosureAnswer:
    """Hand out a disclosure to its recipient once more, if what it rested on still stands.

    Raises:
        UnknownDisclosure: none by that id was made to this unit.
        DisclosureGone: a consent it rested on changed since, or it has expired.
    """
    with ports.store.read() as tx:
        disclosure = tx.disclosure(identity)
    if disclosure is None or disclosure.recipient != unit:
        raise UnknownDisclosure
    return hand_out(disclosure, None, language=language, ports=ports)


def hand_out(
    disclosure: Disclosure, key: RecipientKey | None, *, language: Language, ports: Ports
) -> DisclosureAnswer:
    """Re-address the recorded fields to the recipient while the consents they rest on are held still.

    ``key`` is given where this very call recorded it, so that its erasure cannot have been attested yet.

    Raises:
        DisclosureGone: a consent it rested on changed since, or time alone has changed the answer, or the key it was
            recorded for is no longer the recipient's; logged.
        TooManyReleases: so many went to the recipient that it must wait; logged.
        CustodianDown: the custodian could not re-address; logged, and the same call can be repeated.
        NoRecipientKey: the recipient has no usable encryption key.
        SubjectErased: the subject's key was shredded.
    """
    sealed: dict[FieldName, SealedField] = {}
    objections: dict[FieldName, SealedField] = {}
    sealed_key: SealedKey | None = None
    try:
        disclosure = _with_receipt(disclosure, ports)
        if disclosure.manifest.fields:
            sealed, sealed_key, objections = _released(disclosure, key, ports)
    except _STOPPED as stopped:
        _log_stopped(disclosure, stopped.code, ports)
        raise
    return DisclosureAnswer(
        id=disclosure.id,
        outcome=disclosure.decision.outcome,
        sealed=sealed,
        key=sealed_key,
        objections=objections,
        grounds={n: permit.grounds for n, permit in disclosure.decision.permitted().items()},
        withheld=reasons(disclosure.decision, language=language, ports=ports),
        manifest=disclosure.manifest,
        stable_until=disclosure.decision.stable_until,
        receipt=disclosure.receipt,
        explanation=explain(
            disclosure.decision,
            disclosure.facts,
            ports.catalogue,
            language,
            to_subject=disclosure.recipient == SUBJECT,
        ),
    )


def _with_receipt(disclosure: Disclosure, ports: Ports) -> Disclosure:
    whole = receipts.opened([disclosure], custodian=ports.custodian)
    if not whole:
        raise DisclosureGone("its receipt is gone with its time")
    return whole[0]


def proof(
    identity: DisclosureId, *, reader: UnitId | PersonKey, person: bool, ports: Ports
) -> ProofAnswer:
    """The inclusion proof of a disclosure's leaf, for its recipient or its subject.

    Raises:
        UnknownDisclosure: none by that id concerns the reader, or the subject is to be told of it later.
        ProofPending: logged, but not yet in a signed tree.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        disclosure = tx.disclosure(identity)
        if disclosure is None or not _concerns(tx, disclosure, reader, person=person, now=now):
            raise UnknownDisclosure
        found = tx.proof(disclosure.leaf_hash)
    if found is None:
        raise ProofPending
    return found


def reasons(
    decision: Decision, *, language: Language, ports: Ports
) -> dict[FieldName, tuple[Reason, ...]]:
    """Withheld fields with each reason in words."""
    return {
        name: tuple(
            Reason(code=code, text=ports.catalogue.text("reason", code, language))
            for code in answer.reasons
        )
        for name, answer in decision.withheld().items()
    }


def _concerns(
    tx: Transaction,
    disclosure: Disclosure,
    reader: UnitId | PersonKey,
    *,
    person: bool,
    now: datetime,
) -> bool:
    if person:
        told = disclosure.told_at is None or disclosure.told_at <= now
        return told and disclosure.subject == myself(tx, PersonKey(reader))
    return disclosure.recipient == reader


def recipient_key(tx: Transaction, unit: UnitId, kid: str | None = None) -> RecipientKey:
    """The unit's newest encryption key, or the one by that id, which may have an end but must not be revoked."""
    registered = [key for key in tx.service_keys(unit) if key.use == "enc"]
    if kid is None:
        keys = [key for key in registered if key.ends_at is None and key.revoked_at is None]
    else:
        keys = [key for key in registered if key.kid == kid and key.revoked_at is None]
    return RecipientKey(keys[-1].kid, keys[-1].jwk) if keys else RecipientKey(None, None)


def _reader(recipient: RecipientKey, ports: Ports) -> Mapping[str, object]:
    """The key to seal to. Raises ``NoRecipientKey`` or ``HybridKeyRequired``."""
    if recipient.jwk is None:
        raise NoRecipientKey
    if ports.post_quantum and not is_hybrid(recipient.jwk):
        raise HybridKeyRequired
    return recipient.jwk


def _recorded_for(tx: Transaction, disclosure: Disclosure) -> RecipientKey:
    """The key that the receipt names, which alone the custodian releases to."""
    kid = read_unsafe(disclosure.receipt).statement.recipient_kid
    key = recipient_key(tx, disclosure.recipient, kid)
    if key.jwk is not None and kid is None:
        raise DisclosureGone("it was recorded for no key; ask anew")
    if key.jwk is None and kid is not None:
        raise DisclosureGone("the key it was recorded for is not the recipient's any more")
    return key


def _released(disclosure: Disclosure, key: RecipientKey | None, ports: Ports) -> Sealed:
    manifest, fresh = disclosure.manifest, key is not None
    # What time alone has changed since (an end, a birthday, a membership) the decision itself foresaw.
    until = min(manifest.expires_at, disclosure.decision.stable_until or manifest.expires_at)
    now = ports.clock()
    if now >= until:
        raise DisclosureGone("the time in which it could be handed out has run out")
    rests_on = [(ConsentId(consent.id), consent.version) for consent in manifest.consents]
    with ports.store.hold(rests_on) as tx:
        if tx is None:
            raise DisclosureGone("a consent it rested on has changed since")
        _check_invocations(tx, disclosure, at=now)
        _check_stage(tx, disclosure)
        _check_hidden(tx, disclosure, catalogue=ports.catalogue)
        if not fresh:
            _check_objections(tx, disclosure, catalogue=ports.catalogue)
            _check_contests(tx, disclosure)
        if not fresh and tx.erased([disclosure.id]):
            raise DisclosureGone("the recipient has attested its erasure")
        recipient = key or _recorded_for(tx, disclosure)
        reader = _reader(recipient, ports)
        said = {name: f.contested.record for name, f in manifest.fields.items() if f.contested}
        records = [RecordId(field.record) for field in manifest.fields.values()]
        stored = tx.sealed(disclosure.subject, [*records, *map(RecordId, said.values())])
        try:
            released = ports.custodian.release(
                subject=disclosure.subject,
                wrapped={record: sealed.encrypted_key for record, sealed in stored.items()},
                recipient_jwk=reader,
                kid=str(recipient.kid),
                warrant=Warrant(
                    disclosure.receipt, disclosure.manifest_bytes or manifest_bytes(manifest)
                ),
            )
        except SubjectShredded as error:
            raise SubjectErased from error
        except RecipientKeyUnusable as error:
            raise NoRecipientKey from error
        except ReleaseRateExceeded as error:
            raise TooManyReleases(retry_after=error.retry_after) from error
        except CustodianError as error:
            raise CustodianDown(error.code) from error
    header = RecipientHeader(alg="A256KW", kid=disclosure.id)

    def addressed(record: str) -> SealedField:
        update = {"header": header, "encrypted_key": released.wrapped[record]}
        return stored[RecordId(record)].model_copy(update=update)

    return (
        {name: addressed(field.record) for name, field in manifest.fields.items()},
        released.key,
        {name: addressed(record) for name, record in said.items()},
    )


def _check_invocations(tx: Transaction, disclosure: Disclosure, *, at: datetime) -> None:
    """Raises ``DisclosureGone`` unless every statute it rests on that somebody had to invoke is still relied on."""
    relied_on = {
        ground.grant
        for permit in disclosure.decision.permitted().values()
        for ground in permit.grounds
        if ground.kind != "consent" and ground.grant
    }
    for identity in sorted(relied_on):
        invocation = tx.invocation(InvocationId(identity))
        if invocation is None or not invocation.open_at(at):
            raise DisclosureGone("the time in which the statute was relied on has run out")


def _check_stage(tx: Transaction, disclosure: Disclosure) -> None:
    """Raises ``DisclosureGone`` where the case has gone back in its pathway since."""
    then = disclosure.facts.stage
    if then > 0:
        now = tx.stage(disclosure.subject, disclosure.facts.ask.collaboration)
        if now is None or now.number < then:
            raise DisclosureGone("the case has gone back in its pathway since")


def _check_objections(tx: Transaction, disclosure: Disclosure, *, catalogue: Catalogue) -> None:
    """Raises ``DisclosureGone`` where the subject has since spoken against sharing what rests on nothing stronger."""
    since = {o.category for o in tx.objections(disclosure.subject) if o.at >= disclosure.at}
    yielding = {
        catalogue.fields[name].category
        for name, permit in disclosure.decision.permitted().items()
        if all(_yields(ground, catalogue) for ground in permit.grounds)
    }
    if since & yielding:
        raise DisclosureGone("the subject has spoken against sharing it since")


def _check_contests(tx: Transaction, disclosure: Disclosure) -> None:
    """Raises ``DisclosureGone`` where a value is contested otherwise than the manifest says."""
    contests = tx.contests(disclosure.subject)
    for field in disclosure.manifest.fields.values():
        held = contests.get(RecordId(field.record))
        if (held and held.objection) != (field.contested and field.contested.record):
            raise DisclosureGone("what the subject says to a value has changed since; ask anew")


def _check_hidden(tx: Transaction, disclosure: Disclosure, *, catalogue: Catalogue) -> None:
    """Raises ``DisclosureGone`` where the subject hides now that one of the sources is involved, and a yes alone says so."""
    told = {
        ground.source
        for name, permit in disclosure.decision.permitted().items()
        if catalogue.fields[name].category == TELLS
        for ground in permit.grounds
        if ground.kind == "consent"
    }
    if told and told & tx.hidden(disclosure.subject).keys():
        raise DisclosureGone("the subject hides since that the service is involved")


def _yields(ground: Ground, catalogue: Catalogue) -> bool:
    """Whether an objection stops what rests on the ground: a yes, or a statute that holds unless the subject objects."""
    statute = catalogue.statutes.get(ground.id)
    return statute is None or statute.unless_objected


def _log_stopped(disclosure: Disclosure, code: str, ports: Ports) -> None:
    """Say in the log that a recorded disclosure was not handed out this time, and why, if the log can be written."""
    content = {"code": code, "disclosure": disclosure.id, "recipient": disclosure.recipient}
    found_by = of_manifest(disclosure.manifest, ports.catalogue, reasons=(code,))
    try:
        with ports.store.write() as tx:
            tx.append(
                Entry("release.stopped", ports.clock(), content, disclosure.subject, found_by)
            )
    except StoreDown:
        return
