package tillit.consents_test

import data.tillit.consents
import data.tillit.testing_test as given

field := "education.attendance.rate"

test_a_yes_by_category_is_a_ground if {
	ground := {"kind": "consent", "id": "con_1", "version": 1, "grant": "g1", "source": "thor-heyerdahl-vgs"}
	consents.grounds == {field: [ground]} with input as given.ordinary
}

test_a_yes_by_name_is_a_ground if {
	count(consents.grounds[field]) == 1 with input as given.granted({"fields": [field]})
}

test_a_name_is_no_other_name if {
	consents.grounds == {} with input as given.granted({"fields": ["education.grades"]})
}

test_both_ways_of_saying_yes_are_grounds if {
	lines := [given.grant, object.union(given.grant, {"id": "g2", "fields": [field]})]
	count(consents.grounds[field]) == 2 with input as given.consented({"grants": lines})
}

test_nothing_less_than_this_yes_is_a_ground if {
	every wrong in [
		{"answer": "no"}, {"answer": ""}, {"recipient": "ot-vestfold"}, {"purpose": "coordination"},
		{"category": "work"}, {"source": "ot-vestfold"}, {"source": "nobody"}, {"signed": {"subject": false}},
		{"condition": {"kind": "meeting"}}, {"condition": {"kind": "once"}, "used": true},
	] {
		consents.grounds == {} with input as given.granted(wrong)
	}
}

test_nothing_less_than_this_consent_is_a_ground if {
	every wrong in [
		{"state": "paused"}, {"state": "withdrawn"}, {"collaboration": ""},
		{"valid_from": "2026-11-10T12:00:00.000001Z"}, {"valid_until": "2026-11-10T12:00:00.000000Z"},
	] {
		consents.grounds == {} with input as given.consented(wrong)
	}
}

test_a_yes_by_category_means_what_it_was_shown_to_mean if {
	asked := object.union(given.ordinary, {
		"ask": {"fields": [field, "education.grades"]},
		"deposited": {"education.grades": ["thor-heyerdahl-vgs"]},
	})
	object.keys(consents.grounds) == {field} with input as asked
}

test_a_yes_that_covers_nothing_gives_nothing if {
	consents.grounds == {} with input as given.granted({"covers": []})
}

test_a_name_needs_no_cover if {
	count(consents.grounds) == 1 with input as given.granted({"fields": [field], "covers": []})
}

test_what_is_covered_stays_within_the_ceiling if {
	diagnosis := given.about("health.diagnosis", {"source": "larvikshjelpa"})
	asked := object.union(diagnosis, {"deposited": {"health.diagnosis": ["larvikshjelpa"]}})
	asked.consents[0].grants[0].covers == ["health.diagnosis"]
	consents.grounds == {} with input as asked
}

test_once_and_for_this_meeting_are_met if {
	count(consents.grounds) == 1 with input as given.granted({"condition": {"kind": "once"}})
	meeting := given.granted({"condition": {"kind": "meeting", "meeting": "mtg_1"}})
	count(consents.grounds) == 1 with input as object.union(meeting, {"ask": {"meeting": "mtg_1"}})
}

test_probation_is_lifted_by_name_only if {
	asked := {"deposited": {field: ["friomsorg-vestfold"]}}
	by_category := object.union(given.granted({"source": "friomsorg-vestfold"}), asked)
	by_name := object.union(given.granted({"source": "friomsorg-vestfold", "fields": [field]}), asked)
	consents.grounds == {} with input as by_category
	count(consents.grounds) == 1 with input as by_name
}

test_a_provider_gives_under_its_pledge if {
	asked := object.union(given.granted({"source": "ifokus"}), {"deposited": {field: ["ifokus"]}})
	count(consents.grounds) == 1 with input as asked
}

test_guardians_sign_for_a_child if {
	child := {"subject": {"age": 13, "guardians": 1}}
	signed := given.granted({"signed": {"subject": false, "guardians": 1, "child_heard": true}})
	count(consents.grounds) == 1 with input as object.union(signed, child)
	consents.grounds == {} with input as object.union(given.ordinary, child)
}

test_an_objection_closes_a_category if {
	consents.grounds == {} with input as given.changed({"subject": {"objects_to": ["education"]}})
}

test_a_hidden_service_is_not_told_to_be_involved if {
	involved := given.about("involvement.school", {})
	named := given.about("involvement.school", {"fields": ["involvement.school"], "covers": []})
	hiding := {"subject": {"hidden": ["larvikshjelpa", "thor-heyerdahl-vgs"]}}
	another := {"subject": {"hidden": ["larvikshjelpa"]}}
	every facts in [involved, named] {
		count(consents.grounds) == 1 with input as facts
		count(consents.grounds) == 1 with input as object.union(facts, another)
		consents.grounds == {} with input as object.union(facts, hiding)
	}
}

test_what_else_a_hidden_service_knows_is_shared_by_a_yes if {
	hiding := {"subject": {"hidden": ["thor-heyerdahl-vgs"]}}
	count(consents.grounds) == 1 with input as given.changed(hiding)
}

test_without_word_of_what_is_hidden_nobody_is_told_to_be_involved if {
	involved := given.about("involvement.school", {})
	known := object.remove(involved.subject, ["hidden"])
	less := object.union(object.remove(involved, ["subject"]), {"subject": known})
	count(consents.grounds) == 1 with input as involved
	consents.grounds == {} with input as less
}

test_a_protected_address_is_told_to_nobody if {
	every degree in ["confidential", "strictly_confidential"] {
		shield := {"subject": {"address_protection": degree}}
		named := given.about("contact.address", {"fields": ["contact.address"]})
		consents.grounds == {} with input as object.union(named, shield)
	}
}

test_what_reaches_a_protected_person_is_told_by_name if {
	shield := {"subject": {"address_protection": "confidential"}, "ask": {"purpose": "coordination"}}
	by_category := given.about("contact.phone", {"purpose": "coordination"})
	by_name := given.about("contact.phone", {"purpose": "coordination", "fields": ["contact.phone"]})
	consents.grounds == {} with input as object.union(by_category, shield)
	count(consents.grounds) == 1 with input as object.union(by_name, shield)
}

test_other_fields_of_a_protected_person_are_as_ever if {
	count(consents.grounds) == 1 with input as given.changed({"subject": {"address_protection": "confidential"}})
}

test_a_dropped_fact_never_gives_a_ground if {
	refused := object.union(given.granted({"signed": {"subject": false}}), {"subject": {"objects_to": ["education"]}})
	consents.grounds == {} with input as refused
	every path in _paths(refused) {
		object.get(_grounds(json.remove(refused, [path])), field, []) == []
	}
}

_paths(document) := {concat("/", [sprintf("%v", [part]) | some part in path]) |
	[path, _] := walk(document)
	count(path) > 0
}

_grounds(document) := found if found := consents.grounds with input as document

test_what_is_about_the_family_takes_a_yes_from_both if {
	ids := {ground.id | some ground in consents.grounds["family.situation"]} with input as given.familial({})
	ids == {"con_1", "con_2"}
}

test_nothing_less_than_the_family_members_own_yes_is_one if {
	every wrong in [
		{"state": "paused"}, {"collaboration": ""}, {"valid_from": "2026-11-10T12:00:00.000001Z"},
		{"valid_until": "2026-11-10T12:00:00.000000Z"}, {"third_party": false},
		given.family_line({"answer": "no"}), given.family_line({"recipient": "ot-vestfold"}),
		given.family_line({"purpose": "coordination"}), given.family_line({"fields": ["family.parent_income"]}),
		given.family_line({"fields": [], "covers": ["family.situation"]}), given.family_line({"source": "nav-larvik"}),
		given.family_line({"signed": {"subject": false}}), given.family_line({"condition": {"kind": "once"}, "used": true}),
	] {
		consents.grounds == {} with input as given.familial(wrong)
	}
}

test_a_family_member_cannot_open_it_alone if {
	both := given.familial({})
	consents.grounds == {} with input as object.union(both, {"consents": [both.consents[1]]})
}

test_a_line_until_an_event_counts_until_it_has_come if {
	count(consents.grounds) == 1 with input as given.granted({"condition": {"kind": "until_event"}})
	consents.grounds == {} with input as given.granted({"condition": {"kind": "until_event"}, "used": true})
}

test_an_objection_has_weight_from_an_age if {
	small := {"subject": {"age": 11, "guardians": 2, "objects_to": ["education"]}}
	consents.unopposed == {"education"} with input as given.changed(small)
	consents.unopposed == set() with input as given.changed(object.union(small, {"subject": {"age": 12}}))
}

test_a_standing_line_and_one_for_the_meeting_count_however_often_they_are_used if {
	count(consents.grounds) == 1 with input as given.granted({"used": true})
	meeting := {"condition": {"kind": "meeting", "meeting": "mtg_1"}, "used": true}
	asked := object.union(given.granted(meeting), {"ask": {"meeting": "mtg_1"}})
	count(consents.grounds) == 1 with input as asked
}

test_an_unknown_protection_is_neither_of_the_two if {
	unknown := given.changed({"subject": {"address_protection": "?"}})
	not consents.address_protected with input as unknown
	not consents.address_unprotected with input as unknown
}

test_a_line_that_asks_first_gives_what_was_let_and_until_then if {
	every word in ["ask_me_first", "only_when_present"] {
		by_category := {"condition": {"also": word}, "allowed": {field: _soon}}
		by_name := object.union(by_category, {"fields": [field], "covers": []})
		count(consents.grounds[field]) == 1 with input as given.granted(by_category)
		count(consents.grounds[field]) == 1 with input as given.granted(by_name)
		every wrong in [{"allowed": {field: _this_moment}}, {"condition": {"also": "some_other_word"}}] {
			consents.grounds == {} with input as given.granted(object.union(by_category, wrong))
			consents.grounds == {} with input as given.granted(object.union(by_name, wrong))
		}
	}
}

test_what_was_let_is_no_other_field if {
	every shape in [{"covers": [field, "education.grades"]}, {"fields": [field, "education.grades"], "covers": []}] {
		line := object.union(shape, {"condition": {"also": "ask_me_first"}, "allowed": {"education.grades": _soon}})
		asked := object.union(given.granted(line), {
			"ask": {"fields": [field, "education.grades"]},
			"deposited": {"education.grades": ["thor-heyerdahl-vgs"]},
		})
		object.keys(consents.grounds) == {"education.grades"} with input as asked
	}
}

test_a_line_that_asks_first_gives_nothing_by_itself if {
	every line in [{}, {"fields": [field], "covers": []}] {
		waiting := object.union(line, {"condition": {"also": "ask_me_first"}})
		consents.grounds == {} with input as given.granted(waiting)
	}
}

test_what_is_let_makes_no_line_wider if {
	let := {"allowed": {field: _soon}, "condition": {"also": "ask_me_first"}}
	every wrong in [
		{"covers": []}, {"fields": ["education.grades"]}, {"answer": "no"},
		{"used": true, "condition": {"kind": "once"}},
	] {
		consents.grounds == {} with input as given.granted(object.union(let, wrong))
	}
}

test_a_family_member_may_want_to_be_asked_first_too if {
	waiting := {"condition": {"also": "ask_me_first"}}
	consents.grounds == {} with input as given.familial(given.family_line(waiting))
	let := object.union(waiting, {"allowed": {"family.situation": _soon}})
	count(consents.grounds["family.situation"]) == 2 with input as given.familial(given.family_line(let))
}

_this_moment := "2026-11-10T12:00:00.000000Z"

_soon := "2026-11-10T12:00:00.000001Z"

test_own_words_go_by_any_line_to_the_asking_unit if {
	wide := object.union(given.about("voice.goals", {}), {"deposited": {"voice.goals": ["subject"]}})
	named := object.union(
		given.about("voice.goals", {"fields": ["voice.goals"], "covers": []}),
		{"deposited": {"voice.goals": ["subject"]}},
	)
	every asked in [wide, named] {
		found := consents.grounds["voice.goals"] with input as asked
		[ground.source | some ground in found] == ["subject"]
		[ground.grant | some ground in found] == ["g1"]
	}
}

test_own_words_stand_beside_what_a_service_was_told if {
	asked := object.union(
		given.about("voice.goals", {}),
		{"deposited": {"voice.goals": ["thor-heyerdahl-vgs", "subject"]}},
	)
	found := consents.grounds["voice.goals"] with input as asked
	{ground.source | some ground in found} == {"thor-heyerdahl-vgs", "subject"}
}

test_own_words_wait_where_the_subject_wants_to_be_asked_first if {
	waiting := {"condition": {"also": "ask_me_first"}}
	let := object.union(waiting, {"allowed": {"voice.goals": _soon}})
	own := {"deposited": {"voice.goals": ["subject"]}}
	consents.grounds == {} with input as object.union(given.about("voice.goals", waiting), own)
	count(consents.grounds["voice.goals"]) == 1 with input as object.union(given.about("voice.goals", let), own)
}

test_own_words_are_what_the_subject_alone_writes if {
	mine := object.union(given.ordinary, {"deposited": {"education.attendance.rate": ["subject"]}})
	consents.own_words == set() with input as mine
	consents.grounds == {} with input as mine
	asked := object.union(given.about("voice.goals", {}), {"deposited": {"voice.goals": ["subject"]}})
	refused := object.union(asked, {"consents": []})
	not consents.grounds["voice.goals"] with input as refused
	narrowed := object.union(asked, {"ask": {"source": "thor-heyerdahl-vgs"}})
	not consents.grounds["voice.goals"] with input as narrowed
}
