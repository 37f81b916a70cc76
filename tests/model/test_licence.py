"""The licence a model card names: read where it can be, never believed further than its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from twotower import DEFAULT_MODEL
from twotower.model.licence import CARD, UNKNOWN, Licence, licence_of

NVIDIA = "https://www.nvidia.com/en-us/agreements/enterprise-software/nvidia-open-model-license/"


def of(folder: Path, front_matter: str) -> Licence:
    (folder / CARD).write_text(f"---\n{front_matter}\n---\n# A model\n", encoding="utf-8")
    return licence_of(folder)


def test_the_released_card_names_and_links_its_licence(tmp_path: Path) -> None:
    front_matter = (
        f"library_name: transformers\nlicense: other\nlicense_name: nvidia-open-model-license\nlicense_link: >-\n"
        f"  {NVIDIA}\npipeline_tag: text-generation"
    )
    assert of(tmp_path, front_matter) == Licence("nvidia-open-model-license", NVIDIA)


def test_the_embedded_model_is_under_apache() -> None:
    assert licence_of(DEFAULT_MODEL) == Licence("apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0")


@pytest.mark.parametrize(
    ("front_matter", "licence"),
    [
        ("license: mit", Licence("mit")),
        ("license: 'mit'  # so", Licence("mit")),
        ("license: mit\nlicense_link: LICENSE", Licence("mit")),
        ("license: mit\nlicense_link: http://example.org/x", Licence("mit", "http://example.org/x")),
        ("license: other", Licence("other")),
        ("license: other\nlicense_name: 7", Licence("other")),
        ("license: mit\nlicense_name: not-shown", Licence("mit")),
    ],
)
def test_what_a_card_says_is_shown(tmp_path: Path, front_matter: str, licence: Licence) -> None:
    assert of(tmp_path, front_matter) == licence


@pytest.mark.parametrize(
    "front_matter",
    [
        "",
        "language: en",
        "license:",
        "license: ''",
        "license: [mit, apache-2.0]",
        "license: {name: mit}",
        "license: 3",
        "license: !!python/object/apply:os.system ['false']",
        "license: [",
        "license: &a [*a]",
        'license: "two\\nlines"',
        'license: "\\e[31mred"',
        f"license: {'x' * 81}",
        "- license: mit",
    ],
)
def test_what_cannot_be_read_is_not_made_up(tmp_path: Path, front_matter: str) -> None:
    assert of(tmp_path, front_matter) == UNKNOWN


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "https://",
        "https://[",
        "ftp://example.org/x",
        "'https://example.org/ x'",
        '"https://example.org/\\tx"',
        f"https://example.org/{'x' * 500}",
        "7",
    ],
)
def test_only_web_addresses_become_links(tmp_path: Path, link: str) -> None:
    assert of(tmp_path, f"license: other\nlicense_name: a-name\nlicense_link: {link}") == Licence("a-name")


def test_no_card_or_none_that_is_text(tmp_path: Path) -> None:
    assert licence_of(tmp_path) == UNKNOWN
    (tmp_path / CARD).write_bytes(b"---\nlicense: \xff\n---\n")
    assert licence_of(tmp_path) == UNKNOWN


def test_said_in_a_line() -> None:
    assert str(Licence("a", "https://b.org")) == "a, https://b.org"
    assert str(Licence("a")) == "a"
