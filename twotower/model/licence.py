"""Under which licence weights stand: what the front matter of their model card says. A card is untrusted text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CARD = "README.md"
LONGEST_NAME, LONGEST_LINK = 80, 500
_TEXTS = {"apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0"}


@dataclass(frozen=True)
class Licence:
    """A name, and where to read the text if that is a web address."""

    name: str
    link: str | None = None

    def __str__(self) -> str:
        return f"{self.name}, {self.link}" if self.link else self.name


UNKNOWN = Licence("see model card")


def licence_of(folder: Path) -> Licence:
    """The licence a model folder's card names; `UNKNOWN` where there is none that can be read.

    The Hub calls what has no identifier `other` and gives `license_name` and `license_link` beside it.
    """
    card = _front_matter(folder / CARD)
    name = _line(card.get("license"), LONGEST_NAME)
    if name == "other":
        name = _line(card.get("license_name"), LONGEST_NAME) or name
    if name is None:
        return UNKNOWN
    return Licence(name, _web_address(card.get("license_link")) or _TEXTS.get(name.lower()))


def _front_matter(path: Path) -> dict[str, object]:
    from huggingface_hub import metadata_load  # imported late: only what shows a licence needs it

    try:
        return metadata_load(path) or {}
    except Exception:  # of the disk, of the encoding, of the YAML: no card that can be read
        return {}


def _line(value: object, longest: int) -> str | None:
    """The text, if it is one short line that a terminal and a page can show."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.isprintable() and 0 < len(text) <= longest else None


def _web_address(value: object) -> str | None:
    text = _line(value, LONGEST_LINK)
    if text is None or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.hostname else None
