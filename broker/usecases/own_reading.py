"""Own reading: the portal reads for the person who is logged in, with a key that lives as long as the reading.

The one place of the house where a process of the broker's holds values in clear (design.md § 4): for whoever they are about,
who asked for them, in memory, and each time an entry of the log.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import UnitId
from broker.ports import Ports
from broker.usecases import own_access, previewing, trust
from broker.usecases.call import PersonCall
from tillit import own
from tillit.keys import ServiceKey
from tillit.opening import OpenedValue
from tillit.own import OwnReading
from tillit.wire import SUBJECT, OwnValues, Preview, PreviewAnswer, PreviewField, PreviewService


def read(fields: Sequence[str] | None, *, call: PersonCall, ports: Ports) -> OwnReading:
    """What is written about the calling person: these fields, or everything, by source with when and on what basis.

    Opened with the SDK's own checks of receipt, manifest, seal and source signature. *Not checked*: that a value is about this
    very person (its subject tag), for which one must know the national identity number; the portal keeps none.

    Raises:
        as ``own_access.values``, and ``tillit.errors.VerificationError`` where something does not hold: nothing is shown then.
    """
    key = ServiceKey.generate(SUBJECT, hybrid=True, randomness=ports.randomness)
    asked = own.own_access(key, fields)
    answer = own_access.values(asked, call=call, ports=ports)
    return own.open_own_values(
        answer,
        key=key,
        asked=asked,
        source_keys=_source_keys(answer, ports),
        broker_keys=trust.keys(ports),
        now=ports.clock(),
    )


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field that a service would get, with the value it would get, and other values of the sources it may come from.

    Without any there is nothing to show: it could not be proven, or is about somebody else.
    """

    field: PreviewField
    values: tuple[OpenedValue, ...] = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class ShownService:
    """What one service would get, with real values."""

    service: PreviewService
    fields: tuple[ShownField, ...]


@dataclass(frozen=True, slots=True)
class ShownPreview:
    """A preview with real values (N12), and the preview that it was made of."""

    answer: PreviewAnswer
    services: tuple[ShownService, ...]


def preview(asked: Preview, *, call: PersonCall, ports: Ports) -> ShownPreview:
    """What each service would get if the calling person answered like this, with what really stands in each field.

    It costs one own access, of no more than the fields that some service would get.

    Raises:
        as ``previewing.preview`` and ``read``.
    """
    answer = previewing.preview(asked, call=call, ports=ports)
    names = sorted({given.name for service in answer.services for given in service.then})
    values = read(names, call=_unkeyed(call), ports=ports).values if names else {}
    return ShownPreview(answer, tuple(_shown(service, values) for service in answer.services))


def _shown(service: PreviewService, values: Mapping[str, tuple[OpenedValue, ...]]) -> ShownService:
    return ShownService(
        service,
        tuple(
            ShownField(
                given,
                tuple(one for one in values.get(given.name, ()) if one.source in given.sources),
            )
            for given in service.then
        ),
    )


def _unkeyed(call: PersonCall) -> PersonCall:
    """The same person's call without an idempotency key: each reading has a key of its own, and cannot be repeated."""
    return PersonCall(call.person, "", call.body_sha256, call.language)


def _source_keys(answer: OwnValues, ports: Ports) -> dict[str, Mapping[str, Any]]:
    """Unit → its public keys, for every source; of one that has none, nothing that can be believed."""
    sources = {f.source for one in answer.disclosures for f in one.manifest.fields.values()}
    with ports.store.read() as tx:
        return {
            source: trust.jwks_of(tx, UnitId(source), ports) or {"keys": []} for source in sources
        }
