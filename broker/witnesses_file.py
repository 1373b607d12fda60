"""The file that says who witnesses the log: read, and refused where production could not rely on it."""

from pathlib import Path

from broker.addresses import is_plain_and_remote
from tillit.quorums import MAX_POLICY_BYTES, Policy, PolicyInvalid

VARIABLE = "TILLIT_LOG_WITNESSES_FILE"


class Unusable(Exception):
    """The file cannot be read, or is no witness policy; the text says why, behind the variable's name."""


def read(path: Path) -> Policy:
    """The policy in the file.

    Raises:
        Unusable: there is none.
    """
    try:
        with path.open("rb") as file:
            return Policy.parse(file.read(MAX_POLICY_BYTES + 1))
    except OSError as error:
        raise Unusable(f"{VARIABLE}: {error.strerror}") from None
    except PolicyInvalid as wrong:
        raise Unusable(f"{VARIABLE}: {wrong.detail}") from None


def problems(path: Path | None, *, production: bool) -> list[str]:
    """What is wrong with the choice of witnesses, a line each.

    In production the quorum must be one that the witnesses with an address can make up, over https but on this machine.
    """
    if path is None:
        needed = f"{VARIABLE}: needed; without witnesses the log could show different trees to different people"
        return [needed] if production else []
    try:
        policy = read(path)
    except Unusable as wrong:
        return [str(wrong)]
    if not production:
        return []
    if policy.asks_nobody:
        return [f"{VARIABLE}: quorum none is for TILLIT_MODE=demo only"]
    asked = [policy.witnesses[name] for name in policy.urls]
    found = []
    if not policy.satisfied_by(asked):
        found.append(f"{VARIABLE}: too few witnesses have an address to make up the quorum")
    found += [
        f"{VARIABLE}: {name}: plain http is for this machine only; use https"
        for name, url in policy.urls.items()
        if is_plain_and_remote(url)
    ]
    return found
