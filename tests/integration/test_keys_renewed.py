"""A running broker takes up what was done to its keys: within seconds, without a restart."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker import compose
from broker.api.access_tokens import AccessTokens
from broker.api.errors import TokenInvalid
from broker.domain.ids import UnitId
from broker.settings import Settings
from broker.usecases import trust
from keys import rotation
from keys.errors import CustodianError
from keys.signing import GRACE, LEAD
from tests.integration.test_broker_cli import PASSPHRASE, run

SCOPES = frozenset(("share",))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a broker that is set up."""
    assert run(tmp_path, "init").returncode == 0
    return Settings.model_validate(
        {"mode": "demo", "data_dir": tmp_path / "data", "passphrase": PASSPHRASE}
    )


@pytest.fixture
def in_force(settings: Settings) -> Iterator[compose.InForce]:
    """The ports of a running broker."""
    store = compose.opened(settings)
    yield compose.InForce(settings, store)
    store.close()


def _kids(keys: dict[str, list[dict[str, str]]]) -> list[str]:
    return [jwk["kid"] for jwk in keys["keys"]]


def test_a_key_that_is_coming_is_published_at_once(
    settings: Settings, in_force: compose.InForce
) -> None:
    """So that whoever fetches the keys before it signs has it; the old one stays for old receipts."""
    before = _kids(trust.keys(in_force()).receipts)
    assert in_force.renew_keys() is False
    _rotate(settings, "receipts")
    assert in_force.renew_keys() is True
    after = _kids(trust.keys(in_force()).receipts)
    assert (len(after), after[1:]) == (2, before)
    assert in_force().secrets.kids[0] == before[0]
    assert in_force.renew_keys() is False


def _rotate(settings: Settings, kind: str) -> None:
    assert run(settings.data_dir.parent, "keys", "rotate", kind).returncode == 0


def test_tokens_by_the_old_key_are_good_while_they_live(
    settings: Settings, in_force: compose.InForce
) -> None:
    """A rotation logs nobody out; a revocation everybody whose token that key has signed, remembered or not."""
    access = AccessTokens(lambda: in_force().secrets, settings.issuer)
    now = datetime.now(UTC)
    token = access.issue(UnitId("nav-larvik"), SCOPES, now=now, randomness=os.urandom)
    assert access.check(token, now=now).unit == "nav-larvik"
    _rotate(settings, "tokens")
    in_force.renew_keys()
    assert access.check(token, now=now).unit == "nav-larvik"
    assert len(_kids(dict(access.jwks(now)))) == 2
    assert len(_kids(dict(access.jwks(now + LEAD + GRACE + timedelta(seconds=5))))) == 1
    old = in_force().secrets.kids[1]
    assert run(settings.data_dir.parent, "keys", "revoke", "tokens", f"--kid={old}").returncode == 0
    in_force.renew_keys()
    for each in (access, AccessTokens(lambda: in_force().secrets, settings.issuer)):
        with pytest.raises(TokenInvalid):
            each.check(token, now=now)
    fresh = access.issue(UnitId("nav-larvik"), SCOPES, now=now, randomness=os.urandom)
    assert access.check(fresh, now=now).unit == "nav-larvik"


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 5000, "e30.e30.AA"])
def test_what_is_no_token_speaks_for_nobody(in_force: compose.InForce, token: str) -> None:
    """Whatever key it may name."""
    access = AccessTokens(lambda: in_force().secrets, "https://tillit.test")
    with pytest.raises(TokenInvalid):
        access.check(token, now=datetime.now(UTC))


def test_a_keyring_that_is_away_changes_nothing(
    settings: Settings, in_force: compose.InForce
) -> None:
    """The keys before stay, and signing goes on."""
    kids = in_force().secrets.kids
    settings.keyring.rename(settings.keyring.with_name("away"))
    with pytest.raises(CustodianError):
        in_force.renew_keys()
    assert in_force().secrets.kids == kids


def test_the_root_key_is_rotated_under_it(settings: Settings, in_force: compose.InForce) -> None:
    """Its own keys are the same."""
    kids = in_force().secrets.kids
    rotation.rotate(settings.keyring, settings.back(settings.read_passphrase))
    in_force.renew_keys()
    assert in_force().secrets.kids == kids
