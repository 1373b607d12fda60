"""Using up: what a release takes of yeses that are good for one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.domain.facts import Facts
from broker.domain.ids import ConsentId, DisclosureId, GrantId
from broker.domain.questions import Question
from broker.errors import Contended
from broker.ports import Transaction
from broker.stored import Deposited
from tillit.wire import FieldName, Ground

Line = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The value a permitted field is answered with, and the grounds it rests on."""

    value: Deposited
    grounds: tuple[Ground, ...]


def use_up(
    tx: Transaction,
    chosen: Mapping[FieldName, Chosen],
    facts: Facts,
    *,
    lets: Mapping[tuple[ConsentId, GrantId, str], Question],
    disclosure: DisclosureId,
) -> None:
    """Use up the single-use grants, and the yeses to one ask, that carry a field alone.

    The subject's own and the family's are used each for themselves.

    Raises:
        Contended: another disclosure used one up since the facts were read.
    """
    grants = {(c.id, c.version, g.id): g.condition for c in facts.consents for g in c.grants}
    single = {line for line, condition in grants.items() if condition.kind == "once"}
    asking = {line for line, condition in grants.items() if condition.also == "ask_me_first"}
    family = {consent.id for consent in facts.consents if consent.third_party}
    used, answered = set[Line](), dict[str, Question]()
    for name, field in chosen.items():
        for line in _alone(field.grounds, single | asking, family):
            if line in single:
                used.add(line)
            if line in asking:
                question = lets[ConsentId(line[0]), GrantId(line[2]), name]
                answered[question.id] = question
    for consent, version, grant in sorted(used):
        if not tx.use_grant(ConsentId(consent), version, GrantId(grant), disclosure):
            raise Contended
    for _, question in sorted(answered.items()):
        tx.save_question(question.use(disclosure), was=question.version)


def _alone(grounds: Iterable[Ground], bound: set[Line], family: set[str]) -> Iterable[Line]:
    """Of the subject's lines, and of the family's, the first where all are good for one release only."""
    for theirs in (False, True):
        lines = [(g.id, g.version, g.grant) for g in grounds if (g.id in family) == theirs]
        if lines and all(line in bound for line in lines):
            yield lines[0]
