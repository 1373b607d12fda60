"""Previews through the SDK: what a consent could lead to, before anybody is asked."""

from tests.e2e.served import NAV, RATE, SCHOOL, Served
from tests.house import ACTOR, EMIL, LARVIK


def test_a_service_sees_what_a_consent_could_lead_to(served: Served) -> None:
    """An hour before the talk: who would get what; and nobody has been asked by it."""
    nav = served.shell(NAV)
    preview = nav(
        "preview_consent",
        nav("subject", national_id=EMIL),
        services=[NAV, SCHOOL],
        purposes=["coordination"],
        categories=["education"],
        collaboration=LARVIK,
        actor=ACTOR,
    )
    nearest = next(one for one in preview.services if one.recipient == NAV)
    field = next(field for field in nearest.then if field.name == RATE)
    assert field.sources == (SCHOOL,)
    assert nav("consents") == []
