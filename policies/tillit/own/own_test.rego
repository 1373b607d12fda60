package tillit.own_test

import data.tillit.testing_test as given

name := "education.attendance.rate"

own := {
	"recipient": "subject",
	"actor_role": "subject",
	"purpose": "own_access",
	"collaboration": "",
}

read(more) := object.union(given.changed({"consents": []}), {"ask": object.union(own, more)})

test_the_subject_reads_what_every_source_wrote if {
	asked := object.union(read({}), {"deposited": {name: ["thor-heyerdahl-vgs", "larvikshjelpa"]}})
	data.tillit.decision.outcome == "released" with input as asked
	grounds := data.tillit.decision.fields[name].grounds with input as asked
	{ground.source | some ground in grounds} == {"thor-heyerdahl-vgs", "larvikshjelpa"}
	{ground.kind | some ground in grounds} == {"own_access"}
}

test_no_service_reads_for_that_purpose if {
	every recipient in ["nav-larvik", "thor-heyerdahl-vgs", "politi-larvik"] {
		data.tillit.decision.fields[name].reasons == ["limit.hard"] with input as read({"recipient": recipient})
	}
}

test_a_unit_by_the_readers_name_reads_nothing if {
	taken := object.union(data.facts.units, {"subject": data.facts.units["nav-larvik"]})
	data.tillit.decision.fields[name].reasons == ["limit.hard"] with input as read({}) with data.facts.units as taken
}

test_the_reader_asks_for_nothing_but_to_read if {
	every more in [
		{"purpose": "case_discussion"},
		{"collaboration": "ungdomsutvalget-larvik"},
		{"meeting": "mtg_1"},
		{"source": "thor-heyerdahl-vgs"},
	] {
		data.tillit.decision.outcome == "refused" with input as read(more)
	}
}

test_a_purpose_that_is_not_in_the_catalogue_opens_nothing if {
	purposes := object.remove(data.facts.catalogue.purposes, ["own_access"])
	data.tillit.decision.outcome == "refused" with input as read({}) with data.facts.catalogue.purposes as purposes
}

test_what_is_about_somebody_else_is_withheld if {
	asked := object.union(
		read({"fields": [name, "family.situation"]}),
		{"deposited": {"family.situation": ["barnevern-larvik"]}},
	)
	data.tillit.decision.outcome == "partly_released" with input as asked
	data.tillit.decision.fields["family.situation"].reasons == ["third_party.no_grant"] with input as asked
	object.keys(data.tillit.own.reasons) == {"family.situation"} with input as asked
}

test_what_is_unknown_or_not_there_says_so if {
	asked := read({"fields": ["no.such", "work.cv"]})
	data.tillit.decision.fields["no.such"].reasons == ["gap.field"] with input as asked
	data.tillit.decision.fields["work.cv"].reasons == ["data.none"] with input as asked
}

test_a_field_that_does_not_say_whom_it_is_about_is_withheld if {
	fields := object.union(data.facts.catalogue.fields, {name: {"third_party": null}})
	data.tillit.decision.fields[name].reasons == ["third_party.no_grant"] with input as read({})
		with data.facts.catalogue.fields as fields
}

test_protection_and_objections_are_towards_others if {
	address := "contact.address"
	asked := object.union(read({"fields": [address]}), {
		"deposited": {address: ["nav-larvik"]},
		"subject": {"address_protection": "strictly_confidential", "objects_to": ["contact"]},
	})
	data.tillit.decision.outcome == "released" with input as asked
}

test_nobody_is_told_of_what_they_read_themselves if {
	data.tillit.decision.obligations == {
		"notify": "none",
		"erase_after": "P1D",
		"onward_sharing": false,
		"journal": false,
	} with input as read({})
}

test_a_dropped_fact_opens_nothing_more if {
	asked := read({"fields": [name, "family.situation"]})
	every member in object.keys(asked.ask) {
		not data.tillit.decision.fields["family.situation"].effect == "permit" with input as json.remove(
			asked,
			[concat("/", ["ask", member])],
		)
	}
}
