"""What the command line says of results, in lines."""

from datetime import UTC, datetime

from tillit import display, wire
from tillit.results import Catalogue, Check

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_catalogue_in_lines() -> None:
    """Each kind with its ids, whatever its shape."""
    catalogue = Catalogue(
        {"version": "1", "fields": {"a.b": {}}, "units": [{"id": "u"}, {"name": "n"}, "x"]},
        etag=None,
    )
    assert list(display.catalogue_text(catalogue)) == [
        "version: 1",
        "fields (1)",
        "  a.b",
        "units (3)",
        "  u",
        "  n",
        "  x",
    ]


def test_catalogue_says_what_no_lawyer_has_signed() -> None:
    """What nobody has reviewed must not look as if somebody had, wherever in the catalogue it stands."""
    catalogue = Catalogue(
        {
            "regimes": {"fvl": {"reviewed": False}, "hpl": {"reviewed": True}},
            "ages": {"adult": 18, "categories": {"health": {"reviewed": False}}},
            "limits": {"reviewed": False},
            "units": [{"id": "u", "rules": [{"reviewed": False}]}],
        },
        etag=None,
    )
    assert list(display.catalogue_text(catalogue)) == [
        "regimes (2)",
        "  fvl  (not legally reviewed)",
        "  hpl",
        "ages (2)",
        "  adult",
        "  categories  (not legally reviewed)",
        "limits  (not legally reviewed)",
        "units (1)",
        "  u  (not legally reviewed)",
        "Not legally reviewed: 4 entries.",
    ]


def test_event_in_a_line() -> None:
    """What there is of it, and nothing for what there is not."""
    event = wire.Event(id=7, type="dropout.notice", at=NOW, subject=None, fields=("a.b", "a.c"))
    assert list(display.event_text(event)) == ["7  2026-11-23T08:00:00Z  dropout.notice  a.b a.c"]
    bare = wire.Event(id=8, type="feed.start", at=NOW, subject=None)
    assert list(display.event_text(bare)) == ["8  2026-11-23T08:00:00Z  feed.start"]


def test_check_whose_answer_time_never_changes() -> None:
    """Nothing is said of a moment that there is not."""
    check = Check(
        outcome="refused",
        permitted={},
        withheld={"a.b": (wire.Reason(code="gap.field", text="Ukjent felt."),)},
        obligations=wire.Obligations(
            notify="immediate", erase_after="P30D", onward_sharing=False, journal=True
        ),
        stable_until=None,
        policy=wire.PolicyRef(version="1", digest="sha256:" + "0" * 64),
    )
    assert list(display.check_text(check)) == [
        "No. Nothing has been released.",
        "  not    a.b",
        "         Ukjent felt. [gap.field]",
    ]


def test_check_is_explained_under_each_field() -> None:
    """The ground or the reason, what is missing and who could give it, where the eye already is (N28)."""
    ground = wire.Ground(kind="consent", id="con_" + "c" * 22, version=1, grant="g1", source="vgs")
    giver = wire.Giver(code="subject", text="Det er opp til ungdommen.")
    explained = wire.Explanation(
        summary="Svaret er ja til 1 av 3 ting.",
        fields={
            "a.b": wire.FieldExplanation(text="Ungdommen sa ja 1. mai 2026."),
            "a.c": wire.FieldExplanation(
                text="Ikke dette.", missing="Det trengs et ja.", giver=giver, reviewed=True
            ),
            "a.d": wire.FieldExplanation(text="Ikke dette.", missing="Tid.", reviewed=True),
        },
    )
    no_grant = (wire.Reason(code="consent.no_grant", text="Ikke dette."),)
    check = Check(
        outcome="partly_released",
        permitted={"a.b": (ground,), "a.e": (ground,)},
        withheld={"a.c": no_grant, "a.d": no_grant},
        obligations=wire.Obligations(
            notify="immediate", erase_after="P30D", onward_sharing=False, journal=True
        ),
        stable_until=None,
        policy=wire.PolicyRef(version="1", digest="sha256:" + "0" * 64),
        explanation=explained,
    )
    assert list(display.check_text(check)) == [
        "In part. Nothing has been released.",
        "  may    a.b  (consent from vgs)",
        "         Ungdommen sa ja 1. mai 2026.",
        "  may    a.e  (consent from vgs)",
        "  not    a.c",
        "         Ikke dette. [consent.no_grant]",
        "         -> Det trengs et ja. Det er opp til ungdommen.",
        "  not    a.d",
        "         Ikke dette. [consent.no_grant]",
        "         -> Tid.",
        "Not legally reviewed: what decided a.b.",
    ]
    assert display.check_json(check)["explanation"] == explained


def test_obligations_in_a_line() -> None:
    """What the recipient takes on, in plain words."""
    taken_on = wire.Obligations(
        notify="immediate", erase_after="P30D", onward_sharing=False, journal=True
    )
    assert list(display.obligation_text(taken_on)) == [
        "Erase within 30 days, not to be passed on, to be journalled."
    ]
    freer = taken_on.model_copy(update={"onward_sharing": True, "journal": False})
    assert list(display.obligation_text(freer)) == ["Erase within 30 days, may be passed on."]


def test_preview_in_lines() -> None:
    """Who could get what, from whom; and who could get nothing."""
    field = wire.PreviewField(name="a.b", label="Fravær", sources=("school", "ot"))
    common = {"label": "NAV", "purpose": "coordination", "why": "Samordne", "now": ()}
    much = wire.PreviewService.model_validate(
        {
            **common,
            "recipient": "nav",
            "in_meeting": True,
            "then": (field,),
            "gains": ("a.b",),
            "losses": (),
        }
    )
    little = wire.PreviewService.model_validate(
        {**common, "recipient": "ot", "in_meeting": False, "then": (), "gains": (), "losses": ()}
    )
    policy = wire.PolicyRef(version="1", digest="sha256:" + "0" * 64)
    preview = wire.PreviewAnswer(services=(much, little), policy=policy)
    assert list(display.preview_text(preview)) == [
        "nav  coordination, in a meeting",
        "  a.b                              Fravær, from school, ot",
        "ot  coordination",
        "  nothing",
    ]
