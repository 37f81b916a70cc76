"""The public model: where it comes from, what it says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from twotower import DEFAULT_MODEL
from twotower.errors import CheckpointError
from twotower.model.twotower import TwoTower


@pytest.mark.parametrize("where", ["no/such/folder/here", "just-a-name", "/nowhere"])
def test_what_is_neither_folder_nor_repository_is_refused(where: str) -> None:
    with pytest.raises(CheckpointError, match="model"):
        TwoTower.from_pretrained(where)


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("x")
    with pytest.raises(CheckpointError, match="model"):
        TwoTower.from_pretrained(tmp_path / "model")


@pytest.mark.parametrize("dtype", ["float64", "int8", torch.float16, "nonsense"])
def test_dtypes_it_does_not_compute_in_are_refused(dtype: object) -> None:
    with pytest.raises(CheckpointError, match="float32, bfloat16"):
        TwoTower.from_pretrained(DEFAULT_MODEL, dtype=dtype)  # type: ignore[arg-type]


def test_without_a_tokenizer_it_says_so(tiny_model: TwoTower) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        _ = tiny_model.tokenizer


def test_ids_may_come_as_a_list_a_batch_or_a_tensor(tiny_model: TwoTower) -> None:
    ids = [5, 6, 7]
    wanted = tiny_model.context_logits(ids)
    assert wanted.shape == (1, 3, 97)
    assert torch.equal(tiny_model.context_logits([ids]), wanted)
    assert torch.equal(tiny_model.context_logits(torch.tensor(ids)), wanted)


def test_an_empty_context_is_a_block_at_the_beginning(tiny_model: TwoTower) -> None:
    assert tiny_model.denoiser_logits([], [3, 3, 3], 1.0).shape == (1, 3, 97)


def test_prefill_gives_the_last_row_of_the_whole_text(tiny_model: TwoTower) -> None:
    ids = torch.tensor([[5, 6, 7, 8]])
    logits, state = tiny_model.prefill(ids)
    torch.testing.assert_close(logits, tiny_model.context_logits(ids)[:, -1], atol=1e-5, rtol=1e-5)
    assert state.held == [4]


def test_the_embedded_model_has_every_layer_kind_and_is_small() -> None:
    model = TwoTower.from_pretrained(DEFAULT_MODEL)
    assert {"M", "E", "*"} <= set(model.config.hybrid_override_pattern)
    assert model.tokenizer.convert_ids_to_tokens(3) == "<mask>"
    assert model.end_token_ids == (2,)
    weights = sum(file.stat().st_size for file in Path(DEFAULT_MODEL).glob("*.safetensors"))
    assert weights <= 40 * 2**20


def test_a_text_ends_at_the_configs_end_token_and_at_the_tokenizers(tiny_model: TwoTower, tmp_path: Path) -> None:
    tiny_model.save_pretrained(tmp_path)
    assert TwoTower.from_pretrained(tmp_path).end_token_ids == (2,)
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"word{i}": i for i in range(3, 11)}, "<|im_end|>": 11}
    words = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|im_end|>").save_pretrained(tmp_path)
    model = TwoTower.from_pretrained(tmp_path)
    assert model.config.end_token_ids == (2,)
    assert model.tokenizer.eos_token_id == 11
    assert model.end_token_ids == (2, 11)


def test_nothing_of_a_model_is_downloaded_for_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    TwoTower.from_pretrained(DEFAULT_MODEL).tokenizer.encode("Once")
