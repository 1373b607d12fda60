"""Questions to whoever wants to be asked first."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import bindparam, insert, select, update

from broker.domain.ids import QuestionId, SubjectId
from broker.domain.questions import Question
from broker.errors import Contended
from broker.store import tables
from broker.store.faults import readable
from broker.store.part import Part

_QUESTION = TypeAdapter(Question)

_ONE = select(tables.question.c.body).where(tables.question.c.id == bindparam("question"))
_SAVE = (
    update(tables.question)
    .where(
        tables.question.c.id == bindparam("question"), tables.question.c.version == bindparam("was")
    )
    .values(version=bindparam("now"), closes=bindparam("new_closes"), body=bindparam("new_body"))
)
_OF = (
    select(tables.question.c.body)
    .where(tables.question.c.subject == bindparam("subject"))
    .order_by(tables.question.c.position.desc())
    .limit(bindparam("limit"))
)
_COUNTING = (
    select(tables.question.c.body)
    .where(
        tables.question.c.subject.in_(bindparam("subjects", expanding=True)),
        tables.question.c.closes > bindparam("at"),
    )
    .order_by(tables.question.c.position)
)


class Questions(Part):
    """Queries on questions."""

    def add_question(self, question: Question) -> None:
        """Keep a new question."""
        row = {
            "id": question.id,
            "subject": question.subject,
            "consent": question.consent,
            "closes": question.closes,
            "version": question.version,
            "body": _body(question),
        }
        self._run(insert(tables.question).inline(), row)

    def save_question(self, question: Question, *, was: int) -> None:
        """Put the next version in place of version ``was``. Raises ``Contended`` when it is not at that version any more."""
        row = {
            "question": question.id,
            "was": was,
            "now": question.version,
            "new_closes": question.closes,
            "new_body": _body(question),
        }
        if self._run(_SAVE, row).rowcount != 1:
            raise Contended

    def question(self, question: QuestionId) -> Question | None:
        """A question by its id, whosever it is."""
        found = self._run(_ONE, {"question": question}).scalar()
        return None if found is None else _read(found)

    def questions_of(self, subject: SubjectId, *, limit: int) -> Sequence[Question]:
        """The latest on a subject's consents, newest first, whatever became of them."""
        rows = self._run(_OF, {"subject": subject, "limit": limit})
        return tuple(_read(body) for body in rows.scalars())

    def questions_counting(
        self, subjects: Iterable[SubjectId], *, at: datetime
    ) -> Sequence[Question]:
        """Those on these subjects' consents that wait, let something, or keep from asking, oldest first."""
        rows = self._run(_COUNTING, {"subjects": sorted(subjects), "at": at})
        found = (_read(body) for body in rows.scalars())
        return tuple(question for question in found if question.counts(at))


def _body(question: Question) -> str:
    return _QUESTION.dump_json(question).decode()


def _read(body: str) -> Question:
    with readable():
        return _QUESTION.validate_json(body)
