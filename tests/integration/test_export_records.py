"""Consents as records: ISO/IEC TS 27560 in JSON-LD, and FHIR R4, each read by others' software; on both databases."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pyld import jsonld

from broker.domain.ids import ConsentId
from broker.errors import NotASubject
from broker.exports import dpv, fhir, terms
from broker.usecases import me, pathways
from broker.usecases.ticking import tick
from tests.agreeing import agreed
from tests.exported import (
    check,
    document,
    events,
    exported,
    graph,
    nothing_is_fetched,
    records,
    states,
    statuses,
)
from tests.house import ACTOR, EMIL, FATHER, MOTHER, SARA, House
from tests.integration.test_consent_use_cases import oral
from tests.integration.test_export_standing import active, partly, paused
from tests.integration.test_family_consents import ask_family
from tests.integration.test_family_consents import given as both_given
from tests.integration.test_pathways import OFFER, UNTIL_OFFER
from tests.integration.test_ticking import BIRTHDAY, by_guardians
from tillit.wire import ConditionsRequest, EventReport, Withdrawal

HEALTH = "health"


def test_the_processor_drops_nothing(house: House) -> None:
    """Every term is defined in the file itself: a processor leaves out in silence what a context has no word for."""
    partly(house)
    found = document(house)
    compacted = jsonld.compact(
        graph(found), dict(terms.CONTEXT), {"documentLoader": nothing_is_fetched, "graph": True}
    )

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in sorted(value.items())}
        if isinstance(value, list):
            return [plain(part) for part in value] if len(value) > 1 else plain(value[0])
        return value

    assert plain(compacted["@graph"]) == plain(found["@graph"])


def test_a_line_says_who_what_and_why(house: House) -> None:
    """Of each line the two services, the purpose, and just the fields that it was shown to mean."""
    view = partly(house)
    given, refused_lines = sorted(records(document(house)), key=lambda r: str(r["tillit:state"]))
    lines = {line.id: line for line in view.grants}
    said = [*given["dpv:hasProcess"], *refused_lines["dpv:hasProcess"]]
    assert sorted(one["dct:identifier"] for one in said) == sorted(lines)
    meant = exported(house).records[0].means
    for one in said:
        line = lines[one["dct:identifier"]]
        assert one["dpv:hasRecipient"] == f"urn:tillit:unit:{line.recipient}"
        assert one["dpv:hasDataSource"] == f"urn:tillit:unit:{line.source}"
        assert one["dpv:hasPurpose"] == f"urn:tillit:purpose:{line.purpose}"
        assert one["dct:description"] == {"@value": line.text, "@language": "nb"}
        assert one["dpv:hasPersonalData"] == [f"urn:tillit:field:{f}" for f in meant[line.id]]
    assert {lines[one["dct:identifier"]].category for one in refused_lines["dpv:hasProcess"]} == {
        HEALTH
    }
    assert given["dpv:hasNotice"]["dct:description"]["@value"] == view.text
    assert given["dpv:hasNotice"]["tillit:sha256"] == view.text_sha256
    assert given["dct:isPartOf"] == refused_lines["dct:isPartOf"]


def test_data_says_how_sensitive_it_is(house: House) -> None:
    """Health is a special category (GDPR Article 9); what is confidential by our catalogue is sensitive; a name is neither."""
    named = ["contact.name", "education.attendance.rate", "health.functional_impact"]
    house.request("nav-larvik", EMIL, categories=[], fields=named)
    kinds = {
        node["dct:identifier"]: node["skos:broader"][1]
        for node in document(house)["@graph"]
        if str(node["@id"]).startswith("urn:tillit:field:")
    }
    assert kinds == {
        "contact.name": "dpv:PersonalData",
        "education.attendance.rate": "dpv:SensitivePersonalData",
        "health.functional_impact": "dpv:SpecialCategoryPersonalData",
    }


def test_events_say_who_when_and_how(house: House) -> None:
    """Asked for by the service, given aloud to a named service and role, taken back by the youth; the actor stays unnamed."""
    view = oral(house, house.request("nav-larvik", EMIL))
    house.clock.step(days=1)
    call = house.person(EMIL)
    me.withdraw(ConsentId(view.id), Withdrawal(), call=call, ports=house.ports)
    (record,) = records(document(house))
    asked, given, back = record["dpv:hasConsentStatus"]
    assert asked["dpv:isIndicatedBy"] == ["urn:tillit:unit:nav-larvik"]
    assert given["dpv:isIndicatedBy"] == ["dpv:DataSubject"]
    (how,) = given["dpv:hasIndicationMethod"]
    assert how["@value"] == "Said, and written down by Nav Larvik (staten) (veileder)"
    assert (back["@type"], back["dpv:isIndicatedBy"]) == (
        ["dpv:ConsentWithdrawn"],
        ["dpv:DataSubject"],
    )
    times = [event["dpv:isIndicatedAtTime"] for event in (asked, given, back)]
    assert times == ["2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z"]
    assert given["dpv:hasDuration"]["@type"] == "dpv:UntilTimeDuration"
    assert ACTOR.id not in json.dumps(record)


def test_what_is_not_known_is_said_and_not_made_up(house: House) -> None:
    """No address that nobody has told the broker, and no time of a pause that it does not keep."""
    paused(house)
    found = document(house)
    (record,) = records(found)
    assert "storage_locations" in record["tillit:notStated"]
    assert record["dpv:hasConsentStatus"][-1]["tillit:notStated"] == ["event_time", "entity_id"]
    units = [node for node in found["@graph"] if node["@type"] == "dpv:OrganisationalUnit"]
    assert {tuple(unit["tillit:notStated"]) for unit in units} == {
        ("party_address", "party_contact")
    }


def test_conditions_are_in_both_formats(house: House) -> None:
    """Once, and that somebody wants to be asked first."""
    view = house.answer(house.request("nav-larvik", EMIL, condition={"kind": "once"}), EMIL)
    asked = ConditionsRequest(conditions={line.id: "ask_me_first" for line in view.grants})
    call = house.person(EMIL)
    me.ask_first(ConsentId(view.id), asked, call=call, ports=house.ports)
    (record,) = records(document(house))
    for process in record["dpv:hasProcess"]:
        assert process["dpv:hasDuration"]["@type"] == "dpv:FixedOccurrencesDuration"
        assert process["tillit:askedAtEachAsk"] == "ask_me_first"
    check(document(house))
    bundle = fhir.bundle(exported(house), ports=house.ports)
    for line in bundle["entry"][0]["resource"]["provision"]["provision"]:
        assert [(one["url"], one["valueString"]) for one in line["extension"]] == [
            (fhir.CONDITION, "once"),
            (fhir.ALSO, "ask_me_first"),
        ]
    assert statuses(house) == ["active"]


def test_a_yes_for_one_meeting_names_the_meeting(house: House) -> None:
    """It holds until that meeting, and no longer than the consent."""
    meeting = "mtg_" + "m" * 22
    house.request("nav-larvik", EMIL, condition={"kind": "meeting", "meeting": meeting})
    found = document(house)
    check(found)
    for process in records(found)[0]["dpv:hasProcess"]:
        assert process["dpv:hasDuration"] == {
            "@type": "dpv:UntilEventDuration",
            "rdf:value": {"@value": f"The meeting {meeting}", "@language": "en"},
        }
    bundle = fhir.bundle(exported(house), ports=house.ports)
    for line in bundle["entry"][0]["resource"]["provision"]["provision"]:
        assert line["extension"][0]["valueString"] == f"meeting {meeting}"
    assert statuses(house) == ["proposed"]


def test_a_line_until_an_event_is_over_when_it_comes(house: House) -> None:
    """The consent's state says so; and before, what it waits for is named."""
    terms_of = agreed(house, consent=UNTIL_OFFER)
    view = terms_of.answer(terms_of.request("nav-larvik", EMIL), EMIL)
    (record,) = records(document(terms_of))
    durations = {one["dpv:hasDuration"]["@type"] for one in record["dpv:hasProcess"]}
    assert durations == {"dpv:UntilEventDuration"}
    said = EventReport(event=OFFER, actor=ACTOR)
    call = terms_of.call("nav-larvik")
    pathways.event(ConsentId(view.id), said, call=call, ports=terms_of.ports)
    assert states(terms_of) == ["expired"]
    check(document(terms_of))


def test_what_guardians_signed_lapses_and_names_no_guardian(house: House) -> None:
    """That a guardian answered is the youth's to know; by whom and what comes of it is told as in the portal."""
    view = by_guardians(house)
    (record,) = records(document(house, SARA))
    given = record["dpv:hasConsentStatus"][1]
    assert given["dpv:isIndicatedBy"] == [{"@type": "dpv:GuardianOfDataSubject"}]
    check(document(house, SARA))
    bundle = fhir.bundle(exported(house, SARA), ports=house.ports)
    assert bundle["entry"][0]["resource"]["performer"] == [
        {"type": "RelatedPerson", "display": "A guardian"}
    ]
    house.clock.at = BIRTHDAY - timedelta(days=30)
    tick(ports=house.ports)
    house.clock.at = BIRTHDAY
    tick(ports=house.ports)
    found = {
        record["dct:isPartOf"].rpartition("/")[2]: record
        for record in records(document(house, SARA))
    }
    assert events(found[view.id])[-1] == ["dpv:ConsentExpired", "tillit:ConsentLapsed"]
    assert found[view.id]["dpv:hasConsentStatus"][-1]["dpv:isIndicatedBy"] == [
        "https://tillit.test"
    ]
    check(document(house, SARA))


def test_of_a_family_members_consent_the_youth_exports_what_the_youth_sees(house: House) -> None:
    """That somebody was asked, about what, and how it stands: not who, not when they answered, not how to take it back."""
    both_given(house)
    found = document(house)
    check(found)
    theirs, own = sorted(records(found), key=lambda r: "@id" in r["dpv:hasDataSubject"])
    assert "@id" in own["dpv:hasDataSubject"]
    assert theirs["dpv:hasDataSubject"]["dct:description"]["@value"] == "A member of the family"
    assert "dct:modified" not in theirs
    assert theirs["dpv:hasConsentControl"]["tillit:notStated"] == ["withdrawal_method"]
    given = theirs["dpv:hasConsentStatus"][-1]
    assert given["tillit:notStated"] == ["entity_id"]
    assert "dpv:hasIndicationMethod" not in given
    patients = [
        "patient" in entry["resource"]
        for entry in fhir.bundle(exported(house), ports=house.ports)["entry"]
    ]
    assert sorted(patients) == [False, True]
    assert statuses(house) == ["active", "active"]


def test_a_family_members_no_is_no_more_than_not_given(house: House) -> None:
    """Whether they refused or took it back is theirs."""
    house.answer(ask_family(house), MOTHER, lambda _: "no")
    assert states(house) == ["not_given"]
    assert states(house, MOTHER) == ["refused"]


@pytest.mark.parametrize("person", [EMIL, SARA, MOTHER])
def test_nothing_of_others_is_in_it(house: House, person: str) -> None:
    """No national identity number in any form, no key or internal id of anybody, not the actor, not a word of the others'."""
    both_given(house)
    by_guardians(house)
    with house.ports.store.read() as tx:
        known = [tx.subject_by_person(house.hashed(p)) for p in (EMIL, SARA, MOTHER, FATHER)]
    forbidden = [EMIL, SARA, MOTHER, FATHER, *(one for one in known if one), f'"{ACTOR.id}"']
    forbidden += [house.hashed(p) for p in (EMIL, SARA, MOTHER, FATHER)]
    others = {EMIL: SARA, SARA: EMIL, MOTHER: SARA}[person]
    forbidden += [
        record.view.id
        for record in exported(house, others).records
        if record.view.id not in {own.view.id for own in exported(house, person).records}
    ]
    made = exported(house, person)
    text = json.dumps([dpv.consents(made, ports=house.ports), fhir.bundle(made, ports=house.ports)])
    assert [one for one in forbidden if one in text] == []


def test_two_exports_cannot_be_put_together_by_whom_they_are_about(house: House) -> None:
    """The name that a person has in an export is made for it alone; nothing else differs."""
    active(house)
    first, second = exported(house), exported(house)
    assert first.person != second.person
    one, other = (json.dumps(dpv.consents(e, ports=house.ports)) for e in (first, second))
    assert one.replace(first.person, second.person) == other


def test_an_export_is_bounded_and_says_so(house: House) -> None:
    """The latest consents first; what is left out makes it incomplete, and never silently."""
    older = active(house)
    house.clock.step(days=31)
    latest = house.request("nav-larvik", EMIL, categories=["education"])
    whole = exported(house)
    assert [record.view.id for record in whole.records] == [latest.id, older.id]
    assert whole.complete
    cut = exported(house, most_lines=len(latest.grants))
    assert [record.view.id for record in cut.records] == [latest.id]
    assert not cut.complete


def test_who_is_unknown_has_nothing_to_export(house: House) -> None:
    """As with the copy."""
    with pytest.raises(NotASubject):
        exported(house, FATHER)
