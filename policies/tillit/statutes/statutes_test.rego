package tillit.statutes_test

import data.tillit
import data.tillit.statutes
import data.tillit.testing_test as given

notice := "education.dropout_notice"

# OT asks the school for what the law says it is told of.
_leaving(more) := object.union(
	given.changed({
		"ask": {
			"recipient": "ot-vestfold",
			"purpose": "dropout_notice",
			"collaboration": "",
			"source": "thor-heyerdahl-vgs",
			"fields": [notice],
		},
		"consents": [],
		"deposited": {notice: ["thor-heyerdahl-vgs"]},
	}),
	more,
)

# A doctor at Larvikshjelpa asks in an emergency.
_emergency(more) := object.union(
	given.changed({
		"ask": {
			"recipient": "larvikshjelpa",
			"actor_role": "lege",
			"purpose": "emergency_help",
			"collaboration": "",
			"fields": ["health.risk"],
		},
		"consents": [],
		"deposited": {"health.risk": ["thor-heyerdahl-vgs"]},
		"invocations": [_invocation({})],
	}),
	more,
)

_invocation(more) := object.union(
	{
		"id": "inv_1",
		"statute": "S4",
		"unit": "larvikshjelpa",
		"role": "lege",
		"source": "",
		"recipient": "larvikshjelpa",
		"fields": ["health.risk"],
		"reasoned": true,
		"necessary": [],
		"confirmed": false,
		"delayed": false,
		"opens": "2026-11-10T00:00:00.000000Z",
		"closes": "2026-11-11T00:00:00.000000Z",
	},
	more,
)

# The school reports to child welfare; the subject is seventeen.
_report(more) := object.union(
	given.changed({
		"ask": {
			"recipient": "barnevern-larvik",
			"purpose": "duty_to_report",
			"collaboration": "",
			"fields": ["functioning.social"],
		},
		"subject": {"age": 17},
		"consents": [],
		"deposited": {"functioning.social": ["thor-heyerdahl-vgs", "nav-larvik"]},
		"invocations": [_reported({})],
	}),
	more,
)

_reported(more) := _invocation(object.union(
	{
		"statute": "S2",
		"unit": "thor-heyerdahl-vgs",
		"source": "thor-heyerdahl-vgs",
		"recipient": "barnevern-larvik",
		"role": "rektor",
		"fields": ["functioning.social"],
	},
	more,
))

test_the_school_tells_ot_without_a_yes if {
	statutes.grounds == {notice: [{
		"kind": "statute",
		"id": "S1",
		"version": 0,
		"grant": "",
		"source": "thor-heyerdahl-vgs",
	}]} with input as _leaving({})
}

test_nobody_else_is_told_and_nobody_else_tells if {
	every wrong in [
		{"ask": {"recipient": "nav-larvik"}}, {"ask": {"source": "nav-larvik"}}, {"ask": {"purpose": "coordination"}},
		{"deposited": {notice: ["nav-larvik"]}}, {"deposited": {notice: []}},
		{"subject": {"age": 25}}, {"subject": {"age": 14}},
	] {
		statutes.grounds == {} with input as _leaving(wrong)
	}
}

test_within_a_collaboration_its_members_tell if {
	larvik := _leaving({"ask": {"collaboration": "ungdomsutvalget-larvik"}})
	object.keys(statutes.grounds) == {notice} with input as larvik
	statutes.grounds == {} with input as larvik with data.facts.collaborations as _without_school
}

_without_school := {"ungdomsutvalget-larvik": object.union(object.remove(larvik, ["members"]), {"members": left})} if {
	larvik := data.facts.collaborations["ungdomsutvalget-larvik"]
	left := object.remove(larvik.members, ["thor-heyerdahl-vgs"])
}

test_a_school_tells_its_own_county if {
	elsewhere := _leaving({"ask": {"source": "solor-vgs"}, "deposited": {notice: ["solor-vgs"]}})
	statutes.grounds == {} with input as elsewhere
	moved := object.union(data.facts.units["ot-vestfold"], {"place": data.facts.units["solor-vgs"].place})
	known := object.union(data.facts.units, {"ot-vestfold": moved})
	object.keys(statutes.grounds) == {notice} with input as elsewhere with data.facts.units as known
}

test_a_school_tells_of_whoever_has_left_and_of_nobody_else if {
	phone := _leaving({"ask": {"fields": ["contact.phone"]}, "deposited": {"contact.phone": ["thor-heyerdahl-vgs"]}})
	object.keys(statutes.grounds) == {"contact.phone"} with input as phone
	every notified in [{}, {notice: []}, {notice: ["nav-larvik"]}] {
		enrolled := object.union(object.remove(phone, ["notified"]), {"notified": notified})
		statutes.grounds == {} with input as enrolled
	}
}

test_a_member_tells_while_it_is_one_and_the_case_has_come_to_it if {
	asked := _leaving({"ask": {"collaboration": "ungdomsutvalget-larvik"}})
	every period in [
		{"valid_from": "2026-11-10T12:00:00.000001Z"}, {"valid_until": "2026-11-10T12:00:00.000000Z"}, {"from_stage": 1},
	] {
		statutes.grounds == {} with input as asked with data.facts.collaborations as _school(period)
	}
	count(statutes.grounds) == 1 with input as asked
		with data.facts.collaborations as _school({"valid_until": "2026-11-10T12:00:00.000001Z"})
	count(statutes.grounds) == 1 with input as object.union(asked, {"stage": 1})
		with data.facts.collaborations as _school({"from_stage": 1})
}

_school(period) := {"ungdomsutvalget-larvik": object.union(larvik, {"members": {"thor-heyerdahl-vgs": member}})} if {
	larvik := data.facts.collaborations["ungdomsutvalget-larvik"]
	member := object.union(larvik.members["thor-heyerdahl-vgs"], period)
}

test_what_the_law_opens_and_nobody_has_put_in_is_said_to_be_empty if {
	bare := _leaving({"deposited": {notice: []}})
	tillit.decision.fields[notice].reasons == ["data.none"] with input as bare
	unnamed := object.union(bare, {"ask": {"source": ""}})
	tillit.decision.fields[notice].reasons == ["data.none"] with input as unnamed
	unfit := object.union(bare, {"ask": {"source": "nav-larvik"}})
	tillit.decision.fields[notice].reasons == ["consent.none"] with input as unfit
}

test_a_statute_opens_its_own_fields_only if {
	other := _leaving({"ask": {"fields": ["education.grades"]}, "deposited": {"education.grades": ["thor-heyerdahl-vgs"]}})
	statutes.grounds == {} with input as other
}

test_a_statute_out_of_use_opens_nothing if {
	statutes.applicable == [] with input as _leaving({})
		with data.facts.law.statutes as {"S1": object.union(data.facts.law.statutes.S1, {"in_use": false})}
}

test_a_protected_address_is_given_on_no_statute if {
	phone := {"ask": {"fields": ["contact.phone"]}, "deposited": {"contact.phone": ["thor-heyerdahl-vgs"]}}
	object.keys(statutes.grounds) == {"contact.phone"} with input as _leaving(phone)
	shielded := object.union(phone, {"subject": {"address_protection": "confidential"}})
	statutes.grounds == {} with input as _leaving(shielded)
	unknown := object.union(phone, {"subject": {"address_protection": "?"}})
	statutes.grounds == {} with input as _leaving(unknown)
}

test_a_declared_emergency_opens_what_it_names if {
	statutes.grounds == {"health.risk": [{
		"kind": "emergency",
		"id": "S4",
		"version": 0,
		"grant": "inv_1",
		"source": "thor-heyerdahl-vgs",
	}]} with input as _emergency({})
	statutes.grounds == {} with input as _emergency({"invocations": [_invocation({"fields": ["health.medication"]})]})
}

test_whoever_does_not_declare_it_well_gets_nothing_and_hears_why if {
	every pair in [
		[{"unit": "nav-larvik"}, "emergency.not_allowed"], [{"recipient": "nav-larvik"}, "emergency.not_allowed"],
		[{"statute": "S2"}, "emergency.not_allowed"], [{"statute": "S9"}, "emergency.not_allowed"],
		[{"closes": "2026-11-10T12:00:00.000000Z"}, "emergency.expired"],
		[{"opens": "2026-11-10T12:00:00.000001Z"}, "emergency.expired"], [{"role": "merkantil"}, "actor.role"],
		[{"reasoned": false}, "emergency.not_allowed"], [{"fields": []}, "emergency.not_allowed"],
		[{"source": "nav-larvik"}, "data.none"],
	] {
		asked := _emergency({"invocations": [_invocation(pair[0])]})
		statutes.grounds == {} with input as asked
		statutes.reasons == {"health.risk": {pair[1]}} with input as asked
	}
}

test_without_an_invocation_there_is_no_emergency if {
	statutes.reasons == {"health.risk": {"emergency.not_allowed"}} with input as _emergency({"invocations": []})
	unfit := _emergency({"ask": {"recipient": "nav-larvik"}})
	statutes.reasons == {"health.risk": {"emergency.not_allowed"}} with input as unfit
}

test_whoever_asks_needs_the_role_too if {
	asked := _emergency({"ask": {"actor_role": "merkantil"}})
	statutes.reasons == {"health.risk": {"actor.role"}} with input as asked
}

test_an_emergency_tells_nothing_that_leads_to_a_protected_address if {
	phone := {
		"ask": {"fields": ["contact.phone"]},
		"subject": {"address_protection": "strictly_confidential"},
		"deposited": {"contact.phone": ["thor-heyerdahl-vgs"]},
		"invocations": [_invocation({"fields": ["contact.phone"]})],
	}
	statutes.reasons == {"contact.phone": {"subject.address_protected"}} with input as _emergency(phone)
}

test_nothing_there_is_said_where_nothing_else_is_missing if {
	asked := _emergency({"deposited": {"health.risk": []}})
	statutes.reasons == {"health.risk": {"data.none"}} with input as asked
}

test_whoever_reports_tells_what_it_holds_itself if {
	sources := {ground.source | some ground in statutes.grounds["functioning.social"]} with input as _report({})
	sources == {"thor-heyerdahl-vgs"}
}

test_a_report_has_its_conditions if {
	every wrong in [
		{"unit": "nav-larvik"}, {"source": "nav-larvik"}, {"role": "merkantil"}, {"fields": ["work.cv"]},
		{"closes": "2026-11-10T00:00:00.000000Z"},
	] {
		statutes.grounds == {} with input as _report({"invocations": [_reported(wrong)]})
	}
	over := _report({"invocations": [_reported({"closes": "2026-11-10T00:00:00.000000Z"})]})
	statutes.reasons == {"functioning.social": {"statute.conditions"}} with input as over
	grown := _report({"subject": {"age": 18}})
	statutes.reasons == {"functioning.social": {"statute.conditions"}} with input as grown
}

test_a_report_from_somewhere_else_is_none if {
	private := _report({"invocations": [_reported({"unit": "bakeriet-larvik", "source": "bakeriet-larvik"})]})
	statutes.grounds == {} with input as object.union(private, {"deposited": {"functioning.social": ["bakeriet-larvik"]}})
}

test_averting_takes_a_second_person if {
	once := _report({"ask": {"purpose": "duty_to_avert"}, "invocations": [_reported({"statute": "S3"})]})
	statutes.grounds == {} with input as once
	statutes.reasons == {"functioning.social": {"statute.conditions"}} with input as once
	confirmed := [_reported({"statute": "S3", "confirmed": true})]
	twice := _report({"ask": {"purpose": "duty_to_avert"}, "invocations": confirmed})
	count(statutes.grounds) == 1 with input as twice
}

# Health personnel who treat the subject together, where a deployment has put that statute to use.
_together(more) := object.union(
	given.changed({
		"ask": {
			"recipient": "larvikshjelpa",
			"purpose": "health_follow_up",
			"collaboration": "",
			"fields": ["health.symptoms"],
		},
		"consents": [],
		"deposited": {"health.symptoms": ["helsesykepleier-thor-heyerdahl"]},
	}),
	more,
)

_used(id) := {id: object.union(data.facts.law.statutes[id], {"in_use": true})}

test_collaborating_health_personnel_share_unless_the_subject_objects if {
	object.keys(statutes.grounds) == {"health.symptoms"} with input as _together({})
		with data.facts.law.statutes as _used("S5")
	statutes.grounds == {} with input as _together({"subject": {"objects_to": ["health"]}})
		with data.facts.law.statutes as _used("S5")
	statutes.grounds == {} with input as _together({"deposited": {"health.symptoms": ["nav-larvik"]}})
		with data.facts.law.statutes as _used("S5")
}

test_a_public_task_needs_its_necessity_stated if {
	asked := given.changed({
		"ask": {"recipient": "nav-larvik", "purpose": "coordination", "collaboration": "", "fields": ["education.grades"]},
		"deposited": {"education.grades": ["thor-heyerdahl-vgs"]},
		"invocations": [_needed(["education.grades"])],
	})
	object.keys(statutes.grounds) == {"education.grades"} with input as asked with data.facts.law.statutes as _used("S6")
	unstated := object.union(asked, {"invocations": [_needed([])]})
	statutes.grounds == {} with input as unstated with data.facts.law.statutes as _used("S6")
}

_needed(names) := _invocation({
	"statute": "S6",
	"unit": "thor-heyerdahl-vgs",
	"source": "thor-heyerdahl-vgs",
	"recipient": "nav-larvik",
	"fields": ["education.grades"],
	"necessary": names,
})

test_the_two_sides_of_nav_are_two if {
	asked := given.changed({
		"ask": {"recipient": "nav-larvik", "purpose": "benefits_decision", "collaboration": "", "fields": ["income.debt"]},
		"consents": [],
		"deposited": {"income.debt": ["nav-larvik-kommunal", "ips-larvik"]},
	})
	sources := {ground.source | some ground in statutes.grounds["income.debt"]} with input as asked
		with data.facts.law.statutes as _used("S8")
	sources == {"ips-larvik"}
}

test_the_subject_is_told_as_soon_as_any_of_them_says if {
	tillit.obligations.notify == "immediate" with input as _leaving({})
	tillit.obligations.notify == "immediate" with input as _report({})
	tillit.obligations.notify == "delayed" with input as _report({"invocations": [_reported({"delayed": true})]})
	both := [_reported({"delayed": true}), _reported({"id": "inv_2"})]
	tillit.obligations.notify == "immediate" with input as _report({"invocations": both})
	averted := [_reported({"statute": "S3", "confirmed": true})]
	avert := _report({"ask": {"purpose": "duty_to_avert"}, "invocations": averted})
	tillit.obligations.notify == "immediate" with input as avert
	tillit.obligations.notify == "digest" with input as _together({})
		with data.facts.law.statutes as _used("S5")
	benefit := given.changed({
		"ask": {"recipient": "nav-larvik", "purpose": "benefits_decision", "collaboration": "", "fields": ["income.debt"]},
		"consents": [],
		"deposited": {"income.debt": ["ips-larvik"]},
	})
	tillit.obligations.notify == "none" with input as benefit
		with data.facts.law.statutes as _used("S8")
}

test_only_what_something_rests_on_says_when_to_tell if {
	other := _reported({"id": "inv_2", "fields": ["work.cv"]})
	asked := _report({"invocations": [_reported({"delayed": true}), other]})
	tillit.obligations.notify == "delayed" with input as asked
	hurried := _emergency({"invocations": [_invocation({"delayed": true})]})
	tillit.obligations.notify == "immediate" with input as hurried
}

test_the_sooner_notice_goes_first if {
	every pair in [["immediate", "digest"], ["digest", "delayed"], ["delayed", "none"]] {
		min(statutes.notices)[1] == pair[0] with data.tillit.statutes.grounds as {"a.b": [_rest("A"), _rest("B")]}
			with data.tillit.statutes.lines as {"A": [_line(pair[0])], "B": [_line(pair[1])]}
			with data.facts.law.statutes as {"A": _told(pair[0]), "B": _told(pair[1])}
	}
}

_rest(id) := {"id": id, "grant": "inv_1"}

_line(notice) := {"id": "inv_1", "delayed": notice == "delayed"}

_told(notice) := {"notice": notice, "max_delay_days": {"delayed": 1}[notice]} if notice == "delayed"

_told(notice) := {"notice": notice, "max_delay_days": 0} if notice != "delayed"

test_each_statute_rests_on_invocations_of_its_own if {
	why := object.union(data.facts.catalogue.purposes.duty_to_report, {"statutes": ["S2", "S3"]})
	purposes := object.union(data.facts.catalogue.purposes, {"duty_to_report": why})
	asked := _report({"invocations": [_reported({"confirmed": true})]})
	ids := {ground.id | some ground in statutes.grounds["functioning.social"]} with input as asked
		with data.facts.catalogue.purposes as purposes
	ids == {"S2"}
}

test_whoever_invokes_names_fields_only_where_the_statute_names_none if {
	asked := _report({"ask": {"fields": ["housing.need"]}, "deposited": {"housing.need": ["thor-heyerdahl-vgs"]}})
	named := object.union(asked, {"invocations": [_reported({"fields": ["housing.need"]})]})
	object.keys(statutes.grounds) == {"housing.need"} with input as named
	every narrower in [{"fields": ["work.cv"]}, {"categories": ["work"]}] {
		statutes.grounds == {} with input as named with data.facts.law.statutes as _s2(narrower)
	}
	own := _reported({"fields": ["housing.need"], "unit": "barnevern-larvik"})
	statutes.grounds == {} with input as object.union(named, {"invocations": [own], "ask": {"actor_role": "rektor"}})
		with data.facts.law.statutes as _s2({"invoked_by": "recipient"})
}

_s2(more) := {"S2": object.union(data.facts.law.statutes.S2, more)}

test_a_yes_beside_a_statute_is_told_at_once if {
	yes := given.granted({
		"recipient": "larvikshjelpa",
		"purpose": "health_follow_up",
		"category": "health",
		"fields": ["health.symptoms"],
		"source": "helsesykepleier-thor-heyerdahl",
	})
	consents := [object.union(yes.consents[0], {"collaboration": ""})]
	asked := _together({"consents": consents})
	tillit.obligations.notify == "immediate" with input as asked
		with data.facts.law.statutes as _used("S5")
	kinds := {ground.kind | some ground in tillit.decision.fields["health.symptoms"].grounds} with input as asked
		with data.facts.law.statutes as _used("S5")
	kinds == {"consent", "statute"}
}

test_a_statute_decides_through_the_whole if {
	tillit.decision.fields[notice].effect == "permit" with input as _leaving({})
	tillit.decision.fields["health.risk"].effect == "permit" with input as _emergency({})
	refused := _emergency({"invocations": []})
	tillit.decision.fields["health.risk"].reasons == ["emergency.not_allowed"] with input as refused
}

test_a_dropped_fact_never_opens_a_statute if {
	unfit := _emergency({"invocations": [_invocation({"role": "merkantil"})]})
	every document in [_leaving({"subject": {"age": 25}}), unfit] {
		every path in _paths(document) {
			opened := [name | some name, _ in statutes.grounds] with input as json.remove(document, [path])
			opened == []
		}
	}
}

_paths(document) := {concat("/", [sprintf("%v", [part]) | some part in path]) |
	[path, _] := walk(document)
	count(path) > 0
}
