"""The composition root: from settings to ports to the application. Everything is built here, once, and nowhere else."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from fastapi import FastAPI

from audit.sequencer import Sequencer
from audit.signers import Signers
from audit.witnessing import Witnessing
from broker import change
from broker import settings as configuration
from broker.api import app
from broker.api.log import Log
from broker.api.metrics import Metrics
from broker.channels.altinn import ContactRegister, Platform, TextMessages
from broker.channels.folder import Folder
from broker.channels.maskinporten import Maskinporten
from broker.domain.anonymity import Group
from broker.domain.ids import PersonKey
from broker.engine import bundle
from broker.engine.leases import LeasedEngine
from broker.engine.regorus import RegorusEngine
from broker.errors import CustodianDown, RegisterDown, Unavailable
from broker.portal.opening import opening
from broker.ports import Messenger, Person, PolicyEngine, Ports, Register
from broker.register import SyntheticRegister
from broker.settings import Settings
from broker.store.log_keys import CustodiansLogKeys
from broker.store.sql import SqlStore
from broker.usecases import counting, retention, sending, signalling, ticking, trust
from broker.usecases.people import person_key
from keys.broker_keyring import BrokerKeyring
from keys.custodian import Custodian
from keys.errors import CustodianError, CustodianUnreachable
from keys.keyring import LocalCustodian
from keys.parts import BrokerSecrets
from keys.rates import Rate
from keys.remote import RemoteCustodian, tls_context
from keys.signing import SigningKeys
from tillit.quorums import Policy
from tillit.wire import Channel

SWEEP_SECONDS = 600.0
RENEW_SECONDS = 3.0
TICK_SECONDS = 60.0
SEND_SECONDS = 5.0
NO_BIRTHDAYS = "no population register is configured: birthdays cannot be looked at, only what is over is ended"
NO_HYBRID = """\
TILLIT_POST_QUANTUM: sources would seal to a deposit key that quantum computers break; make another:
tillit-broker keys rotate deposit; or, where the custodian is: tillit-custodian deposit-key new --kind hybrid"""
REMEMBERED = timedelta(days=7)

_log = logging.getLogger("tillit.broker")


class NoRegister:
    """Stands where no population register is configured: nobody can be looked up, so nothing about a person is answered."""

    def person(self, key: PersonKey) -> Person | None:  # noqa: ARG002 (the port's own name)
        """Never answers.

        Raises:
            RegisterDown: always.
        """
        raise RegisterDown("no population register is configured")

    def count(self, group: Group) -> int:  # noqa: ARG002 (the port's own name)
        """Never answers.

        Raises:
            RegisterDown: always.
        """
        raise RegisterDown("no population register is configured")


def now() -> datetime:
    """The system's clock, in UTC."""
    return datetime.now(UTC)


def custodian(settings: Settings) -> Custodian:
    """The custodian: in this process, or where the settings say that one listens. Nothing is asked of it yet.

    Raises:
        CustodianError: the files that it is reached with cannot be used.
    """
    return _local(settings) if settings.custodian is None else _remote(settings, settings.custodian)


def secrets_of(settings: Settings, keyring: Custodian) -> Callable[[], BrokerSecrets]:
    """What gives the broker's own secrets as they are now: the custodian's keyring here, or one of the broker's own.

    It raises ``CustodianError`` when that does not open, or holds none.
    """
    if isinstance(keyring, LocalCustodian):
        return keyring.broker_keys
    return BrokerKeyring(settings.keyring, settings.back(settings.read_passphrase)).broker_keys


def secrets(settings: Settings) -> BrokerSecrets:
    """The broker's own secrets.

    Raises:
        CustodianError: the keyring does not open, or holds none.
    """
    return secrets_of(settings, custodian(settings))()


def _local(settings: Settings) -> LocalCustodian:
    rate = Rate(settings.releases_per_second, settings.releases_burst)
    back = settings.back(settings.read_passphrase)
    return LocalCustodian(settings.keyring, back, rate=rate)


def _remote(settings: Settings, address: str) -> RemoteCustodian:
    certificate, key = settings.custodian_cert_file, settings.custodian_key_file
    authorities = settings.custodian_ca_file
    if certificate is None or key is None or authorities is None:
        return RemoteCustodian(address)
    try:
        tls = tls_context(certificate=certificate, key=key, authorities=authorities)
    except OSError as error:
        raise CustodianUnreachable(f"certificate, key or authorities: {error.strerror}") from None
    return RemoteCustodian(address, tls=tls)


def opened(settings: Settings, keyring: Custodian | None = None) -> SqlStore:
    """The store in the settings' database; contents of the log are sealed to the custodian's keys."""
    log_keys = CustodiansLogKeys(keyring or custodian(settings))
    return SqlStore(
        settings.database,
        origin=settings.origin,
        log_keys=log_keys,
        witnessed=settings.witnesses() is not None,
    )


def engine(settings: Settings, policies: bundle.Bundle) -> PolicyEngine:
    """The policy engine the settings name, its answers kept while they stand."""
    return LeasedEngine(_engine(settings, policies))


def _engine(settings: Settings, policies: bundle.Bundle) -> PolicyEngine:
    deadline = settings.engine_deadline_ms / 1000
    match settings.engine:
        case "regorus":
            return RegorusEngine(policies, deadline=deadline)
        case "opa":
            from broker.engine.opa import OpaEngine  # noqa: PLC0415 (only OPA deployments load its client)

            return OpaEngine(policies, settings.opa_url or "", deadline=deadline)
        case _ as unknown:
            assert_never(unknown)


def register(settings: Settings, secrets: BrokerSecrets) -> Register:
    """The population register: the synthetic one in a demo, none otherwise (an adapter to Folkeregisteret is not built yet)."""
    if settings.register_file is None:
        return NoRegister()
    return SyntheticRegister(
        settings.register_file, lambda national_id: person_key(national_id, secrets)
    )


def messengers(settings: Settings) -> Mapping[Channel, Messenger]:
    """The ways out of the portal that the settings name."""
    found: dict[Channel, Messenger] = {}
    if settings.mail_dir is not None:
        found["email"] = Folder(settings.mail_dir)
    if settings.mail_server is not None and settings.mail_from is not None:
        from broker.channels.mail import MailServer  # noqa: PLC0415 (only who sends mail loads its client)

        host, _, port = settings.mail_server.rpartition(":")
        found["email"] = MailServer(
            host=host,
            port=int(port),
            security=settings.mail_security,
            sender=settings.mail_from,
            clock=now,
            user=settings.mail_user,
            password_file=settings.mail_password_file,
            ca_file=settings.mail_ca_file,
        )
    issuer, client = settings.maskinporten_issuer, settings.maskinporten_client
    key = settings.maskinporten_key_file
    if settings.altinn_url is not None and issuer and client and key:
        tokens = Maskinporten(issuer, client, key, now)
        platform = Platform(settings.altinn_url, maskinporten=tokens, clock=now)
        found |= {"sms": TextMessages(platform), "register": ContactRegister(platform)}
    return found


def compose(settings: Settings) -> FastAPI:
    """The application. It serves when the keyring opens; after that it waits for whatever goes away.

    Raises:
        CustodianError: the keyring does not open.
        BundleError: the policies cannot be used.
        SettingsWrong: the settings do not fit what they lead to.
    """
    keyring = custodian(settings)
    store = opened(settings, keyring)
    with contextlib.ExitStack() as undone:
        undone.callback(store.close)
        renewed = InForce(settings, store, keyring=keyring)
        ports = renewed()
        require_hybrid(ports)
        metrics = Metrics(ports.engine.policy)
        sequencing = sequencer(store, lambda: renewed().secrets.signing, origin=settings.origin)
        witnesses = settings.witnesses()
        application = app.create(
            ports,
            settings,
            log=Log(store.engine.connect, sequencing.head, witnessed=witnesses is not None),
            background=(
                sequencing.run_forever,
                *witnessing(store, witnesses, sequencing),
                sweeper(store),
                ticker(ports, renewed=renewed),
                sender(renewed, count=metrics.sent),
                watcher(renewed),
                keeper(renewed),
                renewed.watch,
            ),
            renewed=renewed,
            portal=opening(settings, renewed),
            metrics=metrics,
        )
        undone.pop_all()
    return application


def require_hybrid(ports: Ports) -> None:
    """Let nobody deposit where the switch is on and the custodian's key is not; one that is away is looked at as it comes.

    Raises:
        SettingsWrong: the custodian's deposit key is one that quantum computers break.
    """
    try:
        trust.deposit_jwk(ports)
    except CustodianDown:
        raise configuration.SettingsWrong(NO_HYBRID) from None
    except CustodianError:
        return


def sequencer(store: SqlStore, keys: Callable[[], SigningKeys], *, origin: str) -> Sequencer:
    """The sequencer of the store's log, which signs with the log's keys as they are."""
    return Sequencer(store.engine, origin=origin, signer=lambda: log_signers(keys()), clock=now)


def witnessing(
    store: SqlStore, witnesses: Policy | None, sequencing: Sequencer
) -> tuple[Callable[[threading.Event], None], ...]:
    """What has the log's checkpoints cosigned, where anybody is to.

    Raises:
        SettingsWrong: the witnesses are another log's.
    """
    if witnesses is None:
        return ()
    if witnesses.logs and sequencing.vkey not in witnesses.logs:
        raise configuration.SettingsWrong(
            "TILLIT_LOG_WITNESSES_FILE: it lists logs, and not this one with its newest key"
        )
    cosigning = Witnessing(store.engine, log=lambda: sequencing.vkey, policy=witnesses, clock=now)
    return (cosigning.run_forever,)


def log_signers(keys: SigningKeys) -> Signers:
    """Who signs the log now."""
    at = now()
    return Signers(keys.signers("log", at), keys.gone("log", at))


class InForce:
    """The ports on the bundle in force: engine and catalogue are exchanged together when another bundle comes in force.

    Whoever answers takes the ports once and keeps them: no answer mixes two bundles. Another process is noticed to have
    loaded one, or changed the broker's signing keys, within ``every`` seconds; until then this one goes on as before.
    """

    def __init__(
        self,
        settings: Settings,
        store: SqlStore,
        *,
        keyring: Custodian | None = None,
        every: float = RENEW_SECONDS,
    ) -> None:
        self._settings = settings
        self._every = every
        keyring = keyring or custodian(settings)
        self._secrets = secrets_of(settings, keyring)
        self._ports = ported(settings, store, keyring, self._secrets)

    def __call__(self) -> Ports:
        """The ports as they are now."""
        return self._ports

    def renew(self) -> bool:
        """Look whether another bundle is in force, and take it; says whether one was taken.

        Raises:
            StoreDown: the database does not answer.
            BundleError: what is in force cannot be used; the one before stays.
        """
        with self._ports.store.read() as tx:
            digest = tx.in_force()
        if digest in {None, self._ports.engine.policy.digest}:
            return False
        policies = change.in_force(self._ports.store)
        self._ports = replace(
            self._ports, engine=engine(self._settings, policies), catalogue=policies.catalogue
        )
        return True

    def renew_keys(self) -> bool:
        """Look whether other keys of the broker's sign now, and take them; says whether any do.

        Raises:
            CustodianError: the keyring does not open; the keys before stay.
        """
        held, found = self._ports.secrets, self._secrets()
        if found.signing is held.signing and found.kids == held.kids:
            return False
        self._ports = replace(self._ports, secrets=found)
        return True

    def watch(self, stop: threading.Event) -> None:
        """Look every few seconds, until told to stop."""
        while not stop.wait(self._every):
            try:
                if self.renew_keys():
                    _log.warning("the broker's signing keys were changed")
                if self.renew():
                    _log.warning("decides by bundle %s now", self._ports.engine.policy.digest)
            except (Unavailable, CustodianError) as down:
                _log.warning("renew: %s", down.code)
            except bundle.BundleError as wrong:
                _log.error("the bundle in force cannot be used: %s", wrong)


def ported(
    settings: Settings,
    store: SqlStore,
    keyring: Custodian | None = None,
    secrets: Callable[[], BrokerSecrets] | None = None,
) -> Ports:
    """What the use cases may reach, on this store and, where they are given, this custodian and these secrets.

    Raises:
        CustodianError: the keyring does not open.
        BundleError: the policies cannot be used.
    """
    policies = change.in_force(store)
    keyring = keyring or custodian(settings)
    own = (secrets or secrets_of(settings, keyring))()
    return Ports(
        store=store,
        engine=engine(settings, policies),
        custodian=keyring,
        secrets=own,
        register=register(settings, own),
        catalogue=policies.catalogue,
        clock=now,
        randomness=os.urandom,
        origin=settings.origin,
        issuer=settings.issuer,
        anonymity_k=settings.anonymity_k,
        post_quantum=settings.post_quantum,
        messengers=messengers(settings),
    )


def sweeper(store: SqlStore) -> Callable[[threading.Event], None]:
    """What deletes expired assertions, enrolments and remembered answers from time to time, until told to stop."""

    def sweep(stop: threading.Event) -> None:
        while not stop.wait(SWEEP_SECONDS):
            with contextlib.suppress(Unavailable):
                gone = store.sweep(at=now(), remembered_before=now() - REMEMBERED)
                _log.info("swept %d rows", gone)

    return sweep


def ticker(
    ports: Ports, *, every: float = TICK_SECONDS, renewed: Callable[[], Ports] | None = None
) -> Callable[[threading.Event], None]:
    """What looks every minute at what time may have changed, until told to stop; a minute that does not answer is passed by."""

    def run(stop: threading.Event) -> None:
        if isinstance(ports.register, NoRegister):
            _log.warning(NO_BIRTHDAYS)
        while not stop.wait(every):
            try:
                ticked = ticking.tick(ports=renewed() if renewed else ports, stopped=stop.is_set)
            except Unavailable as down:
                _log.warning("tick: %s", down.code)
            else:
                if ticked != ticking.Ticked():
                    _log.info("tick: %s", ticked)

    return run


def sender(
    ports: Callable[[], Ports],
    *,
    every: float = SEND_SECONDS,
    count: sending.Count = sending.uncounted,
) -> Callable[[threading.Event], None]:
    """What tells people outside the portal, every few seconds until told to stop; nothing else waits for a channel."""

    def run(stop: threading.Event) -> None:
        rests = sending.Rests()
        while not stop.wait(every):
            try:
                sent = sending.send(ports=ports(), rests=rests, count=count, stopped=stop.is_set)
            except Unavailable as down:
                _log.warning("send: %s", down.code)
            else:
                if sent != sending.Sent():
                    _log.info("send: %s", sent)

    return run


def watcher(
    ports: Callable[[], Ports], *, every: float = TICK_SECONDS
) -> Callable[[threading.Event], None]:
    """What counts months and looks for what is unusual, until told to stop; the ticker does not wait for it."""

    def run(stop: threading.Event) -> None:
        while not stop.wait(every):
            try:
                while not stop.is_set() and counting.count_due(ports=ports()):
                    _log.info("a month was counted")
                while not stop.is_set() and signalling.look_for(ports=ports()):
                    pass
            except Unavailable as down:
                _log.warning("watch: %s", down.code)

    return run


def keeper(
    ports: Callable[[], Ports], *, every: float = TICK_SECONDS
) -> Callable[[threading.Event], None]:
    """What lets the log's contents go as their time runs out, at once and every minute, until told to stop."""

    def run(stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                kept = retention.keep(ports=ports(), stopped=stop.is_set)
            except Unavailable as down:
                _log.warning("retention: %s", down.code)
            else:
                if kept != retention.Kept():
                    _log.info("retention: %s", kept)
            stop.wait(every)

    return run


def serve() -> FastAPI:
    """The application on this process's environment: the factory that uvicorn's workers call."""
    return compose(configuration.read())
