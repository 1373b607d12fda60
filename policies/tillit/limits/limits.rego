# METADATA
# title: Hard limits
# description: What no consent passes, whoever signed it, and purposes that consent is no ground for.
package tillit.limits

# METADATA
# title: The purpose can rest on consent
# description: A statute or an emergency cannot be claimed here, and some purposes never take an identified field.
consentable if {
	identifying
	data.facts.catalogue.purposes[input.ask.purpose].basis == "consent"
}

# METADATA
# title: The purpose takes identified fields
# description: Statistics, research, supervision and anonymous talk never do.
identifying if {
	purpose := input.ask.purpose
	listed := data.facts.law.limits.no_identified_field
	not purpose in listed
}

# METADATA
# title: Within the limits
# description: The asked fields that a consent may concern at all, each with its category.
passable := {name: category |
	categories := _never.categories
	names := _never.fields
	known := data.facts.catalogue.fields
	some name in input.ask.fields
	field := known[name]
	field.third_party == false
	category := field.category
	not category in categories
	not name in names
}

# METADATA
# title: By name only
# description: The passable fields that this type of unit is given by name only, never by category.
named := {name |
	categories := _by_name_only.categories
	count(categories) > 0
	some name, category in passable
	category in categories
}

# METADATA
# title: Limits of the ask
# description: Reasons that concern every asked field.
# scope: document
ask contains "limit.hard" if not identifying

ask contains "statute.conditions" if {
	data.facts.catalogue.purposes[input.ask.purpose].basis == "statute"
}

ask contains "emergency.not_allowed" if {
	data.facts.catalogue.purposes[input.ask.purpose].basis == "emergency"
}

# METADATA
# title: Limits of fields
# description: Reasons per asked field that no consent can concern.
fields := {name: codes |
	known := data.tillit.gaps.known_fields
	passing := passable
	count(passing) < count(known)
	some name, field in known
	not passing[name]
	codes := _third_party(field) | _never_given(name, field)
}

_third_party(field) := {"third_party.no_grant"} if field.third_party == true

else := set()

_never_given(name, field) := {"limit.hard"} if field.category in _never.categories

else := {"limit.hard"} if name in _never.fields

else := set()

_type := data.facts.units[input.ask.recipient].type

_never := object.get(data.facts.law.limits.never, _type, {"categories": [], "fields": []})

_by_name_only := object.get(data.facts.law.limits.by_name_only, _type, {"categories": []})
