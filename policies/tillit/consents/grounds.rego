# METADATA
# title: Consents
# description: Grants that the subject's consents give the asking unit, and why the nearest one gives nothing.
package tillit.consents

# METADATA
# title: Grounds
# description: Per field the usable grants that reach it and whose source has deposited a value.
grounds[name] contains ground if {
	some name, field in data.tillit.gaps.known_fields
	some [consent, grant] in object.get(_usable, field.category, [])
	_covered(grant, name)
	shareable(grant, name, field)
	grant.source in input.deposited[name]
	ground := {
		"kind": "consent",
		"id": consent.id,
		"version": consent.version,
		"grant": grant.id,
		"source": grant.source,
	}
}

# METADATA
# title: Reached by a grant
# description: By name, or by category within the ceiling and where this type of unit needs no naming.
reached(grant, name) if name in grant.fields

reached(grant, name) if {
	grant.fields == []
	name in data.tillit.ceilings.reach
	not data.tillit.limits.named[name]
}

# METADATA
# title: Shareable for the subject's sake
# description: No standing objection in the category, and no protected address that this would give away.
shareable(grant, name, field) if {
	unopposed(field.category)
	shielded(grant, name, field)
}

# METADATA
# title: Unopposed
# description: No objection to the category is recorded.
unopposed(category) if {
	objections := input.subject.objects_to
	not category in objections
}

# METADATA
# title: Shielded
# description: A protected address is told to nobody, and what else reaches the person only where granted by name.
shielded(_, _, _) if input.subject.address_protection == "none"

shielded(grant, name, field) if {
	input.subject.address_protection in {"confidential", "strictly_confidential"}
	category := field.category
	shield := data.facts.law.limits.protected_address
	never := shield.never
	by_name_only := shield.by_name_only
	not name in never
	_by_name_where_needed(grant, category, by_name_only)
}

# METADATA
# title: Lifted regime
# description: A yes lifts the source's confidentiality; for probation and police only a yes by name.
lifted(grant) if {
	unit := data.facts.units[grant.source]
	data.tillit.agreements.bound(unit)
	data.facts.law.regimes[unit.regime].consent == "category"
}

lifted(grant) if {
	unit := data.facts.units[grant.source]
	data.tillit.agreements.bound(unit)
	data.facts.law.regimes[unit.regime].consent == "by_name"
	grant.fields != []
}

# METADATA
# title: Condition met
# description: Standing, not yet used, or for the very meeting that the ask is for.
fulfilled(grant) if grant.condition.kind == "standing"

fulfilled(grant) if {
	grant.condition.kind == "once"
	grant.used == false
}

fulfilled(grant) if {
	grant.condition.kind == "meeting"
	grant.condition.meeting != ""
	grant.condition.meeting == input.ask.meeting
}

# METADATA
# title: Asked source
# description: The ask names no source, or this one.
asked_source(_) if input.ask.source == ""

asked_source(grant) if grant.source == input.ask.source

_covered(grant, name) if reached(grant, name)

_usable[category] contains [consent, grant] if {
	some consent in input.consents
	consent.collaboration == input.ask.collaboration
	consent.state == "active"
	consent.valid_from <= input.now
	input.now < consent.valid_until
	some grant in consent.grants
	grant.recipient == input.ask.recipient
	grant.purpose == input.ask.purpose
	grant.answer == "yes"
	category := grant.category
	asked_source(grant)
	fulfilled(grant)
	lifted(grant)
	data.tillit.agreements.takes_part(grant.source)
	data.tillit.signers.enough(consent, grant)
}

_by_name_where_needed(grant, _, _) if grant.fields != []

_by_name_where_needed(grant, category, by_name_only) if {
	grant.fields == []
	not category in by_name_only
}
