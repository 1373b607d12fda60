package tillit.gaps_test

import data.tillit.gaps
import data.tillit.testing_test as given

test_an_ordinary_ask_has_no_gap if {
	gaps.closed with input as given.ordinary
	gaps.ask == set() with input as given.ordinary
	gaps.fields == {} with input as given.ordinary
}

test_an_unknown_purpose_is_a_gap if {
	gaps.ask == {"gap.purpose"} with input as given.asked({"purpose": "curiosity"})
	not gaps.closed with input as given.asked({"purpose": "curiosity"})
}

test_an_unknown_recipient_is_a_gap if {
	gaps.ask == {"gap.service"} with input as given.asked({"recipient": "nobody"})
}

test_an_unknown_source_is_a_gap if {
	gaps.ask == {"gap.service"} with input as given.asked({"source": "nobody"})
}

test_a_known_source_is_no_gap if gaps.closed with input as given.asked({"source": "ot-vestfold"})

test_an_unknown_collaboration_is_a_gap if {
	gaps.ask == {"gap.collaboration"} with input as given.asked({"collaboration": "nowhere"})
}

test_no_collaboration_is_no_gap if gaps.closed with input as given.asked({"collaboration": ""})

test_an_unknown_field_is_a_gap_of_its_own if {
	gaps.fields == {"a.b": {"gap.field"}} with input as given.asked({"fields": ["a.b", "education.grades"]})
}

test_a_dropped_fact_never_closes_a_gap if {
	full := given.full
	every less in given.dropped {
		object.keys(_known(less)) - object.keys(_known(full)) == set()
	}
}

_known(document) := known if known := gaps.known_fields with input as document

test_one_gap_is_enough if {
	every gap in [{"purpose": "curiosity"}, {"recipient": "nobody"}, {"source": "nobody"}, {"collaboration": "nowhere"}] {
		not gaps.closed with input as given.asked(gap)
	}
	gaps.closed with input as given.ordinary
}
