"""Changing what is decided by: looked at, signed by two where it widens, logged, taken up while the broker runs."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from broker import change, compose
from broker.change import Change, NotLoaded
from broker.cli import main
from broker.engine import bundle, signing
from broker.errors import StoreDown
from broker.settings import Settings
from broker.usecases import asks
from tests.house import EMIL, LARVIK, PASSPHRASE, START, House
from tests.integration.entries import entries_about
from tests.policies.copies import AGREEMENT, copied, rewrite
from tests.witness import Witness

RATE = "education.attendance.rate"
WIDER = ('valid_until: "2026-01-01T00:00:00.000000Z"}', "valid_until: null}")
NARROWER = ("categories: [contact, involvement, education, ", "categories: [contact, involvement, ")
Told = tuple[int, str, str]


@pytest.fixture
def governed(house: House) -> House:
    """A house whose bundle is in force by the database."""
    assert change.adopt(house.store, bundle.load(), at=START)
    return house


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A directory of policies to change, with the one table that these tests look at."""
    directory = copied(tmp_path / "policies")
    for table in (directory / "tables").glob("*.yaml"):
        if table.stem != LARVIK:
            table.unlink()
    return directory


@pytest.fixture
def signers(tmp_path: Path) -> Mapping[str, signing.Signer]:
    """Two persons who may sign, and one who may not."""
    made = {
        who: signing.new_signer(who, tmp_path / f"{who}.jwk") for who in ("kari", "ola", "stranger")
    }
    keys = [made[who].public_jwk() for who in ("kari", "ola")]
    (tmp_path / "signers.json").write_text(json.dumps({"keys": keys}))
    return made


def looked_at(house: House, directory: Path) -> Change:
    """The whole of a change."""
    *_, (last, _) = change.changed(house.store, directory)
    return last


def sign(directory: Path, *who: signing.Signer) -> None:
    """Sign a directory as it is."""
    for signer in who:
        signing.sign(directory, signer, digest=bundle.load(directory).digest)


def load(house: House, directory: Path, tmp_path: Path, *, demo: bool = False) -> tuple[str, ...]:
    """Load a directory, as in production."""
    found = looked_at(house, directory)
    file = tmp_path / "signers.json"
    return change.load(house.store, directory, found, signers_file=file, demo=demo, at=START)


def told(house: House) -> None:
    """Nav is told of Emil's attendance."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    assert house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik").outcome == "released"


def test_the_first_bundle_is_adopted_once_and_logged(governed: House) -> None:
    """From then on only a loading changes it."""
    assert not change.adopt(governed.store, bundle.load(), at=START)
    first = bundle.load()
    assert change.in_force(governed.store).policy == first.policy
    assert entries_about(governed, "policy.loaded") == [
        {
            "digest": first.digest,
            "previous": None,
            "signers": [],
            "version": first.version,
            "widens": True,
        }
    ]


def test_nothing_is_in_force_before_the_first(house: House) -> None:
    """A broker without policies must not start by guessing."""
    with pytest.raises(bundle.BundleError, match="no bundle is in force"):
        change.in_force(house.store)


def test_a_bundle_that_was_tampered_with_is_not_decided_by(governed: House) -> None:
    """Whoever edits the table must find the digest too."""
    with governed.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE bundle SET content = replace(content, 'contact.address', 'contact.phone')"
        )
    with pytest.raises(bundle.BundleError, match="is not that bundle"):
        change.in_force(governed.store)


def test_what_narrows_says_who_loses_and_needs_one_signer(
    governed: House, policies: Path, signers: Mapping[str, signing.Signer], tmp_path: Path
) -> None:
    """Real decisions are replayed; what a youth loses by it is seen before it is done."""
    told(governed)
    rewrite(policies, AGREEMENT, *NARROWER)
    found = looked_at(governed, policies)
    line = ("nav-larvik", "case_discussion", "ungdomsutvalget-larvik", RATE)
    assert (found.impact.gains, found.touches, found.needs) == ({}, (), 1)
    assert found.impact.decisions == 1
    assert len([s for s in found.impact.loses[line].subjects if not s.startswith("table:")]) == 1
    with pytest.raises(NotLoaded, match="signed by 0, needs 1"):
        load(governed, policies, tmp_path)
    sign(policies, signers["kari"])
    assert load(governed, policies, tmp_path) == ("kari",)
    assert change.in_force(governed.store).digest == found.new.digest
    entry = entries_about(governed, "policy.loaded")[-1]
    assert (entry["signers"], entry["widens"]) == (["kari"], False)
    assert entry["previous"] == found.old.digest


def test_who_widens_alone_is_refused_and_it_is_logged(
    governed: House, policies: Path, signers: Mapping[str, signing.Signer], tmp_path: Path
) -> None:
    """One dishonest operator cannot open anything unseen: it takes two persons, and is an entry either way."""
    rewrite(policies, AGREEMENT, *WIDER)
    found = looked_at(governed, policies)
    assert (found.impact.widens, found.needs) == (True, 2)
    assert "bup-vestfold" in {line[0] for line in found.impact.gains}
    sign(policies, signers["kari"])
    with pytest.raises(NotLoaded, match="signed by 1, needs 2"):
        load(governed, policies, tmp_path)
    assert change.in_force(governed.store).digest == found.old.digest
    refused = entries_about(governed, "policy.refused")
    assert [entry["reason"] for entry in refused] == ["signed by 1, needs 2"]
    sign(policies, signers["ola"])
    assert load(governed, policies, tmp_path) == ("kari", "ola")
    assert entries_about(governed, "policy.loaded")[-1]["widens"] is True


@pytest.mark.parametrize(
    ("place", "was", "becomes", "touched"),
    [
        ("tillit/decision.rego", "package tillit", "package tillit # anew", "tillit/decision.rego"),
        ("facts/law/ages.yaml", "heard_from: 7", "heard_from: 8", "law/ages"),
        (
            "facts/catalogue/ceilings.yaml",
            "    - recipients: [employer]\n      fields: [functioning.accommodation,",
            "    - recipients: [employer]\n      fields: [functioning.social, functioning.accommodation,",
            "catalogue/ceilings",
        ),
    ],
)
def test_rules_and_law_take_two_whatever_the_replay_says(
    place: str, was: str, becomes: str, touched: str, governed: House, policies: Path
) -> None:
    """No replay of what was asked can show what a rule does with what will be."""
    rewrite(policies, place, was, becomes)
    found = looked_at(governed, policies)
    assert (found.touches, found.needs) == ((touched,), 2)


def test_a_wrong_signature_is_refused_and_logged(
    governed: House, policies: Path, signers: Mapping[str, signing.Signer], tmp_path: Path
) -> None:
    """Also in a demo: somebody tried."""
    rewrite(policies, AGREEMENT, *NARROWER)
    sign(policies, signers["kari"], signers["stranger"])
    with pytest.raises(NotLoaded, match="a signature is wrong"):
        load(governed, policies, tmp_path, demo=True)
    entry = entries_about(governed, "policy.refused")[-1]
    assert entry["reason"].startswith("signature: a signature is wrong")
    assert change.in_force(governed.store).digest == bundle.load().digest


def test_two_changes_at_once_are_one(
    governed: House, policies: Path, signers: Mapping[str, signing.Signer], tmp_path: Path
) -> None:
    """The second was looked at against a bundle that is no longer in force."""
    rewrite(policies, AGREEMENT, *NARROWER)
    sign(policies, signers["kari"])
    found = looked_at(governed, policies)
    load(governed, policies, tmp_path)
    file = tmp_path / "signers.json"
    with pytest.raises(NotLoaded, match="meanwhile"):
        change.load(governed.store, policies, found, signers_file=file, demo=False, at=START)


def test_a_decision_that_cannot_be_read_counts_as_widened(governed: House, policies: Path) -> None:
    """What could not be looked at is not known to be harmless."""
    told(governed)
    with governed.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE disclosure SET facts = '{}'")
    found = looked_at(governed, policies)
    assert (found.impact.unreadable, found.impact.widens, found.needs) == (1, True, 2)


# --- a running broker ------------------------------------------------------------------------------------


@pytest.fixture
def running(governed: House, tmp_path: Path) -> compose.InForce:
    """What a serving process decides by."""
    settings = Settings(
        mode="demo",
        data_dir=tmp_path,
        keyring_dir=tmp_path / "keyring",
        passphrase=PASSPHRASE.decode(),
        engine_deadline_ms=5000,
    )
    return compose.InForce(settings, governed.store, every=0.01)


def test_a_running_broker_takes_up_what_was_loaded(
    running: compose.InForce, governed: House, policies: Path, tmp_path: Path
) -> None:
    """Engine and catalogue together; who has begun to answer ends by what it began with."""
    assert not running.renew()
    before = running()
    rewrite(policies, AGREEMENT, *NARROWER)
    (tmp_path / "signers.json").write_text('{"keys": []}')
    load(governed, policies, tmp_path, demo=True)
    assert running.renew()
    after = running()
    loaded = bundle.load(policies)
    assert after.engine.policy == loaded.policy
    assert after.catalogue.model_dump_json() == loaded.catalogue.model_dump_json()
    assert before.engine.policy == bundle.load().policy


def test_a_bundle_that_cannot_be_used_leaves_the_one_before(
    running: compose.InForce, governed: House
) -> None:
    """The running bundle stays."""
    with governed.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE bundle SET digest = 'sha256:0', content = '{}'")
    before = running()
    with pytest.raises(bundle.BundleError):
        running.renew()
    assert running() is before


# --- the command line ------------------------------------------------------------------------------------


@pytest.fixture
def tillit(
    governed: House,
    database_url: str,
    policies: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Told]:
    """Run the operator's command on the house's database: its code, and what it said."""
    assert governed
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TILLIT_{name.upper()}", raising=False)
    monkeypatch.setenv("TILLIT_PASSPHRASE", PASSPHRASE.decode())
    monkeypatch.setenv("TILLIT_DATABASE_URL", database_url)
    monkeypatch.setenv("TILLIT_POLICIES_DIR", str(policies))
    monkeypatch.setenv("TILLIT_LOG_ORIGIN", "tillit.test/log")
    witness = Witness("witness.example/w1", "tillit.test/log", b"").vkey
    watching = tmp_path / "witnesses"
    watching.write_text(f"witness one {witness} https://witness.example\nquorum one\n")
    monkeypatch.setenv("TILLIT_LOG_WITNESSES_FILE", str(watching))
    monkeypatch.setenv("TILLIT_POLICY_SIGNERS_FILE", str(tmp_path / "signers.json"))

    def run(*arguments: object) -> Told:
        code = main(["policy", *(str(argument) for argument in arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_two_persons_widen_by_the_commands_of_the_page(
    tillit: Callable[..., Told], policies: Path, tmp_path: Path
) -> None:
    """Key, sign, impact, load: as broker/docs/collaborations.md says."""
    keys = []
    for who in ("berit", "anders"):
        code, out, _ = tillit("key", tmp_path / f"{who}.jwk", "--name", who)
        keys.append(json.loads(out))
        assert code == 0
    (tmp_path / "signers.json").write_text(json.dumps({"keys": keys}))
    assert tillit("impact", policies)[0] == 0
    rewrite(policies, AGREEMENT, *WIDER)
    code, out, _ = tillit("impact", policies)
    assert (code, "gains: bup-vestfold education.wishes for coordination" in out) == (4, True)
    assert json.loads(tillit("impact", policies, "--json")[1])["needs_signers"] == 2
    assert tillit("sign", policies, "--key", tmp_path / "berit.jwk")[0] == 0
    code, _, err = tillit("load", policies)
    assert (code, "needs 2 different signers" in err) == (1, True)
    assert tillit("sign", policies, "--key", tmp_path / "anders.jwk")[0] == 0
    code, out, _ = tillit("load", policies)
    assert (code, "signed by: anders, berit" in out) == (0, True)
    assert "in force already" in tillit("load", policies)[1]
    assert tillit("key", tmp_path / "berit.jwk", "--name", "berit")[0] == 2
    assert tillit("key", tmp_path / "c.jwk", "--name", "C C")[0] == 2
    assert tillit("sign", policies, "--key", tmp_path / "signers.json")[0] == 2


def test_what_narrows_only_ends_with_three(
    tillit: Callable[..., Told], policies: Path, tmp_path: Path
) -> None:
    """A script can tell the two apart."""
    (tmp_path / "signers.json").write_text('{"keys": []}')
    rewrite(policies, AGREEMENT, *NARROWER)
    assert tillit("impact", policies)[0] == 3


def test_stored_decisions_are_made_again(tillit: Callable[..., Told], governed: House) -> None:
    """From the facts and the bundle of the time; whoever edits either is found."""
    told(governed)
    code, out, _ = tillit("replay", "--all")
    assert (code, out) == (0, "1 equal, 0 differ\n")
    with governed.store.read() as tx:
        row = tx.recorded(after=0, limit=1)[0]
    assert tillit("replay", row.disclosure)[1] == f"{row.disclosure}: equal\n1 equal, 0 differ\n"
    assert tillit("replay", "dis_nobody")[0] == 1
    assert tillit("replay")[0] == 2
    with governed.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE disclosure SET facts = replace(facts, '\"active\"', '\"withdrawn\"')"
        )
    code, out, _ = tillit("replay", "--all")
    assert (code, out) == (1, f"{row.disclosure}: differs in {RATE}\n0 equal, 1 differ\n")
    with governed.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE bundle SET digest = 'sha256:0'")
    assert "is not kept" in tillit("replay", "--all")[1]


def test_what_nobody_knows_is_reported(tillit: Callable[..., Told], governed: House) -> None:
    """Once per answer, whether asked or checked; a repeated call is the same answer."""
    assert "nobody asked" in tillit("gaps")[1]
    ask = governed.ask("nav-larvik", EMIL, "education.shoe_size", RATE)
    for _ in range(2):
        governed.disclose(ask, "nav-larvik", key="the-same-key-twice")
    asks.check(ask, call=governed.call("nav-larvik"), ports=governed.ports)
    governed.disclose(governed.ask("nav-larvik", EMIL, RATE, purpose="curiosity"), "nav-larvik")
    rows = json.loads(tillit("gaps", "--json")[1])
    assert [(r["kind"], r["asked"], r["unit"], r["times"]) for r in rows] == [
        ("gap.field", "education.shoe_size", "nav-larvik", 2),
        ("gap.purpose", "curiosity", "nav-larvik", 1),
    ]
    assert "education.shoe_size  by nav-larvik" in tillit("gaps")[1]


def test_a_database_that_is_gone_is_no_bundle(governed: House) -> None:
    """Told as what it is."""
    governed.store.engine.dispose()
    with governed.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bundle")
    with pytest.raises(StoreDown):
        change.in_force(governed.store)
