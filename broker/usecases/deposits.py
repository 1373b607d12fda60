"""Deposits: a source's sealed values, admitted under the subject's key. The broker cannot open what it keeps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from audit.entries import Entry
from broker.domain.facets import facets
from broker.domain.ids import RecordId, SubjectId, UnitId
from broker.errors import (
    CustodianDown,
    DepositBindingBroken,
    DepositKeyInvalid,
    HybridKeyRequired,
    NotASource,
    ObservedInFuture,
    RecordExists,
    SubjectErased,
    UnknownDepositField,
    UnknownService,
)
from broker.ports import Ports, Transaction
from broker.usecases.call import CLOCK_SKEW, Call, once
from broker.usecases.dropout import tell_of_dropout
from broker.usecases.people import known
from keys.errors import CustodianError, DepositKeyWrong, SubjectShredded
from tillit.envelopes import AT_REST_KID, DEPOSIT_KID, HPKE_ALG, has_field_form
from tillit.jcs import canonical
from tillit.jose import strict_json, unb64u
from tillit.manifests import manifest_hash
from tillit.wire import (
    SUBJECT,
    Deposit,
    DepositAnswer,
    DepositItem,
    DepositManifest,
    FieldName,
    RecipientHeader,
)
from tillit.wire import RecordId as WireRecordId
from tillit.wire import UnitId as WireUnitId

AT_REST = RecipientHeader(alg="A256KW", kid=AT_REST_KID)


class Binding(BaseModel):
    """What a sealed value's associated data must say."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    v: Literal[1]
    field: FieldName
    record: WireRecordId
    source: WireUnitId


def deposit(deposit: Deposit, *, call: Call, ports: Ports) -> DepositAnswer:
    """Admit a source's sealed values about one subject, all or none.

    Raises:
        UnknownHandle, UnknownDepositField, NotASource, DepositBindingBroken, DepositKeyInvalid, HybridKeyRequired,
        RecordExists, ObservedInFuture: see each; nothing was stored.
        CustodianDown: the custodian is locked or gone.
    """

    def act(tx: Transaction) -> DepositAnswer:
        subject = known(tx, call.unit, deposit.subject)
        now = ports.clock()
        fields = keep(tx, subject, deposit, source=call.unit, now=now, ports=ports)
        content = {
            "fields": fields,
            "key": deposit.key.kid,
            "source": call.unit,
            "subject": deposit.subject,
        }
        tx.append(Entry("deposit", now, content, subject, facets(services=(call.unit,))))
        tell_of_dropout(tx, subject, fields, source=call.unit, now=now, ports=ports)
        return DepositAnswer(deposited=fields)

    return once(act, answers=DepositAnswer, call=call, ports=ports)


def keep(
    tx: Transaction,
    subject: SubjectId,
    deposit: Deposit,
    *,
    source: UnitId,
    now: datetime,
    ports: Ports,
    asked_for: bool = True,
) -> dict[FieldName, WireRecordId]:
    """Check, admit and keep sealed values from one source, all or none; gives field → record. Raises as ``deposit``.

    Without ``asked_for`` no ask finds them.
    """
    bindings = _bindings(deposit, unit=source, now=now, ports=ports)
    manifest = DepositManifest(
        v=1,
        source=source,
        subject=deposit.subject,
        fields={b.field: b.record for b in bindings},
    )
    for binding in bindings:
        if tx.has_record(RecordId(binding.record)):
            raise RecordExists
    items = _admitted(deposit, bindings, manifest, subject=subject, ports=ports)
    tx.add_records(subject, source, items, at=now, asked_for=asked_for)
    return dict(manifest.fields)


def _bindings(
    deposit: Deposit, *, unit: UnitId, now: datetime, ports: Ports
) -> tuple[Binding, ...]:
    bindings = tuple(_binding(item, unit=unit) for item in deposit.items)
    if len({b.field for b in bindings}) != len(bindings):
        raise DepositBindingBroken("a field stands twice in the deposit")
    if len({b.record for b in bindings}) != len(bindings):
        raise DepositBindingBroken("a record id stands twice in the deposit")
    for item, binding in zip(deposit.items, bindings, strict=True):
        _check_source(binding.field, unit=unit, ports=ports)
        if item.observed_at > now + CLOCK_SKEW:
            raise ObservedInFuture(f"observed_at of {binding.field} lies in the future")
    return bindings


def _binding(item: DepositItem, *, unit: UnitId) -> Binding:
    try:
        aad = unb64u(item.sealed.aad)
        said = strict_json(aad)
        binding = Binding.model_validate(said)
    except ValueError as error:
        raise DepositBindingBroken(
            "the associated data is not {v, field, record, source}"
        ) from error
    if canonical(said) != aad:
        raise DepositBindingBroken("the associated data is not canonical JSON")
    if binding.source != unit:
        raise DepositBindingBroken("the associated data names another source")
    if not has_field_form(item.sealed):
        raise DepositBindingBroken("a value is sealed in a form that no recipient opens")
    if item.sealed.header.kid != DEPOSIT_KID:
        raise DepositBindingBroken("the content key is not wrapped under the deposit key")
    return binding


def _check_source(field: FieldName, *, unit: UnitId, ports: Ports) -> None:
    defined = ports.catalogue.fields.get(field)
    if defined is None:
        raise UnknownDepositField(f"{field} is not in the catalogue")
    if unit == SUBJECT and defined.authored_by == "subject":
        return
    service = ports.catalogue.units.get(unit)
    if service is None:
        raise UnknownService
    if defined.authored_by is not None or service.type not in defined.source_types:
        raise NotASource(f"a {service.type} is no source of {field}")


def _admitted(
    deposit: Deposit,
    bindings: Sequence[Binding],
    manifest: DepositManifest,
    *,
    subject: SubjectId,
    ports: Ports,
) -> tuple[DepositItem, ...]:
    if ports.post_quantum and deposit.key.alg != HPKE_ALG:
        raise HybridKeyRequired
    wrapped = {
        binding.record: item.sealed.encrypted_key
        for item, binding in zip(deposit.items, bindings, strict=True)
    }
    try:
        admitted = ports.custodian.admit(
            subject=subject,
            key=deposit.key,
            wrapped=wrapped,
            manifest_hash=manifest_hash(manifest),
        )
    except DepositKeyWrong as error:
        raise DepositKeyInvalid from error
    except SubjectShredded as error:
        raise SubjectErased from error
    except CustodianError as error:
        raise CustodianDown from error
    return tuple(
        item.model_copy(
            update={
                "sealed": item.sealed.model_copy(
                    update={"header": AT_REST, "encrypted_key": admitted[binding.record]}
                )
            }
        )
        for item, binding in zip(deposit.items, bindings, strict=True)
    )
