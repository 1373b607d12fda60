"""The other eleven's stories, acted while Emil's is told on the screen."""

import threading

from broker.demo.lives import LIVES
from broker.demo.town import Town


class Meanwhile:
    """Acts each story in a thread of its own accord. One that breaks leaves the others as they are, and is told of."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._broken: dict[str, Exception] = {}
        self._thread = threading.Thread(target=self._act, name="meanwhile", daemon=True)
        self._thread.start()

    def ended(self) -> dict[str, Exception]:
        """Wait until all are acted; whose story broke, and on what."""
        self._thread.join()
        return self._broken

    def _act(self) -> None:
        with self._town.stack:
            for youth, life in LIVES.items():
                try:
                    life(self._town)
                except Exception as error:  # noqa: BLE001 - told of in the end, whatever it is
                    self._broken[youth.first_name] = error
