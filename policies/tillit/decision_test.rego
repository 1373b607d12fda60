package tillit_test

import data.tillit
import data.tillit.testing_test as given

field := "education.attendance.rate"

test_an_ordinary_ask_is_released if {
	tillit.decision.outcome == "released" with input as given.ordinary
	tillit.decision.fields[field].effect == "permit" with input as given.ordinary
	count(tillit.decision.fields[field].grounds) == 1 with input as given.ordinary
	tillit.decision.stable_until == "2027-04-01T00:00:00.000000Z" with input as given.ordinary
	tillit.decision.policy.version == data.facts.release.version with input as given.ordinary
}

test_part_of_an_ask_is_partly_released if {
	asked := given.asked({"fields": [field, "work.cv", "no.such", "family.situation"]})
	tillit.decision.outcome == "partly_released" with input as asked
	tillit.decision.fields["work.cv"] == {"effect": "withhold", "reasons": ["consent.no_grant"]} with input as asked
	tillit.decision.fields["no.such"].reasons == ["gap.field"] with input as asked
	tillit.decision.fields["family.situation"].reasons == ["third_party.no_grant"] with input as asked
}

test_nothing_permitted_is_refused if {
	tillit.decision.outcome == "refused" with input as given.changed({"consents": []})
	tillit.decision.fields[field].reasons == ["consent.none"] with input as given.changed({"consents": []})
}

test_a_gap_hides_every_other_reason if {
	asked := given.asked({"purpose": "curiosity", "collaboration": "nowhere"})
	tillit.decision.fields[field].reasons == ["gap.collaboration", "gap.purpose"] with input as asked
	tillit.decision.obligations.erase_after == data.facts.law.obligations.erase_after with input as asked
}

test_a_purpose_that_consent_is_no_ground_for_says_so if {
	tillit.decision.fields[field].reasons == ["limit.hard"] with input as given.asked({"purpose": "statistics"})
}

test_services_that_have_not_agreed_learn_nothing_of_the_subject if {
	left := given.asked({"recipient": "politi-larvik"})
	tillit.decision.fields[field].reasons == ["recipient.not_member"] with input as left
}

test_whoever_controls_learns_of_no_answer if {
	asked := object.union(
		given.consented({"collaboration": "", "state": "refused"}),
		{"ask": {"collaboration": "", "purpose": "benefits_decision"}},
	)
	tillit.decision.fields[field].reasons == ["consent.none"] with input as asked
}

test_a_yes_is_no_ground_where_only_the_law_is if {
	report := given.granted({"purpose": "duty_to_report", "recipient": "barnevern-larvik", "fields": [field]})
	consents := [object.union(report.consents[0], {"collaboration": ""})]
	ask := {"recipient": "barnevern-larvik", "purpose": "duty_to_report", "collaboration": ""}
	asked := object.union(report, {"consents": consents, "ask": ask, "subject": {"age": 17}})
	tillit.decision.fields[field].reasons == ["statute.conditions"] with input as asked
}

test_where_the_system_is_discussed_no_law_opens_a_person if {
	larvik := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], {"arena": "system"})
	ask := {"recipient": "ot-vestfold", "purpose": "dropout_notice", "fields": ["education.dropout_notice"]}
	asked := given.changed({"ask": ask, "deposited": {"education.dropout_notice": ["thor-heyerdahl-vgs"]}})
	tillit.decision.outcome == "released" with input as asked
	tillit.decision.outcome == "refused" with input as asked
		with data.facts.collaborations as {"ungdomsutvalget-larvik": larvik}
}

test_the_collaboration_says_when_to_erase if {
	agreement := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], {"erase_after": "P7D"})
	tillit.decision.obligations == {
		"notify": "immediate",
		"erase_after": "P7D",
		"onward_sharing": false,
		"journal": true,
	} with input as given.ordinary
		with data.facts.collaborations as {"ungdomsutvalget-larvik": agreement}
}

test_two_units_erase_as_the_law_says if {
	direct := given.asked({"collaboration": ""})
	tillit.decision.obligations.erase_after == data.facts.law.obligations.erase_after with input as direct
}

test_a_reason_that_no_rule_gives_is_the_policys_fault if {
	tillit.decision.fields[field].reasons == ["policy.error"] with input as given.changed({"consents": []})
		with data.tillit.consents.reasons as {}
}

test_without_facts_there_is_no_decision if {
	tillit.decision == {} with input as {} with data.facts as {}
}

test_a_dropped_fact_never_permits_more if {
	refused := given.consented({"state": "paused"})
	every path in _paths(refused) {
		not _permits(json.remove(refused, [path]))
	}
	every path in _paths(given.ordinary) {
		_permits_at_most(json.remove(given.ordinary, [path]))
	}
}

_paths(document) := {concat("/", [sprintf("%v", [part]) | some part in path]) |
	[path, _] := walk(document)
	count(path) > 0
}

_permits(document) if {
	fields := tillit.decision.fields with input as document
	some answer in fields
	answer.effect == "permit"
}

_permits_at_most(document) if not _permits(document)

_permits_at_most(document) if {
	fields := tillit.decision.fields with input as document
	{name | some name, answer in fields; answer.effect == "permit"} == {field}
}
