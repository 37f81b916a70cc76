"""The two towers with their heads: the public model, and the passes a sampler is made of.

Knows tensors of ids; knows no text beyond carrying the tokenizer, and no sampling.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn

from twotower.errors import CheckpointError, InputError
from twotower.model import checkpoint
from twotower.model.capturing import why_plain
from twotower.model.conditioning import Conditioning
from twotower.model.configuration import TwoTowerConfig
from twotower.model.device import named_precision
from twotower.model.engine import Engine, Plain, Work, find_engine
from twotower.model.quantised_layers import quantise_layers
from twotower.model.setup import ALONE, Device, Setup, Wanted
from twotower.model.source import find_folder, name_of
from twotower.model.state import ContextState, ReadAhead, capacity_for
from twotower.model.tower import Tower
from twotower.sizes import tower_parameters

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Ids: TypeAlias = Tensor | Sequence[int] | Sequence[Sequence[int]]
Counts: TypeAlias = int | Sequence[int] | None
MaskedFraction: TypeAlias = float | Sequence[float] | None  # of the block, for all rows or each; None leaves time out


class TwoTower(nn.Module):
    """A frozen autoregressive context tower beside a denoiser tower that unmasks blocks (arXiv 2606.26493)."""

    def __init__(self, config: TwoTowerConfig, folder: Path | None = None) -> None:
        super().__init__()
        self.config = config
        self.folder = folder
        self.context_tower = Tower(config)
        self.context_lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.denoiser_tower = Tower(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.conditioning = Conditioning(config)
        if config.bits is not None:
            quantise_layers(self, config.bits)
        self.engine: Engine = Plain()

    # ---- reading and writing -----------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(
        cls,
        path_or_repo: str | Path,
        device: Device = None,
        dtype: str | torch.dtype | None = None,
        engine: str | None = None,
        *,
        context_device: Device = None,
        denoiser_device: Device = None,
        bits: int | None = None,
        revision: str | None = None,
    ) -> TwoTower:
        """Load a folder in the official layout, or a repository of the Hugging Face Hub.

        device: default CUDA where there is one, else the CPU; the towers may have one each, and a denoiser_device of
        "none" leaves the context tower alone. dtype: default float32 on the CPU, else the checkpoint's. engine: one of
        ENGINES, default the fast one of the device. bits: 8 or 4 quantise the weights as they are read; default as they
        are stored. revision: of a repository, default the one known to be right, else the newest. Raises
        CheckpointError naming what is wrong with the folder, InputError for a device, an engine or bits that are not to
        be had.
        """
        folder = find_folder(path_or_repo, revision)
        wanted = Wanted(device, context_device, denoiser_device, dtype, engine, bits)
        return cls.load(folder, Setup.find(TwoTowerConfig.from_folder(folder), wanted))

    @classmethod
    def load(cls, folder: Path, setup: Setup) -> TwoTower:
        """Load a folder as `setup` says, tensor by tensor to where it is to be. Raises CheckpointError."""
        model = cls.allocated(setup, folder)
        checkpoint.load_weights(model, folder, quantised=TwoTowerConfig.from_folder(folder).bits is not None)
        return model

    @classmethod
    def allocated(cls, setup: Setup, folder: Path | None = None) -> TwoTower:
        """A model whose weights have their places, and nothing in them yet."""
        with torch.device("meta"):
            model = cls(setup.config, folder)
        for parts, device in zip(model.parts, (setup.context_device, setup.denoiser_device)):
            if device is not None:
                for part in parts:
                    checkpoint.allocate(part, device, setup.dtype)
        model.use(setup.engine)
        return model.eval()

    def save_pretrained(
        self,
        folder: str | Path,
        dtype: torch.dtype | None = None,
        shard_bytes: int = checkpoint.SHARD_BYTES,
    ) -> None:
        """Write config.json, the weights (in `dtype`, default as they are) and the tokenizer, if there is one.

        Raises InputError where the context tower is alone: half a model is none.
        """
        if not self.has_denoiser:
            raise InputError("denoiser device", ALONE, "a model with both towers to save")
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        (target / "config.json").write_text(self.config.to_json(), encoding="utf-8")
        checkpoint.save_weights(self, target, dtype, shard_bytes)
        if self._has_tokenizer:
            self.tokenizer.save_pretrained(target)

    @functools.cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The folder's tokenizer.json. Raises CheckpointError where there is none."""
        if self.folder is None or not self._has_tokenizer:
            raise CheckpointError(f"{self.name} has no tokenizer.json: it reads and writes ids only.")
        from transformers import PreTrainedTokenizerFast  # imported late: it takes seconds and ids need none of it

        return PreTrainedTokenizerFast.from_pretrained(self.folder)

    @property
    def _has_tokenizer(self) -> bool:
        return self.folder is not None and (self.folder / "tokenizer.json").is_file()

    def use(self, engine: str | None) -> None:
        """Run passes by another engine from now on, None for the fast one of the device. Raises InputError."""
        self.engine = find_engine(engine, self.device, why_plain(self.config, self.dtype))

    @contextmanager
    def plainly(self) -> Iterator[None]:
        """Passes run plainly inside: a replayed one calls no forward hooks."""
        engine, self.engine = self.engine, Plain()
        try:
            yield
        finally:
            self.engine = engine

    # ---- facts -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The folder's name; owner/name@commit of a repository."""
        return name_of(self.folder) if self.folder is not None else "unnamed"

    @property
    def device(self) -> torch.device:
        """Where the context tower is, and its state."""
        return self.context_tower.norm_f.weight.device

    @property
    def denoiser_device(self) -> torch.device:
        """Where the denoiser tower is; the meta device where it was not loaded."""
        return self.denoiser_tower.norm_f.weight.device

    @property
    def devices(self) -> tuple[torch.device, ...]:
        """Each device that passes run on once, the context tower's first."""
        return (self.device, self.denoiser_device) if self.apart else (self.device,)

    @property
    def has_denoiser(self) -> bool:
        """Whether the denoiser tower was loaded; what was not stayed without storage."""
        return self.denoiser_device.type != "meta"

    @property
    def apart(self) -> bool:
        """Whether the towers are on two devices."""
        return self.has_denoiser and self.denoiser_device != self.device

    @property
    def dtype(self) -> torch.dtype:
        """What passes compute in, and what is not quantised is kept in."""
        return self.context_tower.norm_f.weight.dtype

    @property
    def bits(self) -> int | None:
        """Of the codes that most weights are quantised to; None for plain weights."""
        return self.config.bits

    @property
    def precision(self) -> str:
        """What a measurement says of the numbers: `bfloat16`, or `bfloat16, 4-bit weights`."""
        return named_precision(self.dtype, self.bits)

    @property
    def capturable(self) -> bool:
        """Whether a pass may be captured and replayed: not where its shapes depend on the tokens."""
        return why_plain(self.config, self.dtype) is None

    @functools.cached_property
    def end_token_ids(self) -> tuple[int, ...]:
        """Ids that end a text: the config's and the tokenizer's, which differ in the released model (2 and 11)."""
        ends = set(self.config.end_token_ids)
        if self._has_tokenizer and self.tokenizer.eos_token_id is not None:
            ends.add(self.tokenizer.eos_token_id)
        return tuple(sorted(ends))

    @property
    def parts(self) -> tuple[tuple[nn.Module, ...], tuple[nn.Module, ...]]:
        """The context tower with what belongs to it, and the denoiser tower with what belongs to that."""
        return (self.context_tower, self.context_lm_head), (self.denoiser_tower, self.lm_head, self.conditioning)

    def parameters_per_tower(self) -> int:
        """Parameters of one tower with its head; time conditioning is not in it."""
        return tower_parameters(self.config)

    # ---- whole texts (inspection, evaluation, parity) ----------------------------------------------------------

    @torch.inference_mode()
    def context_logits(self, ids: Ids) -> Tensor:
        """Next-token logits of the autoregressive model at every position: ids (B, L) or (L,) -> (B, L, V)."""
        return self.context_lm_head(self.context_tower.read(self._batch(ids)))

    @torch.inference_mode()
    def denoiser_logits(self, context_ids: Ids, block_ids: Ids, t: float | Tensor | None) -> Tensor:
        """Same-position logits of a noisy block (B, S) after a context (B, L): (B, S, V).

        t is the masked fraction, one number or (B,); None leaves time conditioning out. The context may be empty.
        """
        context, block = self._batch(context_ids), self._batch(block_ids)
        state = self.empty_state(block.shape[0], context.shape[1])
        if context.shape[1]:
            self.context_tower.prefill(context, state)
            state.held = [context.shape[1]] * state.batch
        return self.denoiser_pass(block, state, t.tolist() if isinstance(t, Tensor) else t)

    def _batch(self, ids: Ids) -> Tensor:
        tensor = torch.as_tensor(ids, dtype=torch.long, device=self.device)
        return tensor if tensor.dim() == 2 else tensor.unsqueeze(0)

    # ---- passes (the samplers' vocabulary) ---------------------------------------------------------------------

    def empty_state(self, batch: int, tokens: int) -> ContextState:
        """The context tower's memory before any text, with room for so many tokens in each of `batch` rows."""
        return self.engine.new_state(self.context_tower.empty_state, batch, capacity_for(tokens))

    def prefill(self, ids: Tensor, room: int = 0) -> tuple[Tensor, ContextState]:
        """The context tower reads a prompt (B, L >= 1): logits of the token after it (B, V), and its memory.

        The memory has room for `room` tokens more.
        """
        batch, length = ids.shape
        state = self.empty_state(batch, length + room)
        last = self.context_tower.prefill(ids, state)[:, -1]
        state.held = [length] * batch
        return self.context_lm_head(last), state

    def ar_step(self, ids: Tensor, state: ContextState) -> Tensor:
        """The context tower reads one token (B,): logits of the next one (B, V)."""
        return self._step(self._ar_step, ids, state)

    def context_step(self, ids: Tensor, state: ContextState) -> Tensor:
        """The context tower reads one token (B,) and predicts nothing: hidden state (B, D)."""
        return self._step(self._context_step, ids, state)

    def context_pass(self, ids: Tensor, state: ContextState, counts: Counts = None) -> Tensor:
        """The context tower reads a finished block (B, S): hidden states (B, S, D), for its head to judge it by.

        `state` then holds the first counts[r] of each row r, without counts all of it.
        """
        state.demand_room(ids.shape[1])
        held, counted = self._counted(ids.shape[1] if counts is None else counts, state)
        (hidden,) = self.engine(self._context_pass, state, ids, counted)
        state.held = held
        return hidden

    def verify_pass(self, ids: Tensor, state: ContextState) -> tuple[Tensor, ReadAhead]:
        """The context tower reads a drafted block (B, S): next-token logits (B, S, V), and what `take_over` needs.

        `state` stays as it is: how much of the block it will hold depends on the logits.
        """
        state.demand_room(ids.shape[1])
        logits, *ahead = self.engine(self._verify_pass, state, ids)
        return logits, ReadAhead.over(ahead, state, ids.shape[1])

    def take_over(self, ahead: ReadAhead, state: ContextState, counts: int | Sequence[int]) -> None:
        """Let `state` hold the first tokens of the draft, so many in each row, as if it had never seen the others."""
        held, counted = self._counted(counts, state)
        self.engine(self._take_over, state, counted, *ahead.tensors)
        state.held = held

    def denoiser_pass(self, ids: Tensor, state: ContextState, masked_fraction: MaskedFraction) -> Tensor:
        """The denoiser tower looks at a noisy block (B, S): logits (B, S, V). `state` stays as it is.

        Where the towers are apart, the logits are on the denoiser tower's device.
        """
        if ids.shape[1] > self.config.widest_block:
            raise InputError("block size", ids.shape[1], f"up to {self.config.widest_block} for this model")
        if self.apart:
            state, ids = self._mirror_of(state), ids.to(self.denoiser_device)
        if masked_fraction is None:
            (logits,) = self.engine(self._denoiser_pass, state, ids)
        else:
            (logits,) = self.engine(self._denoiser_pass, state, ids, self.conditioning.at(masked_fraction))
        return logits

    def _mirror_of(self, state: ContextState) -> ContextState:
        """What `state` holds, on the denoiser tower's device."""
        if state.mirror is None:
            state.mirror = self.engine.new_state(self.denoiser_tower.empty_state, state.batch, state.capacity)
        state.mirror.follow(state)
        return state.mirror

    # ---- what an engine runs: work on tensors, `state` written in place -----------------------------------------

    def _ar_step(self, state: ContextState, ids: Tensor) -> tuple[Tensor, ...]:
        return (self.context_lm_head(self.context_tower.step(ids, state)),)

    def _context_step(self, state: ContextState, ids: Tensor) -> tuple[Tensor, ...]:
        return (self.context_tower.step(ids, state),)

    def _context_pass(self, state: ContextState, ids: Tensor, counts: Tensor) -> tuple[Tensor, ...]:
        hidden, ahead = self.context_tower.read_ahead(ids, state)
        self.context_tower.take_over(ahead, state, counts)
        return (hidden,)

    def _verify_pass(self, state: ContextState, ids: Tensor) -> tuple[Tensor, ...]:
        hidden, ahead = self.context_tower.read_ahead(ids, state)
        return self.context_lm_head(hidden), *ahead.tensors

    def _take_over(self, state: ContextState, counts: Tensor, *kept: Tensor) -> tuple[Tensor, ...]:
        size = kept[0].shape[1] - self.config.conv_kernel + 1 if kept else 0
        self.context_tower.take_over(ReadAhead.over(kept, state, size), state, counts)
        return (state.lengths,)

    def _denoiser_pass(self, state: ContextState, ids: Tensor, *modulation: Tensor) -> tuple[Tensor, ...]:
        return (self.lm_head(self.denoiser_tower.denoise(ids, state, *modulation)),)

    def _step(self, work: Work, ids: Tensor, state: ContextState) -> Tensor:
        state.demand_room(1)
        (out,) = self.engine(work, state, ids)
        state.held = [held + 1 for held in state.held]
        return out

    def _counted(self, counts: int | Sequence[int], state: ContextState) -> tuple[list[int], Tensor]:
        """What the rows will hold after so many tokens more, and the counts (B,) on the device."""
        each = [counts] * state.batch if isinstance(counts, int) else list(counts)
        held = [held + count for held, count in zip(state.held, each, strict=True)]
        return held, torch.tensor(each, dtype=torch.long, device=self.device)
