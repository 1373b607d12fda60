"""Own words: what only the subject writes (N17), deposited on their behalf and shared as they say yes.

The broker has the text in clear while it seals it, and signs it for the subject: a person has no signing key that a recipient
knows. From then on it is a value like any other, which no service deposits or replaces.
"""

from datetime import datetime

from audit.entries import Entry
from broker.domain.facets import facets
from broker.domain.ids import SubjectHandle, SubjectId, UnitId, fresh
from broker.errors import CustodianDown, NotYourField
from broker.ports import Ports, Transaction
from broker.usecases import deposits, trust
from broker.usecases.call import PersonCall, once
from broker.usecases.people import myself
from keys.errors import CustodianError
from tillit.envelopes import KEY_BYTES
from tillit.keys import ServiceKey
from tillit.sealing import SubjectRef, Value, seal_deposit
from tillit.wire import SUBJECT, Deposit, DepositAnswer, OwnWords


def write(words: OwnWords, *, call: PersonCall, ports: Ports) -> DepositAnswer:
    """Deposit what the calling person says; what was said before in the field stays kept and is given no more.

    Raises:
        NotYourField: the field is not theirs to write, or the text is longer than it takes.
        NotASubject: the broker holds nothing about them.
        CustodianDown: the custodian is locked or gone; nothing was kept.
        SubjectErased: the subject's key was shredded.
    """
    _check(words, ports)
    now = ports.clock()
    deposit = sealed(words, at=now, ports=ports)

    def act(tx: Transaction) -> DepositAnswer:
        subject = myself(tx, call.person)
        fields = keep(tx, subject, deposit, at=now, ports=ports)
        content = {
            "fields": fields,
            "key": deposit.key.kid,
            "source": SUBJECT,
            "subject": deposit.subject,
        }
        tx.append(Entry("deposit", now, content, subject, facets()))
        return DepositAnswer(deposited=fields)

    return once(act, answers=DepositAnswer, call=call, ports=ports)


def sealed(words: OwnWords, *, at: datetime, ports: Ports) -> Deposit:
    """The words signed for the subject and sealed to the custodian, under a handle of this deposit alone.

    Raises:
        CustodianDown: the custodian is locked or gone, or has no key that may be sealed to.
    """
    # The broker signs receipts with the same key; recipients tell the two apart by their type.
    signer = ServiceKey(
        SUBJECT,
        sig=ports.secrets.receipts.private_bytes_raw(),
        enc=ports.randomness(KEY_BYTES),
    )
    try:
        custodian = trust.deposit_jwk(ports)
    except CustodianError as error:
        raise CustodianDown from error
    return seal_deposit(
        [Value(words.field, words.text, at, "stated_by_subject", SUBJECT)],
        key=signer,
        subject=SubjectRef(SubjectHandle(fresh("hdl", ports.randomness)), None),
        custodian_jwk=custodian,
        randomness=ports.randomness,
    )


def keep(
    tx: Transaction,
    subject: SubjectId,
    deposit: Deposit,
    *,
    at: datetime,
    ports: Ports,
    asked_for: bool = True,
) -> dict[str, str]:
    """Admit and keep sealed words of the subject's; gives field → record."""
    return deposits.keep(
        tx,
        subject,
        deposit,
        source=UnitId(SUBJECT),
        now=at,
        ports=ports,
        asked_for=asked_for,
    )


def _check(words: OwnWords, ports: Ports) -> None:
    field = ports.catalogue.fields.get(words.field)
    if field is None or field.authored_by != "subject":
        raise NotYourField(f"{words.field} is not written by the subject")
    longest = field.json_schema.get("maxLength", 0)
    if len(words.text) > longest:
        raise NotYourField(f"{words.field} takes at most {longest} characters")
