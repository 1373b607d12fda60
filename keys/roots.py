"""The root key's file, and the port of what it is wrapped by: a passphrase, or a back end that never lets its own key out.

The file says which back end wrapped it, in which epoch, and, while a rotation is under way, holds
the root key before sealed under the one now (``keys.rotation``). A passphrase's file of the first
epoch is as it was before there were others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol

from keys import boxes
from keys.boxes import Cost
from keys.errors import KeyringDamaged, KeyringLocked, PassphraseWrong, RootBackMissing
from tillit.envelopes import KEY_BYTES, Randomness
from tillit.jose import TokenInvalid, compact_json, strict_json

ROOT = "root"
_PREVIOUS = "previous root"
_MAX_EPOCH = 2**31

Wrapped = Mapping[str, Any]
"""How a back end tells a wrapped root key: the members of the root file that are its own."""


class Back(Protocol):
    """Wraps and unwraps 32 bytes. What it wraps with never leaves it.

    ``name`` is bound in: what was wrapped under one name is not unwrapped under another. Each method
    may raise ``KeyringLocked`` (or its like: nothing was done, try again) or ``RootDestroyed``.
    """

    @property
    def member(self) -> str:
        """Its name, and that of the member by which its root files are known."""
        ...

    def wrap(self, root: bytes, *, name: str, randomness: Randomness) -> Wrapped:
        """Wrap under its newest key."""
        ...

    def unwrap(self, wrapped: Wrapped, *, name: str) -> bytes:
        """The bytes that were wrapped. Raises ``KeyringDamaged`` for what it never wrote."""
        ...

    def renew(self) -> None:
        """Make a new key of its own: what is wrapped from now on is under that one."""
        ...

    def destroy_older(self, wrapped: Wrapped) -> bool:
        """Destroy every key of its own but the one that ``wrapped`` is under, for good.

        Says whether it could: a passphrase cannot be made to be forgotten.
        """
        ...


class Passphrase:
    """A passphrase, stretched by scrypt. It is asked for each time, so that it can be put right."""

    member: Final = "scrypt"

    def __init__(self, ask: Callable[[], bytes], *, cost: Cost = Cost()) -> None:  # noqa: B008 - a frozen value
        self._ask = ask
        self._cost = cost

    def wrap(self, root: bytes, *, name: str, randomness: Randomness) -> Wrapped:
        """See ``Back``. Raises ``PassphraseUnfit`` or ``PassphraseWrong``."""
        passphrase = self._asked()
        sealed = boxes.seal_root(
            root, passphrase=passphrase, cost=self._cost, name=name, randomness=randomness
        )
        return {key: value for key, value in strict_json(sealed).items() if key != "v"}

    def unwrap(self, wrapped: Wrapped, *, name: str) -> bytes:
        """See ``Back``. Raises ``PassphraseWrong``."""
        whole = compact_json({"v": 1, **wrapped})
        return boxes.unseal_root(whole, passphrase=self._asked(), name=name)

    def renew(self) -> None:
        """Nothing: the operator gives another passphrase, or the same."""

    def destroy_older(self, wrapped: Wrapped) -> bool:  # noqa: ARG002 - the port's
        """Nothing that could be enforced."""
        return False

    def _asked(self) -> bytes:
        try:
            return self._ask()
        except (OSError, LookupError):
            raise PassphraseWrong("the passphrase cannot be had") from None


class Backs:
    """Several back ends: one wraps, and whichever wrapped a file unwraps it."""

    def __init__(self, chosen: Back, *others: Back) -> None:
        self._chosen = chosen
        self._all = (chosen, *others)
        self.member = chosen.member

    def wrap(self, root: bytes, *, name: str, randomness: Randomness) -> Wrapped:
        """See ``Back``: by the chosen one."""
        return self._chosen.wrap(root, name=name, randomness=randomness)

    def unwrap(self, wrapped: Wrapped, *, name: str) -> bytes:
        """See ``Back``: by whichever of its kind can; none is of its kind: ``RootBackMissing``."""
        wrong: KeyringLocked = RootBackMissing("the root key's back end is not set up here")
        for back in self._all:
            if back.member in wrapped:
                try:
                    return back.unwrap(wrapped, name=name)
                except KeyringLocked as error:
                    wrong = error
        raise wrong

    def renew(self) -> None:
        """See ``Back``: of the chosen one."""
        self._chosen.renew()

    def destroy_older(self, wrapped: Wrapped) -> bool:
        """See ``Back``: of the chosen one. Another's keys are left to whoever has left it."""
        return self._chosen.destroy_older(wrapped)


@dataclass(frozen=True, slots=True)
class RootFile:
    """What the root's file says. ``moved``: another back end had wrapped ``previous``."""

    wrapped: Wrapped
    epoch: int = 1
    previous: str | None = None
    moved: bool = False

    @classmethod
    def parse(cls, data: bytes) -> "RootFile":
        """Read it. Raises ``KeyringDamaged``."""
        try:
            whole = strict_json(data)
        except TokenInvalid:
            raise KeyringDamaged(f"{ROOT} is damaged") from None
        if not isinstance(whole, dict) or type(whole.get("v")) is not int or whole.pop("v") != 1:
            raise KeyringDamaged(f"{ROOT} is damaged")
        epoch, previous = whole.pop("epoch", 1), whole.pop("previous", None)
        moved = whole.pop("moved", False)
        if type(epoch) is not int or not 1 <= epoch < _MAX_EPOCH:
            raise KeyringDamaged(f"{ROOT} is damaged")
        if not isinstance(previous, str | None) or not isinstance(moved, bool):
            raise KeyringDamaged(f"{ROOT} is damaged")
        return cls(whole, epoch, previous, moved)

    def written(self) -> bytes:
        """The file's content."""
        whole: dict[str, Any] = {"v": 1, **self.wrapped}
        if self.epoch > 1:
            whole["epoch"] = self.epoch
        if self.previous is not None:
            whole["previous"] = self.previous
        if self.moved:
            whole["moved"] = True
        return compact_json(whole) + b"\n"

    def unwrapped(self, back: Back) -> "Roots":
        """The root key, and the one before while it is being rotated away."""
        now = back.unwrap(self.wrapped, name=name_of(self.epoch))
        if len(now) != KEY_BYTES:
            raise KeyringDamaged(f"{ROOT} does not hold what it should")
        if self.previous is None:
            return Roots(self.epoch, now)
        data = compact_json({"v": 1, "box": self.previous})
        return Roots(self.epoch, now, boxes.unseal(data, key=now, name=_PREVIOUS))


@dataclass(frozen=True, slots=True)
class Roots:
    """The root key of an epoch, and the one before while files are still sealed under it."""

    epoch: int
    now: bytes = field(repr=False)
    before: bytes | None = field(default=None, repr=False)

    def unseal(self, data: bytes, *, name: str) -> bytes:
        """What a file of the keyring holds, under whichever key it is. Raises ``KeyringDamaged``."""
        try:
            return boxes.unseal(data, key=self.now, name=name)
        except KeyringDamaged:
            if self.before is None:
                raise
            return boxes.unseal(data, key=self.before, name=name)

    def seal(self, secret: bytes, *, name: str, randomness: Randomness) -> bytes:
        """A file of the keyring, under the key now."""
        return boxes.seal(secret, key=self.now, name=name, randomness=randomness)

    def rewrapped(self, data: bytes, *, name: str, randomness: Randomness) -> bytes | None:
        """A file under the key before, under the key now; None when it is already."""
        try:
            boxes.unseal(data, key=self.now, name=name)
        except KeyringDamaged:
            return self.seal(self.unseal(data, name=name), name=name, randomness=randomness)
        return None

    def __reduce__(self) -> NoReturn:
        raise TypeError("root keys are neither pickled nor copied")


def first(root: bytes, *, back: Back, randomness: Randomness) -> RootFile:
    """The file of a keyring's first root key."""
    return RootFile(back.wrap(root, name=name_of(1), randomness=randomness))


def following(
    file: RootFile, roots: Roots, *, back: Back, root: bytes, randomness: Randomness
) -> RootFile:
    """The file of the epoch after: a new root key, and the one before under it."""
    epoch = file.epoch + 1
    wrapped = back.wrap(root, name=name_of(epoch), randomness=randomness)
    sealed = boxes.seal(roots.now, key=root, name=_PREVIOUS, randomness=randomness)
    moved = back.member not in file.wrapped
    return RootFile(wrapped, epoch, strict_json(sealed)["box"], moved)


def name_of(epoch: int) -> str:
    """What a root key is bound to: its epoch cannot be told otherwise than it is."""
    return ROOT if epoch == 1 else f"{ROOT} {epoch}"
