"""From two text files to a model folder that loads, writes and says how it was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.numpy import load_file

from twotower.errors import InputError
from twotower.marks import write_between_marks
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.sampling import SamplingSettings, generate
from twotower.text import decode, encode_prompt
from twotower.trace import Trace
from twotower.training import recipe
from twotower.training.card import OBJECTIVES, TrainingRecord, model_card
from twotower.training.checkpoints import seconds_spent
from twotower.training.data import BOS, PAD
from twotower.training.loop import Course
from twotower.training.recipe import UNITS, WIDTH, build, embedded_config
from twotower.training.settings import CONTEXT, PARALLEL, STAGES, TrainingSettings
from twotower.training.tasks import TASKS, Instance

COMMAND = "python -m twotower train --data train.txt"
VOCABULARY = 500
SETTINGS = TrainingSettings(
    context_steps=2,
    denoiser_steps=2,
    parallel_steps=2,
    batch_size=2,
    sequence_length=128,
    task_share=0.5,
    retold=5,
    save_every=2,
)


class Built(NamedTuple):
    """A finished run and where it stands."""

    folder: Path
    model: TwoTower
    record: TrainingRecord


def written_files(folder: Path) -> Path:
    for name, count in (("train.txt", 120), ("valid.txt", 40)):
        text = "".join(f"One day, Tom found {n} red balls and ran home.\n<|endoftext|>\n" for n in range(count))
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def built(folder: Path, config: TwoTowerConfig, settings: TrainingSettings = SETTINGS) -> Built:
    shape = replace(config, vocab_size=VOCABULARY)
    files = [folder / "train.txt"], [folder / "valid.txt"]
    return Built(folder, *build(*files, folder / "run", settings, torch.device("cpu"), VOCABULARY, shape))


@pytest.fixture(scope="module")
def finished(tiny_config: TwoTowerConfig, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Tests leave it as it is."""
    return built(written_files(tmp_path_factory.mktemp("recipe")), tiny_config)


def test_files_to_a_model_that_writes(finished: Built, tmp_path: Path) -> None:
    finished.model.save_pretrained(tmp_path / "out", dtype=torch.bfloat16)
    loaded = TwoTower.from_pretrained(tmp_path / "out")
    settings = SamplingSettings(max_new_tokens=20, seed=0)
    events = generate(loaded, encode_prompt(loaded, "One day"), "diffusion", settings)
    trace = Trace.record(events)
    assert 1 <= len(trace.token_ids) <= 20
    assert all(0 <= token < VOCABULARY for token in trace.token_ids)
    asked = "One day, Tom found 3 red balls."
    assert decode(loaded.tokenizer, encode_prompt(loaded, asked)) == asked


def test_the_record_says_files_tokens_hours_and_the_losses_of_every_stage(finished: Built) -> None:
    record = finished.record
    assert record.files == (("train.txt", 120),)
    assert record.validation_files == (("valid.txt", 40),)
    assert record.tokens > record.validation_tokens > 0
    assert record.hours == pytest.approx(seconds_spent(finished.folder / "run") / 3600)
    assert list(record.losses) == list(STAGES)
    assert all(losses.keys() == {"text", "tasks"} for losses in record.losses.values())
    assert all(0 < loss < 20 for losses in record.losses.values() for loss in losses.values())


def test_what_the_context_tower_retold_is_kept(finished: Built) -> None:
    retold = load_file(finished.folder / "run" / "retold.safetensors")
    assert retold["ids"].shape == retold["counted"].shape
    assert len(retold["ids"]) == SETTINGS.retold
    begun = finished.model.tokenizer.encode("One day, Tom")[:4]
    for ids in retold["ids"].tolist():
        assert ids[ids.index(BOS) :][:4] == begun


def test_text_tasks_and_retold_text_are_what_the_stages_read(
    finished: Built, tiny_config: TwoTowerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    courses: dict[str, Course] = {}
    real = recipe.train

    def train(start: Any, settings: Any, course_of: Any, folder: Path, device: torch.device, *rest: Any) -> Any:
        model, losses = real(start, settings, course_of, folder, device, *rest)
        courses.update({stage: course_of(stage, model) for stage in STAGES})
        return model, losses

    monkeypatch.setattr(recipe, "train", train)
    built(finished.folder, tiny_config)
    retold = load_file(finished.folder / "run" / "retold.safetensors")["ids"].tolist()
    for stage, course in courses.items():
        batches = [course.train[number] for number in range(8)]
        asked = [counted.shape[0] == 4 for _, counted in batches]  # twice the batch
        assert sum(asked) == 4  # a share of one half
        for is_task, (ids, counted) in zip(asked, batches):
            assert bool(counted.all()) == (not is_task and stage != PARALLEL)
            assert is_task or all((row in retold) == (stage == PARALLEL) for row in ids.tolist())
    valid = courses[CONTEXT].valid
    assert list(valid) == ["text", "tasks"]
    asked = decode(finished.model.tokenizer, valid["tasks"][0][0][0].tolist())
    assert Instance(asked[: asked.rindex("Answer:") + len("Answer:")], "").held_out
    assert "One day, Tom found" in decode(finished.model.tokenizer, valid["text"][0][0][0].tolist())


def test_a_run_resumed_reuses_what_was_retold(
    tiny_config: TwoTowerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = recipe.retell, []

    def retell(*arguments: Any) -> Any:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(recipe, "retell", retell)
    monkeypatch.setattr(recipe, "_TASK_SAMPLE", 50)
    first = built(written_files(tmp_path), tiny_config)
    kept = (tmp_path / "run" / "retold.safetensors").read_bytes()
    again = built(tmp_path, tiny_config)
    assert len(calls) == 1
    assert (tmp_path / "run" / "retold.safetensors").read_bytes() == kept
    assert again.record.losses[PARALLEL] == pytest.approx(first.record.losses[PARALLEL], abs=1e-4)


def test_without_tasks_and_retold_text_every_stage_reads_the_files(
    tiny_config: TwoTowerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "_TASK_SAMPLE", 50)
    settings = replace(SETTINGS, task_share=0.0, retold=0, context_steps=1, denoiser_steps=1, parallel_steps=1)
    _, model, record = built(written_files(tmp_path), tiny_config, settings)
    assert not (tmp_path / "run" / "retold.safetensors").exists()
    assert [list(losses) for losses in record.losses.values()] == [["text"]] * 3
    card = model_card("small", model, record, settings, [], COMMAND)
    assert "of the batches are tasks" not in card
    assert "held-out tasks" not in card


def test_a_run_keeps_its_tokenizer(finished: Built, tiny_config: TwoTowerConfig) -> None:
    files = [finished.folder / "train.txt"], [finished.folder / "valid.txt"]
    with pytest.raises(InputError, match=f"vocab_size is 490; allowed: {VOCABULARY}"):
        build(*files, finished.folder / "run", SETTINGS, torch.device("cpu"), 490, tiny_config)


def test_the_tokenizer_knows_the_words_of_the_tasks(finished: Built) -> None:
    # None of them stands in the files.
    assert all(len(finished.model.tokenizer.tokenize(f" {word}")) <= 3 for word in ("Lily", "Monday", "yellow", "JSON"))
    assert finished.model.tokenizer.tokenize("Answer:")[0] == "Answer"
    assert finished.model.tokenizer.pad_token_id == PAD


def test_the_card_says_data_credits_stages_and_command(finished: Built) -> None:
    record = finished.record
    card = model_card("small", finished.model, record, SETTINGS, ["Made up, CC0", "Dreamt, CC-BY"], COMMAND)
    assert card.startswith("---\nlicense: apache-2.0\n")
    for words in (
        "# small\n",
        f"- `train.txt`: 120 documents\n\n{record.tokens:,} tokens in all.",
        f"never trained on: `valid.txt`\n({record.validation_tokens:,} tokens)",
        "\n- Made up, CC0\n- Dreamt, CC-BY\n",
        "50% of the batches are tasks",
        "One instance in 16,",
        ", ".join(TASKS),
        "| stage | steps | tokens read | held-out text | held-out tasks |",
        f"```\n{COMMAND}\n```",
    ):
        assert words in card
    for stage, losses in record.losses.items():
        assert f"| {OBJECTIVES[stage]} | 2 | 512 | {losses['text']:.3f} | {losses['tasks']:.3f} |\n" in card
    plain = model_card("small", finished.model, record, SETTINGS, [], COMMAND)
    assert "Made up" not in plain
    assert "Began with" not in plain


def test_the_card_names_the_model_it_began_with(finished: Built, tmp_path: Path) -> None:
    finished.model.save_pretrained(tmp_path / "parent", dtype=torch.float32)
    parent = TwoTower.from_pretrained(tmp_path / "parent")
    folder = written_files(tmp_path)
    files = [folder / "train.txt"], [folder / "valid.txt"]
    settings = replace(SETTINGS, parallel_steps=1)
    started = {"begin_with": parent, "first": PARALLEL}
    model, record = build(*files, folder / "run", settings, torch.device("cpu"), **started)
    card = model_card("small", model, record, settings, [], COMMAND)
    assert "Began with the weights of `parent`" in card
    assert OBJECTIVES[PARALLEL] in card
    assert OBJECTIVES[CONTEXT] not in card


def test_the_evaluation_is_written_between_the_cards_marks_and_nowhere_else(finished: Built, tmp_path: Path) -> None:
    card = model_card("small", finished.model, finished.record, SETTINGS, [], COMMAND)
    file = tmp_path / "README.md"
    file.write_text(card, encoding="utf-8")
    write_between_marks(file, "evaluation", "| right |\n")
    filled = file.read_text(encoding="utf-8")
    assert "Not measured yet" in card
    assert "Not measured yet" not in filled
    before, after = filled.split("| right |\n")
    assert card.startswith(before)
    assert card.endswith(after)
    write_between_marks(file, "evaluation", "| wrong |\n")
    assert file.read_text(encoding="utf-8") == filled.replace("right", "wrong")


def test_the_embedded_shape_has_the_released_models_layer_kinds() -> None:
    config = embedded_config(2048)
    assert (config.hidden_size, config.num_hidden_layers) == (WIDTH, 3 * UNITS)
    assert set(config.hybrid_override_pattern) == set("ME*")
    assert config.trained_block_size == 16
    assert config.mask_token_id == 3


@pytest.mark.parametrize(("width", "units", "field"), [(100, 4, "width"), (0, 4, "width"), (96, 0, "units")])
def test_a_shape_that_cannot_be_built_is_refused(width: int, units: int, field: str) -> None:
    with pytest.raises(InputError) as caught:
        embedded_config(64, width, units)
    assert caught.value.field == field


def test_another_shape_has_all_its_parts_in_proportion() -> None:
    small, wide = embedded_config(64, 96, 2), embedded_config(64, 384)
    assert (small.hidden_size, small.num_hidden_layers) == (96, 6)
    assert wide.moe_intermediate_size == 4 * small.moe_intermediate_size
    with torch.device("meta"):
        TwoTower(small)
