"""Explaining: a decision in plain words, to the service that asked or to the subject it is about (N20, N28).

It says what the decision says and no more. Of the facts it looks up only what a ground names: who else was asked, who said no
and what others may know never reaches a text. A purpose that controls the subject gets the reason and nothing beside it (N27).
"""

from collections.abc import Callable
from datetime import UTC, datetime

from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision, Permit, Withhold
from broker.domain.facts import ConsentFacts, Facts, GrantFacts
from broker.domain.reviewing import all_reviewed, signing_reviewed
from broker.domain.shelves import Reason
from tillit.wire import Explanation, FieldExplanation, FieldName, Giver, Ground, Language

_MONTHS = {
    "nb": "januar februar mars april mai juni juli august september oktober november desember",
    "nn": "januar februar mars april mai juni juli august september oktober november desember",
    "en": "January February March April May June July August September October November December",
}
_DAY = {"nb": "{day}. {month} {year}", "nn": "{day}. {month} {year}", "en": "{day} {month} {year}"}
_SUMMARY = {
    "nb": {
        "released": "Svaret er ja til alt det er spurt om.",
        "partly_released": "Svaret er ja til {some} av {all} ting.",
        "refused": "Svaret er nei til alt det er spurt om.",
    },
    "nn": {
        "released": "Svaret er ja til alt det er spurt om.",
        "partly_released": "Svaret er ja til {some} av {all} ting.",
        "refused": "Svaret er nei til alt det er spurt om.",
    },
    "en": {
        "released": "The answer is yes to all that was asked for.",
        "partly_released": "The answer is yes to {some} of {all} things.",
        "refused": "The answer is no to all that was asked for.",
    },
}
_YES = {
    "nb": "{who} sa ja {day}. Det er linje {line} i ja-et. Det kommer fra {source}.",
    "nn": "{who} sa ja {day}. Det er linje {line} i ja-et. Det kjem frå {source}.",
    "en": "{who} said yes on {day}. It is line {line} of the yes. It comes from {source}.",
}
_SOME_YES = {
    "nb": "Det er sagt ja til dette. Det kommer fra {source}.",
    "nn": "Det er sagt ja til dette. Det kjem frå {source}.",
    "en": "There is a yes to this. It comes from {source}.",
}
_SUBJECT = {"nb": "Ungdommen", "nn": "Ungdommen", "en": "The youth"}
_YOU = {"nb": "Du", "nn": "Du", "en": "You"}
_PARENTS = {"nb": "foreldre", "nn": "foreldre", "en": "parents"}
_YOUR_PARENTS = {"nb": "foreldrene dine", "nn": "foreldra dine", "en": "your parents"}
_FAMILY_YES = {
    "nb": "Den det handler om sa ja {day}.",
    "nn": "Den det handlar om sa ja {day}.",
    "en": "The person it is about said yes on {day}.",
}
_AND = {"nb": "og", "nn": "og", "en": "and"}
_RULE = {
    "nb": "{what}. Det kommer fra {source}. Regelen står her: {law}.",
    "nn": "{what}. Det kjem frå {source}. Regelen står her: {law}.",
    "en": "{what}. It comes from {source}. The rule is here: {law}.",
}
_EMERGENCY = {
    "nb": "Dette er nødhjelp. {rule}",
    "nn": "Dette er naudhjelp. {rule}",
    "en": "This is emergency help. {rule}",
}
_UNTIL = {
    "nb": " Det varer til {day}.",
    "nn": " Det varer til {day}.",
    "en": " It lasts until {day}.",
}
_SOME_RULE = {
    "nb": "Det er en regel som sier at dette kan deles.",
    "nn": "Det er ein regel som seier at dette kan delast.",
    "en": "There is a rule that lets this be shared.",
}
_OWN = {
    "nb": ("Ungdommen leser det som står om seg selv.", "Du leser det som står om deg."),
    "nn": ("Ungdommen les det som står om seg sjølv.", "Du les det som står om deg."),
    "en": ("The youth reads what is written about them.", "You read what is written about you."),
}
NOT_REVIEWED = {
    "nb": "Ingen jurist har sett på denne regelen ennå.",
    "nn": "Ingen jurist har sett på denne regelen enno.",
    "en": "No lawyer has looked at this rule yet.",
}


def explain(
    decision: Decision,
    facts: Facts,
    catalogue: Catalogue,
    language: Language,
    *,
    to_subject: bool = False,
) -> Explanation:
    """Say a decision about these facts in plain words, field by field.

    ``to_subject``: to the youth it is about ("du"); else to the service that asked. Days are UTC ones, as in every text.
    """
    teller = _Teller(facts, catalogue, language, to_subject=to_subject)
    fields = {name: teller.field(name, answer) for name, answer in decision.fields.items()}
    summary = _SUMMARY[language][decision.outcome].format(
        some=len(decision.permitted()), all=len(decision.fields)
    )
    return Explanation(summary=summary, fields=fields)


class _Teller:
    """Tells one reader, in one language, of one ask."""

    def __init__(
        self, facts: Facts, catalogue: Catalogue, language: Language, *, to_subject: bool
    ) -> None:
        self._facts = facts
        self._catalogue = catalogue
        self._language = language
        self._to_subject = to_subject
        self._lines: dict[tuple[str, int, str], tuple[ConsentFacts, GrantFacts]] = {
            (consent.id, consent.version, grant.id): (consent, grant)
            for consent in facts.consents
            for grant in consent.grants
        }
        purpose = catalogue.purposes.get(facts.ask.purpose)
        self._hushed = purpose is not None and purpose.control and not to_subject
        self._said: dict[tuple[object, ...], FieldExplanation] = {}

    def field(self, name: FieldName, answer: Permit | Withhold) -> FieldExplanation:
        """One field's ground, or its reasons; said once for all fields of a category that have the same."""
        if isinstance(answer, Withhold):
            return self._once(answer.reasons, lambda: self._withheld(answer))
        grounds = ((g.kind, g.id, g.version, g.grant, g.source) for g in answer.grounds)
        key = (name.partition(".")[0], *grounds)
        return self._once(key, lambda: self._permitted(name, answer))

    def _once(
        self, key: tuple[object, ...], say: Callable[[], FieldExplanation]
    ) -> FieldExplanation:
        if key not in self._said:
            self._said[key] = say()
        return self._said[key]

    # --- what may be shared ---

    def _permitted(self, name: FieldName, answer: Permit) -> FieldExplanation:
        """Each source by the first of its grounds, the family's own beside it: another yes to the same says nothing new."""
        told: dict[tuple[str, str, bool], Ground] = {}
        for ground in answer.grounds:
            told.setdefault((ground.kind, ground.source, self._of_family(ground)), ground)
        grounds = told.values()
        return FieldExplanation(
            text=" ".join(self._ground(ground) for ground in grounds),
            reviewed=all(self._ground_reviewed(name, ground) for ground in grounds),
        )

    def _ground(self, ground: Ground) -> str:
        if ground.kind == "consent":
            return self._consent(ground)
        if ground.kind == "own_access":
            return _OWN[self._language][self._to_subject]
        return self._rule(ground)

    def _consent(self, ground: Ground) -> str:
        source = self._unit(ground.source)
        line = self._lines.get((ground.id, ground.version, ground.grant))
        if line is None:
            return _SOME_YES[self._language].format(source=source)
        consent, grant = line
        if consent.third_party:
            return _FAMILY_YES[self._language].format(day=self._day(consent.valid_from))
        return _YES[self._language].format(
            who=self._signers(grant),
            day=self._day(consent.valid_from),
            line=grant.id.removeprefix("g"),
            source=source,
        )

    def _of_family(self, ground: Ground) -> bool:
        line = self._lines.get((ground.id, ground.version, ground.grant))
        return line is not None and line[0].third_party

    def _signers(self, grant: GrantFacts) -> str:
        own = (_YOU if self._to_subject else _SUBJECT)[self._language]
        parents = (_YOUR_PARENTS if self._to_subject else _PARENTS)[self._language]
        if grant.signed.guardians == 0:
            return own
        if grant.signed.subject:
            return f"{own} {_AND[self._language]} {parents}"
        return parents.capitalize()

    def _rule(self, ground: Ground) -> str:
        statute = self._catalogue.statutes.get(ground.id)
        if statute is None:
            return f"{_SOME_RULE[self._language]} {NOT_REVIEWED[self._language]}"
        text = _RULE[self._language].format(
            what=self._catalogue.text("statute", statute.id, self._language),
            source=self._unit(ground.source),
            law=statute.source,
        )
        if ground.kind == "emergency":
            text = _EMERGENCY[self._language].format(rule=text)
        text += "".join(
            _UNTIL[self._language].format(day=self._day(invocation.closes))
            for invocation in self._facts.invocations
            if invocation.id == ground.grant
        )
        return text if statute.reviewed else f"{text} {NOT_REVIEWED[self._language]}"

    def _ground_reviewed(self, name: FieldName, ground: Ground) -> bool:
        if ground.kind == "own_access":
            return True
        if ground.kind != "consent":
            statute = self._catalogue.statutes.get(ground.id)
            return statute is not None and statute.reviewed
        unit = self._catalogue.units.get(ground.source)
        regime = unit and self._catalogue.regimes.get(unit.regime)
        signing = signing_reviewed(self._catalogue, name.partition(".")[0])
        return bool(regime and regime.reviewed and signing)

    # --- what is withheld ---

    def _withheld(self, answer: Withhold) -> FieldExplanation:
        known = [
            self._catalogue.reasons[code]
            for code in answer.reasons
            if code in self._catalogue.reasons
        ]
        texts = [self._reason(code) for code in answer.reasons]
        laws = [reason.law for reason in known if reason.law is not None]
        reviewed = all(all_reviewed(self._catalogue, law) for law in laws)
        if not reviewed:
            texts.append(NOT_REVIEWED[self._language])
        text = " ".join(texts)
        if self._hushed or not known:
            return FieldExplanation(text=text, reviewed=reviewed)
        final = [reason for reason in known if reason.giver == "nobody"] or known
        return FieldExplanation(
            text=text,
            missing=" ".join(dict.fromkeys(self._missing(reason) for reason in final)),
            giver=self._giver(final[0]),
            reviewed=reviewed,
        )

    def _reason(self, code: str) -> str:
        reason = self._catalogue.reasons.get(code)
        return reason.said(self._language, to_subject=self._to_subject) if reason else code

    def _missing(self, reason: Reason) -> str:
        return str(getattr(reason.missing, self._language))

    def _giver(self, reason: Reason) -> Giver:
        giver = self._catalogue.givers[reason.giver]
        return Giver(code=giver.code, text=giver.said(self._language, to_subject=self._to_subject))

    # --- words ---

    def _unit(self, unit: str) -> str:
        return self._catalogue.text("unit", unit, self._language)

    def _day(self, at: datetime) -> str:
        day = at.astimezone(UTC)
        month = _MONTHS[self._language].split()[day.month - 1]
        return _DAY[self._language].format(day=day.day, month=month, year=day.year)
