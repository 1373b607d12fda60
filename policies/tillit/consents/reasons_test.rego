package tillit.consents_test

import data.tillit.consents
import data.tillit.testing_test as given

test_a_ground_needs_no_reason if consents.reasons == {} with input as given.ordinary

test_without_a_consent_there_is_none if {
	consents.reasons == {field: {"consent.none"}} with input as given.changed({"consents": []})
}

test_another_unit_is_not_party if {
	consents.reasons == {field: {"consent.none"}} with input as given.asked({"recipient": "larvikshjelpa"})
}

test_a_yes_to_something_else_is_no_grant if {
	consents.reasons == {field: {"consent.no_grant"}} with input as given.granted({"category": "work"})
}

test_the_other_side_of_nav_is_the_wrong_unit if {
	wrong := {field: {"recipient.wrong_unit"}}
	consents.reasons == wrong with input as given.asked({"recipient": "nav-larvik-kommunal"})
	named := object.union(given.granted({"fields": [field]}), {"ask": {"recipient": "nav-larvik-kommunal"}})
	consents.reasons == wrong with input as named
}

test_it_is_the_wrong_unit_only_where_the_other_would_do if {
	every wrong in [{"state": "paused"}, {"collaboration": ""}, {"third_party": true}] {
		asked := object.union(given.consented(wrong), {"ask": {"recipient": "nav-larvik-kommunal"}})
		consents.reasons == {field: {"consent.none"}} with input as asked
	}
	every wrong in [
		{"answer": "no"}, {"purpose": "coordination"}, {"category": "work"}, {"covers": []},
		{"fields": ["education.grades"]}, {"recipient": "ot-vestfold"},
	] {
		asked := object.union(given.granted(wrong), {"ask": {"recipient": "nav-larvik-kommunal"}})
		consents.reasons == {field: {"consent.none"}} with input as asked
	}
	reached := object.union(given.about("income.debt", {"recipient": "nav-larvik"}), {"ask": {"recipient": "ips-larvik"}})
	consents.reasons == {"income.debt": {"consent.none"}} with input as reached
}

test_each_line_is_stopped_by_its_own if {
	every code, wrong in {
		"purpose.not_in_grant": {"purpose": "coordination"},
		"source.not_member": {"source": "bup-vestfold"},
		"source.regime": {"source": "friomsorg-vestfold"},
		"consent.incomplete": {"signed": {"subject": false}},
		"consent.lapsed": {"signed": {"subject": false, "guardians": 1}},
		"consent.used_up": {"condition": {"kind": "once"}, "used": true},
		"consent.other_meeting": {"condition": {"kind": "meeting", "meeting": "mtg_2"}},
	} {
		consents.reasons == {field: {code}} with input as given.granted(wrong)
	}
}

test_a_line_by_name_is_stopped_by_the_same if {
	every code, wrong in {
		"purpose.not_in_grant": {"purpose": "coordination"},
		"source.not_member": {"source": "bup-vestfold"},
		"data.none": {"source": "friomsorg-vestfold"},
		"consent.incomplete": {"signed": {"subject": false}},
		"consent.used_up": {"condition": {"kind": "once"}, "used": true},
	} {
		named := object.union(wrong, {"fields": [field]})
		consents.reasons == {field: {code}} with input as given.granted(named)
	}
}

test_each_state_has_its_reason if {
	every state, code in {
		"requested": "consent.incomplete", "partly_signed": "consent.incomplete", "paused": "consent.paused",
		"withdrawn": "consent.withdrawn", "expired": "consent.expired", "lapsed": "consent.lapsed",
		"refused": "consent.refused", "superseded": "consent.none", "draft": "consent.none",
	} {
		consents.reasons == {field: {code}} with input as given.consented({"state": state})
	}
}

test_each_end_of_its_time_has_its_reason if {
	over := given.consented({"valid_until": "2026-11-10T12:00:00.000000Z"})
	early := given.consented({"valid_from": "2026-11-10T12:00:00.000001Z"})
	consents.reasons == {field: {"consent.expired"}} with input as over
	consents.reasons == {field: {"consent.not_started"}} with input as early
}

test_another_source_was_asked if {
	consents.reasons == {field: {"source.not_in_grant"}} with input as given.asked({"source": "ot-vestfold"})
}

test_the_nearest_line_speaks if {
	lines := [
		object.union(given.grant, {"purpose": "coordination"}),
		object.union(given.grant, {"id": "g2", "condition": {"kind": "once"}, "used": true}),
	]
	consents.reasons == {field: {"consent.used_up"}} with input as given.consented({"grants": lines})
}

test_a_ceiling_and_a_limit_stop_a_category if {
	diagnosis := given.about("health.diagnosis", {"source": "larvikshjelpa"})
	consents.reasons == {"health.diagnosis": {"ceiling.exceeded"}} with input as diagnosis
	direct := object.union(
		given.consented({"collaboration": "", "grants": [object.union(given.grant, {
			"category": "health",
			"covers": ["health.diagnosis"],
			"recipient": "frivilligsentralen-larvik",
		})]}),
		{"ask": {"collaboration": "", "recipient": "frivilligsentralen-larvik", "fields": ["health.diagnosis"]}},
	)
	consents.reasons == {"health.diagnosis": {"limit.hard"}} with input as direct
}

test_a_field_that_was_never_asked_for_is_no_grant if {
	every wrong in [{"covers": []}, {"covers": ["education.grades"]}, {"covers": [], "signed": {"subject": false}}] {
		consents.reasons == {field: {"consent.no_grant"}} with input as given.granted(wrong)
	}
}

test_an_unusable_line_speaks_where_the_usable_one_does_not_reach if {
	lines := [
		object.union(given.grant, {"covers": ["education.grades"]}),
		object.union(given.grant, {"id": "g2", "condition": {"kind": "once"}, "used": true}),
	]
	consents.reasons == {field: {"consent.used_up"}} with input as given.consented({"grants": lines})
}

test_another_unit_was_not_asked_for_it_either if {
	uncovered := object.union(given.granted({"covers": []}), {"ask": {"recipient": "nav-larvik-kommunal"}})
	consents.reasons == {field: {"consent.none"}} with input as uncovered
}

test_an_objection_is_said_where_nothing_else_is_missing if {
	objecting := {"subject": {"objects_to": ["education"]}}
	consents.reasons == {field: {"subject.objects"}} with input as given.changed(objecting)
}

test_a_hidden_service_is_said_whether_or_not_it_has_told_anything if {
	involved := given.about("involvement.school", {})
	named := given.about("involvement.school", {"fields": ["involvement.school"], "covers": []})
	hiding := {"subject": {"hidden": ["thor-heyerdahl-vgs"]}}
	nothing := {"deposited": {"involvement.school": []}}
	hidden := {"involvement.school": {"subject.hidden"}}
	consents.reasons == hidden with input as object.union(involved, hiding)
	consents.reasons == hidden with input as object.union(named, hiding)
	consents.reasons == hidden with input as object.union(object.union(involved, hiding), nothing)
	consents.reasons == {"involvement.school": {"data.none"}} with input as object.union(involved, nothing)
}

test_an_objection_is_said_before_what_is_hidden if {
	both := {"subject": {"hidden": ["thor-heyerdahl-vgs"], "objects_to": ["involvement"]}}
	involved := object.union(given.about("involvement.school", {}), both)
	consents.reasons == {"involvement.school": {"subject.objects"}} with input as involved
}

test_what_is_hidden_is_said_before_anybody_is_asked_first if {
	asking := given.about("involvement.school", {"condition": {"also": "only_when_present"}})
	hiding := object.union(asking, {"subject": {"hidden": ["thor-heyerdahl-vgs"]}})
	consents.reasons == {"involvement.school": {"consent.not_present"}} with input as asking
	consents.reasons == {"involvement.school": {"subject.hidden"}} with input as hiding
}

test_a_protected_address_is_said_to_whoever_has_a_yes if {
	shield := {"subject": {"address_protection": "confidential"}, "ask": {"purpose": "coordination"}}
	protected := {"contact.address": {"subject.address_protected"}}
	by_category := given.about("contact.address", {"purpose": "coordination"})
	by_name := given.about("contact.address", {"purpose": "coordination", "fields": ["contact.address"]})
	consents.reasons == protected with input as object.union(by_category, shield)
	consents.reasons == protected with input as object.union(by_name, shield)
}

test_nothing_there_is_said_where_nothing_else_is_missing if {
	empty := {"deposited": {field: []}}
	consents.reasons == {field: {"data.none"}} with input as given.changed(empty)
	named := object.union(given.granted({"fields": [field]}), empty)
	consents.reasons == {field: {"data.none"}} with input as named
}

test_a_line_that_an_event_has_ended_is_over if {
	ended := given.granted({"condition": {"kind": "until_event"}, "used": true})
	consents.reasons == {"education.attendance.rate": {"consent.expired"}} with input as ended
}

# Each pair of lines to the same field: the first is stopped just before the second, so that only the second speaks.
test_the_line_that_came_furthest_speaks_alone if {
	every pair in [
		[{"purpose": "coordination"}, {"state": "paused"}, "consent.paused"],
		[{"state": "paused"}, {"source": "ot-vestfold"}, "source.not_in_grant"],
		[{"valid_until": _now}, {"source": "ot-vestfold"}, "source.not_in_grant"],
		[{"valid_from": _later}, {"source": "ot-vestfold"}, "source.not_in_grant"],
		[{"signed": {"subject": false}}, {"condition": {"kind": "once"}, "used": true}, "consent.used_up"],
		[_outgrown, {"condition": {"kind": "once"}, "used": true}, "consent.used_up"],
	] {
		asked := object.union(
			given.changed({"consents": [_consent("con_1", pair[0]), _consent("con_2", pair[1])]}),
			{"ask": {"source": "thor-heyerdahl-vgs"}},
		)
		consents.reasons == {"education.attendance.rate": {pair[2]}} with input as asked
	}
}

test_members_and_regimes_come_before_signatures if {
	every pair in [
		[{"source": "bup-vestfold"}, {"source": "friomsorg-vestfold"}, "source.regime"],
		[{"source": "friomsorg-vestfold"}, {"signed": {"subject": false}}, "consent.incomplete"],
	] {
		asked := given.changed({"consents": [_consent("con_1", pair[0]), _consent("con_2", pair[1])]})
		consents.reasons == {"education.attendance.rate": {pair[2]}} with input as asked
	}
}

test_a_ceiling_comes_between_the_sources_named_and_membership if {
	wide := _about_debt({"id": "g1"})
	elsewhere := _about_debt({"id": "g2", "fields": ["income.debt"], "source": "ot-vestfold"})
	left := _about_debt({"id": "g3", "fields": ["income.debt"], "source": "bup-vestfold"})
	consents.reasons == {"income.debt": {"ceiling.exceeded"}} with input as _debts([wide, elsewhere], "thor-heyerdahl-vgs")
	consents.reasons == {"income.debt": {"source.not_member"}} with input as _debts([wide, left], "")
	volunteers := object.union(_debts([wide, left], ""), {"ask": {"fields": ["income.debt"]}})
	consents.reasons == {"income.debt": {"source.not_member"}} with input as volunteers
		with data.tillit.limits.named as {"income.debt"}
}

test_a_protected_number_with_nothing_there_is_empty if {
	phone := {"category": "contact", "covers": ["contact.phone"], "source": "nav-larvik", "recipient": "ot-vestfold"}
	wide := object.union(given.grant, object.union(phone, {"purpose": "coordination"}))
	named := object.union(wide, {"id": "g2", "fields": ["contact.phone"]})
	asked := given.changed({
		"ask": {"recipient": "ot-vestfold", "purpose": "coordination", "fields": ["contact.phone"]},
		"subject": {"address_protection": "confidential"},
		"consents": [object.union(given.consent, {"grants": [wide, named]})],
		"deposited": {"contact.phone": []},
	})
	consents.reasons == {"contact.phone": {"data.none"}} with input as asked
}

test_a_line_that_asks_first_waits_whatever_there_is if {
	every code, word in {"consent.ask_first": "ask_me_first", "consent.not_present": "only_when_present"} {
		waiting := {"condition": {"also": word}}
		named := object.union(waiting, {"fields": [field], "covers": []})
		empty := {"deposited": {field: []}}
		consents.reasons == {field: {code}} with input as given.granted(waiting)
		consents.reasons == {field: {code}} with input as given.granted(named)
		consents.reasons == {field: {code}} with input as object.union(given.granted(waiting), empty)
		consents.reasons == {field: {code}} with input as object.union(given.granted(named), empty)
	}
}

test_what_is_let_and_not_there_is_empty_and_the_rest_waits if {
	every shape in [{"covers": [field, "education.grades"]}, {"fields": [field, "education.grades"], "covers": []}] {
		line := object.union(shape, {"condition": {"also": "ask_me_first"}, "allowed": {field: _later}})
		asked := object.union(given.granted(line), {
			"ask": {"fields": [field, "education.grades"]},
			"deposited": {field: [], "education.grades": []},
		})
		consents.reasons == {field: {"data.none"}, "education.grades": {"consent.ask_first"}} with input as asked
	}
}

test_what_was_let_until_now_waits_again if {
	over := {"condition": {"also": "ask_me_first"}, "allowed": {field: _now}}
	consents.reasons == {field: {"consent.ask_first"}} with input as given.granted(over)
}

test_whatever_else_stops_a_line_that_asks_first_is_said_before if {
	waiting := {"condition": {"also": "ask_me_first"}}
	used := given.granted(object.union(waiting, {"condition": {"kind": "once"}, "used": true}))
	consents.reasons == {field: {"consent.used_up"}} with input as used
	objected := object.union(given.granted(waiting), {"subject": {"objects_to": ["education"]}})
	consents.reasons == {field: {"subject.objects"}} with input as objected
	shield := {"subject": {"address_protection": "confidential"}, "ask": {"purpose": "coordination"}}
	address := object.union(given.about("contact.address", object.union(waiting, {"purpose": "coordination"})), shield)
	consents.reasons == {"contact.address": {"consent.ask_first"}} with input as address
}

test_the_line_that_waits_came_further_than_one_that_is_used_up if {
	spent := {"condition": {"kind": "once"}, "used": true}
	waiting := {"id": "g2", "condition": {"also": "ask_me_first"}}
	lines := [object.union(given.grant, spent), object.union(given.grant, waiting)]
	consents.reasons == {field: {"consent.ask_first"}} with input as given.consented({"grants": lines})
}

test_a_line_that_stands_came_further_than_one_that_waits if {
	address := {"purpose": "coordination", "category": "contact", "covers": ["contact.address"]}
	standing := object.union(given.grant, address)
	by_name := {"id": "g2", "fields": ["contact.address"], "covers": [], "condition": {"also": "ask_me_first"}}
	asked := object.union(given.about("contact.address", {}), {
		"ask": {"purpose": "coordination"},
		"subject": {"address_protection": "confidential"},
		"consents": [object.union(given.consent, {"grants": [standing, object.union(standing, by_name)]})],
	})
	consents.reasons == {"contact.address": {"subject.address_protected"}} with input as asked
}

_now := "2026-11-10T12:00:00.000000Z"

_later := "2026-11-10T12:00:00.000001Z"

_outgrown := {"signed": {"subject": false, "guardians": 2}}

# A consent of its own with one line, changed where the change belongs: in the consent, or in the line.
_consent(id, more) := object.union(
	object.union(given.consent, {"id": id}),
	object.union(
		object.filter(more, ["state", "valid_from", "valid_until"]),
		{"grants": [object.union(given.grant, object.remove(more, ["state", "valid_from", "valid_until"]))]},
	),
)

_about_debt(more) := object.union(given.grant, object.union({"category": "income", "covers": ["income.debt"]}, more))

_debts(lines, source) := given.changed({
	"ask": {"fields": ["income.debt"], "source": source},
	"consents": [object.union(given.consent, {"grants": lines})],
	"deposited": {"income.debt": ["thor-heyerdahl-vgs"]},
})
