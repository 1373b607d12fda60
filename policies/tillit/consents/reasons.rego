package tillit.consents

# METADATA
# title: Reasons
# description: Per field the nearest missing thing, that is, what stopped the grant that came furthest.
reasons := object.union(
	{name: codes |
		some name, hurdles in _hurdles
		nearest := max(hurdles)[0]
		codes := {code |
			some [rank, code] in hurdles
			rank == nearest
		}
	},
	{name: {_not_covered(name)} | some name in _uncovered},
)

_not_covered(name) := "recipient.wrong_unit" if _kin[name]

else := "consent.no_grant" if _party

else := "consent.none"

# METADATA
# title: Hurdle of a line
# description: The first thing that stops a line for this purpose, whatever the field; the number says how far it came.
hurdle(consent, grant) := [2, code] if code := _stopping[consent.state]

else := [2, "consent.expired"] if input.now >= consent.valid_until

else := [2, "consent.not_started"] if input.now < consent.valid_from

else := [3, "source.not_in_grant"] if not asked_sources[grant.source]

else := [5, "source.not_member"] if not data.tillit.agreements.taking_part[grant.source]

else := [6, "source.regime"] if not _lifted(grant)

else := [7, "consent.lapsed"] if {
	not data.tillit.signers.enough(consent, grant)
	data.tillit.signers.outgrown(grant)
}

else := [7, "consent.incomplete"] if not data.tillit.signers.enough(consent, grant)

else := [8, _unfulfilled(grant.condition.kind)] if not fulfilled(grant)

else := [9, "subject.objects"] if not unopposed[grant.category]

else := [9, "subject.hidden"] if not shown(grant)

else := _no_hurdle

# METADATA
# title: Hurdle of a field by category
# description: What stops a category-wide line at this field, where nothing stopped it before.
category_hurdle(name) := [4, "limit.hard"] if data.tillit.limits.named[name]

else := [4, "ceiling.exceeded"] if not data.tillit.ceilings.reach[name]

else := [11, "subject.address_protected"] if not open_by_category[name]

else := [12, "data.none"]

# METADATA
# title: Hurdle of a field by name
# description: What stops a line that names the field, where nothing stopped it before.
name_hurdle(name) := [11, "subject.address_protected"] if not open_by_name[name]

else := [12, "data.none"]

_unfulfilled("meeting") := "consent.other_meeting"

_unfulfilled("once") := "consent.used_up"

_unfulfilled("until_event") := "consent.expired"

_no_hurdle := [99, "policy.error"]

_open := {name: category |
	granted := grounds
	some name, category in data.tillit.limits.passable
	not granted[name]
}

_open_categories := {category | some category in _open}

_hurdles := {name: hurdles |
	by_category := _wide_hurdles
	by_name := _named_hurdles
	settled := _settled
	some name, category in _open
	limit := category_hurdle(name)
	named_limit := name_hurdle(name)
	hurdles := ({limit | settled[name]} | {min([reached, limit]) |
		some [covers, reached] in by_category[category]
		name in covers
	}) | {min([reached, named_limit]) |
		some [names, reached] in by_name[category]
		name in names
	}
	count(hurdles) > 0
}

# Only where no usable category-wide grant covers a field are the unusable ones worth a look.
_wide_hurdles := {category: found |
	settled := _settled
	unsettled := {category |
		some name, category in _open
		not settled[name]
	}
	some category in unsettled
	found := [part |
		some [consent, grant] in _lines
		grant.category == category
		grant.fields == []
		some part in _parted(grant, grant.covers, _line_hurdle(consent, grant))
	]
}

_settled := {name |
	usable := wide
	some name, category in _open
	some line in usable[category]
	name in line[0].covers
}

_named_hurdles := {category: found |
	lines := [line | some line in _lines; line[1].fields != []]
	some category in _open_categories
	found := [part |
		some [consent, grant] in lines
		grant.category == category
		some part in _parted(grant, grant.fields, _line_hurdle(consent, grant))
	]
}

# How far a line came, for all of its names, or for those that a yes lets now and the rest, which waits for one. That
# is told before what it would find: whether there is anything is nobody's to know until then.
_parted(grant, names, reached) := [[names, reached]] if grant.condition.also == ""

_parted(grant, names, reached) := [[let, reached], [waiting, min([reached, [10, code]])]] if {
	code := asking[grant.condition.also]
	allowed := _allowed(grant)
	let := [name | some name in names; name in allowed]
	waiting := [name | some name in names; not name in allowed]
}

_line_hurdle(_, grant) := [1, "purpose.not_in_grant"] if grant.purpose != input.ask.purpose

_line_hurdle(consent, grant) := hurdle(consent, grant) if grant.purpose == input.ask.purpose

_lifted(grant) if sources_lifted[grant.source] == "category"

_lifted(grant) if {
	sources_lifted[grant.source] == "by_name"
	grant.fields != []
}

_stopping := {
	"requested": "consent.incomplete",
	"partly_signed": "consent.incomplete",
	"paused": "consent.paused",
	"withdrawn": "consent.withdrawn",
	"expired": "consent.expired",
	"lapsed": "consent.lapsed",
	"refused": "consent.refused",
}

# The asking unit's lines in consents of the collaboration asked in, whatever became of these since.
_lines := [[consent, grant] |
	recipient := input.ask.recipient
	some consent in input.consents
	consent.third_party == false
	consent.collaboration == input.ask.collaboration
	answers := _counting[consent.state]
	some grant in consent.grants
	grant.recipient == recipient
	grant.answer in answers
]

# A line counts here when it was answered yes, still waits for its answer, or fell with a consent refused as a whole. A
# single line answered no is no grant, and nobody is told that it was a no.
_counting := {
	"requested": ["yes", ""],
	"partly_signed": ["yes", ""],
	"active": ["yes"],
	"paused": ["yes"],
	"withdrawn": ["yes"],
	"expired": ["yes"],
	"lapsed": ["yes"],
	"refused": ["yes", "no", ""],
}

_party if {
	recipient := input.ask.recipient
	some consent in input.consents
	consent.third_party == false
	consent.collaboration == input.ask.collaboration
	_counting[consent.state]
	some grant in consent.grants
	grant.recipient == recipient
}

_uncovered := {name |
	covered := _hurdles
	some name, _ in _open
	not covered[name]
}

# Another unit of the same family has this very grant: the ask was made under the wrong hat.
_kin := {name |
	some grant in _kin_grants
	some name in _uncovered
	_open[name] == grant.category
	_names(grant, name)
}

_kin_grants := [grant |
	count(_uncovered) > 0
	recipient := input.ask.recipient
	purpose := input.ask.purpose
	relatives := _relatives
	some consent in input.consents
	consent.third_party == false
	consent.collaboration == input.ask.collaboration
	consent.state == "active"
	some grant in consent.grants
	grant.purpose == purpose
	grant.recipient != recipient
	grant.answer == "yes"
	grant.recipient in relatives
]

_relatives := {name |
	types := data.facts.catalogue.service_types
	known := data.facts.units
	family := types[known[input.ask.recipient].type].family
	some consent in input.consents
	some grant in consent.grants
	name := grant.recipient
	types[known[name].type].family == family
}

_names(grant, name) if {
	grant.fields == []
	name in grant.covers
	data.tillit.ceilings.reach[name]
}

_names(grant, name) if name in grant.fields
