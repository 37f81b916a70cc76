"""`quantize`: a folder that loads as it is, with its card, its licence, its examples; and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from twotower import DEFAULT_MODEL, TwoTower
from twotower.cli import main
from twotower.commands.quantize import noted
from twotower.examples import FILE, read_examples
from twotower.model.licence import licence_of
from twotower.sizes import weights_nbytes


@pytest.fixture(scope="module", params=[8, 4])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The embedded model in so many bits, with a licence of its own."""
    source = tmp_path_factory.mktemp("source") / "tiny"
    source.mkdir()
    for file in DEFAULT_MODEL.iterdir():
        (source / file.name).symlink_to(file)
    (source / "LICENSE").write_text("As you like it.\n")
    out = tmp_path_factory.mktemp("out") / "new" / "folder"
    assert main(["quantize", "--model", str(source), "--bits", str(request.param), "--out", str(out)]) == 0
    return out, request.param


def test_it_loads_as_it_is_and_is_what_quantising_on_reading_gives(made: tuple[Path, int]) -> None:
    out, bits = made
    model, other = TwoTower.from_pretrained(out), TwoTower.from_pretrained(DEFAULT_MODEL, bits=bits)
    assert model.bits == json.loads((out / "config.json").read_text())["quantization_config"]["bits"] == bits
    ours, theirs = model.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert model.tokenizer.encode("Once upon a time") == other.tokenizer.encode("Once upon a time")


def test_what_is_not_quantised_stays_in_the_dtype_it_was_stored_in(made: tuple[Path, int]) -> None:
    out, bits = made
    held = load_file(out / "model.safetensors")
    assert held["t_block.1.weight"].dtype == held["context_tower.norm_f.weight"].dtype == torch.bfloat16
    config = TwoTower.from_pretrained(out).config
    assert sum(tensor.nbytes for tensor in held.values()) == sum(weights_nbytes(config, 2, bits).values())


def test_the_card_says_so_and_keeps_its_front_matter(made: tuple[Path, int]) -> None:
    out, bits = made
    before = (DEFAULT_MODEL / "README.md").read_text(encoding="utf-8")
    front, _, body = before.partition("\n---\n")
    after = (out / "README.md").read_text(encoding="utf-8")
    assert after.startswith(f"{front}\n---\n\n> Quantised by `twotower quantize`: the weights of tiny in {bits} bits")
    assert after.endswith(body)
    assert licence_of(out).name == licence_of(DEFAULT_MODEL).name == "apache-2.0"
    assert (out / "LICENSE").read_text() == "As you like it.\n"
    assert {file.name for file in DEFAULT_MODEL.glob("*.svg")} == {file.name for file in out.glob("*.svg")}


def test_examples_come_without_the_figures_of_other_weights(made: tuple[Path, int]) -> None:
    before, after = read_examples(DEFAULT_MODEL), read_examples(made[0])
    assert before is not None
    assert after is not None
    assert [example.prompt for example in after.prompts] == [example.prompt for example in before.prompts]
    assert {example.speed_up for example in after.prompts} == {None}


def test_it_says_how_many_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", "--model", str(DEFAULT_MODEL), "--bits", "4", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    held = sum(tensor.nbytes for tensor in load_file(tmp_path / "model.safetensors").values())
    assert said == f"{DEFAULT_MODEL.name}: 12,521,984 bytes in bfloat16, {held:,} in 4 bits\n"


def test_a_card_without_front_matter_begins_with_the_note() -> None:
    assert noted("# A model\n", "a", 8).endswith("before that.\n\n# A model\n")
    assert noted("", "a", 8).startswith("> Quantised")
    assert noted("---\nno end", "a", 8).startswith("> Quantised")


@pytest.mark.parametrize("bits", ["3", "16", "0", "-4"])
def test_bits_that_are_not_to_be_had(tmp_path: Path, bits: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", "--model", str(DEFAULT_MODEL), "--bits", bits, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"twotower: --bits is {bits}; allowed: 8 or 4.\n"
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    for out in (tmp_path, kept):
        assert main(["quantize", "--model", str(DEFAULT_MODEL), "--bits", "8", "--out", str(out)]) == 2
        assert "allowed: a folder that is new or empty" in capsys.readouterr().err
    assert kept.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [kept]


def test_a_quantised_model_is_not_quantised_again(
    made: tuple[Path, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, bits = made
    assert main(["quantize", "--model", str(out), "--bits", "8", "--out", str(tmp_path / "again")]) == 2
    assert f"these have {bits} bits" in capsys.readouterr().err


def test_no_model_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", "--model", str(tmp_path), "--bits", "8", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "config.json" in said
    assert said.count("\n") == 1


def test_examples_need_not_be_there(tmp_path: Path, make_model: object) -> None:
    source = tmp_path / "source"
    make_model().save_pretrained(source)  # type: ignore[operator]
    assert main(["quantize", "--model", str(source), "--bits", "4", "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out" / FILE).exists()
    assert (tmp_path / "out" / "README.md").read_text().startswith("> Quantised")
    assert TwoTower.from_pretrained(tmp_path / "out").bits == 4
