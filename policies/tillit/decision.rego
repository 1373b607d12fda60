# METADATA
# title: Tillit
# description: Decides an ask, field by field. Default deny; a permit names its grounds, a withheld field its reasons.
package tillit

# METADATA
# title: Decision
# description: The whole answer to one ask. Nothing that is missing from the facts makes it permit more.
# entrypoint: true
default decision := {}

decision := {
	"outcome": outcome,
	"fields": fields,
	"obligations": obligations,
	"stable_until": data.tillit.stability.until,
	"policy": policy,
}

# METADATA
# title: Outcome
# description: Released when every asked field is permitted, refused when none is.
default outcome := "refused"

outcome := "released" if {
	count(_permitted) > 0
	count(_permitted) == count(fields)
}

outcome := "partly_released" if {
	count(_permitted) > 0
	count(_permitted) < count(fields)
}

# METADATA
# title: Fields
# description: Every asked field once, permitted with grounds or withheld with reasons.
fields[name] := {"effect": "permit", "grounds": grounds} if some name, grounds in _permitted

fields[name] := {"effect": "withhold", "reasons": _reasons(name)} if {
	some name in input.ask.fields
	not _permitted[name]
}

# METADATA
# title: Obligations
# description: What the recipient takes on; how long the values may be kept is the collaboration's to say.
obligations := object.union(
	data.facts.law.obligations,
	{"erase_after": _erase_after},
)

# METADATA
# title: Policy
# description: Which facts and rules answered. The digest is put in when a bundle is written, and is empty before.
policy := {
	"version": data.facts.release.version,
	"digest": object.get(data.facts.release, "digest", ""),
}

# METADATA
# title: Open
# description: Nothing about the ask as a whole stands in the way.
open if {
	data.tillit.gaps.closed
	data.tillit.limits.consentable
	data.tillit.agreements.met
}

_permitted[name] := sort(grounds) if {
	open
	some name in data.tillit.limits.passable
	grounds := data.tillit.consents.grounds[name]
	count(grounds) > 0
}

# The first set of reasons that is not empty: what is unknown, what can never be, what the services have not agreed on,
# and only then what the subject has said.
_reasons(name) := sort(data.tillit.gaps.ask) if count(data.tillit.gaps.ask) > 0

else := sort(data.tillit.gaps.fields[name]) if data.tillit.gaps.fields[name]

else := sort(data.tillit.limits.ask) if count(data.tillit.limits.ask) > 0

else := sort(data.tillit.limits.fields[name]) if data.tillit.limits.fields[name]

else := sort(data.tillit.agreements.reasons) if count(data.tillit.agreements.reasons) > 0

else := ["consent.none"] if data.facts.catalogue.purposes[input.ask.purpose].control == true

else := sort(data.tillit.consents.reasons[name]) if data.tillit.consents.reasons[name]

else := ["policy.error"]

default _erase_after := ""

_erase_after := data.facts.law.obligations.erase_after if input.ask.collaboration == ""

_erase_after := data.facts.law.obligations.erase_after if data.tillit.gaps.ask["gap.collaboration"]

_erase_after := data.facts.collaborations[input.ask.collaboration].erase_after
