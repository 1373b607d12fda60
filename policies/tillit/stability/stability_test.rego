package tillit.stability_test

import data.tillit.stability
import data.tillit.testing_test as given

test_the_end_of_the_consent_is_the_nearest_turn if {
	stability.until == "2027-04-01T00:00:00.000000Z" with input as given.ordinary
}

test_the_beginning_counts_too if {
	later := given.consented({"valid_from": "2026-12-01T00:00:00.000000Z"})
	stability.until == "2026-12-01T00:00:00.000000Z" with input as later
}

test_a_birthday_turns_the_answer if {
	birthday := {"age": 20, "at": "2026-12-24T00:00:00.000000Z"}
	stability.until == "2026-12-24T00:00:00.000000Z" with input as given.changed({"subject": {"birthdays": [birthday]}})
}

test_a_meeting_opens_and_closes if {
	stability.until == "2026-11-11T00:00:00.000000Z" with input as given.full
}

test_a_pledge_runs_out if {
	asked := given.changed({"now": "2028-11-10T12:00:00.000000Z", "ask": {"recipient": "ifokus"}, "consents": []})
	stability.until == "2029-12-31T23:00:00.000000Z" with input as asked
}

test_a_membership_ends if {
	asked := given.changed({
		"now": "2025-11-10T12:00:00.000000Z", "ask": {"recipient": "bup-vestfold"}, "consents": [],
	})
	stability.until == "2026-01-01T00:00:00.000000Z" with input as asked
}

test_the_agreement_ends if {
	stability.until == "2030-01-01T00:00:00.000000Z" with input as given.changed({"consents": []})
}

test_nothing_ahead_is_null if {
	stability.until == null with input as given.changed({"ask": {"collaboration": ""}, "consents": []})
}

test_what_was_let_on_being_asked_is_over_when_its_time_is if {
	let := {"condition": {"also": "ask_me_first"}, "allowed": {"education.attendance.rate": "2026-11-10T12:15:00.000000Z"}}
	stability.until == "2026-11-10T12:15:00.000000Z" with input as given.granted(let)
}
