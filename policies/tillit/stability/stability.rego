# METADATA
# title: Stability
# description: Until when time alone leaves the answer as it is.
package tillit.stability

# METADATA
# title: Until
# description: The first moment ahead at which a validity, a pledge, a birthday or a meeting turns; null without one.
default until := null

until := min(_ahead)

_ahead contains moment if {
	some moment in _moments
	is_string(moment)
	moment > input.now
}

_moments contains moment if {
	some consent in _consents
	some moment in [consent.valid_from, consent.valid_until]
}

_moments contains birthday.at if some birthday in input.subject.birthdays

_moments contains moment if some moment in [input.meeting.opens, input.meeting.closes]

_moments contains moment if {
	some moment in [_collaboration.valid_from, _collaboration.valid_until]
}

_moments contains moment if {
	some unit in _units
	period := _collaboration.members[unit]
	some moment in [period.valid_from, period.valid_until]
}

_moments contains moment if {
	some unit in _units
	moment := data.facts.units[unit].pledge_until
}

_collaboration := data.facts.collaborations[input.ask.collaboration]

_consents := [consent |
	some consent in input.consents
	consent.collaboration == input.ask.collaboration
	consent.state == "active"
]

_units contains input.ask.recipient

_units contains grant.source if {
	some consent in _consents
	some grant in consent.grants
	grant.recipient == input.ask.recipient
}
