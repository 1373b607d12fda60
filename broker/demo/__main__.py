"""``python -m broker.demo``: build a synthetic Larvik, run the whole broker on it, tell Emil's story."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx

from broker.demo import stage as staging
from broker.demo import story
from broker.demo.larvik import DEFAULT_YOUTHS, LEAST_YOUTHS, MOST_YOUTHS, municipality
from broker.demo.lives import OTHERS
from broker.demo.meanwhile import Meanwhile
from broker.demo.people import EMIL, NAV
from broker.demo.person import RequestRefused, SyntheticIssuer
from broker.demo.processes import ChildFailed, Children, free_port
from broker.demo.stage import Stage
from broker.demo.story import Scene, StoryBroken
from broker.demo.telling import Teller
from broker.demo.town import Town
from broker.demo.verification import from_outside
from broker.engine import bundle
from broker.settings import PACKAGED_POLICIES
from tillit import TillitError

DEFAULT_SEED = 2026
DEFAULT_PORT = 8000
RUNS = Path(".run")
FAILED, INTERRUPTED = 1, 130
_WATCH_SECONDS = 0.5


class StepFailed(Exception):
    """A step of the demo failed; its cause says why."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when the story was told to its end, else what went wrong is said."""
    given = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    teller = Teller(bundle.load(PACKAGED_POLICIES).catalogue)
    teller.banner()
    stage: Stage | None = None
    try:
        stage = _set_up(given, teller)
        with Children() as children:
            _run(given, stage, children, teller)
    except StepFailed as failed:
        return _explain(failed, stage)
    except KeyboardInterrupt:
        print("\nStopped. Every process of the demo has ended.")
        return 0 if given.told else INTERRUPTED
    return 0


def _set_up(given: argparse.Namespace, teller: Teller) -> Stage:
    with _step("finding a port and a directory"):
        port = free_port(given.port)
        login_port = free_port(port + 1)
        stage = Stage(staging.new_run(RUNS.absolute()), port, login_port, free_port(login_port + 1))
    if port != given.port:
        teller.line(f"port {given.port} is taken; this demo listens on {port} instead")
    teller.line(f"run directory: {os.path.relpath(stage.directory)}")
    return stage


def _run(given: argparse.Namespace, stage: Stage, children: Children, teller: Teller) -> None:
    issuer = SyntheticIssuer()
    town = municipality(seed=given.seed, youths=given.youths)
    with _step("making the synthetic municipality"):
        staging.furnish(stage, town, issuer)
        teller.line(f"a Larvik of {len(town.youths)} synthetic youths, seed {given.seed}")
        # They get ready while the broker does.
        provider = staging.start_provider(stage, children)
        workplaces = staging.start_provider(stage, children, at_work=True)
        services = staging.start_services(stage, children)
        others = None if given.once else staging.start_others(stage, children, OTHERS)
    with _step("setting up keyring and database"), teller.working("keyring and database"):
        staging.command(stage, "init")
    with _step("starting the broker"), teller.working("starting the broker"):
        broker = staging.start_broker(stage, children)
    teller.line(f"broker: process {broker.pid}, {stage.url}")
    teller.line(f"login: process {provider.pid}, {stage.login_url}")
    teller.line(f"login at work: process {workplaces.pid}, {stage.work_url}")
    with _step("enrolling the services"), teller.working("enrolling the services"):
        shared = {} if others is None else dict.fromkeys(OTHERS, others)
        staging.enrol(stage, services | shared)
    for unit, service in services.items():
        teller.line(f"{unit}: process {service.pid}, with a key of its own")
    with _step("depositing what the services hold"), teller.progress() as bars:
        totals = {unit: len(town.followed_by(unit)) for unit in services}
        deposited = staging.deposit_everything(services, bars, totals)
    teller.line(f"{deposited} values deposited, each signed by its source and sealed")
    meanwhile = None if others is None else Meanwhile(Town(stage.url, issuer, services, others))
    emil = staging.log_in(stage, EMIL, issuer)
    scene = Scene(teller, services, emil, staging.held_about(EMIL, town))
    for chapter in story.CHAPTERS:
        with _step(f"the chapter {chapter.__name__.replace('_', ' ')}"):
            children.check()
            chapter(scene)
    with _step("verifying the log from outside"):
        vkey = from_outside(scene, stage)
    given.told = True
    teller.prose("The end. Everything above was real but the people.")
    scene.emil.close()
    if meanwhile is not None:
        with _step("asking Emil once more"):
            story.asked_again(scene)
        with teller.working("the other eleven's stories"):
            broken = meanwhile.ended()
        for name, error in broken.items():
            teller.line(f"the story of {name} broke off: {error}")
        _keep_serving(stage, children, teller, vkey, issuer)


def _keep_serving(
    stage: Stage, children: Children, teller: Teller, vkey: str, issuer: SyntheticIssuer
) -> None:
    tool = os.path.relpath(Path(sys.executable).parent)
    home = os.path.relpath(stage.home(NAV))
    key, cases = f"{home}/key.jwk", f"{home}/cases.json"
    token = stage.directory / "emil.token"
    token.write_text(issuer.token(EMIL.national_id, audience=stage.url), encoding="ascii")
    teller.next_steps(
        stage.url,
        [
            (
                "the portal, in a browser: log in as Emil, who was asked just now, or as one of the other eleven",
                stage.url,
            ),
            (
                "pages for employees: an adviser of Nav's asks, a school counsellor writes down an answer",
                f"{stage.url}/staff",
            ),
            (
                "what can be shared, by whom, why",
                f"curl -s {stage.url}/v1/catalogue | {tool}/python -m json.tool | less",
            ),
            (
                "what Emil sees (his token lasts five minutes)",
                (
                    f'curl -s -H "Authorization: Bearer $(cat {os.path.relpath(token)})" '
                    f"{stage.url}/v1/me/disclosures | {tool}/python -m json.tool"
                ),
            ),
            (
                "verify the log as it grows",
                f"{tool}/tillit-audit verify {stage.url} --vkey '{vkey}' --key {key}",
            ),
            ("what Nav has written down, in its own system", f"less {cases}"),
            (
                "what was sent to whoever gave an address under their choices: nobody but this folder gets it",
                f"cat {os.path.relpath(stage.directory / 'mail')}/*",
            ),
        ],
    )
    with _step("serving"):
        while True:
            children.check()
            time.sleep(_WATCH_SECONDS)


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Give whatever goes wrong within the name of the step it went wrong in."""
    try:
        yield
    except (
        ChildFailed,
        StoryBroken,
        RequestRefused,
        TillitError,
        httpx.HTTPError,
        OSError,
        ValueError,
    ) as error:
        raise StepFailed(name) from error


def _explain(failed: StepFailed, stage: Stage | None) -> int:
    print(f"\nThe demo failed while {failed.step}: {failed.__cause__}", file=sys.stderr)
    if stage is not None:
        print(f"The logs of every process are in {os.path.relpath(stage.logs)}/", file=sys.stderr)
        with suppress(OSError):
            last = (stage.logs / "broker.log").read_text(encoding="utf-8").splitlines()[-5:]
            print("The broker's last lines:", *last, sep="\n  ", file=sys.stderr)
    return FAILED


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make demo ARGS=…", description="A synthetic Larvik, a real broker, Emil's story."
    )
    parser.add_argument("--once", action="store_true", help="stop when the story has been told")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed, another town")
    parser.add_argument("--youths", type=_youths, default=DEFAULT_YOUTHS, help="how many youths")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="the broker's port")
    parser.set_defaults(told=False)
    return parser


def _youths(text: str) -> int:
    number = int(text)
    if not LEAST_YOUTHS <= number <= MOST_YOUTHS:
        raise argparse.ArgumentTypeError(f"between {LEAST_YOUTHS} and {MOST_YOUTHS}")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65_535:  # noqa: PLR2004 - sixteen bits
        raise argparse.ArgumentTypeError("between 1 and 65535")
    return number


if __name__ == "__main__":
    sys.exit(main())
