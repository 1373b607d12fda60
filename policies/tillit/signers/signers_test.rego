package tillit.signers_test

import data.tillit.signers
import data.tillit.testing_test as given

alone := {"subject": true, "guardians": 0, "child_heard": false}

test_the_grown_sign_for_themselves if {
	question := _question({"age": 18, "categories": ["health", "education", "work"]})
	signers.required == {"health": alone, "education": alone, "work": alone} with input as question
}

test_below_the_age_guardians_sign_and_the_child_is_heard if {
	question := _question({"age": 15, "categories": ["health", "education"]})
	signers.required == {
		"education": alone,
		"health": {"subject": false, "guardians": 2, "child_heard": true},
	} with input as question
}

test_one_guardian_where_the_rule_says_one if {
	question := _question({"age": 6, "guardians_rule": "one", "categories": ["work"]})
	signers.required == {"work": {"subject": false, "guardians": 1, "child_heard": false}} with input as question
}

test_no_question_no_answer if signers.required == {} with input as {}

test_the_age_is_never_later_than_coming_of_age if {
	signers.from_age("work", "") == 18 with data.facts.law.ages.default.age as 21
}

test_a_collaboration_may_ask_for_more_years_and_never_fewer_than_the_floor if {
	wanted := {"signing_ages": {"education": 17, "health": 7}}
	larvik := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], wanted)
	signers.from_age("education", "ungdomsutvalget-larvik") == 17
		with data.facts.collaborations as {"ungdomsutvalget-larvik": larvik}
	signers.from_age("health", "ungdomsutvalget-larvik") == 16
		with data.facts.collaborations as {"ungdomsutvalget-larvik": larvik}
	signers.from_age("work", "ungdomsutvalget-larvik") == 15
		with data.facts.collaborations as {"ungdomsutvalget-larvik": object.union(larvik, {"signing_ages": {"default": 15}})}
}

test_a_signature_of_the_subject_is_enough_from_the_age if {
	signers.enough(given.consent, given.grant) with input as given.ordinary
}

test_a_child_needs_its_guardians_and_to_be_heard if {
	child := given.changed({"subject": {"age": 13, "guardians": 2}})
	signers.enough(given.consent, _signed(2, true)) with input as child
	not signers.enough(given.consent, _signed(1, true)) with input as child
	not signers.enough(given.consent, _signed(2, false)) with input as child
	not signers.enough(given.consent, given.grant) with input as child
}

test_the_very_young_are_not_heard if {
	young := given.changed({"subject": {"age": 6, "guardians": 1}})
	signers.enough(given.consent, _signed(1, false)) with input as young
}

test_a_child_without_guardians_has_nobody_to_sign if {
	child := given.changed({"subject": {"age": 13, "guardians": 0}})
	not signers.enough(given.consent, _signed(2, true)) with input as child
}

test_guardians_signatures_are_outgrown if {
	signers.outgrown(_signed(2, true)) with input as given.ordinary
	not signers.outgrown(given.grant) with input as given.ordinary
	both := object.union(given.grant, {"signed": {"subject": true, "guardians": 2, "child_heard": true}})
	not signers.outgrown(both) with input as given.ordinary
	not signers.outgrown(_signed(2, true)) with input as given.changed({"subject": {"age": 13}})
}

test_a_child_signs_alone_in_some_categories if {
	child := given.changed({"subject": {"age": 15}, "ask": {"fields": ["health.symptoms", "education.grades"]}})
	signers.alone == {"education"} with input as child
}

test_a_dropped_signature_is_never_enough if {
	every part in ["subject", "guardians", "child_heard"] {
		child := given.changed({"subject": {"age": 13, "guardians": 2}})
		less := object.union(object.remove(given.grant, ["signed"]), {"signed": object.remove(_full, [part])})
		_only_subject(part, less, child)
	}
}

_question(more) := object.union({"guardians": 2, "guardians_rule": "all", "collaboration": ""}, more)

_full := {"subject": false, "guardians": 2, "child_heard": true}

_only_subject("subject", less, child) if signers.enough(given.consent, less) with input as child

_only_subject(part, less, child) if {
	part != "subject"
	not signers.enough(given.consent, less) with input as child
}

_signed(guardians, heard) := object.union(given.grant, {"signed": {
	"subject": false,
	"guardians": guardians,
	"child_heard": heard,
}})
