"""What the options of a model say, wherever they come from."""

from __future__ import annotations

import argparse

import pytest
import torch

from twotower import DEFAULT_MODEL
from twotower.commands import options
from twotower.errors import InputError
from twotower.model.setup import Wanted


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_model(parser)
    options.add_threads(parser)
    return parser.parse_args(words)


def test_without_a_word_the_embedded_model_and_whatever_the_machine_has() -> None:
    arguments = parsed()
    assert options.source(arguments) == DEFAULT_MODEL
    assert (arguments.revision, options.wanted(arguments)) == (None, Wanted())


def test_every_option_is_heard() -> None:
    words = "--model a/b --revision abc --device cpu --context-device cuda:0 --denoiser-device none"
    arguments = parsed(*words.split(), "--dtype", "bfloat16", "--engine", "plain", "--quantize", "4")
    assert (options.source(arguments), arguments.revision) == ("a/b", "abc")
    assert options.wanted(arguments) == Wanted("cpu", "cuda:0", "none", "bfloat16", "plain", 4)


def test_a_space_says_it_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MODEL": "a/b", "DENOISER_DEVICE": "cuda:1", "QUANTIZE": "8"}.items():
        monkeypatch.setenv(f"TWOTOWER_{name}", value)
    assert options.source(parsed()) == "a/b"
    assert options.wanted(parsed()) == Wanted(denoiser_device="cuda:1", bits=8)
    assert options.source(parsed("--model", "c/d")) == "c/d"  # an option outdoes it


def test_the_model_is_loaded_as_the_options_say() -> None:
    model = options.load_model(parsed("--dtype", "bfloat16", "--denoiser-device", "none", "--threads", "1"))
    assert (model.dtype, model.has_denoiser) == (torch.bfloat16, False)


def test_a_place_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="denoiser device is 'moon'"):
        options.load_model(parsed("--denoiser-device", "moon"))
