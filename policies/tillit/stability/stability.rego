# METADATA
# title: Stability
# description: Until when time alone leaves the answer as it is.
package tillit.stability

# METADATA
# title: Until
# description: The first moment ahead at which a validity, a pledge, a birthday or a meeting turns; null without one.
# scope: document
default until := null

until := min(_ahead)

_ahead := {moment |
	now := input.now
	some moment in _moments
	is_string(moment)
	moment > now
}

_moments := (_consent_moments | _subject_moments) | (_agreement_moments | _unit_moments)

_consent_moments := {moment |
	some consent in _consents
	some moment in [consent.valid_from, consent.valid_until]
}

_subject_moments := {birthday.at | some birthday in input.subject.birthdays} | {
	input.meeting.opens,
	input.meeting.closes,
}

_agreement_moments := {moment |
	some moment in [_collaboration.valid_from, _collaboration.valid_until]
} | {moment |
	members := _collaboration.members
	some unit in _units
	period := members[unit]
	some moment in [period.valid_from, period.valid_until]
}

_unit_moments := {moment |
	known := data.facts.units
	some unit in _units
	moment := known[unit].pledge_until
}

_collaboration := data.facts.collaborations[input.ask.collaboration]

_consents := [consent |
	some consent in input.consents
	consent.collaboration == input.ask.collaboration
	consent.state == "active"
]

_units := {input.ask.recipient} | data.tillit.consents.asked_sources
