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
# title: The ask may take identified fields
# description: Statistics, research, supervision and anonymous talk never do, nor does an arena about the system.
identifying if {
	purpose := input.ask.purpose
	listed := data.facts.law.limits.no_identified_field
	not purpose in listed
	_about_persons
}

# METADATA
# title: Within the limits
# description: The asked fields that may be shared at all, each with its category; about others, only what they opened.
passable := {name: category |
	kept := _kept
	closed := _closed
	some name, field in data.tillit.gaps.known_fields
	category := field.category
	not category in kept
	not name in kept
	not name in closed
}

# METADATA
# title: By name only
# description: The passable fields that this type of unit is given by name only, never by category.
named := {name |
	categories := _named_only
	count(categories) > 0
	some name, category in passable
	category in categories
}

# METADATA
# title: Limits of the ask
# description: Reasons that concern every asked field.
ask contains "limit.hard" if not identifying

# METADATA
# title: Limits of fields
# description: Reasons per asked field that nothing opens, or that only the person it is about could.
fields := {name: codes |
	known := data.tillit.gaps.known_fields
	passing := passable
	count(passing) < count(known)
	some name, field in known
	not passing[name]
	codes := _third_party(field) | _never_given(name, field)
}

# METADATA
# title: Third party
# description: The asked fields that are about somebody else than the subject.
third_party := {name |
	some name, field in data.tillit.gaps.known_fields
	not field.third_party == false
}

# About somebody else, who has not said yes to it.
_closed := third_party if count(third_party) == 0

else := third_party - object.keys(data.tillit.consents.family_sources)

_about_persons if input.ask.collaboration == ""

_about_persons if {
	arena := data.facts.collaborations[input.ask.collaboration].arena
	listed := data.facts.law.limits.no_identified_arena
	not arena in listed
}

_third_party(field) := {"third_party.no_grant"} if field.third_party == true

else := set()

_never_given(name, field) := {"limit.hard"} if field.category in _kept

else := {"limit.hard"} if name in _kept

else := set()

_type := data.facts.units[input.ask.recipient].type

# Categories and fields that this type of unit is never given (law), or that the services keep back (agreement).
_kept := {kept |
	some said in [lawful, agreed]
	some key in ["categories", "fields"]
	some kept in object.get(said, key, [])
} if {
	lawful := object.get(data.facts.law.limits.never, _type, {})
	agreed := object.get(_agreed, "never", {})
}

_named_only := {category |
	some said in [lawful, agreed]
	some category in object.get(said, "categories", [])
} if {
	lawful := object.get(data.facts.law.limits.by_name_only, _type, {})
	agreed := object.get(_agreed, ["by_name_only", _type], {})
}

_agreed := object.get(data.facts.collaborations, [input.ask.collaboration, "limits"], {})
