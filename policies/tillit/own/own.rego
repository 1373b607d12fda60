# METADATA
# title: Own access
# description: The subject reads what is written about themself, whoever wrote it and whatever was said to others.
package tillit.own

# METADATA
# title: Asked by the subject
# description: >-
#   The reader stands where a unit does, and no unit is called so. Who somebody is was settled before; here is decided
#   what they may read. A protected address is shielded from others, and an objection is to sharing with others.
asked if {
	input.ask.recipient == "subject"
	input.ask.purpose == "own_access"
	input.ask.collaboration == ""
	input.ask.meeting == ""
	input.ask.source == ""
	data.facts.catalogue.purposes.own_access
	not data.facts.units.subject
}

# METADATA
# title: Grounds
# description: Per field about the subject alone, every source that has deposited a value.
grounds := {name: found |
	deposited := input.deposited
	some name in _about_oneself
	found := [ground | some source in deposited[name]; ground := _ground(source)]
	count(found) > 0
}

# METADATA
# title: Reasons
# description: What is unknown, what is about somebody else, and what nobody has written.
reasons := {name: {reason} |
	some name in input.ask.fields
	not grounds[name]
	reason := _reason(name)
}

# METADATA
# title: Obligations
# description: Nobody is told of what they read themselves, and what was made for one reading is over after a day.
obligations := {"erase_after": "P1D", "notify": "none", "journal": false}

# What is about somebody else is that person's, also where it stands in the subject's record.
_about_oneself := {name |
	some name, field in data.tillit.gaps.known_fields
	field.third_party == false
}

_reason(name) := "gap.field" if not data.tillit.gaps.known_fields[name]

else := "data.none" if name in _about_oneself

else := "third_party.no_grant"

_ground(source) := {"kind": "own_access", "id": "own_access", "version": 0, "grant": "", "source": source}
