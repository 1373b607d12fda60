# METADATA
# title: Gaps
# description: What an ask names and the facts do not know. A gap is withheld and reported, never ignored.
package tillit.gaps

# METADATA
# title: No gap in the ask
# description: Purpose, asking unit, source and collaboration are all known.
closed if {
	known_purpose
	known_recipient
	known_source
	known_collaboration
}

# METADATA
# title: Known purpose
# description: The purpose stands in the catalogue.
known_purpose if data.facts.catalogue.purposes[input.ask.purpose]

# METADATA
# title: Known recipient
# description: The asking unit is known, and so is its type.
known_recipient if data.facts.catalogue.service_types[data.facts.units[input.ask.recipient].type]

# METADATA
# title: Known source
# description: The ask names no source, or one that is known.
# scope: document
known_source if input.ask.source == ""

known_source if data.facts.units[input.ask.source]

# METADATA
# title: Known collaboration
# description: The ask names no collaboration, or one that is known.
# scope: document
known_collaboration if input.ask.collaboration == ""

known_collaboration if data.facts.collaborations[input.ask.collaboration]

# METADATA
# title: Known fields
# description: The asked fields that stand in the catalogue, each with what the catalogue says of it.
known_fields := {name: field |
	fields := data.facts.catalogue.fields
	some name in input.ask.fields
	field := fields[name]
}

# METADATA
# title: Gaps of the ask
# description: Reasons that concern every asked field.
# scope: document
ask contains "gap.purpose" if not known_purpose

ask contains "gap.service" if not known_recipient

ask contains "gap.service" if not known_source

ask contains "gap.collaboration" if not known_collaboration

# METADATA
# title: Gaps of fields
# description: Reasons per asked field that is not in the catalogue.
fields := {name: {"gap.field"} |
	known := known_fields
	count(known) < count(input.ask.fields)
	some name in input.ask.fields
	not known[name]
}
