"""On a Space the embedded model stands in for one that cannot run; on a person's machine nothing does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from twotower import DEFAULT_MODEL, CheckpointError
from twotower.errors import InputError
from twotower.model.setup import Wanted
from twotower.ui import launch
from twotower.ui.engine import Engine
from twotower.ui.launch import make_demo
from twotower.ui.page import build_demo
from twotower.ui.panel import Notice
from twotower.ui.standing_in import found_or_embedded

TOO_LARGE = InputError("model", "owner/large", "weights of up to 16 GB, which cpu has free; these take 126 GB")


@pytest.fixture
def on_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the Hub's environment tells it."""
    monkeypatch.setenv("SPACE_ID", "me/demo")


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Hub."""
    monkeypatch.delenv("SPACE_ID", raising=False)


def raising(error: Exception) -> Any:
    """A search that ends so."""

    def find() -> str:
        raise error

    return find


@pytest.mark.usefixtures("on_a_space")
def test_what_fits_is_what_runs() -> None:
    assert found_or_embedded("owner/small", lambda: "small", lambda: "embedded") == ("small", None)


@pytest.mark.usefixtures("on_a_space")
def test_the_embedded_model_stands_in_on_a_space_and_the_log_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    found = found_or_embedded("owner/large", raising(TOO_LARGE), lambda: "embedded")
    assert found == ("embedded", "owner/large")
    assert "these take 126 GB" in capsys.readouterr().err


@pytest.mark.usefixtures("at_home")
def test_nothing_stands_in_on_a_persons_own_machine() -> None:
    with pytest.raises(InputError, match="these take 126 GB"):
        found_or_embedded("owner/large", raising(TOO_LARGE), lambda: "embedded")


@pytest.mark.usefixtures("on_a_space")
def test_a_broken_model_is_its_owners_to_mend() -> None:
    with pytest.raises(CheckpointError, match="no such"):
        found_or_embedded("owner/gone", raising(CheckpointError("no such repository")), lambda: "embedded")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Engines a page was built for, in place of the page."""
    engines: list[Engine] = []
    monkeypatch.setattr(launch, "build_demo", engines.append)
    return engines


@pytest.mark.usefixtures("on_a_space")
def test_a_space_that_lost_its_gpu_still_opens(built: list[Engine]) -> None:
    make_demo(DEFAULT_MODEL, wanted=Wanted(device="cuda"))
    assert built[0].folder == DEFAULT_MODEL
    assert built[0].stands_in_for == "twotower-tiny"  # of a path, the name
    assert str(built[0].model().device) == "cpu"


@pytest.mark.usefixtures("at_home")
def test_at_home_a_device_that_is_not_there_is_an_error(built: list[Engine]) -> None:
    with pytest.raises(InputError, match="device is 'cuda'"):
        make_demo(DEFAULT_MODEL, wanted=Wanted(device="cuda"))
    assert built == []


def notices(engine: Engine) -> list[str]:
    """What the page says under its title."""
    return [str(block.value) for block in build_demo(engine).blocks.values() if isinstance(block, Notice)]


def test_the_page_says_what_stands_in_for_what(engine: Engine) -> None:
    (said,) = notices(replace(engine, stands_in_for="owner/large"))
    assert "cannot run owner/large" in said
    assert "small model" in said
    assert notices(engine) == []


def test_a_name_goes_to_the_page_as_text(engine: Engine) -> None:
    (said,) = notices(replace(engine, stands_in_for="<img src=x>"))
    assert said.startswith("{")  # JSON, which the script writes as text
