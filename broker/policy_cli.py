"""The operator's ``tillit-broker policy …``: write, check, try and export policies.

``new``, ``check DIR`` and ``try`` need no settings: they run on the machine of whoever writes the files.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from broker import change, compose, policy_change_cli
from broker.commands import DOWN, Ends, Mistake, add, add_bare
from broker.domain.reviewing import unreviewed
from broker.engine import agreements, bundle, cases, documents, scaffold
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine, SignerQuestion
from broker.settings import PACKAGED_POLICIES, Settings, read

PATIENT_SECONDS = 5.0


def declare(commands: Any) -> None:
    """Add the commands about the policies."""
    policies = commands.add_parser("policy", help="the policies").add_subparsers(
        required=True, metavar="COMMAND"
    )
    making = add_bare(policies, "new", new)
    making.add_argument("id", metavar="ID", help="the collaboration's id: fagteam-larvik")
    making.add_argument("--into", type=Path, default=Path("policies"), metavar="DIR", help="where")
    _directory(add_bare(policies, "check", check), nargs="?")
    trying = add_bare(policies, "try", try_)
    _directory(trying)
    trying.add_argument("id", metavar="ID", nargs="?", help="one collaboration; else all of them")
    _directory(add(policies, "export", export))
    policy_change_cli.declare(policies)


def check(given: argparse.Namespace) -> Ends:
    """Check a directory of policies, or those of the settings: each problem with file, line and what to write instead."""
    settings = read() if given.directory is None else None
    directory = settings.policies_dir if settings else given.directory
    try:
        policies = bundle.load(directory)
        engine = compose.engine(settings, policies) if settings else RegorusEngine(policies)
    except bundle.BundleError as wrong:
        if not wrong.problems:
            raise
        return _to_mend((*wrong.problems, *scaffold.unfilled_tables(directory)))
    if empty := tuple(scaffold.unfilled_tables(directory)):
        return _to_mend(empty)
    _answers(engine, policies)
    written = documents.read(directory)
    tables = frozenset(path.stem for path in (directory / "tables").glob("*.yaml"))
    for warning in agreements.without_table(written, tables):
        print(f"warning: {warning}", file=sys.stderr)
    print(f"version {policies.version}")
    print(f"digest {policies.digest}")
    print(f"engine {settings.engine if settings else 'regorus'}: answers")
    waiting = unreviewed(policies.catalogue)
    print(f"not legally reviewed: {len(waiting)} entries of the law")
    print("".join(f"  {name}\n" for name in waiting), end="")
    return None


def _to_mend(problems: Sequence[documents.Problem]) -> Ends:
    for problem in problems:
        print(problem)
    print(f"{len(problems)} to mend; nothing was loaded", file=sys.stderr)
    return DOWN


def new(given: argparse.Namespace) -> None:
    """Write the files of a new collaboration, to be filled in: what was agreed, its units, its decision table."""
    try:
        made = scaffold.make(given.id, given.into, release=PACKAGED_POLICIES)
    except scaffold.ScaffoldError as wrong:
        raise Mistake(str(wrong)) from None
    for file in made:
        print(file)
    print(
        f"fill in each {scaffold.MARK}; what is left to do: tillit-broker policy check {given.into}"
    )


def try_(given: argparse.Namespace) -> Ends:
    """Run the decision tables of a directory of policies: what each case says, against what is answered."""
    policies = bundle.load(given.directory)
    engine = RegorusEngine(policies, deadline=PATIENT_SECONDS)
    tables = sorted((given.directory / "tables").glob(f"{given.id or '*'}.yaml"))
    if not tables:
        raise Mistake(_no_table(given.directory / "tables", given.id))
    held = failed = 0
    for path in tables:
        for outcome in cases.run(cases.table(path), engine, policies.catalogue):
            held, failed = held + outcome.held, failed + (not outcome.held)
            for line in _differing(outcome):
                print(f"tables/{path.name}: {outcome.case.name}: {line}")
    print(f"{held} cases hold, {failed} do not")
    return DOWN if failed else None


def _no_table(folder: Path, identity: str | None) -> str:
    if identity is None:
        return f"no decision table in {folder}"
    close = documents.nearest(identity, sorted(path.stem for path in folder.glob("*.yaml")))
    meant = f"; is `{close}` meant?" if close else ""
    return f"no decision table {identity}.yaml in {folder}{meant}"


def _differing(outcome: cases.Outcome) -> Iterator[str]:
    if outcome.wrong:
        yield outcome.wrong
    for name, (expected, answered) in outcome.differs.items():
        yield f"{name}: expected {_shown(expected)}, answered {_shown(answered)}"


def _shown(answer: object) -> str:
    if isinstance(answer, list):
        return "withheld for " + ", ".join(map(str, answer))
    return "nothing" if answer is None else str(answer)


def export(given: argparse.Namespace, settings: Settings) -> None:
    """Write the bundle for a real OPA server: ``opa run --server --bundle DIR``."""
    policies = bundle.load(settings.policies_dir)
    try:
        policies.write(given.directory)
    except FileExistsError:
        raise Mistake(f"{given.directory} is there already; name a new directory") from None
    except OSError as error:
        raise Mistake(f"cannot write {given.directory}: {error.strerror}") from None
    print(f"version {policies.version}, digest {policies.digest}")
    print(f"start OPA with: opa run --server --addr 127.0.0.1:8181 --bundle {given.directory}")
    print("then serve with TILLIT_ENGINE=opa TILLIT_OPA_URL=http://127.0.0.1:8181")


def say_what_is_in_force(settings: Settings) -> None:
    """One loud line where the directory of the settings is not what is decided by."""
    with closing(compose.opened(settings)) as store:
        deciding = change.in_force(store)
    log = logging.getLogger("tillit.broker")
    where = settings.policies_dir
    try:
        lies_there = bundle.load(where).digest
    except bundle.BundleError:
        log.warning("THE POLICIES IN %s CANNOT BE USED: see tillit-broker policy check", where)
        return
    if lies_there != deciding.digest:
        log.warning(
            "THE POLICIES IN %s ARE NOT IN FORCE: decides by version %s, %s; to load them: tillit-broker policy load %s",
            where,
            deciding.version,
            deciding.digest,
            where,
        )


def _answers(engine: PolicyEngine, policies: bundle.Bundle) -> None:
    """Ask the engine one question: rules that compile may still not answer."""
    categories = tuple(sorted(policies.catalogue.categories))
    engine.signers(SignerQuestion(age=17, guardians=2, guardians_rule="one", categories=categories))


def _directory(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    parser.add_argument(
        "directory", type=Path, metavar="DIR", nargs=nargs, help="a directory of policies"
    )
