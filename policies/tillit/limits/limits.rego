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
# title: Limits of the ask
# description: Reasons that concern every asked field.
ask contains "limit.hard" if not identifying

ask contains "statute.conditions" if {
	data.facts.catalogue.purposes[input.ask.purpose].basis == "statute"
}

ask contains "emergency.not_allowed" if {
	data.facts.catalogue.purposes[input.ask.purpose].basis == "emergency"
}

# METADATA
# title: What the asking unit's type never gets
# description: Not even where the subject granted it by name.
never := object.get(data.facts.law.limits.never, _type, {"categories": [], "fields": []})

# METADATA
# title: What the asking unit's type gets by name only
# description: Voluntary and peer roles get special categories only where the subject named the field.
by_name_only := object.get(data.facts.law.limits.by_name_only, _type, {"categories": [], "fields": []})

# METADATA
# title: Within the limits
# description: The asked fields that a consent may concern at all.
passable contains name if {
	some name in object.keys(data.tillit.gaps.known_fields)
	_allowed[name]
	_about_subject[name]
}

# METADATA
# title: Named limits
# description: The asked fields that only a grant by name reaches, for this type of unit.
named contains name if {
	some name, field in data.tillit.gaps.known_fields
	field.category in by_name_only.categories
}

named contains name if {
	some name in object.keys(data.tillit.gaps.known_fields)
	name in by_name_only.fields
}

# METADATA
# title: Limits of a field
# description: Reasons that concern one asked field.
fields[name] contains "limit.hard" if {
	some name in object.keys(data.tillit.gaps.known_fields)
	not _allowed[name]
}

fields[name] contains "third_party.no_grant" if {
	some name in object.keys(data.tillit.gaps.known_fields)
	not _about_subject[name]
}

_type := data.facts.units[input.ask.recipient].type

_allowed contains name if {
	some name, field in data.tillit.gaps.known_fields
	category := field.category
	categories := never.categories
	names := never.fields
	not category in categories
	not name in names
}

_about_subject contains name if {
	some name, field in data.tillit.gaps.known_fields
	field.third_party == false
}
