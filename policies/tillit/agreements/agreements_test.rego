package tillit.agreements_test

import data.tillit.agreements
import data.tillit.testing_test as given

test_an_ordinary_ask_meets_the_preconditions if {
	agreements.met with input as given.ordinary
	agreements.reasons == set() with input as given.ordinary
}

test_two_units_need_no_collaboration if {
	direct := object.union(given.consented({"collaboration": ""}), {"ask": {"collaboration": ""}})
	agreements.met with input as direct
	agreements.taking_part == {"thor-heyerdahl-vgs"} with input as direct
}

test_nothing_holds_before_the_agreement_or_after_it if {
	every now in ["2024-12-31T23:59:59.999999Z", "2030-01-01T00:00:00.000000Z"] {
		agreements.reasons == {"agreement.not_in_force"} with input as given.changed({"now": now})
		not agreements.met with input as given.changed({"now": now})
	}
}

test_an_agreement_may_have_no_end if {
	agreement := object.union(data.facts.collaborations["ungdomsutvalget-larvik"], {"valid_until": null})
	agreements.met with input as given.changed({"now": "2029-12-01T00:00:00.000000Z"})
		with data.facts.collaborations as {"ungdomsutvalget-larvik": agreement}
}

test_who_left_is_no_member if {
	agreements.reasons == {"recipient.not_member"} with input as given.asked({"recipient": "politi-larvik"})
}

test_who_never_was_a_member_is_none if {
	agreements.reasons == {"recipient.not_member"} with input as given.asked({"recipient": "dps-vestfold"})
}

test_another_purpose_was_not_agreed if {
	agreements.reasons == {"purpose.not_in_collaboration"} with input as given.asked({"purpose": "referral"})
}

test_a_pledge_that_ran_out_binds_nobody if {
	agreements.reasons == {"recipient.no_pledge"} with input as given.changed({
		"now": "2029-12-31T23:30:00.000000Z",
		"ask": {"recipient": "ifokus"},
	})
	not agreements.pledged with input as given.asked({"recipient": "verkstedet-larvik"})
	agreements.pledged with input as given.asked({"recipient": "ifokus"})
}

test_a_named_meeting_must_be_announced if {
	agreements.met with input as given.full
	every wrong in [
		{"id": ""}, {"id": "mtg_2"}, {"collaboration": ""}, {"noticed": false}, {"participants": []},
		{"opens": "2026-11-10T12:00:00.000001Z"}, {"closes": "2026-11-10T12:00:00.000000Z"},
	] {
		agreements.reasons == {"meeting.no_notice"} with input as object.union(given.full, {"meeting": wrong})
	}
}

test_a_collaboration_may_require_a_meeting if {
	agreement := object.union(
		data.facts.collaborations["ungdomsutvalget-larvik"],
		{"meeting_required_for": ["case_discussion"]},
	)
	agreements.reasons == {"meeting.no_notice"} with input as given.ordinary
		with data.facts.collaborations as {"ungdomsutvalget-larvik": agreement}
}

test_a_dropped_fact_never_meets_more if {
	asked := object.union(given.full, {"meeting": {"noticed": false}})
	not agreements.met with input as asked
	every path in ["/meeting/noticed", "/meeting", "/meeting/id", "/meeting/participants", "/ask/collaboration", "/now"] {
		not agreements.met with input as json.remove(asked, [trim_prefix(path, "/")])
	}
}

test_a_dropped_membership_never_meets_more if {
	left := object.remove(data.facts.collaborations["ungdomsutvalget-larvik"].members, ["nav-larvik"])
	agreement := object.union(
		object.remove(data.facts.collaborations["ungdomsutvalget-larvik"], ["members"]),
		{"members": left},
	)
	agreements.reasons == {"recipient.not_member"} with input as given.ordinary
		with data.facts.collaborations as {"ungdomsutvalget-larvik": agreement}
}

test_the_nearest_missing_precondition_speaks_alone if {
	wrong := {"ask": {"recipient": "politi-larvik", "purpose": "referral", "meeting": "mtg_1"}, "subject": {"age": 14}}
	agreements.reasons == {"recipient.not_member"} with input as given.changed(wrong)
		with data.facts.collaborations as _from_stage("politi-larvik")
	early := object.union(wrong, {"now": "2024-12-31T23:59:59.999999Z"})
	agreements.reasons == {"agreement.not_in_force"} with input as given.changed(early)
	member := object.union(wrong, {"ask": {"recipient": "nav-larvik"}})
	agreements.reasons == {"purpose.not_in_collaboration", "subject.outside_ages"} with input as given.changed(member)
}

test_after_the_agreement_its_members_hear_no_more_than_that if {
	over := object.union(larvik, {"valid_until": "2026-11-10T12:00:00.000000Z"})
	agreements.reasons == {"agreement.not_in_force"} with input as given.asked({"purpose": "referral"})
		with data.facts.collaborations as {"ungdomsutvalget-larvik": over}
	unannounced := given.asked({"recipient": "politi-larvik", "meeting": "mtg_1"})
	agreements.reasons == {"recipient.not_member"} with input as unannounced
}

test_a_meeting_without_a_name_is_none if {
	required := object.union(larvik, {"meeting_required_for": ["case_discussion"]})
	nameless := object.union(given.meeting, {"id": ""})
	agreements.reasons == {"meeting.no_notice"} with input as given.changed({"meeting": nameless})
		with data.facts.collaborations as {"ungdomsutvalget-larvik": required}
}

test_a_source_takes_part_from_the_day_it_is_a_member if {
	school := object.union(larvik.members["thor-heyerdahl-vgs"], {"valid_from": "2026-11-10T12:00:00.000001Z"})
	later := object.union(larvik, {"members": {"thor-heyerdahl-vgs": school}})
	agreements.taking_part == set() with input as given.ordinary
		with data.facts.collaborations as {"ungdomsutvalget-larvik": later}
}

larvik := data.facts.collaborations["ungdomsutvalget-larvik"]

test_a_collaboration_is_for_its_ages if {
	agreements.reasons == {"subject.outside_ages"} with input as given.changed({"subject": {"age": 14}})
	agreements.reasons == {"subject.outside_ages"} with input as given.changed({"subject": {"age": 26}})
	agreements.met with input as given.changed({"subject": {"age": 25}})
}

test_a_member_takes_part_from_its_stage_on if {
	agreements.reasons == {"recipient.not_yet"} with input as given.changed({"stage": 6})
		with data.facts.collaborations as _from_stage("nav-larvik")
	agreements.met with input as given.changed({"stage": 7})
		with data.facts.collaborations as _from_stage("nav-larvik")
	agreements.taking_part == set() with input as given.changed({"stage": 6})
		with data.facts.collaborations as _from_stage("thor-heyerdahl-vgs")
	agreements.taking_part == {"thor-heyerdahl-vgs"} with input as given.changed({"stage": 7})
		with data.facts.collaborations as _from_stage("thor-heyerdahl-vgs")
}

_from_stage(unit) := {"ungdomsutvalget-larvik": object.union(larvik, {"members": {unit: member}})} if {
	member := object.union(larvik.members[unit], {"from_stage": 7})
}
