# METADATA
# title: Statutes
# description: Grounds that do not rest on a yes, and what is missing where one is claimed. An agreement is never one.
package tillit.statutes

# METADATA
# title: Grounds
# description: Per field the statutes that open it, each with the source that it opens and the invocation it rests on.
grounds := {name: found |
	candidates := applicable
	count(candidates) > 0
	deposited := input.deposited
	some name, category in openable
	found := [ground |
		some [id, statute] in candidates
		some line in lines[id]
		_reaches(statute, line, name, category)
		some source in deposited[name]
		_from(statute, line, source)
		ground := {"kind": statute.ground, "id": id, "version": 0, "grant": line.id, "source": source}
	]
	count(found) > 0
}

# METADATA
# title: Applicable
# description: The statutes in use that serve this purpose, for the asking unit and a subject of this age.
applicable := [[id, statute] |
	some id in data.facts.catalogue.purposes[input.ask.purpose].statutes
	statute := data.facts.law.statutes[id]
	statute.in_use == true
	statute.ages.min <= input.subject.age
	input.subject.age <= statute.ages.max
	_on(statute.to, data.facts.units[input.ask.recipient])
]

# METADATA
# title: Openable
# description: The asked fields that a statute may open at all, each with its category.
openable := {name: category |
	others := data.tillit.limits.third_party
	shielded := _shielded
	some name, category in data.tillit.limits.passable
	not name in others
	not category in shielded
}

# METADATA
# title: Lines
# description: Per applicable statute what is relied on. Where nobody needs to invoke it, the ask itself.
lines := {id: found |
	fitting := _fitting
	some [id, statute] in applicable
	asking := [_the_ask_itself | statute.invoked_by == "nobody"]
	invoked := [invocation |
		some [_, invocation] in fitting
		invocation.statute == id
		invocation.reasoned == true
		true in [statute.second_person == false, invocation.confirmed == true]
	]
	found := array.concat(asking, invoked)
}

_the_ask_itself := {"id": "", "source": "", "necessary": [], "delayed": false}

# METADATA
# title: Notices
# description: How the subject is to be told of what rests on each ground, the soonest first.
notices := {[_soonest[notice], notice] |
	some found in grounds
	some ground in found
	statute := data.facts.law.statutes[ground.id]
	some line in lines[ground.id]
	line.id == ground.grant
	notice := _notice(statute, line)
}

# METADATA
# title: Reasons
# description: Per field that no statute opens the nearest missing thing, for purposes that rest on nothing else.
reasons := {name: {code} |
	granted := grounds
	obstacles := _obstacles
	reached := _reached
	opening := openable
	some name, _ in data.tillit.limits.passable
	not granted[name]
	unreached := {[4, _not_allowed] | not reached[name]}
	shielded := {[5, "subject.address_protected"] | not opening[name]}
	code := min(((obstacles | unreached) | (shielded | {[6, "data.none"]})))[1]
}

# METADATA
# title: Empty
# description: Fields that a statute opens to the asking unit, and that nobody who may tell has put in.
empty := {name: {"data.none"} |
	count(applicable) > 0
	granted := grounds
	some name, category in openable
	not granted[name]
	some [id, statute] in applicable
	some line in lines[id]
	_reaches(statute, line, name, category)
	_asked_of(statute)
}

_asked_of(_) if input.ask.source == ""

_asked_of(statute) if _may_tell(statute, input.ask.source)

# What stops the ask as a whole, the first thing first: nobody has invoked a statute, its time is over, the role is
# wrong. Where a reason or a second person is missing, no field is reached.
_obstacles contains [1, _not_allowed] if count(_claims) == 0

_obstacles contains [2, _over] if count(_current) == 0

_obstacles contains [3, "actor.role"] if count(_fitting) == 0

default _not_allowed := "statute.conditions"

_not_allowed := "emergency.not_allowed" if _emergency

default _over := "statute.conditions"

_over := "emergency.expired" if _emergency

_emergency if data.facts.catalogue.purposes[input.ask.purpose].basis == "emergency"

# Every invocation of an applicable statute towards the asking unit, by whoever may invoke it.
_claims := [[statute, invocation] |
	some [id, statute] in applicable
	some invocation in input.invocations
	_claimed(id, statute, invocation)
]

_current := [claim |
	now := input.now
	some claim in _claims
	claim[1].opens <= now
	now < claim[1].closes
]

_fitting := [claim |
	some claim in _current
	_roles_fit(claim[0], claim[1])
]

_reached := {name |
	some name, category in data.tillit.limits.passable
	some [id, statute] in applicable
	some line in lines[id]
	_reaches(statute, line, name, category)
}

_claimed(id, statute, invocation) if {
	invocation.statute == id
	invocation.recipient == input.ask.recipient
	_invoker(statute, invocation)
}

_invoker(statute, invocation) if {
	statute.invoked_by == "recipient"
	invocation.unit == invocation.recipient
}

_invoker(statute, invocation) if {
	statute.invoked_by == "source"
	invocation.unit == invocation.source
}

# Where the recipient invokes, whoever asks must have such a role too.
_roles_fit(statute, invocation) if {
	statute.invoked_by == "source"
	_role_fits(statute, invocation.role)
}

_roles_fit(statute, invocation) if {
	statute.invoked_by == "recipient"
	_role_fits(statute, invocation.role)
	_role_fits(statute, input.ask.actor_role)
}

_role_fits(statute, role) if role in statute.roles

_role_fits(statute, _) if count(statute.roles) == 0

_reaches(statute, line, name, category) if {
	_opens(statute, name, category)
	_named(statute, line, name)
	true in [statute.necessity == false, name in line.necessary]
	_unopposed(statute, category)
}

_opens(statute, name, _) if name in statute.fields

_opens(statute, _, category) if category in statute.categories

_opens(statute, _, _) if {
	statute.fields == []
	statute.categories == []
	statute.invoked_by == "source"
}

_named(statute, _, _) if statute.invoked_by == "nobody"

_named(statute, line, name) if {
	statute.invoked_by in ["source", "recipient"]
	name in line.fields
}

_unopposed(statute, _) if statute.unless_objected == false

_unopposed(statute, category) if {
	statute.unless_objected == true
	objections := input.subject.objects_to
	not category in objections
}

_from(statute, line, source) if {
	input.ask.source in ["", source]
	line.source in ["", source]
	_may_tell(statute, source)
}

_may_tell(statute, source) if {
	unit := data.facts.units[source]
	_on(statute.from, unit)
	_kinds_fit(statute, unit)
	_places_fit(statute, unit)
	_set_off(statute, source)
	_tellers[source]
}

# The law needs no agreement; whoever asks within one asks its members.
_tellers := _holders if input.ask.collaboration == ""

_tellers := {unit |
	now := input.now
	stage := input.stage
	members := data.facts.collaborations[input.ask.collaboration].members
	some unit in _holders
	period := members[unit]
	period.valid_from <= now
	true in [period.valid_until == null, now < period.valid_until]
	object.get(period, "from_stage", 0) <= stage
} if {
	input.ask.collaboration != ""
}

_holders := ({input.ask.source} - {""}) | {unit |
	some sources in input.deposited
	some unit in sources
}

_kinds_fit(statute, _) if statute.same_type == false

_kinds_fit(statute, unit) if {
	statute.same_type == true
	unit.type == data.facts.units[input.ask.recipient].type
}

_places_fit(statute, _) if statute.same_county == false

_places_fit(statute, unit) if {
	statute.same_county == true
	unit.place.county == data.facts.units[input.ask.recipient].place.county
}

_set_off(statute, _) if statute.trigger == null

_set_off(statute, source) if source in input.notified[statute.trigger]

# A list that is left out binds nothing; the loader has checked that what stands there is known.
_on(side, unit) if {
	_listed(side, "types", unit.type)
	_listed(side, "regimes", unit.regime)
	_listed(side, "sectors", unit.sector)
}

_listed(side, key, value) if value in object.get(side, key, [value])

# A protected address: nothing that reaches a person is given on a statute, not even in an emergency.
_shielded := set() if data.tillit.consents.address_unprotected

else := {category |
	some category in data.facts.law.limits.protected_address.by_name_only
} if {
	data.tillit.consents.address_protected
}

_soonest := {"immediate": 0, "digest": 1, "delayed": 2, "none": 3}

_notice(statute, line) := "delayed" if {
	statute.max_delay_days > 0
	line.delayed == true
}

else := "immediate" if statute.notice == "delayed"

else := statute.notice
