"""Looks: the templates in each language, and the files that pages are dressed with."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from broker.portal.words import NAMES, Words, languages
from tillit.wire import Language

HERE = Path(__file__).parent
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Dress:
    """A file that pages are dressed with; ``version`` changes with its content."""

    content: bytes
    media_type: str
    version: str


class Looks:
    """How pages look. Everything is read once, when the portal starts."""

    def __init__(self, *, demo: bool) -> None:
        self.words = languages()
        self.files = {
            path.name: _dress(path)
            for path in sorted((HERE / "static").iterdir())
            if path.suffix in MEDIA_TYPES
        }
        self._templates = {
            language: self._environment(words, demo=demo) for language, words in self.words.items()
        }

    def page(self, template: str, language: Language, context: Mapping[str, Any]) -> str:
        """A page as HTML. What it shows is escaped; a name that the template has and the page not is an error."""
        return self._templates[language].get_template(template).render(context)

    def _environment(self, words: Words, *, demo: bool) -> Environment:
        made = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.install_gettext_translations(words.said, newstyle=True)  # type: ignore[attr-defined]  # of the extension
        made.globals |= {
            "words": words,
            "languages": NAMES,
            "demo": demo,
            "dress": lambda name: f"/static/{name}?v={self.files[name].version}",
        }
        return made


def _dress(path: Path) -> Dress:
    content = path.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:12]
    return Dress(content, f"{MEDIA_TYPES[path.suffix]}; charset=utf-8", version)
