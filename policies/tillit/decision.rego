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
# scope: document
default outcome := "refused"

outcome := "released" if count(_permitted) == count(fields)

outcome := "partly_released" if {
	count(_permitted) > 0
	count(_permitted) < count(fields)
}

# METADATA
# title: Fields
# description: Every asked field once, permitted with grounds or withheld with reasons.
fields := object.union(
	{name: {"effect": "permit", "grounds": grounds} | some name, grounds in _permitted},
	{name: {"effect": "withhold", "reasons": sort(reasons)} | some name, reasons in _withheld},
)

# METADATA
# title: Obligations
# description: What the recipient takes on; how long the values may be kept is the collaboration's to say.
# scope: document
obligations := object.union(data.facts.law.obligations, data.tillit.own.obligations) if data.tillit.own.asked

else := object.union(
	data.facts.law.obligations,
	{"erase_after": _erase_after, "notify": _notify},
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
# description: Nothing about the ask as a whole stands in the way, whatever ground it may have.
open if {
	data.tillit.gaps.closed
	data.tillit.limits.identifying
	data.tillit.agreements.met
}

_permitted := data.tillit.own.grounds if data.tillit.own.asked

else := object.union(_on_consent, {name: array.concat(object.get(_on_consent, name, []), found) |
	some name, found in _on_statute
})

default _on_consent := {}

_on_consent := data.tillit.consents.grounds if {
	open
	data.tillit.limits.consentable
}

default _on_statute := {}

_on_statute := data.tillit.statutes.grounds if {
	open
	count(data.tillit.statutes.applicable) > 0
}

# The first that applies: what is unknown, what can never be, what the services have not agreed on, and only then what
# the subject has said.
_withheld := {name: reasons |
	permitted := _permitted
	count(permitted) < count(input.ask.fields)
	certain := _certain_reasons
	some name in input.ask.fields
	not permitted[name]
	reasons := object.get(certain, name, {"policy.error"})
}

_certain_reasons := data.tillit.own.reasons if data.tillit.own.asked

else := {name: data.tillit.gaps.ask | some name in input.ask.fields} if count(data.tillit.gaps.ask) > 0

else := object.union({name: _rest | some name in input.ask.fields}, _field_reasons) if count(_rest) > 0

else := object.union(data.tillit.statutes.reasons, _field_reasons) if not data.tillit.limits.consentable

else := object.union(object.union(data.tillit.consents.reasons, data.tillit.statutes.empty), _field_reasons)

_field_reasons := object.union(data.tillit.limits.fields, data.tillit.gaps.fields)

default _rest := set()

_rest := data.tillit.limits.ask if not data.tillit.limits.identifying

_rest := data.tillit.agreements.reasons if {
	data.tillit.limits.identifying
	not data.tillit.agreements.met
}

# Whoever decides benefits or controls learns nothing of what the subject has answered (N27, N52).
_rest := {"consent.none"} if {
	data.tillit.limits.consentable
	data.tillit.agreements.met
	data.facts.catalogue.purposes[input.ask.purpose].control == true
}

_erase_after := told if told := data.facts.collaborations[input.ask.collaboration].erase_after

else := data.facts.law.obligations.erase_after

# Whoever is told of by a yes is told at once; on statutes alone, the soonest that any of them says.
_notify := data.facts.law.obligations.notify if count(_on_statute) == 0

else := data.facts.law.obligations.notify if {
	some name, _ in _permitted
	_on_consent[name]
}

else := min(data.tillit.statutes.notices)[1]
