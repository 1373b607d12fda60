# METADATA
# title: Stability
# description: Until when time alone leaves the answer as it is.
package tillit.stability

# METADATA
# title: Until
# description: >-
#   The first moment ahead at which a validity, a pledge, a birthday, a meeting or a yes to an ask turns; null without
#   one.
# scope: document
default until := null

until := min(_ahead)

# An end that is left open is null, which comes before every moment.
_ahead := [moment |
	now := input.now
	some moment in array.concat(_said, _agreed)
	moment > now
]

# What the consents, with what was let on being asked, the subject and the meeting say.
_said := array.concat(
	[moment |
		collaboration := input.ask.collaboration
		some consent in input.consents
		consent.collaboration == collaboration
		consent.state == "active"
		lets := [moment | some grant in consent.grants; some moment in grant.allowed]
		some moment in array.concat([consent.valid_from, consent.valid_until], lets)
	],
	array.concat(
		[birthday.at | some birthday in input.subject.birthdays],
		array.concat(
			[input.meeting.opens, input.meeting.closes],
			[moment |
				some invocation in input.invocations
				some moment in [invocation.opens, invocation.closes]
			],
		),
	),
)

# What the collaboration says of itself and of the units that ask and are asked, and the pledges of these.
_agreed := array.concat(
	[moment |
		collaboration := data.facts.collaborations[input.ask.collaboration]
		members := collaboration.members
		periods := [period | some unit in _units; period := members[unit]]
		some period in array.concat([collaboration], periods)
		some moment in [period.valid_from, period.valid_until]
	],
	[known[unit].pledge_until |
		known := data.facts.units
		some unit in _units
	],
)

_units := {input.ask.recipient} | data.tillit.consents.asked_sources
