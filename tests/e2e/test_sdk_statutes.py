"""Statutes through the SDK, against the real broker over HTTP: three colleagues, one recipient, one youth."""

from datetime import timedelta

import pytest

from tests.e2e.served import RATE, SCHOOL, Served
from tests.house import EMIL
from tillit import Actor, AuthenticationFailed, Conflict, Invalid

WELFARE, HEALTH = "barnevern-larvik", "larvikshjelpa"
TEACHER, HEAD, COUNSELLOR = (
    Actor(id="t1", role="laerer"),
    Actor(id="r1", role="rektor"),
    Actor(id="r2", role="radgiver"),
)
CONTACT = Actor(id="k1", role="kontaktperson")
REASON = "Han har sagt at han vil skade noen i kveld."
PHONE = "contact.phone"


def test_a_duty_to_avert_from_invocation_to_review(served: Served) -> None:
    """Nothing before the second person; then the recipient is told, asks and opens; then a third person judges."""
    served.deposit({RATE: 0.62})
    school, welfare = served.shell(SCHOOL), served.shell(WELFARE)
    emil = school("subject", national_id=EMIL)
    about = {"purpose": "duty_to_avert", "actor": CONTACT}
    made = school(
        "invoke", emil, "S3", [RATE], reason=REASON, actor=TEACHER, recipient=WELFARE, hours=5
    )
    assert made.closes - made.opens == timedelta(hours=5)
    theirs = welfare("subject", national_id=EMIL)
    assert welfare("events") == []
    assert welfare("ask", theirs, [RATE], **about).outcome == "refused"
    with pytest.raises(AuthenticationFailed) as same:
        school("confirm", made.id, actor=TEACHER)
    assert same.value.code == "statute.same_person"
    assert school("confirm", made.id, actor=HEAD).confirmed
    (event,) = welfare("events")
    assert (event.type, event.invocation, event.purpose) == (
        "statute.invoked",
        made.id,
        "duty_to_avert",
    )
    answer = welfare("ask", theirs, list(event.fields), **about)
    assert (answer.values[RATE].value, answer.grounds[RATE][0].kind) == (0.62, "statute")
    assert welfare("disclosure", answer.id, theirs).values == answer.values
    assert school("invocations", open_reviews=True, page=1) == [
        made.model_copy(update={"confirmed": True})
    ]
    judged = {"finding": "justified", "text": REASON, "actor": COUNSELLOR}
    assert school("review", made.id, **judged).finding == "justified"
    assert school("invocations", open_reviews=True) == []
    with pytest.raises(Conflict):
        school("review", made.id, **judged)
    with pytest.raises(Invalid) as gone:
        welfare("disclosure", answer.id, theirs)
    assert gone.value.code == "disclosure.gone"


def test_an_emergency_is_opened_checked_and_over(served: Served) -> None:
    """The values come sealed, signed and receipted as on a yes; after a day they come no more."""
    served.deposit({PHONE: "900 00 000"})
    health = served.shell(HEALTH)
    emil = health("subject", national_id=EMIL)
    doctor = Actor(id="d1", role="lege")
    about = {"purpose": "emergency_help", "actor": doctor}
    health("invoke", emil, "S4", [PHONE], reason=REASON, actor=doctor, source=SCHOOL)
    answer = health("ask", emil, [PHONE], **about)
    assert answer.values[PHONE].value == "900 00 000"
    assert answer.grounds[PHONE][0].kind == "emergency"
    assert answer.stable_until <= served.house.clock() + timedelta(hours=24)
    served.house.clock.step(hours=24)
    late = health("ask", emil, [PHONE], **about)
    assert [reason.code for reason in late.withheld[PHONE]] == ["emergency.expired"]
