"""The policy bundle: rules and facts read once from a directory, checked whole, and named by a digest.

A directory of policies works as it is for `opa test` and `opa run`. ``write`` makes of it what a production OPA server loads:
the same modules and facts with the digest among them, so that every answer says which bundle gave it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.domain.catalogue import Catalogue
from broker.engine import agreements, documents, floor, names, scaffold, shapes
from broker.engine.documents import BundleError
from tillit.wire import PolicyRef

__all__ = ["DEFAULT_DIRECTORY", "Bundle", "BundleError", "load", "of", "restored"]

DEFAULT_DIRECTORY = Path(__file__).resolve().parents[2] / "policies"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rules, facts and the catalogue in them. ``modules`` maps path → Rego text, ``facts`` is ``data.facts``."""

    modules: Mapping[str, str]
    facts: Mapping[str, Any]
    version: str
    digest: str
    catalogue: Catalogue

    @property
    def policy(self) -> PolicyRef:
        """How decisions name this bundle."""
        return PolicyRef(version=self.version, digest=self.digest)

    def data(self) -> dict[str, Any]:
        """The data document of an engine: the facts, with the digest beside the version."""
        release = {**self.facts["release"], "digest": self.digest}
        return {"facts": {**self.facts, "release": release}}

    def content(self) -> str:
        """Rules and facts as JSON, in the order of the files: all that is needed to decide by them again."""
        return json.dumps(
            {"modules": dict(self.modules), "facts": self.facts},
            ensure_ascii=False,
            allow_nan=False,
        )

    def write(self, directory: Path) -> None:
        """Write an OPA bundle directory for ``opa run --server --bundle``. ``directory`` must not exist yet."""
        directory.mkdir(parents=True)
        for name, text in self.modules.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _write_json(directory / "data.json", self.data())
        _write_json(
            directory / ".manifest", {"revision": self.digest, "roots": ["tillit", "facts"]}
        )


def load(directory: Path = DEFAULT_DIRECTORY) -> Bundle:
    """Read, check and digest a policy directory.

    Raises:
        BundleError: it cannot be used; every problem that was found is named, with its file and line.
    """
    modules = {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*.rego"))
        if not path.name.endswith("_test.rego")
    }
    if not modules:
        advice = "name the folder that holds facts/ and tillit/"
        raise BundleError(f"no Rego modules under {directory}: {advice}")
    written = documents.read(directory)
    told = [*written.problems, *names.problems(written)]
    told += [*floor.problems(written), *agreements.problems(written)]
    catalogue, shapeless = shapes.catalogue(written)
    problems = [*told, *shapeless]
    if empty := list(
        scaffold.unfilled(written)
    ):  # said once, and not also as a name that is unknown
        lines = {(problem.file, problem.line) for problem in empty}
        problems = [*empty, *(p for p in problems if (p.file, p.line) not in lines)]
    if problems or catalogue is None:
        raise BundleError(problems=tuple(sorted(set(problems))))
    return of(modules, written.facts, catalogue)


def of(modules: Mapping[str, str], facts: Mapping[str, Any], catalogue: Catalogue) -> Bundle:
    """The bundle of rules and facts that have been checked."""
    return Bundle(
        modules=modules,
        facts=facts,
        version=str(facts["release"]["version"]),
        digest=_digest(modules, facts),
        catalogue=catalogue,
    )


def restored(content: str, digest: str) -> Bundle:
    """The bundle whose content was kept under a digest.

    Raises:
        BundleError: the content is not what the digest says.
    """
    kept = json.loads(content)
    catalogue, problems = shapes.catalogue(documents.Written(facts=kept.get("facts", {})))
    if catalogue is None:
        raise BundleError(problems=tuple(problems))
    found = of(kept["modules"], kept["facts"], catalogue)
    if found.digest != digest:
        raise BundleError(f"what is kept of bundle {digest} is not that bundle")
    return found


def _digest(modules: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    canonical = json.dumps(
        {"modules": dict(modules), "facts": facts},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True), encoding="utf-8")
