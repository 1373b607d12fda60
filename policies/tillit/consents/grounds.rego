# METADATA
# title: Consents
# description: Grants that the subject's consents give the asking unit, and why the nearest one gives nothing.
package tillit.consents

# METADATA
# title: Grounds
# description: >-
#   Per field the usable grants that reach it and whose source has deposited a value. A category-wide grant reaches what
#   it was shown to mean when it was asked for, and of that what the ceiling leaves now: never a field that came later.
grounds := _grounds_from_services if count(own_words) == 0

else := object.union(
	_grounds_from_services,
	{name: array.concat(object.get(_grounds_from_services, name, []), found) |
		some name, found in _grounds_of_own_words
	},
)

# METADATA
# title: Own words
# description: >-
#   Asked fields that the subject alone writes, and has written. They go by any line that gives the field to the asking
#   unit, whichever service it names as source: the yes says who may read them, and nobody but the subject wrote them.
own_words := {name |
	deposited := input.deposited
	input.ask.source == ""
	some name, field in data.tillit.gaps.known_fields
	field.authored_by == "subject"
	"subject" in deposited[name]
}

_grounds_of_own_words := {name: found |
	by_category := wide
	by_name := named
	passable := data.tillit.limits.passable
	some name in own_words
	category := passable[name]
	lines := array.concat(
		[line | name in open_by_category; some line in by_category[category]; name in line[0].covers],
		[line | name in open_by_name; some line in by_name[category]; name in line[0].fields],
	)
	count(lines) > 0
	found := [object.union(line[1], {"source": "subject"}) | some line in lines]
}

_grounds_from_services := object.union(
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
		some [grant, ground] in by_category[passable[name]]
		grant.source in sources
		name in grant.covers
	]
	count(found) > 0
}

_grounds_by_name := {name: found |
	by_name := named
	count(by_name) > 0
	passable := data.tillit.limits.passable
	deposited := input.deposited
	family := family_sources
	some name in open_by_name
	sources := deposited[name]
	own := [ground |
		some [grant, ground] in by_name[passable[name]]
		name in grant.fields
		grant.source in sources
		_opened(name, grant.source, family)
	]
	count(own) > 0
	found := array.concat(own, _family_grounds(name, own, family))
}

# What is about the subject is the subject's to open; what is about the family, each for themselves.
_opened(name, _, _) if not name in data.tillit.limits.third_party

_opened(name, source, family) if family[name][source]

_family_grounds(name, own, family) := [ground |
	some source, given in object.get(family, name, {})
	source in {line.source | some line in own}
	some ground in given
]

# METADATA
# title: Open by category
# description: The ceiling reaches the field, this type of unit needs no naming, and no protected address is given away.
# scope: document
open_by_category := _reached if address_unprotected

else := {name |
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

else := {name |
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
# description: The asked categories that the subject has not objected to, at an age at which an objection has weight.
# scope: document
unopposed := {category |
	objections := input.subject.objects_to
	some category in asked_categories
	not category in objections
} if {
	input.subject.age >= data.facts.law.ages.weight_from
}

unopposed := asked_categories if input.subject.age < data.facts.law.ages.weight_from

# METADATA
# title: Shown
# description: The line does not say that a service is involved which the subject hides from all others.
# scope: document
shown(grant) if grant.category != "involvement"

shown(grant) if shown_sources[grant.source]

# METADATA
# title: Shown sources
# description: Asked sources whose involvement the subject does not hide.
shown_sources := {name |
	hidden := input.subject.hidden
	some name in asked_sources
	not name in hidden
}

# METADATA
# title: Asked categories
# description: The categories of the asked fields.
asked_categories := {category | some category in data.tillit.limits.passable}

# METADATA
# title: Usable category-wide grants
# description: Per category that nobody objects to, each with the ground that it is.
wide := {category: found |
	sources := sources_lifted
	usable := [line |
		some line in _usable
		line[0].fields == []
		sources[line[0].source] == "category"
	]
	count(usable) > 0
	some category in unopposed
	found := [line | some line in usable; line[0].category == category]
}

# METADATA
# title: Usable grants by name
# description: Per category that nobody objects to, each with the ground that it is.
named := {category: found |
	usable := [line | some line in _usable; line[0].fields != []]
	count(usable) > 0
	some category in unopposed
	found := [line | some line in usable; line[0].category == category]
}

# METADATA
# title: Condition met
# description: Standing, not yet used or ended, or for the very meeting that the ask is for.
fulfilled(grant) if [grant.condition.kind, grant.condition.meeting, grant.used] in conditions

# METADATA
# title: Conditions
# description: What a grant's condition, its meeting and whether it was used must be to count for this ask.
conditions := {
	["standing", "", false],
	["standing", "", true],
	["once", "", false],
	["until_event", "", false],
	["meeting", _this_meeting, false],
	["meeting", _this_meeting, true],
}

# METADATA
# title: Asking
# description: What a line may wait for beside its condition, each with the reason that it waits.
asking := {
	"ask_me_first": "consent.ask_first",
	"only_when_present": "consent.not_present",
}

# METADATA
# title: Asked sources
# description: All that grants to the asking unit name, or the one that the ask names.
# scope: document
asked_sources := {grant.source |
	mine := _mine
	some [_, grants] in mine
	some grant in grants
} if input.ask.source == ""

asked_sources := {input.ask.source} if input.ask.source != ""

# METADATA
# title: Lifted sources
# description: Asked sources that take part and whose confidentiality a yes lifts, by category or only by name.
sources_lifted := {name: regime.consent |
	known := data.facts.units
	regimes := data.facts.law.regimes
	now := input.now
	taking_part := data.tillit.agreements.taking_part
	some name in asked_sources
	taking_part[name]
	unit := known[name]
	regime := regimes[unit.regime]
	true in [regime.pledge == false, now < unit.pledge_until]
}

# METADATA
# title: Family sources
# description: >-
#   Per field about a member of the family, the sources from which that member has said yes to exactly this, each with
#   the grounds that say so. Family members are grown and sign for themselves.
family_sources := {name: sources |
	names := data.tillit.limits.third_party
	count(names) > 0
	lines := _family_lines
	some name in names
	naming := [line | some line in lines; name in line[0].fields]
	sources := {grant.source: given |
		some [grant, _] in naming
		given := [line[1] | some line in naming; line[0].source == grant.source]
	}
	count(sources) > 0
}

_family_lines := [[line, ground] |
	recipient := input.ask.recipient
	purpose := input.ask.purpose
	collaboration := input.ask.collaboration
	met := conditions
	now := input.now
	some consent in input.consents
	consent.third_party == true
	consent.collaboration == collaboration
	consent.state == "active"
	consent.valid_from <= now
	now < consent.valid_until
	some grant in consent.grants
	grant.recipient == recipient
	grant.purpose == purpose
	grant.answer == "yes"
	grant.signed.subject == true
	[grant.condition.kind, grant.condition.meeting, grant.used] in met
	line := _let(grant)
	ground := _ground(consent, grant)
]

# Consents of the subject's own in the collaboration asked in, with the lines that name the asking unit.
_mine := [[consent, grants] |
	recipient := input.ask.recipient
	collaboration := input.ask.collaboration
	some consent in input.consents
	consent.third_party == false
	consent.collaboration == collaboration
	grants := [grant | some grant in consent.grants; grant.recipient == recipient]
]

# What is left to ask of a usable line is whether it means the field and whether its source has deposited it.
_usable := [[grant, ground] |
	some [consent, grant] in array.concat(_signed_alone, _signed_by_guardians)
	ground := _ground(consent, grant)
]

_ground(consent, grant) := {
	"kind": "consent",
	"id": consent.id,
	"version": consent.version,
	"grant": grant.id,
	"source": grant.source,
}

_signed_alone := [line |
	alone := data.tillit.signers.alone
	some line in _answered
	line[1].signed.subject == true
	line[1].category in alone
]

_signed_by_guardians := [[consent, grant] |
	alone := data.tillit.signers.alone
	count(alone) < count(asked_categories)
	some [consent, grant] in _answered
	not alone[grant.category]
	data.tillit.signers.enough(consent, grant)
]

# Lines answered yes that would do for this ask, were they signed by those who must.
_answered := [[consent, line] |
	purpose := input.ask.purpose
	met := conditions
	sources := sources_lifted
	categories := unopposed
	now := input.now
	some [consent, grants] in _mine
	consent.state == "active"
	consent.valid_from <= now
	now < consent.valid_until
	some grant in grants
	grant.purpose == purpose
	grant.answer == "yes"
	grant.category in categories
	shown(grant)
	sources[grant.source]
	[grant.condition.kind, grant.condition.meeting, grant.used] in met
	line := _let(grant)
]

# A line as it counts now: as it is, or, where somebody wants to be asked first, for the fields that a yes lets now.
_let(grant) := grant if grant.condition.also == ""

_let(grant) := object.union(grant, {"covers": covers}) if {
	asking[grant.condition.also]
	grant.fields == []
	allowed := _allowed(grant)
	covers := [name | some name in grant.covers; name in allowed]
}

_let(grant) := object.union(grant, {"fields": fields}) if {
	asking[grant.condition.also]
	allowed := _allowed(grant)
	fields := [name | some name in grant.fields; name in allowed]
	count(fields) > 0
}

_allowed(grant) := {name |
	now := input.now
	some name, until in grant.allowed
	now < until
}

default _this_meeting := "none"

_this_meeting := input.ask.meeting if input.ask.meeting != ""

_reached := data.tillit.ceilings.reach - data.tillit.limits.named
