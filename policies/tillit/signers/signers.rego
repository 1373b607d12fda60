# METADATA
# title: Signers
# description: Who must say yes, by category and age, as the facts on ages say (law, never code).
package tillit.signers

# METADATA
# title: Required signers
# description: Answers a signer question - which signatures each category needs for a subject of this age.
# entrypoint: true
required := {category: needed(category, input.collaboration, input.age, input.guardians, input.guardians_rule) |
	some category in input.categories
}

# METADATA
# title: Needed signatures
# description: The subject's alone from the age of the category; below it the guardians', the child being heard.
# scope: document
needed(category, collaboration, age, _, _) := {"subject": true, "guardians": 0, "child_heard": false} if {
	age >= from_age(category, collaboration)
}

needed(category, collaboration, age, guardians, rule) := {
	"subject": false,
	"guardians": _holders(guardians, rule),
	"child_heard": _heard(age),
} if {
	age < from_age(category, collaboration)
}

# METADATA
# title: From age
# description: >-
#   The age from which the subject signs alone: the law's, or the collaboration's own over the law's floor; never later
#   than coming of age.
from_age(category, collaboration) := min([data.facts.law.ages.adult, max([rule.floor, wanted])]) if {
	rule := object.get(data.facts.law.ages.categories, category, data.facts.law.ages.default)
	own := object.get(data.facts.collaborations, [collaboration, "signing_ages"], {})
	wanted := object.get(own, _age_key(category), rule.age)
}

# METADATA
# title: Alone
# description: The asked categories in which the subject signs alone today; no age is later than coming of age.
# scope: document
alone := data.tillit.consents.asked_categories if input.subject.age >= data.facts.law.ages.adult

alone := {category |
	today := input.subject.age
	some category in data.tillit.consents.asked_categories
	today >= from_age(category, input.ask.collaboration)
} if {
	input.subject.age < data.facts.law.ages.adult
}

# METADATA
# title: Enough signatures
# description: The grant carries what is needed for the subject's age today.
# scope: document
enough(consent, grant) if {
	need := needed(
		grant.category, consent.collaboration,
		input.subject.age, input.subject.guardians, consent.guardians_rule,
	)
	need.subject == true
	grant.signed.subject == true
}

enough(consent, grant) if {
	need := needed(
		grant.category, consent.collaboration,
		input.subject.age, input.subject.guardians, consent.guardians_rule,
	)
	need.subject == false
	input.subject.guardians >= 1
	grant.signed.guardians >= need.guardians
	_was_heard(need.child_heard, grant.signed.child_heard)
}

# METADATA
# title: Outgrown
# description: Guardians signed, and the subject has reached the age of signing alone since.
outgrown(grant) if {
	input.subject.age >= from_age(grant.category, input.ask.collaboration)
	grant.signed.subject == false
	grant.signed.guardians >= 1
}

_age_key(category) := category if data.facts.law.ages.categories[category]

else := "default"

_holders(_, rule) := 1 if rule == "one"

_holders(guardians, rule) := max([guardians, 1]) if rule == "all"

_heard(age) if age >= data.facts.law.ages.heard_from

else := false

_was_heard(needed, _) if needed == false

_was_heard(needed, heard) if {
	needed == true
	heard == true
}
