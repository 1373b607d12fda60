"""Laws of a consent's life: whatever is done to it, in whatever order, by whomever."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import TypeAdapter

from broker.domain.consent_events import ConsentEvent
from broker.domain.consents import Consent
from broker.domain.errors import ConsentError
from broker.domain.grants import LineAnswer
from broker.domain.ids import ConsentId, GrantId
from broker.domain.outgrowing import outgrown
from broker.domain.states import TRANSITIONS, UNDONE, State
from tests.consenting import (
    ALONE,
    BOTH_GUARDIANS,
    EMIL,
    FATHER,
    HALF_A_YEAR,
    MOTHER,
    NOW,
    ONE_GUARDIAN,
    RECORDER,
    SOMEBODY,
    TOGETHER,
    Need,
    asked,
    line,
)
from tillit.wire import AskFirst, Condition

WORDS = ("yes", "no", "not_now")
CATEGORIES = ("education", "health", "work")
ADULT = dict.fromkeys(CATEGORIES, ALONE)
LINES = tuple(GrantId(f"g{n}") for n in range(1, 5))
ENDS = {State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED, State.LAPSED, State.REFUSED}

STANDING = Condition()
UNTIL_OFFER = Condition(kind="until_event", event="offer_exists")

# Mostly what the law knows; one nobody can meet; one that names nobody.
needs = st.sampled_from(
    [
        ALONE,
        ALONE,
        TOGETHER,
        ONE_GUARDIAN,
        BOTH_GUARDIANS,
        Need(subject=True, guardians=3),
        Need(subject=False, guardians=0),
    ]
)
signers = st.sampled_from([EMIL, MOTHER, FATHER, SOMEBODY])
steerers = st.sampled_from([EMIL, EMIL, EMIL, MOTHER])
steps = st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(days=20)])
some_lines = st.sets(st.sampled_from([*LINES, *LINES, GrantId("g9")]), max_size=3)
said = st.dictionaries(
    st.sampled_from(LINES), st.sampled_from(["yes", "no", "not_now"]), max_size=2
)


class Life(RuleBasedStateMachine):
    """One consent, its history, and the laws that hold after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Consent] = []
        self.restored: set[int] = set()
        self.now: datetime = NOW
        self.needed: dict[str, Need] = {}

    @property
    def consent(self) -> Consent:
        """As it stands."""
        return self.history[-1]

    @initialize(
        categories=st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=4),
        needed=st.fixed_dictionaries(dict.fromkeys(CATEGORIES, needs)) | st.just(ADULT),
    )
    def ask(self, categories: list[str], needed: dict[str, Need]) -> None:
        """A consent of up to four lines."""
        self.needed = needed
        lines = (
            line(n, c, condition=STANDING if n % 2 else UNTIL_OFFER)
            for n, c in enumerate(categories, start=1)
        )
        self.history = [asked(*lines)]

    def act(
        self, change: Callable[[Consent], tuple[Consent, ConsentEvent]], step: timedelta
    ) -> None:
        """Try something; a refusal leaves everything as it was."""
        self.now += step
        with suppress(ConsentError):
            after, event = change(self.consent)
            assert (event.version, event.state) == (after.version, after.state)
            assert event.at == after.changed_at
            if event.type == "consent.restored":
                self.restored.add(after.version)
            self.history.append(after)

    @rule(
        signer=signers,
        answers=said,
        full=st.sampled_from(["yes", "yes", "yes", "no", "not_now", None]),
        step=steps,
        heard=st.booleans(),
    )
    def answer(
        self,
        signer: Any,
        answers: dict[GrantId, LineAnswer],
        full: LineAnswer | None,
        step: timedelta,
        *,
        heard: bool,
    ) -> None:
        """Anybody answers; ``full`` fills the lines that are left."""
        lines = [grant.id for grant in self.consent.grants]
        if signer.kind == "guardian":
            lines = [g.id for g in self.consent.grants if self.needed[g.category].guardians]
        answers = {line: answer for line, answer in answers.items() if line in lines}
        if full:
            answers = {**dict.fromkeys(lines, full), **answers}
        how: dict[str, Any] = {"method": "digital"}
        if signer.key is None:
            how = {"method": "oral", "recorded_by": RECORDER}
        self.act(
            lambda c: c.answer(
                answers, signer=signer, at=self.now, read=c.text_sha256, needed=self.needed,
                child_heard=heard, **how,
            ),
            step,
        )  # fmt: skip

    @rule(signer=st.sampled_from([EMIL, EMIL, MOTHER, FATHER]))
    def agree(self, signer: Any) -> None:
        """Somebody says yes to all that is theirs: the usual way, so that it is often taken."""
        self.answer(signer, {}, "yes", timedelta(0), heard=True)

    @rule(signer=steerers, step=steps)
    def pause(self, signer: Any, step: timedelta) -> None:
        """Anybody pauses."""
        self.act(lambda c: c.pause(at=self.now, by=signer), step)

    @rule(signer=steerers, step=steps)
    def resume(self, signer: Any, step: timedelta) -> None:
        """Anybody resumes."""
        self.act(lambda c: c.resume(at=self.now, by=signer), step)

    @rule(signer=steerers, lines=some_lines, step=steps)
    def withdraw(self, signer: Any, lines: set[GrantId], step: timedelta) -> None:
        """Anybody takes back all or some of it."""
        self.act(lambda c: c.withdraw(at=self.now, by=signer, grants=lines), step)

    @rule(signer=signers, step=st.sampled_from([timedelta(0), timedelta(0), timedelta(seconds=10)]))
    def undo(self, signer: Any, step: timedelta) -> None:
        """Anybody takes back what was done last."""
        self.act(lambda c: c.undo(at=self.now, by=signer, needed=self.needed), step)

    @rule(
        signer=steerers,
        also=st.dictionaries(st.sampled_from(LINES), st.sampled_from([None, "ask_me_first"])),
        step=steps,
    )
    def ask_first(self, signer: Any, also: dict[GrantId, AskFirst | None], step: timedelta) -> None:
        """Anybody wants to be asked first, or does not any more."""
        self.act(
            lambda c: c.ask_first(also, at=self.now, by=signer, needed=self.needed),
            step,
        )

    @precondition(lambda self: len(self.history) > 3)
    @rule(lines=some_lines, step=steps)
    def lapse(self, lines: set[GrantId], step: timedelta) -> None:
        """A birthday."""
        self.act(lambda c: c.lapse(at=self.now, grants=lines), step)

    @rule(event=st.sampled_from(["offer_exists", "offer_exists", "another"]), step=steps)
    def happen(self, event: str, step: timedelta) -> None:
        """What a line waits for."""
        self.act(lambda c: c.happen(event, at=self.now, recorded_by=RECORDER), step)

    @rule(step=steps)
    def settle(self, step: timedelta) -> None:
        """The signatures may have become enough."""
        self.act(lambda c: c.settle(at=self.now, needed=self.needed), step)

    @rule(category=st.sampled_from(CATEGORIES))
    def come_of_age(self, category: str) -> None:
        """The subject signs a category alone from today; what guardians signed there lapses on the same day."""
        self.needed = {**self.needed, category: ALONE}
        if self.consent.state in {State.ACTIVE, State.PAUSED}:
            gone = outgrown(self.consent, {**ADULT, category: ALONE})
            gone = tuple(g for g in gone if self.category(g) == category)
            if gone:
                self.act(lambda c: c.lapse(at=self.now, grants=gone), timedelta(0))

    def category(self, grant: GrantId) -> str:
        """A line's."""
        return next(each.category for each in self.consent.grants if each.id == grant)

    @precondition(lambda self: len(self.history) > 3)
    @rule(step=st.sampled_from([timedelta(0), HALF_A_YEAR]))
    def expire(self, step: timedelta) -> None:
        """Time."""
        self.act(lambda c: c.expire(at=self.now), step)

    @precondition(lambda self: len(self.history) > 3)
    @rule(step=steps)
    def supersede(self, step: timedelta) -> None:
        """Another consent takes its place."""
        self.act(lambda c: c.supersede(at=self.now, successor=ConsentId("con_other")), step)

    @invariant()
    def every_step_is_one_version_and_in_the_table(self) -> None:
        """The version strictly increases, so that (id, version) names one content for ever."""
        for before, after in zip(self.history, self.history[1:], strict=False):
            assert after.version == before.version + 1
            table = UNDONE if after.version in self.restored else TRANSITIONS
            assert after.state in table[before.state]
            assert after.changed_at >= before.changed_at

    @invariant()
    def an_end_is_the_last_state(self) -> None:
        """Withdrawn, refused, expired: never active again, but where the act itself was taken back."""
        for before, after in zip(self.history, self.history[1:], strict=False):
            assert before.state not in ENDS or after.version in self.restored

    @invariant()
    def what_is_taken_back_is_as_it_was(self) -> None:
        """By whoever did it, within seconds, with nothing between; and no yes comes of it that did not stand before."""
        for before, act, after in zip(
            self.history, self.history[1:], self.history[2:], strict=False
        ):
            if after.version in self.restored:
                assert (after.state, after.grants) == (before.state, before.grants)
                assert (after.signatures, after.paused_by) == (before.signatures, before.paused_by)
                assert after.changed_at - act.changed_at < timedelta(seconds=10)
                assert after.undoable is None

    @invariant()
    def a_no_stays_a_no_and_only_answers_make_a_yes(self) -> None:
        """Narrowing, pausing, resuming and lapsing never add a grant."""
        for before, after in zip(self.history, self.history[1:], strict=False):
            if after.version in self.restored:
                continue
            for old, new in zip(before.grants, after.grants, strict=True):
                if old.answer == "no":
                    assert new.answer == "no"
                if new.answer == "yes" != old.answer:
                    assert len(after.signatures) == len(before.signatures) + 1

    @invariant()
    def what_is_put_off_is_no_yes_until_it_is_answered(self) -> None:
        """Whoever put a line off last, and has not answered it since, keeps it from being a yes; and can still answer it."""
        if not self.history:
            return
        for grant in self.consent.grants:
            last: dict[str, str] = {}
            for s in self.consent.signatures:
                word = next((w for w in WORDS if grant.id in getattr(s, w)), None)
                last |= {} if word is None else {str(s.signer): word}
            if "not_now" in last.values():
                assert grant.answer in {"not_now", "no"}

    @invariant()
    def what_is_over_stays_over(self) -> None:
        """No step brings back a line whose event has come."""
        for before, after in zip(self.history, self.history[1:], strict=False):
            over = [grant.id for grant in before.grants if before.over(grant)]
            assert over == [
                grant.id for grant in after.grants if grant.id in over and after.over(grant)
            ]

    @invariant()
    def in_force_means_signed_and_in_time(self) -> None:
        """Every yes of an active consent has the signatures it needs, and one line at least is yes."""
        if not self.history or self.consent.state is not State.ACTIVE:
            return
        granted = [grant for grant in self.consent.grants if grant.answer == "yes"]
        assert granted
        for grant in granted:
            assert not self.consent.signed(grant.id).lacks(self.needed[grant.category])
        assert self.consent.valid_from is not None
        assert self.consent.valid_from < NOW + HALF_A_YEAR

    @invariant()
    def it_comes_back_from_json_as_it_was(self) -> None:
        """What is stored is what was decided on."""
        if self.history:
            as_json = TypeAdapter(Consent)
            assert self.consent == as_json.validate_json(as_json.dump_json(self.consent))


Life.TestCase.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase
