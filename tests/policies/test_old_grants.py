"""What the policy is told of a grant: never more than the subject was shown when the grant was asked for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.consents import Consent
from broker.usecases.gathering import consent_facts
from tests.consenting import EMIL, NOW, active, asked, line

NAMES = ("education.attendance.rate", "education.grades")


def told(consent: Consent, *names: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Names and covered fields of each line, as the policy sees them."""
    seen = consent_facts(consent, frozenset(), asked=names or NAMES, recipients=consent.parties())
    return [(grant.fields, grant.covers) for grant in seen.grants]


def test_a_category_wide_grant_tells_what_it_covers_of_what_is_asked() -> None:
    """The rest of what it covers is nothing to this ask."""
    consent = asked(line(1, covers=(*NAMES, "education.wishes")))
    assert told(consent) == [((), NAMES)]
    assert told(consent, "education.grades", "education.newcomer") == [((), ("education.grades",))]


def test_a_grant_by_name_tells_its_names() -> None:
    """And covers nothing besides."""
    assert told(asked(line(1, fields=NAMES, covers=NAMES))) == [(NAMES, ())]


def test_a_grant_whose_names_are_lost_is_not_the_whole_category() -> None:
    """It would still mean its names; one that also lost what it covers means nothing."""
    named = line(1, fields=NAMES[:1], covers=NAMES[:1])
    assert told(asked(replace(named, fields=()))) == [((), NAMES[:1])]
    assert told(asked(replace(named, fields=(), covers=()))) == [((), ())]


def test_a_grant_by_name_cannot_cover_more_than_its_names() -> None:
    """Or losing the names would widen it."""
    with pytest.raises(ValueError, match="covers its names"):
        line(1, fields=NAMES[:1], covers=NAMES)


def test_nothing_that_happens_to_a_consent_touches_names_or_covers() -> None:
    """Narrowed, paused, withdrawn, lapsed or expired: its lines are what they were asked for as."""
    given = active(line(1, fields=NAMES, covers=NAMES), line(2, covers=NAMES))
    later = NOW + timedelta(days=1)
    narrowed, _ = given.withdraw(at=later, by=EMIL, grants=[given.grants[0].id])
    lapsed, _ = given.lapse(at=later, grants=[given.grants[0].id])
    after = [
        given,
        narrowed,
        lapsed,
        given.lapse(at=later)[0],
        given.withdraw(at=later, by=EMIL)[0],
        given.pause(at=later, by=EMIL)[0],
        given.pause(at=later, by=EMIL)[0].resume(at=later, by=EMIL)[0],
        given.expire(at=given.valid_until)[0],
    ]
    assert [told(consent) for consent in after] == [[(NAMES, ()), ((), NAMES)]] * len(after)
