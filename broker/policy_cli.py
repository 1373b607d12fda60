"""The operator's ``tillit-broker policy …``: check, export.

``policy check DIR`` needs no settings: it runs on the machine of whoever writes the files.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from broker import compose
from broker.commands import DOWN, Ends, Mistake, add, add_bare
from broker.domain.reviewing import unreviewed
from broker.engine import agreements, bundle, documents
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine, SignerQuestion
from broker.settings import Settings, read


def declare(commands: Any) -> None:
    """Add the commands about the policies."""
    policies = commands.add_parser("policy", help="the policies").add_subparsers(
        required=True, metavar="COMMAND"
    )
    _directory(add_bare(policies, "check", check), nargs="?")
    _directory(add(policies, "export", export))


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
        for problem in wrong.problems:
            print(problem)
        print(f"{len(wrong.problems)} to mend; nothing was loaded", file=sys.stderr)
        return DOWN
    _answers(engine, policies)
    tables = frozenset(path.stem for path in (directory / "tables").glob("*.yaml"))
    for warning in agreements.without_table(documents.read(directory), tables):
        print(f"warning: {warning}", file=sys.stderr)
    print(f"version {policies.version}")
    print(f"digest {policies.digest}")
    print(f"engine {settings.engine if settings else 'regorus'}: answers")
    waiting = unreviewed(policies.catalogue)
    print(f"not legally reviewed: {len(waiting)} entries of the law")
    print("".join(f"  {name}\n" for name in waiting), end="")
    return None


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


def _answers(engine: PolicyEngine, policies: bundle.Bundle) -> None:
    """Ask the engine one question: rules that compile may still not answer."""
    categories = tuple(sorted(policies.catalogue.categories))
    engine.signers(SignerQuestion(age=17, guardians=2, guardians_rule="one", categories=categories))


def _directory(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    parser.add_argument(
        "directory", type=Path, metavar="DIR", nargs=nargs, help="a directory of policies"
    )
