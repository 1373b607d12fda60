"""A folder in the place of e-mail, for a demo: what would be sent lies there to be read, and is sent to nobody."""

from dataclasses import dataclass
from pathlib import Path

from broker.domain.messages import Message
from broker.errors import ChannelDown

MARK = "DEMO: this message was sent to nobody.\n\n"


@dataclass(frozen=True, slots=True)
class Folder:
    """Each message is a file, named by the message's id: one that is sent again takes its own place."""

    directory: Path

    def send(self, message: Message, *, to: str) -> None:
        """Put the message there. Raises ``ChannelDown`` where the folder takes none."""
        text = f"{MARK}To: {to}\nSubject: {message.title}\n\n{message.text}\n"
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.directory / f"{message.id}.txt").write_text(text, "utf-8")
        except OSError as down:
            raise ChannelDown(type(down).__name__) from None
