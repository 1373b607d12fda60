package tillit.limits_test

import data.tillit.limits
import data.tillit.testing_test as given

test_an_ordinary_field_passes if {
	limits.passable == {"education.attendance.rate": "education"} with input as given.ordinary
	limits.consentable with input as given.ordinary
	limits.ask == set() with input as given.ordinary
}

test_an_employer_never_gets_some_fields if {
	ask := {"recipient": "bakeriet-larvik", "fields": ["child_welfare.history", "health.diagnosis", "functioning.social"]}
	limits.fields == {
		"child_welfare.history": {"limit.hard"},
		"health.diagnosis": {"limit.hard"},
	} with input as given.asked(ask)
	limits.passable == {"functioning.social": "functioning"} with input as given.asked(ask)
}

test_what_is_about_somebody_else_needs_them if {
	ask := {"fields": ["family.parent_income"]}
	limits.fields == {"family.parent_income": {"third_party.no_grant"}} with input as given.asked(ask)
	limits.passable == {} with input as given.asked(ask)
}

test_an_employer_gets_neither_of_two_reasons_hidden if {
	ask := {"recipient": "bakeriet-larvik", "fields": ["family.situation"]}
	codes := {"limit.hard", "third_party.no_grant"}
	limits.fields == {"family.situation": codes} with input as given.asked(ask)
}

test_volunteers_get_health_by_name_only if {
	ask := {"recipient": "frivilligsentralen-larvik", "fields": ["health.symptoms", "work.cv"]}
	limits.named == {"health.symptoms"} with input as given.asked(ask)
}

test_some_purposes_take_no_identified_field if {
	every purpose in ["anonymous_discussion", "own_access", "research", "statistics", "supervision"] {
		limits.ask == {"limit.hard"} with input as given.asked({"purpose": purpose})
	}
	not limits.consentable with input as given.asked({"purpose": "statistics"})
}

test_an_arena_about_the_system_takes_no_identified_field if {
	larvik := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], {"arena": "system"})
	limits.ask == {"limit.hard"} with input as given.ordinary
		with data.facts.collaborations as {"ungdomsutvalget-larvik": larvik}
}

test_what_the_services_keep_back_is_never_given if {
	kept := {"never": {"categories": ["income"], "fields": ["work.cv"]}}
	larvik := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], {"limits": kept})
	asked := given.asked({"fields": ["income.debt", "work.cv", "work.status"]})
	limits.passable == {"work.status": "work"} with input as asked
		with data.facts.collaborations as {"ungdomsutvalget-larvik": larvik}
	limits.fields == {"income.debt": {"limit.hard"}, "work.cv": {"limit.hard"}} with input as asked
		with data.facts.collaborations as {"ungdomsutvalget-larvik": larvik}
}

test_the_services_may_agree_on_names_only if {
	kept := {"by_name_only": {"nav_state": {"categories": ["work"]}}}
	larvik := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], {"limits": kept})
	limits.named == {"work.cv"} with input as given.asked({"fields": ["work.cv", "education.grades"]})
		with data.facts.collaborations as {"ungdomsutvalget-larvik": larvik}
}

test_what_the_family_has_opened_passes if {
	limits.passable == {"family.situation": "family"} with input as given.familial({})
	limits.fields == {} with input as given.familial({})
}

test_a_dropped_fact_never_lets_a_field_pass if {
	every less in given.dropped {
		object.keys(_passing(less)) - {"education.attendance.rate"} == set()
	}
}

test_a_dropped_limit_document_lets_nothing_pass if {
	limits.passable == {} with input as given.ordinary with data.facts.law.limits as {}
	not limits.consentable with input as given.ordinary with data.facts.law.limits as {}
}

_passing(document) := passing if passing := limits.passable with input as document
