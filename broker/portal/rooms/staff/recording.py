"""Recording: an answer given out loud or on paper, line by line, with who gave it, when, and what was read (N2)."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from broker.domain.errors import ConsentError, OutOfTime, SignerNotNeeded
from broker.domain.ids import ConsentId
from broker.domain.signatures import SignerKind
from broker.portal.forms import LinesForm
from broker.portal.mistakes import told
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.rooms.staff.telling import requested
from broker.portal.words import OSLO
from broker.usecases import consents, requests
from tillit.wire import MAX_GRANTS, Capture, GrantId, LineAnswer, Sha256

pages = Pages()

_WHEN = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.(20[0-9]{2}) ([0-9]{1,2})[:.]([0-9]{2})", re.ASCII)


class RecordQuery(BaseModel):
    """Whose answer it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    signer: SignerKind = "subject"


class RecordForm(LinesForm):
    """The answer. ``read``: of the text that the page showed; ``day`` and ``clock``: when it was given, as Norway writes it.

    ``scan``: the hash of the paper that it stands on; empty where it was given out loud.
    """

    lines: Annotated[Mapping[GrantId, LineAnswer], Field(max_length=MAX_GRANTS)] = MappingProxyType(
        {}
    )
    read: Sha256
    signer: SignerKind
    day: Annotated[str, StringConstraints(max_length=20)]
    clock: Annotated[str, StringConstraints(max_length=20)]
    child_heard: Literal["", "yes"] = ""
    attested: Literal["", "yes"] = ""
    scan: Sha256 | Literal[""] = ""


@pages.get("/staff/requests/{consent}/record", "fresh_employee", query=RecordQuery)
def recording(visit: Visit) -> Answer:
    """What to read out, and a line each for what is answered; nothing is chosen beforehand."""
    query: RecordQuery = visit.query
    return _recording(visit, query.signer)


@pages.post(
    "/staff/requests/{consent}/record",
    "fresh_employee",
    takes=RecordForm,
    most=MAX_GRANTS + 16,
    file="scan",
)
def record(visit: Visit) -> Answer:
    """Write it down. The youth is told at once, and can take it back with one act."""
    form: RecordForm = visit.form
    identity = ConsentId(visit.path["consent"])
    unit, ports = visit.employee.unit, visit.ports
    view = requests.to_record(identity, signer=form.signer, unit=unit, ports=ports)
    missing = {line.id for line in view.grants} - form.lines.keys()
    if missing or not form.attested:
        return _recording(visit, form.signer, missing=missing)
    if not view.grants:
        raise SignerNotNeeded
    try:
        captured = Capture(
            method="paper" if form.scan else "oral",
            scan_sha256=form.scan or None,
            signer=form.signer,
            read_out=form.read,
            answered_at=_moment(form),
            answers=dict(form.lines),
            actor=visit.actor,
            child_heard=form.child_heard == "yes",
        )
        consents.capture(identity, captured, call=visit.unit_call, ports=ports)
    except ConsentError as error:
        return _recording(visit, form.signer, wrong=error)
    return Onward(f"/staff/requests/{identity}")


def _moment(form: RecordForm) -> datetime:
    """When it was answered. Raises ``OutOfTime`` where no day and time of this century can be read."""
    read = _WHEN.fullmatch(f"{form.day.strip()} {form.clock.strip()}")
    try:
        day, month, year, hour, minute = map(int, read.groups() if read else ())
        return datetime(year, month, day, hour, minute, tzinfo=OSLO)
    except ValueError:
        raise OutOfTime from None


def _recording(
    visit: Visit,
    signer: SignerKind,
    *,
    missing: AbstractSet[str] = frozenset(),
    wrong: ConsentError | None = None,
) -> Answer:
    identity = ConsentId(visit.path["consent"])
    view = requests.to_record(identity, signer=signer, unit=visit.employee.unit, ports=visit.ports)
    if not view.waiting_for:
        if wrong is not None:
            raise wrong
        return Onward(f"/staff/requests/{identity}")
    form = visit.form if isinstance(visit.form, RecordForm) else None
    at = visit.ports.clock().astimezone(OSLO)
    return shown(
        "staff/record.html",
        status=200 if form is None else 422,
        refusal=wrong,
        request=requested(view, visit),
        signer=signer,
        guardians="guardian" in view.waiting_for,
        missing=missing,
        wrong=None if wrong is None else told(wrong, visit.words, at_work=True),
        chosen={} if form is None else form.lines,
        day=f"{at:%d.%m.%Y}" if form is None else form.day,
        clock=f"{at:%H:%M}" if form is None else form.clock,
        child_heard=form is not None and form.child_heard == "yes",
        unattested=form is not None and not form.attested,
    )
