"""What subjects choose: whom they hide, how they are told; and the notices that wait by it, to be handed on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Row, bindparam, delete, func, or_, select, update

from broker.domain.ids import SubjectId, UnitId
from broker.domain.noticing import How
from broker.store import choice_tables, tables
from broker.store.feeds import notice
from broker.store.part import Part
from broker.stored import Addressed, ChosenNotice

_NOTICE = tables.notice.c
_CHOSEN = choice_tables.notice_choice.c
_OF = (
    select(choice_tables.notice_choice)
    .where(_CHOSEN.subject == bindparam("whose"))
    .order_by(_CHOSEN.unit)
)
_HIDDEN = choice_tables.hidden_unit.c
_HIDES = (
    select(choice_tables.hidden_unit)
    .where(_HIDDEN.subject == bindparam("whose"))
    .order_by(_HIDDEN.unit)
)
# What a release that knows of no choices adds is due as it stands.
_TIMELESS = (
    _NOTICE.due_at.is_(None),
    _NOTICE.handed_at.is_(None),
    or_(
        _NOTICE.how == "at_once",
        func.coalesce(_NOTICE.told_at, _NOTICE.at) <= bindparam("moment"),
    ),
)
_ANY = select(_NOTICE.position).where(*_TIMELESS).limit(1)
_MADE_DUE = (
    update(tables.notice)
    .where(*_TIMELESS)
    .values(due_at=func.coalesce(_NOTICE.told_at, bindparam("now", type_=tables.Instant())))
)
_NO_DIGEST = (
    update(tables.notice)
    .where(
        _NOTICE.subject == bindparam("whose"),
        _NOTICE.unit == bindparam("named"),
        _NOTICE.how == "digest",
        _NOTICE.due_at.is_(None),
    )
    .values(
        how="at_once",
        due_at=func.coalesce(_NOTICE.told_at, bindparam("now", type_=tables.Instant())),
    )
)
_DUE = (
    select(tables.notice)
    .where(_NOTICE.handed_at.is_(None), _NOTICE.due_at <= bindparam("now"))
    .order_by(_NOTICE.due_at, _NOTICE.position)
    .limit(bindparam("limit"))
)


class Choosing(Part):
    """Queries on choices and on notices that wait."""

    def choose_notices(self, subject: SubjectId, chosen: ChosenNotice) -> None:
        """Keep how the subject is told of what a unit does, in place of what was chosen before."""
        said = {"how": chosen.how, "at": chosen.at}
        keys = [_CHOSEN.subject, _CHOSEN.unit]
        put = self._insert(choice_tables.notice_choice).on_conflict_do_update(
            index_elements=keys, set_=said
        )
        self._run(put, {"subject": subject, "unit": chosen.unit, **said})

    def forget_notice_choice(self, subject: SubjectId, unit: UnitId, *, at: datetime) -> bool:
        """Tell the subject each time again, and what waited for a digest as of now; False when nothing was chosen."""
        gone = delete(choice_tables.notice_choice).where(
            _CHOSEN.subject == subject, _CHOSEN.unit == unit
        )
        if self._run(gone).rowcount != 1:
            return False
        self._run(_NO_DIGEST, {"whose": subject, "named": unit, "now": at})
        return True

    def notice_choices(self, subject: SubjectId) -> Sequence[ChosenNotice]:
        """What the subject chose, by unit."""
        return tuple(
            ChosenNotice(UnitId(row.unit), _how(row), row.at)
            for row in self._run(_OF, {"whose": subject})
        )

    def hide(self, subject: SubjectId, unit: UnitId, *, at: datetime) -> bool:
        """Hide that a unit is involved; False when it is hidden already."""
        row = {"subject": subject, "unit": unit, "at": at}
        return self._insert_new(choice_tables.hidden_unit, row)

    def show(self, subject: SubjectId, unit: UnitId) -> bool:
        """Show it again; False when it is not hidden."""
        gone = delete(choice_tables.hidden_unit).where(
            _HIDDEN.subject == subject, _HIDDEN.unit == unit
        )
        return self._run(gone).rowcount == 1

    def hidden(self, subject: SubjectId) -> Mapping[UnitId, datetime]:
        """The units that the subject hides, by name, each since when."""
        return {UnitId(row.unit): row.at for row in self._run(_HIDES, {"whose": subject})}

    def notices_wait(self, *, digest: datetime) -> bool:
        """Whether any notice is to be made due, the digest of that moment among them."""
        return self._run(_ANY, {"moment": digest}).first() is not None

    def make_notices_due(self, *, digest: datetime, at: datetime) -> int:
        """Make due what waited for the digest of that moment; says how many."""
        return self._run(_MADE_DUE, {"moment": digest, "now": at}).rowcount

    def notices_due(self, *, at: datetime, limit: int) -> Sequence[Addressed]:
        """A page of the notices that are due by then and were not handed on, longest due first."""
        return tuple(
            Addressed(row.position, SubjectId(row.subject), notice(row))
            for row in self._run(_DUE, {"now": at, "limit": limit})
        )

    def hand_on_notices(self, positions: Iterable[int], *, at: datetime) -> Sequence[int]:
        """Mark these as handed on; those that nobody else had marked."""
        handed = (
            update(tables.notice)
            .where(_NOTICE.position.in_(list(positions)), _NOTICE.handed_at.is_(None))
            .values(handed_at=at)
            .returning(_NOTICE.position)
        )
        return tuple(sorted(self._run(handed).scalars()))


def _how(row: Row[*tuple[object, ...]]) -> How:
    return "digest" if row.how == "digest" else "at_once"
