"""What every command shares: help, exit codes."""

from __future__ import annotations

import pytest

from twotower import cli
from twotower.errors import NumericalError


@pytest.mark.parametrize("command", list(cli.COMMANDS))
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert (cli.COMMANDS[command].__doc__ or "").splitlines()[0].split(",")[0] in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["fly"], ["generate", "--steps", "many"], ["generate", "--wings", "2"]])
def test_what_is_no_command_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(NumericalError("NaN in a pass"), 1), (KeyboardInterrupt(), 130)])
def test_failures_have_codes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(cli.COMMANDS["generate"], "run", fail)
    assert cli.main(["generate"]) == code
    assert capsys.readouterr().err.startswith("twotower: ")
