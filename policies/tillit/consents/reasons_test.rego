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
