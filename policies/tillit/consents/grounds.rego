# METADATA
# title: Consents
# description: Grants that the subject's consents give the asking unit, and why the nearest one gives nothing.
package tillit.consents

# METADATA
# title: Grounds
# description: Per field the usable grants that reach it and whose source has deposited a value.
grounds := object.union(
	_grounds_by_category,
	{name: array.concat(object.get(_grounds_by_category, name, []), found) |
		some name, found in _grounds_by_name
	},
)

_grounds_by_category := {name: found |
	by_category := wide
	passable := data.tillit.limits.passable
	deposited := input.deposited
	some name in open_by_category
	sources := deposited[name]
	found := [ground |
		some ground in by_category[passable[name]]
		ground.source in sources
	]
	count(found) > 0
}

_grounds_by_name := {name: found |
	by_name := named
	count(by_name) > 0
	passable := data.tillit.limits.passable
	deposited := input.deposited
	some name in open_by_name
	sources := deposited[name]
	found := [line.ground |
		some line in by_name[passable[name]]
		name in line.fields
		line.ground.source in sources
	]
	count(found) > 0
}

# METADATA
# title: Open by category
# description: The ceiling reaches the field, this type of unit needs no naming, and no protected address is given away.
# scope: document
open_by_category := _reached if address_unprotected

open_by_category := {name |
	categories := data.facts.law.limits.protected_address.by_name_only
	names := data.facts.law.limits.protected_address.never
	passable := data.tillit.limits.passable
	some name in _reached
	category := passable[name]
	not category in categories
	not name in names
} if {
	address_protected
}

# METADATA
# title: Open by name
# description: A field granted by name passes the ceiling, but never gives away a protected address.
# scope: document
open_by_name := object.keys(data.tillit.limits.passable) if address_unprotected

open_by_name := {name |
	names := data.facts.law.limits.protected_address.never
	some name, _ in data.tillit.limits.passable
	not name in names
} if {
	address_protected
}

# METADATA
# title: Address unprotected
# description: The population register says so.
address_unprotected if input.subject.address_protection == "none"

# METADATA
# title: Address protected
# description: One of the two degrees of protection ("kode 6/7").
address_protected if input.subject.address_protection in {"confidential", "strictly_confidential"}

# METADATA
# title: Unopposed
# description: The asked categories that the subject has not objected to.
unopposed := {category |
	objections := input.subject.objects_to
	some category in asked_categories
	not category in objections
}

# METADATA
# title: Asked categories
# description: The categories of the asked fields.
asked_categories := {category | some category in data.tillit.limits.passable}

# METADATA
# title: Usable category-wide grants
# description: Per category that nobody objects to, as grounds.
wide := {category: found |
	usable := _usable
	some category in unopposed
	found := [line.ground |
		some line in usable
		line.category == category
		line.lifted == "category"
		line.fields == []
	]
}

# METADATA
# title: Usable grants by name
# description: Per category that nobody objects to, with the names.
named := {category: found |
	usable := [line | some line in _usable; line.fields != []]
	count(usable) > 0
	some category in unopposed
	found := [line |
		some line in usable
		line.category == category
	]
}

# METADATA
# title: Condition met
# description: Standing, not yet used, or for the very meeting that the ask is for.
fulfilled(grant) if [grant.condition.kind, grant.condition.meeting, grant.used] in conditions

# METADATA
# title: Conditions
# description: What a grant's condition, its meeting and whether it was used must be to count for this ask.
conditions := {
	["standing", "", false],
	["standing", "", true],
	["once", "", false],
	["meeting", _this_meeting, false],
	["meeting", _this_meeting, true],
}

# METADATA
# title: Asked sources
# description: All that grants to the asking unit name, or the one that the ask names.
# scope: document
asked_sources := {grant.source | some grant in _mine} if input.ask.source == ""

asked_sources := {input.ask.source} if input.ask.source != ""

# METADATA
# title: Lifted sources
# description: Asked sources that take part and whose confidentiality a yes lifts, by category or only by name.
sources_lifted := {name: regime.consent |
	known := data.facts.units
	regimes := data.facts.law.regimes
	some name in (asked_sources & data.tillit.agreements.taking_part)
	regime := regimes[known[name].regime]
	_bound(known[name], regime)
}

_bound(_, regime) if regime.pledge == false

_bound(unit, regime) if {
	regime.pledge == true
	data.tillit.agreements.bound(unit)
}

_mine := [grant |
	recipient := input.ask.recipient
	some consent in input.consents
	consent.collaboration == input.ask.collaboration
	some grant in consent.grants
	grant.recipient == recipient
]

_usable := array.concat(_signed_alone, _signed_by_guardians)

_signed_alone := [line |
	alone := data.tillit.signers.alone
	some line in _candidates
	line.category in alone
	line.signed.subject == true
]

_signed_by_guardians := [line |
	guarded := data.tillit.signers.guarded
	count(guarded) > 0
	some line in _candidates
	line.category in guarded
	data.tillit.signers.enough(line, line)
]

_candidates := [line |
	recipient := input.ask.recipient
	purpose := input.ask.purpose
	met := conditions
	sources := sources_lifted
	some consent in input.consents
	consent.collaboration == input.ask.collaboration
	consent.state == "active"
	consent.valid_from <= input.now
	input.now < consent.valid_until
	some grant in consent.grants
	grant.recipient == recipient
	grant.purpose == purpose
	grant.answer == "yes"
	[grant.condition.kind, grant.condition.meeting, grant.used] in met
	lifted := sources[grant.source]
	line := {
		"category": grant.category,
		"fields": grant.fields,
		"signed": grant.signed,
		"guardians_rule": consent.guardians_rule,
		"lifted": lifted,
		"ground": {
			"kind": "consent",
			"id": consent.id,
			"version": consent.version,
			"grant": grant.id,
			"source": grant.source,
		},
	}
]

default _this_meeting := "none"

_this_meeting := input.ask.meeting if input.ask.meeting != ""

_reached := data.tillit.ceilings.reach - data.tillit.limits.named
