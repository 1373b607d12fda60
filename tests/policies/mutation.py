"""Breaks each line of the rules once, in each way it can be broken, and sees whether the tests notice.

``python -m tests.policies.mutation`` (minutes; ``--every N`` for a sample). A mutant is caught by a case of the decision
tables on regorus, else by the rules' own tests on OPA. At least 95 % must be; each survivor stands in ``mutants.yaml`` with the
reason why it is the same rule. What does not compile is no mutant.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regorus
import yaml
from rich.progress import Progress

from broker.engine.bundle import Bundle, load
from broker.ports import SignerQuestion
from tests.policies.scenario import facts
from tests.policies.tables import cases, collaborations
from tests.policies.tools import ROOT, tool

LEAST_CAUGHT = 0.95
SURVIVORS = Path(__file__).with_name("mutants.yaml")
_SWAPPED = {"==": "!=", "!=": "==", "<=": ">", ">=": "<", "<": ">=", ">": "<="}
_COMPARED = re.compile(r" (==|!=|<=|>=|<|>) ")
_WORD = re.compile(r'"([a-z_]+(?:\.[a-z_]+)?)"')
_NUMBER = re.compile(r"(?<=[\[\s(])\d+(?=[,\s)\]]|$)")
_TRUTH = re.compile(r"\b(true|false)\b")
_CONDITION = re.compile(r"^(?P<head>\S.*?) if (?P<body>[^{].*)$")
_ELSE = re.compile(r"^(?P<head>\t*else(?: := .+?)?) if (?P<body>[^{].*)$")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One line of one module, broken in one way; ``becomes`` is the line that stands in its place."""

    module: str
    row: int
    line: str
    way: str
    becomes: str

    @property
    def name(self) -> str:
        """How the survivors are listed: by what the line says, not by where it stands."""
        return f"{self.module}: {self.line.strip()} -> {self.becomes.strip() or 'nothing'}"


# --- making them ---------------------------------------------------------------------------------


def mutants(bundle: Bundle) -> list[Mutant]:
    """Every mutant of every rule module, in order."""
    return [
        mutant
        for module, text in sorted(bundle.modules.items())
        for row, line in enumerate(text.splitlines())
        for mutant in _of_line(module, row, line)
    ]


def _of_line(module: str, row: int, line: str) -> Iterator[Mutant]:
    if not line.strip() or line.lstrip().startswith(("#", "package ", "import ", "some ")):
        return
    seen = {line}
    for way, becomes in (*_conditions(line), *_constants(line)):
        if becomes not in seen:
            seen.add(becomes)
            yield Mutant(module, row, line, way, becomes)


def _conditions(line: str) -> Iterator[tuple[str, str]]:
    """Negate, drop, and make constant what a line asks."""
    found = _ELSE.match(line) or _CONDITION.match(line)
    if found:
        for way, body in _broken(found["body"]):
            yield way, f"{found['head']} if {body or 'true'}"
    elif line.startswith("\t") and not _opens_or_closes(line) and ":=" not in line:
        indent = line[: len(line) - len(line.lstrip("\t"))]
        for way, body in _broken(line.strip()):
            yield way, f"{indent}{body}" if body else ""


def _opens_or_closes(line: str) -> bool:
    text = line.strip()
    return text[-1] in "{[(|,&" or text[0] in "}])" or " | " in text


def _broken(asked: str) -> Iterator[tuple[str, str]]:
    yield "drop", ""
    yield "constant", "false"
    compared = _COMPARED.search(asked)
    if asked.startswith("not "):
        yield "negate", asked.removeprefix("not ")
    elif compared:
        operator = _SWAPPED[compared[1]]
        yield "negate", f"{asked[: compared.start(1)]}{operator}{asked[compared.end(1) :]}"
    else:
        yield "negate", f"not {asked}"


def _constants(line: str) -> Iterator[tuple[str, str]]:
    """Put another word, number or truth in the place of each that stands in the line."""
    for found in _WORD.finditer(line):
        yield "constant", f'{line[: found.start()]}"mutant.word"{line[found.end() :]}'
    for found in _NUMBER.finditer(line):
        yield "constant", f"{line[: found.start()]}{int(found[0]) + 1}{line[found.end() :]}"
    for found in _TRUTH.finditer(line):
        other = "false" if found[0] == "true" else "true"
        yield "constant", f"{line[: found.start()]}{other}{line[found.end() :]}"


def broken(bundle: Bundle, mutant: Mutant) -> Mapping[str, str]:
    """The modules with the mutant's line in place."""
    lines = bundle.modules[mutant.module].splitlines()
    lines[mutant.row] = mutant.becomes
    return {**bundle.modules, mutant.module: "\n".join(lines) + "\n"}


# --- catching them -------------------------------------------------------------------------------


@cache
def _prepared() -> tuple[Bundle, regorus.Engine, tuple[tuple[str, str, str], ...]]:
    """The bundle, an engine with its data alone, and (query, input, answer) as it should be, refusals first."""
    bundle = load()
    empty = regorus.Engine()
    empty.add_data_json(json.dumps(bundle.data()))
    sound = _engine(empty, bundle.modules)
    inputs = [
        ("data.tillit.decision", facts(case.facts, name).model_dump_json())
        for name in collaborations()
        for case in cases(name)
    ]
    inputs += [("data.tillit.signers.required", question) for question in _questions(bundle)]
    return bundle, empty, tuple((q, text, _answer(sound, q, text)) for q, text in inputs)


def _questions(bundle: Bundle) -> Iterator[str]:
    for age in (6, 7, 14, 15, 16, 17, 18):
        for rule in ("one", "all"):
            question = {
                "age": age,
                "guardians": 2,
                "guardians_rule": rule,
                "categories": tuple(sorted(bundle.catalogue.categories)),
            }
            yield SignerQuestion.model_validate(question).model_dump_json()


def _engine(empty: regorus.Engine, modules: Mapping[str, str]) -> regorus.Engine:
    engine = empty.clone()
    for name, text in modules.items():
        engine.add_policy(name, text)
    return engine


def _answer(engine: regorus.Engine, query: str, text: str) -> str:
    engine.set_input_json(text)
    return str(engine.eval_rule_as_json(query))


def verdict(mutant: Mutant) -> str:
    """``stillborn``, ``caught by the tables``, ``caught by the rules' tests`` or ``survived``."""
    bundle, empty, expected = _prepared()
    modules = broken(bundle, mutant)
    if not _compiles(modules):
        return "stillborn"
    if _tables_differ(empty, modules, expected):
        return "caught by the tables"
    return "caught by the rules' tests" if _rules_tests_fail(modules) else "survived"


def _tables_differ(
    empty: regorus.Engine, modules: Mapping[str, str], expected: tuple[tuple[str, str, str], ...]
) -> bool:
    try:
        engine = _engine(empty, modules)
        return any(_answer(engine, query, text) != answer for query, text, answer in expected)
    except RuntimeError:
        return True


def _compiles(modules: Mapping[str, str]) -> bool:
    with _written(modules, tests=False) as directory:
        return _opa("check", "--strict", str(directory / "tillit")) == 0


def _rules_tests_fail(modules: Mapping[str, str]) -> bool:
    with _written(modules, tests=True) as directory:
        return _opa("test", "--timeout=120s", str(directory)) != 0


class _written(tempfile.TemporaryDirectory[str]):  # noqa: N801 (reads as what it is)
    """A policy directory with these modules, and with the rules' own tests and facts where they are wanted."""

    def __init__(self, modules: Mapping[str, str], *, tests: bool) -> None:
        super().__init__()
        self._modules, self._tests = modules, tests

    def __enter__(self) -> Path:  # type: ignore[override]
        root = Path(super().__enter__())
        for name, text in self._modules.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if self._tests:
            (root / "facts").symlink_to(ROOT / "policies" / "facts")
            for path in (ROOT / "policies" / "tillit").rglob("*_test.rego"):
                target = root / path.relative_to(ROOT / "policies")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(path)
        return root


def _opa(*arguments: str) -> int:
    return subprocess.run(
        [str(tool("opa")), *arguments], capture_output=True, check=False, timeout=300
    ).returncode


# --- telling -------------------------------------------------------------------------------------


def listed() -> Mapping[str, str]:
    """The survivors that are known, each with its reason."""
    found: dict[str, str] = yaml.safe_load(SURVIVORS.read_text(encoding="utf-8")) or {}
    return found


def main() -> int:
    """Break, count, and list who survived; 0 when enough are caught and every survivor is accounted for."""
    parser = argparse.ArgumentParser(
        description="Break each line of the rules and see who notices."
    )
    parser.add_argument("--every", type=int, default=1, help="try only each N-th mutant")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    chosen = mutants(load())[:: given.every]
    counts: dict[str, int] = {}
    survived = []
    with ProcessPoolExecutor(given.jobs) as pool, Progress() as progress:
        task = progress.add_task("mutants", total=len(chosen))
        for mutant, said in zip(chosen, pool.map(verdict, chosen, chunksize=4), strict=True):
            counts[said] = counts.get(said, 0) + 1
            progress.advance(task)
            if said == "survived":
                survived.append(mutant)
    alive = sum(counts.values()) - counts.get("stillborn", 0)
    caught = 1 - len(survived) / alive
    unknown = [mutant.name for mutant in survived if mutant.name not in listed()]
    sys.stdout.write(f"{counts}\n{caught:.2%} of {alive} mutants caught\n")
    for name in unknown:
        sys.stdout.write(f"survived, and nobody says why: {name}\n")
    return int(caught < LEAST_CAUGHT or bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
