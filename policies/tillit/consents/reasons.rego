package tillit.consents

# METADATA
# title: Reasons
# description: Per field the nearest missing thing, that is, what stopped the grant that came furthest.
reasons[name] contains "consent.none" if {
	some name, _ in _uncovered
	not _party
	not _kin[name]
}

reasons[name] contains "consent.no_grant" if {
	some name, _ in _uncovered
	_party
	not _kin[name]
}

reasons[name] contains "recipient.wrong_unit" if {
	some name, _ in _uncovered
	_kin[name]
}

reasons[name] contains code if {
	some name, hurdles in _hurdles
	nearest := max(hurdles)[0]
	some [rank, code] in hurdles
	rank == nearest
}

# METADATA
# title: Hurdle
# description: The first thing that stops a grant from giving a field; the number says how far the grant came.
hurdle(consent, grant, name, field) := [1, "purpose.not_in_grant"] if grant.purpose != input.ask.purpose

else := [2, "source.not_in_grant"] if not asked_source(grant)

else := [3, "limit.hard"] if {
	grant.fields == []
	data.tillit.limits.named[name]
}

else := [3, "ceiling.exceeded"] if not reached(grant, name)

else := [4, "source.not_member"] if not data.tillit.agreements.takes_part(grant.source)

else := [5, "source.regime"] if not lifted(grant)

else := [6, code] if code := _stopped(consent.state)

else := [7, "consent.expired"] if input.now >= consent.valid_until

else := [7, "consent.not_started"] if input.now < consent.valid_from

else := [8, "consent.lapsed"] if {
	not data.tillit.signers.enough(consent, grant)
	data.tillit.signers.outgrown(grant)
}

else := [8, "consent.incomplete"] if not data.tillit.signers.enough(consent, grant)

else := [9, "consent.other_meeting"] if {
	grant.condition.kind == "meeting"
	not fulfilled(grant)
}

else := [9, "consent.used_up"] if not fulfilled(grant)

else := [10, "subject.objects"] if not unopposed(field.category)

else := [10, "subject.address_protected"] if not shielded(grant, name, field)

else := [11, "data.none"] if not _deposited(grant, name)

else := [12, "policy.error"]

_stopped("requested") := "consent.incomplete"

_stopped("partly_signed") := "consent.incomplete"

_stopped("paused") := "consent.paused"

_stopped("withdrawn") := "consent.withdrawn"

_stopped("expired") := "consent.expired"

_stopped("lapsed") := "consent.lapsed"

_stopped("refused") := "consent.refused"

_deposited(grant, name) if grant.source in input.deposited[name]

# A line counts here when it was answered yes, still waits for its answer, or fell with a consent refused as a whole. A
# single line answered no is no grant, and nobody is told that it was a no.
_counts(_, grant) if grant.answer == "yes"

_counts(consent, grant) if {
	consent.state in {"requested", "partly_signed"}
	grant.answer == ""
}

_counts(consent, _) if consent.state == "refused"

# The grants to look at for a field: of consents in the collaboration asked in, whatever became of them since.
_lines[category] contains [consent, grant] if {
	some consent in input.consents
	consent.collaboration == input.ask.collaboration
	consent.state in _seen
	some grant in consent.grants
	_counts(consent, grant)
	category := grant.category
}

_seen := {"requested", "partly_signed", "active", "paused", "withdrawn", "expired", "lapsed", "refused"}

_party if {
	some consent in input.consents
	consent.collaboration == input.ask.collaboration
	consent.state in _seen
	some grant in consent.grants
	grant.recipient == input.ask.recipient
}

_names(grant, _) if grant.fields == []

_names(grant, name) if name in grant.fields

_open[name] := field if {
	some name, field in data.tillit.gaps.known_fields
	not grounds[name]
}

_hurdles[name] contains hurdle(consent, grant, name, field) if {
	some name, field in _open
	some [consent, grant] in object.get(_lines, field.category, [])
	grant.recipient == input.ask.recipient
	_names(grant, name)
}

_uncovered[name] := field if {
	some name, field in _open
	not _hurdles[name]
}

# Another unit of the same family holds the very grant: the ask was made under the wrong hat.
_kin[name] if {
	some name, field in _uncovered
	family := data.facts.catalogue.service_types[data.facts.units[input.ask.recipient].type].family
	some [consent, grant] in object.get(_lines, field.category, [])
	consent.state == "active"
	grant.answer == "yes"
	grant.recipient != input.ask.recipient
	grant.purpose == input.ask.purpose
	asked_source(grant)
	_names(grant, name)
	data.facts.catalogue.service_types[data.facts.units[grant.recipient].type].family == family
}
