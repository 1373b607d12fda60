# METADATA
# title: Ceilings
# description: What a category-wide grant can reach, by purpose, recipient and collaboration (minimality).
package tillit.ceilings

# METADATA
# title: Reach
# description: The asked fields that a category-wide grant to the asking unit can reach for this purpose.
reach contains name if {
	some name, field in _fields
	some rule in _rules
	field.category in rule.categories
}

reach contains name if {
	some name, _ in _fields
	some rule in _rules
	name in rule.fields
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

_fields[name] := field if {
	input.ask.collaboration == ""
	some name, field in data.tillit.gaps.known_fields
}

_fields[name] := field if {
	categories := data.facts.collaborations[input.ask.collaboration].categories
	some name, field in data.tillit.gaps.known_fields
	field.category in categories
}
