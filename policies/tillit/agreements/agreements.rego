# METADATA
# title: Agreements
# description: Preconditions that services have among themselves. Never a ground, and nothing passes without them.
package tillit.agreements

# METADATA
# title: Preconditions met
# description: >-
#   Agreement in force and for the subject's age, asking unit a member by now and bound to silence, purpose agreed,
#   meeting announced.
met if {
	in_force
	fitting
	member
	arrived
	agreed_purpose
	pledged
	announced
}

# METADATA
# title: Agreement in force
# description: Two units may deal directly; a collaboration holds within its validity.
# scope: document
in_force if input.ask.collaboration == ""

in_force if {
	_collaboration.valid_from <= input.now
	_unended(_collaboration.valid_until, input.now)
}

# METADATA
# title: Member
# description: The asking unit is a member of the collaboration now.
# scope: document
member if input.ask.collaboration == ""

member if {
	period := _collaboration.members[input.ask.recipient]
	period.valid_from <= input.now
	_unended(period.valid_until, input.now)
}

# METADATA
# title: Fitting
# description: The collaboration is for subjects of this age.
# scope: document
fitting if input.ask.collaboration == ""

fitting if {
	_collaboration.ages.min <= input.subject.age
	input.subject.age <= _collaboration.ages.max
}

# METADATA
# title: Arrived
# description: The case has come to the point from which the asking unit takes part.
# scope: document
arrived if input.ask.collaboration == ""

arrived if object.get(_collaboration.members[input.ask.recipient], "from_stage", 0) <= input.stage

# METADATA
# title: Agreed purpose
# description: The collaboration was agreed for this purpose.
# scope: document
agreed_purpose if input.ask.collaboration == ""

agreed_purpose if input.ask.purpose in _collaboration.purposes

# METADATA
# title: Pledged
# description: The asking unit is bound by law, or by a recorded pledge in force.
pledged if bound(data.facts.units[input.ask.recipient])

# METADATA
# title: Announced meeting
# description: A meeting that the ask names, or that the collaboration needs, is one the subject was told of.
# scope: document
announced if {
	input.ask.meeting == ""
	not _meeting_needed
}

announced if {
	input.meeting.id != ""
	input.meeting.id == input.ask.meeting
	input.meeting.collaboration == input.ask.collaboration
	input.meeting.noticed == true
	input.ask.recipient in input.meeting.participants
	input.meeting.opens <= input.now
	input.now < input.meeting.closes
}

# METADATA
# title: Taking part
# description: The asked sources that are members of the collaboration by now; where there is none, all of them.
# scope: document
taking_part := {unit |
	now := input.now
	stage := input.stage
	members := _collaboration.members
	some unit in data.tillit.consents.asked_sources
	period := members[unit]
	period.valid_from <= now
	true in [period.valid_until == null, now < period.valid_until]
	object.get(period, "from_stage", 0) <= stage
} if {
	input.ask.collaboration != ""
}

taking_part := data.tillit.consents.asked_sources if input.ask.collaboration == ""

# METADATA
# title: Bound to silence
# description: By the unit's regime, or by a pledge in force where the regime says so.
# scope: document
bound(unit) if data.facts.law.regimes[unit.regime].pledge == false

bound(unit) if {
	data.facts.law.regimes[unit.regime].pledge == true
	is_string(unit.pledge_until)
	input.now < unit.pledge_until
}

# METADATA
# title: Missing preconditions
# description: The nearest missing ones; without an agreement in force nothing else is looked at.
# scope: document
reasons contains "agreement.not_in_force" if not in_force

reasons contains "recipient.not_member" if {
	in_force
	not member
}

reasons contains "recipient.not_yet" if {
	_inside
	not arrived
}

reasons contains "subject.outside_ages" if {
	_inside
	not fitting
}

reasons contains "purpose.not_in_collaboration" if {
	_inside
	not agreed_purpose
}

reasons contains "recipient.no_pledge" if {
	_inside
	not pledged
}

reasons contains "meeting.no_notice" if {
	_inside
	agreed_purpose
	not announced
}

# Whoever is no member is told no more of the agreement than that.
_inside if {
	in_force
	member
}

_collaboration := data.facts.collaborations[input.ask.collaboration]

_meeting_needed if input.ask.purpose in _collaboration.meeting_required_for

_unended(end, _) if end == null

_unended(end, now) if {
	is_string(end)
	now < end
}
