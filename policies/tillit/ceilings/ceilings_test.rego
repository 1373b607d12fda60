package tillit.ceilings_test

import data.tillit.ceilings
import data.tillit.testing_test as given

test_the_committee_reaches_school_and_not_the_diagnosis if {
	ask := {"fields": ["education.grades", "health.diagnosis", "health.functional_impact", "contact.phone"]}
	ceilings.reach == {"education.grades", "health.functional_impact"} with input as given.asked(ask)
}

test_a_type_reaches_what_its_purpose_needs if {
	ask := {
		"recipient": "thor-heyerdahl-vgs", "purpose": "teaching_adaptation",
		"fields": ["functioning.social", "plan.goals", "plan.minutes", "income.debt"],
	}
	ceilings.reach == {"functioning.social", "plan.goals"} with input as given.asked(ask)
}

test_another_type_reaches_nothing_for_it if {
	ask := {"purpose": "teaching_adaptation", "fields": ["functioning.social"]}
	ceilings.reach == set() with input as given.asked(ask)
}

test_symptoms_are_for_those_who_treat if {
	ask := {"collaboration": "", "purpose": "health_follow_up", "fields": ["health.symptoms"]}
	ceilings.reach == set() with input as given.asked(ask)
	ceilings.reach == {"health.symptoms"} with input as given.asked(object.union(ask, {"recipient": "dps-vestfold"}))
}

test_members_are_members_of_something if {
	ceilings.reach == set() with input as given.asked({"collaboration": ""})
}

test_the_collaboration_bounds_what_its_grants_reach if {
	agreement := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], {"categories": ["work"]})
	ceilings.reach == set() with input as given.ordinary
		with data.facts.collaborations as {"ungdomsutvalget-larvik": agreement}
}

test_a_purpose_without_a_ceiling_reaches_nothing if {
	ceilings.reach == set() with input as given.asked({"purpose": "benefits_decision"})
}

test_a_dropped_fact_never_reaches_further if {
	every less in given.dropped {
		_reached(less) - {"education.attendance.rate"} == set()
	}
}

test_dropped_ceilings_reach_nothing if {
	ceilings.reach == set() with input as given.ordinary with data.facts.catalogue.ceilings as {}
}

_reached(document) := reached if reached := ceilings.reach with input as document

test_what_members_reach_nobody_else_does if {
	ceilings.reach == set() with input as given.asked({"recipient": "politi-larvik"})
}
