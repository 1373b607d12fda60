# METADATA
# title: Ceilings
# description: What a category-wide grant can reach, by purpose, recipient and collaboration (minimality).
package tillit.ceilings

# METADATA
# title: Reach
# description: The asked fields that a category-wide grant to the asking unit can reach for this purpose.
reach := {name |
	categories := _categories
	some name, category in data.tillit.limits.passable
	category in categories
} | {name |
	agreed := _agreed
	passable := data.tillit.limits.passable
	some rule in _rules
	some name in rule.fields
	passable[name] in agreed
}

# Asked categories that a rule opens whole.
_categories := {category |
	agreed := _agreed
	some rule in _rules
	opened := rule.categories
	some category in agreed
	category in opened
}

# Asked categories that the collaboration may share; two units may share any.
_agreed := data.tillit.consents.asked_categories if input.ask.collaboration == ""

_agreed := {category |
	listed := data.facts.collaborations[input.ask.collaboration].categories
	some category in data.tillit.consents.asked_categories
	category in listed
} if {
	input.ask.collaboration != ""
}

_rules := [rule |
	some rule in data.facts.catalogue.ceilings[input.ask.purpose]
	_applies(rule)
]

_applies(rule) if _type in rule.recipients

_applies(rule) if {
	"@members" in rule.recipients
	input.ask.collaboration != ""
	data.tillit.agreements.member
}

_applies(rule) if {
	"@health" in rule.recipients
	data.facts.catalogue.service_types[_type].health == true
}

_type := data.facts.units[input.ask.recipient].type
