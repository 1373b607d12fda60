# METADATA
# title: Testing
# description: The ordinary ask that the tests of every package start from, and ways to change one thing in it.
package tillit.testing_test

ordinary := {
	"now": "2026-11-10T12:00:00.000000Z",
	"ask": {
		"recipient": "nav-larvik",
		"actor_role": "veileder",
		"purpose": "case_discussion",
		"collaboration": "ungdomsutvalget-larvik",
		"meeting": "",
		"source": "",
		"fields": ["education.attendance.rate"],
	},
	"subject": {
		"age": 19,
		"birthdays": [],
		"guardians": 0,
		"address_protection": "none",
		"objects_to": [],
		"hidden": [],
	},
	"consents": [consent],
	"deposited": {"education.attendance.rate": ["thor-heyerdahl-vgs"]},
	"meeting": {
		"id": "",
		"collaboration": "",
		"noticed": false,
		"participants": [],
		"opens": "1970-01-01T00:00:00.000000Z",
		"closes": "1970-01-01T00:00:00.000000Z",
	},
	"invocations": [],
	"stage": 0,
	"notified": {"education.dropout_notice": ["thor-heyerdahl-vgs", "solor-vgs"]},
}

consent := {
	"id": "con_1",
	"version": 1,
	"state": "active",
	"collaboration": "ungdomsutvalget-larvik",
	"guardians_rule": "all",
	"valid_from": "2026-10-01T00:00:00.000000Z",
	"valid_until": "2027-04-01T00:00:00.000000Z",
	"third_party": false,
	"grants": [grant],
}

grant := {
	"id": "g1",
	"source": "thor-heyerdahl-vgs",
	"recipient": "nav-larvik",
	"category": "education",
	"fields": [],
	"covers": ["education.attendance.rate"],
	"purpose": "case_discussion",
	"condition": {"kind": "standing", "meeting": "", "also": ""},
	"allowed": {},
	"answer": "yes",
	"signed": {"subject": true, "guardians": 0, "child_heard": false},
	"used": false,
}

meeting := {
	"id": "mtg_1",
	"collaboration": "ungdomsutvalget-larvik",
	"noticed": true,
	"participants": ["nav-larvik"],
	"opens": "2026-11-09T00:00:00.000000Z",
	"closes": "2026-11-11T00:00:00.000000Z",
}

changed(more) := object.union(ordinary, more)

asked(more) := changed({"ask": more})

consented(more) := changed({"consents": [object.union(consent, more)]})

granted(more) := consented({"grants": [object.union(grant, more)]})

# The ask, its one field and the one grant moved to another field.
about(name, more) := object.union(granted(object.union({"category": split(name, ".")[0], "covers": [name]}, more)), {
	"ask": {"fields": [name]},
	"deposited": {name: ["thor-heyerdahl-vgs"]},
})

# About the family: the subject and the family member have both said yes to this from this source.
familial(more) := object.union(about("family.situation", {"fields": ["family.situation"], "covers": []}), {"consents": [
	object.union(consent, {"grants": [_family_line]}),
	object.union(
		object.union(consent, {"id": "con_2", "third_party": true, "grants": [_family_line]}),
		more,
	),
]})

_family_line := object.union(grant, {"category": "family", "fields": ["family.situation"], "covers": []})

family_line(more) := {"grants": [object.union(_family_line, more)]}

# Every document that has one member less, whatever it is and wherever it stands.
dropped contains less if {
	[path, _] := walk(full)
	count(path) > 0
	less := json.remove(full, [concat("/", [replace(sprintf("%v", [part]), "/", "~1") | some part in path])])
}

full := object.union(ordinary, {
	"ask": {"meeting": "mtg_1"},
	"meeting": meeting,
})

test_every_member_is_dropped_in_turn if count(dropped) > 50
