"""A collaboration's own terms through the use cases: ages, school year and form, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from broker.domain.errors import FormNotHere, OutsideAges
from broker.domain.ids import ConsentId
from broker.usecases import consents, me
from tests.agreeing import agreed
from tests.house import ACTOR, EMIL, SARA, House
from tests.integration.entries import entries_about
from tillit.wire import Capture, ConsentView

SCAN = "s" * 42 + "A"


def oral(house: House, view: ConsentView, **more: object) -> ConsentView:
    """A professional records a yes to every line."""
    captured = Capture.model_validate(
        {
            "method": "oral",
            "signer": "subject",
            "read_out": view.text_sha256,
            "answered_at": house.clock.at,
            "answers": {line.id: "yes" for line in view.grants},
            "actor": ACTOR,
            **more,
        }
    )
    return consents.capture(
        ConsentId(view.id), captured, call=house.call(view.requested_by), ports=house.ports
    )


@pytest.mark.parametrize("ages", [{"min": 20, "max": 25}, {"min": 13, "max": 18}])
def test_whoever_is_not_of_the_target_group_is_not_asked(
    house: House, ages: dict[str, int]
) -> None:
    """Emil is nineteen: a yes would promise what every ask would be refused."""
    with pytest.raises(OutsideAges):
        agreed(house, ages=ages).request("nav-larvik", EMIL)


@pytest.mark.parametrize("ages", [{"min": 19, "max": 25}, {"min": 13, "max": 19}])
def test_both_ends_of_the_target_group_belong_to_it(house: House, ages: dict[str, int]) -> None:
    """Nineteen is from nineteen and up to nineteen."""
    assert agreed(house, ages=ages).request("nav-larvik", EMIL).state == "requested"


def test_a_birthday_in_the_group_counts_from_its_day(house: House) -> None:
    """Sara turns fifteen on 15 September 2026 and may be asked that day, not the day before."""
    house.clock.at = datetime(2026, 9, 14, 21, 59, tzinfo=UTC)
    with pytest.raises(OutsideAges):
        house.request("nav-larvik", SARA)
    house.clock.at = datetime(2026, 9, 14, 22, 0, tzinfo=UTC)
    assert house.request("nav-larvik", SARA).state == "requested"


@pytest.mark.parametrize(("days", "ends"), [(None, "2027-05-24"), (365, "2027-07-31")])
def test_no_consent_outlasts_the_school_year(house: House, days: int | None, ends: str) -> None:
    """Grades and absence are of this school year (P585); what ends before that ends before that."""
    school = agreed(house, ends_with="school_year")
    view = school.request("nav-larvik", EMIL, valid_days=days)
    assert ends == view.valid_until.date().isoformat()
    assert view.valid_until <= datetime(2027, 7, 31, 22, 0, tzinfo=UTC)


def test_an_oral_yes_counts_only_where_it_was_agreed(house: House) -> None:
    """A collaboration that wants the youth's own signature takes nobody's word for it."""
    view = house.request("nav-larvik", EMIL)
    form = {"forms": ["digital"], "before_listing": True, "condition": "standing"}
    with pytest.raises(FormNotHere):
        oral(agreed(house, consent=form), view)
    assert oral(house, view).state == "active"


def test_a_collaboration_that_is_gone_takes_no_oral_yes(house: House) -> None:
    """What was agreed is no longer known, so nothing is assumed."""
    view = house.request("nav-larvik", EMIL)
    catalogue = house.ports.catalogue.model_copy(update={"collaborations": {}})
    with pytest.raises(FormNotHere):
        oral(replace(house, ports=replace(house.ports, catalogue=catalogue)), view)


def test_two_services_on_their_own_may_record_an_oral_yes(house: House) -> None:
    """No agreement bounds the form between two services (N2)."""
    view = house.request("nav-larvik", EMIL, collaboration=None, purposes=["work_inclusion"])
    assert oral(house, view).state == "active"


def test_a_signed_paper_counts_as_a_digital_answer_does(house: House) -> None:
    """N2: it is in force at once, the subject is told, and the log names the scan that the service keeps."""
    view = house.request("nav-larvik", EMIL)
    seen = oral(house, view, method="paper", scan_sha256=SCAN)
    assert seen.state == "active"
    notices = me.notices(person=house.hashed(EMIL), limit=1, ports=house.ports).notices
    assert [notice.kind for notice in notices] == ["captured"]
    entry = entries_about(house, "consent.activated")[-1]
    assert (entry["method"], entry["scan"]) == ("paper", SCAN)


def test_a_collaboration_that_takes_nothing_written_takes_no_paper(house: House) -> None:
    """And the other way round, one that takes only what is written takes it."""
    view = house.request("nav-larvik", EMIL)
    form = {"forms": ("oral", "digital"), "before_listing": False, "condition": "standing"}
    with pytest.raises(FormNotHere):
        oral(agreed(house, consent=form), view, method="paper", scan_sha256=SCAN)
    written = agreed(house, consent=form | {"forms": ("written",)})
    with pytest.raises(FormNotHere):
        oral(written, view)
    assert oral(written, view, method="paper", scan_sha256=SCAN).state == "active"


@pytest.mark.parametrize("more", [{"method": "paper"}, {"scan_sha256": SCAN}])
def test_a_scan_goes_with_paper_and_with_nothing_else(
    house: House, more: dict[str, object]
) -> None:
    """Found before anything is recorded."""
    view = house.request("nav-larvik", EMIL)
    with pytest.raises(ValidationError, match="scan_sha256"):
        oral(house, view, **more)
