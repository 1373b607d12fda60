"""Witness policies: the text form of C2SP tlog-policy, read strictly, and which witnesses are enough."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.witness import Witness as Signer
from tillit.notes import NoteInvalid, Vkey, sign_checkpoint
from tillit.quorums import MAX_OF_A_KIND, MAX_POLICY_BYTES, NotWitnessed, Policy, PolicyInvalid
from tillit.witnesses import Witness

ORIGIN = "log.example/larvik"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = Vkey.of(ORIGIN, KEY)
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
NOTE = sign_checkpoint(origin=ORIGIN, size=7, root=bytes(32), key=KEY, at=AT)
BODY = NOTE.partition("\n\n")[0] + "\n"


def signer(n: int) -> Signer:
    """A witness with a key that follows from its number."""
    key = Ed25519PrivateKey.from_private_bytes(n.to_bytes(32, "big"))
    return Signer(f"witness.example/w{n}", ORIGIN, b"", key)


SIGNERS = {name: signer(n) for n, name in enumerate(("X1", "X2", "X3", "Y1", "Y2", "Y3"), 1)}
WITNESSES = "".join(f"witness {name} {each.vkey}\n" for name, each in SIGNERS.items())
# The example of the specification, with keys.
EXAMPLE = f"""\
log {LOG}

# those of one operator …
{WITNESSES}
group X-witnesses 2 X1 X2 X3
\tgroup  Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def policy(threshold: int = 2) -> Policy:
    """So many of six."""
    names = " ".join(SIGNERS)
    return Policy.parse(f"{WITNESSES}group enough {threshold} {names}\nquorum enough\n")


def cosigned(*names: str, at: datetime = AT) -> str:
    """The checkpoint with the cosignatures of these witnesses."""
    seconds = int(at.timestamp())
    return NOTE + "".join(SIGNERS[name].cosign(BODY, seconds) for name in names)


def test_the_specifications_example_means_what_it_says() -> None:
    """Two of the three X and one of the three Y, for each subset of the six."""
    read = Policy.parse(EXAMPLE)
    assert (read.logs, read.quorum, read.asks_nobody) == ((LOG,), "X-and-Y", False)
    for count in range(len(SIGNERS) + 1):
        for names in combinations(SIGNERS, count):
            xs = sum(name.startswith("X") for name in names)
            enough = xs >= 2 and count > xs
            assert read.satisfied_by([read.witnesses[name] for name in names]) == enough, names


def test_bytes_are_read_as_text_is() -> None:
    """A file is bytes; names may be in any language."""
    text = EXAMPLE.replace("X-and-Y", "begge-på-én-gang")
    assert Policy.parse(text.encode()).quorum == "begge-på-én-gang"


def test_who_has_cosigned_and_who_is_missing() -> None:
    """Two of six: who they are, when, and by what names the others go."""
    seen = policy().check(cosigned("Y1", "X2"), log=LOG)
    assert [(str(each.witness), each.at) for each in seen.cosignatures] == [
        (SIGNERS["X2"].vkey, AT),
        (SIGNERS["Y1"].vkey, AT),
    ]
    assert seen.missing == ("X1", "X3", "Y2", "Y3")


def test_one_too_few_is_too_few() -> None:
    """Strangers and repetitions do not make up for it."""
    stranger = signer(99).cosign(BODY)
    with pytest.raises(NotWitnessed, match="1 of 6 witnesses"):
        policy().check(cosigned("X1", "X1") + stranger, log=LOG)


def test_one_witness_is_quorum_enough_where_the_policy_says_so() -> None:
    """Without any group."""
    one = Policy.parse(f"{WITNESSES}quorum X3\n")
    assert one.check(cosigned("X3"), log=LOG).cosignatures[0].witness == one.witnesses["X3"]
    with pytest.raises(NotWitnessed):
        one.check(cosigned("X1", "X2"), log=LOG)


def test_nobody_is_asked_where_the_policy_says_so() -> None:
    """It must be said; an empty file is no policy."""
    nobody = Policy.parse("quorum none\n")
    assert nobody.asks_nobody
    assert nobody.check(NOTE, log=LOG).cosignatures == ()


def test_a_bad_line_of_a_known_witness_spoils_it() -> None:
    """However many others are good."""
    bad = SIGNERS["X1"].cosign(BODY.replace("\n7\n", "\n8\n"))
    with pytest.raises(NoteInvalid):
        policy().check(cosigned("X2", "X3", "Y1") + bad, log=LOG)


def test_only_cosignatures_of_late_count_where_that_is_asked() -> None:
    """Witnesses that looked long ago vouch for long ago."""
    long_ago = cosigned("X1", at=AT - timedelta(days=1)) + SIGNERS["X2"].cosign(
        BODY, int(AT.timestamp())
    )
    assert len(policy().check(long_ago, log=LOG).cosignatures) == 2
    with pytest.raises(NotWitnessed, match="lately"):
        policy().check(long_ago, log=LOG, since=AT - timedelta(hours=1))


def test_the_log_is_no_witness_to_itself() -> None:
    """Its own timestamped signature is a cosignature in form."""
    itself = Witness(ORIGIN, LOG.public_key)
    read = Policy.parse(f"witness self {itself}\nquorum self\n")
    assert [each.witness for each in read.cosigned(NOTE)] == [itself]
    with pytest.raises(NotWitnessed):
        read.check(NOTE, log=LOG)


def test_a_policy_about_another_log_accepts_none_of_this() -> None:
    """A file mixed up with another's shows."""
    other = Vkey.of("log.example/oslo", KEY)
    with pytest.raises(NotWitnessed, match="another log"):
        Policy.parse(EXAMPLE).check(cosigned(*SIGNERS), log=other)


def test_addresses_are_kept_by_name() -> None:
    """Where the log submits its checkpoints."""
    read = Policy.parse(
        f"log {LOG} https://log.example/\nwitness a {signer(1).vkey} https://w.example/x\nquorum a\n"
    )
    assert dict(read.urls) == {"a": "https://w.example/x"}


W1, W2 = (f"witness {name} {signer(n).vkey}" for n, name in ((1, "a"), (2, "b")))
MANY = "".join(f"witness n{n} {signer(n).vkey}\n" for n in range(1, MAX_OF_A_KIND + 2))
LOGS = "".join(
    f"log {Vkey.of(f'l{n}', Ed25519PrivateKey.from_private_bytes(n.to_bytes(32)))}\n"
    for n in range(1, MAX_OF_A_KIND + 2)
)
GROUPS = (
    W1
    + "\ngroup g0 1 a\n"
    + "".join(f"group g{n} 1 g{n - 1}\n" for n in range(1, MAX_OF_A_KIND + 1))
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "ends in a newline"),
        ("\n", "no quorum"),
        (f"{W1}\n", "no quorum"),
        ("quorum none", "ends in a newline"),
        ("quorum none\r\n", "control character"),
        ("quorum none\x7f\n", "control character"),
        ("quorum none\nquorum none\n", "line 2: a second quorum"),
        ("quorum a\n", "line 1: no witness or group"),
        (f"quorum a\n{W1}\n", "line 1: no witness or group"),
        (f"{W1}\nquorum\n", "line 2: too few or too many"),
        (f"{W1}\nquorum a a\n", "too few or too many"),
        (f"{W1}\nquorum a\nthreshold 3\n", "line 3: neither"),
        (f"{W1} https://w.example extra\nquorum a\n", "too few or too many"),
        (f"{W1} ftp://w.example\nquorum a\n", "not an http address"),
        (f"log {LOG} w.example\nquorum none\n", "not an http address"),
        (f"log {LOG}\nlog {LOG}\nquorum none\n", "line 2: the key is there"),
        (f"{W1}\n{W1.replace(' a ', ' b ')}\nquorum a\n", "line 2: the key is there"),
        (f"{W1}\n{W2.replace(' b ', ' a ')}\nquorum a\n", "the name a is taken"),
        (f"{W1.replace(' a ', ' none ')}\nquorum none\n", "the name none is taken"),
        (f"{W1}\ngroup a 1 a\nquorum a\n", "the name a is taken"),
        (f"{W1}\ngroup g 0 a\nquorum g\n", "not all, any"),
        (f"{W1}\ngroup g 2 a\nquorum g\n", "not all, any"),
        (f"{W1}\ngroup g 01 a\nquorum g\n", "not all, any"),
        (f"{W1}\ngroup g some a\nquorum g\n", "not all, any"),
        (f"{W1}\ngroup g 1 a a\nquorum g\n", "already in a group"),
        (f"{W1}\ngroup g 1 a\ngroup h 1 a\nquorum g\n", "already in a group"),
        (f"{W1}\ngroup g 1 g\nquorum g\n", "no witness or group before it"),
        (f"{W1}\ngroup g 1 none\nquorum g\n", "no witness or group before it"),
        (f"{W1}\ngroup g 1\nquorum g\n", "too few or too many"),
        (f"witness a {LOG}\nquorum a\n", "line 1: not an Ed25519 vkey"),
        (f"log {signer(1).vkey}\nquorum none\n", "line 1: not an Ed25519 vkey"),
        (f"{MANY}quorum none\n", f"line {MAX_OF_A_KIND + 1}: too many"),
        (f"{LOGS}quorum none\n", f"line {MAX_OF_A_KIND + 1}: too many"),
        (f"{GROUPS}quorum none\n", f"line {MAX_OF_A_KIND + 2}: too many"),
        ("#" * MAX_POLICY_BYTES + "\nquorum none\n", "too large"),
        (b"# \xff\nquorum none\n", "UTF-8"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(text: str | bytes, why: str) -> None:
    """A policy read other than it was meant would trust whom nobody chose."""
    with pytest.raises(PolicyInvalid, match=why):
        Policy.parse(text)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_garbage_is_no_policy(text: str | bytes) -> None:
    """Refused, never crashed on."""
    with pytest.raises(PolicyInvalid):
        Policy.parse(text)
