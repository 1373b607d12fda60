"""Sessions as use cases, on both databases: secrets are kept by their hash, and time ends what it should."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from broker.domain.sessions import IDLE, LOGIN_TAKES, LONGEST, SEEN_EVERY, Login
from broker.errors import LoginLost
from broker.store.portal_tables import login as logins
from broker.store.portal_tables import session as kept
from broker.usecases import sessions
from tests.house import EMIL, SARA, House
from tillit.jose import b64u, unb64u


def begin(house: House) -> tuple[str, Login]:
    """A login on its way."""
    return sessions.begin_login(going_to="/shared", language="nn", ports=house.ports)


def log_in(house: House, person: str = EMIL, instead_of: str | None = None) -> str:
    """A session's token."""
    return sessions.log_in(
        house.hashed(person),
        login_at=house.clock.at,
        language="nn",
        instead_of=instead_of,
        ports=house.ports,
    )


def answered(house: House) -> int:
    """How many logins are noted as answered."""
    with house.store.engine.connect() as connection:
        return len(connection.execute(select(logins)).all())


def elsewhere(browser: str) -> str:
    """The same login, which goes somewhere else."""
    body, _, made = browser.partition(".")
    said = ["/copy", *json.loads(unb64u(body))[1:]]
    return f"{b64u(json.dumps(said).encode())}.{made}"


FORGED: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "a dot": lambda _: ".",
    "no proof": lambda browser: browser.partition(".")[0],
    "an empty proof": lambda browser: browser.partition(".")[0] + ".",
    "another proof": lambda browser: browser[:-43] + "A" * 43,
    "more": lambda browser: browser + "A",
    "padded": lambda browser: browser + "=",
    "elsewhere": elsewhere,
    "not ours at all": lambda _: "x" * 43,
}


def test_a_login_is_answered_once(house: House) -> None:
    """By the browser that began it, with the state that it was given."""
    browser, begun = begin(house)
    assert sessions.begun_login(browser, state=begun.state, ports=house.ports) == begun
    with pytest.raises(LoginLost):
        sessions.begun_login(browser, state=begun.state, ports=house.ports)


def test_a_wrong_state_ends_the_login(house: House) -> None:
    """Whoever guesses has one guess."""
    browser, begun = begin(house)
    for state in ("guess", begun.state):
        with pytest.raises(LoginLost):
            sessions.begun_login(browser, state=state, ports=house.ports)


def test_an_answer_after_the_login_was_over_is_lost(house: House) -> None:
    """To the second, and though it was not swept yet."""
    browser, begun = begin(house)
    another, other = begin(house)
    house.clock.step(seconds=LOGIN_TAKES.total_seconds() - 1)
    assert sessions.begun_login(browser, state=begun.state, ports=house.ports) == begun
    house.clock.step(seconds=1)
    with pytest.raises(LoginLost):
        sessions.begun_login(another, state=other.state, ports=house.ports)


def test_beginning_a_login_writes_nothing(house: House) -> None:
    """Whoever opens the address again and again fills no table; an answer without a login does not either."""
    for _ in range(3):
        browser, begun = begin(house)
    with pytest.raises(LoginLost):
        sessions.begun_login("", state=begun.state, ports=house.ports)
    assert answered(house) == 0
    sessions.begun_login(browser, state=begun.state, ports=house.ports)
    assert answered(house) == 1


def test_what_the_browser_keeps_does_not_say_what_the_provider_is_asked_with(house: House) -> None:
    """A cookie that somebody sees holds no state, nonce or verifier; each login has its own."""
    browser, begun = begin(house)
    asked = {begun.state, begun.nonce, begun.verifier, *browser.split(".")}
    assert len(asked) == 5
    held = json.loads(unb64u(browser.partition(".")[0]))
    assert held[:3] == ["/shared", "nn", begun.expires_at.isoformat()]
    assert not asked & set(held)
    another, other = begin(house)
    assert not asked & {other.state, other.nonce, other.verifier, *another.split(".")}


@pytest.mark.parametrize("forge", sorted(FORGED))
def test_what_a_browser_made_up_is_no_login(house: House, forge: str) -> None:
    """Where to go, until when and whose it is stand under the broker's key; nothing is written of what does not hold."""
    browser, begun = begin(house)
    with pytest.raises(LoginLost):
        sessions.begun_login(FORGED[forge](browser), state=begun.state, ports=house.ports)
    with pytest.raises(LoginLost):
        sessions.begun_login(browser, state=begun.state, ports=house.ports, kind=sessions.STAFF)
    assert answered(house) == 0
    assert sessions.begun_login(browser, state=begun.state, ports=house.ports) == begun


def test_what_is_kept_is_no_browsers_secret(house: House) -> None:
    """Whoever reads the database can be nobody: tokens stand there by their hash."""
    browser, begun = begin(house)
    sessions.begun_login(browser, state=begun.state, ports=house.ports)
    token = log_in(house)
    with house.store.engine.connect() as connection:
        rows = [*connection.execute(select(logins)), *connection.execute(select(kept))]
    written = repr([tuple(row) for row in rows])
    assert len(rows) == 2
    for secret in (browser, token, EMIL):
        assert secret not in written


def test_a_session_is_alive_while_it_is_used_and_at_most_for_a_day_at_school(house: House) -> None:
    """Seen again and again it lasts until its end, and no longer."""
    token = log_in(house)
    end = house.clock.at + LONGEST
    while house.clock.at + IDLE / 2 < end:
        house.clock.step(seconds=IDLE.total_seconds() / 2)
        found = sessions.session(token, ports=house.ports)
        assert found is not None
        assert (found.person, found.seen_at) == (house.hashed(EMIL), house.clock.at)
    house.clock.at = end
    assert sessions.session(token, ports=house.ports) is None


def test_a_session_left_alone_is_over(house: House) -> None:
    """Also when somebody comes back a moment too late: no visit wakes it."""
    token = log_in(house)
    house.clock.step(seconds=IDLE.total_seconds())
    assert sessions.session(token, ports=house.ports) is None
    house.clock.step(seconds=-1)
    assert sessions.session(token, ports=house.ports) is not None


def test_a_visit_right_after_another_writes_nothing(house: House) -> None:
    """So that a page with many parts is no load."""
    token = log_in(house)
    begun = sessions.session(token, ports=house.ports)
    house.clock.step(seconds=SEEN_EVERY.total_seconds() - 1)
    assert sessions.session(token, ports=house.ports) == begun


def test_a_new_login_ends_the_session_it_takes_the_place_of(house: House) -> None:
    """And no other."""
    here, there = log_in(house), log_in(house)
    again = log_in(house, instead_of=here)
    assert len({here, there, again}) == 3
    alive = [sessions.session(token, ports=house.ports) for token in (here, there, again)]
    assert [found is not None for found in alive] == [False, True, True]


def test_logging_out_here_and_everywhere(house: House) -> None:
    """Here is one browser, everywhere all of the person's, and nobody else's."""
    tokens = [log_in(house) for _ in range(3)]
    sara = log_in(house, SARA)
    sessions.log_out(tokens[0], ports=house.ports)
    alive = [sessions.session(token, ports=house.ports) is not None for token in tokens]
    assert alive == [False, True, True]
    sessions.log_out_everywhere(house.hashed(EMIL), ports=house.ports)
    assert not [token for token in tokens if sessions.session(token, ports=house.ports)]
    assert sessions.session(sara, ports=house.ports) is not None


def test_the_language_is_the_sessions(house: House) -> None:
    """It is remembered, and what else the session holds stays."""
    token = log_in(house)
    found = sessions.session(token, ports=house.ports)
    assert found is not None
    sessions.speak(token, found, "en", ports=house.ports)
    assert sessions.session(token, ports=house.ports) == found.speaking("en")
