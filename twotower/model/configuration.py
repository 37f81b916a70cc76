"""The shape of a TwoTower model, read from and written to an official `config.json`.

Knows no tensors. Source: the released checkpoint's config (model_type `nemotron_h`).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from twotower.errors import CheckpointError, InputError
from twotower.model.quantised_format import BITS, CONFIG_KEY, group_size, read_bits, written

MAMBA, ATTENTION, MOE, MLP = "M", "*", "E", "-"
MIXER_NAMES = {MAMBA: "Mamba-2", ATTENTION: "Attention", MOE: "MoE", MLP: "MLP"}
MIXER_KINDS = tuple(MIXER_NAMES)
WIDEST_BLOCK = 4  # times the trained block: quality has long collapsed there (paper, block-size ablation)

# What our layers do not compute. A config that asks for it is refused, never half obeyed.
_REQUIRED = {
    "attention_bias": False,
    "mlp_bias": False,
    "use_bias": False,
    "mamba_proj_bias": False,
    "tie_word_embeddings": False,
    "mamba_hidden_act": "silu",
    "mlp_hidden_act": "relu2",
    "n_group": 1,
    "topk_group": 1,
}


@dataclass(frozen=True)
class TwoTowerConfig:
    """Both towers share one configuration: the denoiser starts as a copy of the backbone (paper, section 2)."""

    hybrid_override_pattern: str  # one letter a layer: M Mamba-2, * attention, E mixture of experts, - MLP
    vocab_size: int
    hidden_size: int
    # attention
    num_attention_heads: int = 0
    num_key_value_heads: int = 0
    head_dim: int = 0
    # Mamba-2
    mamba_num_heads: int = 0
    mamba_head_dim: int = 0
    n_groups: int = 1
    ssm_state_size: int = 0
    conv_kernel: int = 4
    use_conv_bias: bool = True
    chunk_size: int = 128
    time_step_limit: tuple[float, float] = (0.0, math.inf)
    # experts and MLP
    n_routed_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    moe_shared_expert_intermediate_size: int = 0
    norm_topk_prob: bool = True
    routed_scaling_factor: float = 1.0
    intermediate_size: int = 0
    # the rest
    layer_norm_epsilon: float = 1e-5
    residual_in_fp32: bool = False
    initializer_range: float = 0.02
    max_position_embeddings: int = 262144
    bos_token_id: int = 1
    eos_token_id: int | tuple[int, ...] = 2
    pad_token_id: int = 0
    torch_dtype: str = "bfloat16"
    mask_token_id: int = 3  # a convention of the released code: no config key, no tokenizer entry
    trained_block_size: int = 16
    bits: int | None = None  # of quantised weights (`quantised_format.py`), None for plain ones
    extras: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # keys we carry but do not read

    def __post_init__(self) -> None:
        unknown = sorted(set(self.hybrid_override_pattern) - set(MIXER_KINDS))
        if unknown or not self.hybrid_override_pattern:
            raise CheckpointError(
                f"config.json: hybrid_override_pattern is {self.hybrid_override_pattern!r}; "
                f"allowed: one or more of the letters {' '.join(MIXER_KINDS)}."
            )
        for kind, names in _POSITIVE.items():
            if kind not in self.hybrid_override_pattern:
                continue
            for name in names:
                value = getattr(self, name)
                if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                    raise CheckpointError(f"config.json: {name} is {value!r}; allowed: a whole number of at least 1.")
        for whole, part in (("num_attention_heads", "num_key_value_heads"), ("mamba_num_heads", "n_groups")):
            if getattr(self, part) and getattr(self, whole) % getattr(self, part):
                raise CheckpointError(
                    f"config.json: {whole} is {getattr(self, whole)}; allowed: a multiple of {part} "
                    f"({getattr(self, part)})."
                )
        if self.bits not in (None, *BITS):
            raise InputError("bits", self.bits, " or ".join(map(str, BITS)))
        if self.bits is not None and group_size(self.hidden_size) is None:
            raise CheckpointError(
                f"config.json: hidden_size is {self.hidden_size}; allowed where weights are quantised: a multiple of 8."
            )
        if self.num_experts_per_tok > self.n_routed_experts:
            raise CheckpointError(
                f"config.json: num_experts_per_tok is {self.num_experts_per_tok}; allowed: up to n_routed_experts "
                f"({self.n_routed_experts})."
            )

    @property
    def num_hidden_layers(self) -> int:
        """Layers of one tower."""
        return len(self.hybrid_override_pattern)

    @property
    def mamba_inner_size(self) -> int:
        """Channels of a Mamba-2 layer's x and z. Not `expand * hidden_size`: the released model's heads differ."""
        return self.mamba_num_heads * self.mamba_head_dim

    @property
    def conv_channels(self) -> int:
        """Channels that go through the causal convolution: x | B | C."""
        return self.mamba_inner_size + 2 * self.n_groups * self.ssm_state_size

    @property
    def moe_layers(self) -> tuple[int, ...]:
        """The indices of the layers with experts."""
        return tuple(i for i, kind in enumerate(self.hybrid_override_pattern) if kind == MOE)

    @property
    def widest_block(self) -> int:
        """Slots that a block may have."""
        return WIDEST_BLOCK * self.trained_block_size

    @property
    def end_token_ids(self) -> tuple[int, ...]:
        """The config's end tokens, as a tuple whether it names one or several."""
        return (self.eos_token_id,) if isinstance(self.eos_token_id, int) else tuple(self.eos_token_id)

    def quantised(self, bits: int | None) -> TwoTowerConfig:
        """The same model with weights of so many bits, None for as they are stored. Raises InputError, CheckpointError.

        What is quantised already is not quantised again: both roundings would be in it, and the figures of neither.
        """
        if bits in (None, self.bits):
            return self
        if self.bits is not None:
            raise InputError("bits", bits, f"{self.bits}, to which this model is quantised already")
        return replace(self, bits=bits)

    @classmethod
    def from_json(cls, text: str) -> TwoTowerConfig:
        """Read a config.json. Python's reader accepts the `Infinity` literal the official file holds."""
        try:
            values = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise CheckpointError(f"config.json is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise CheckpointError("config.json does not hold an object.")
        if values.get("model_type") != "nemotron_h":
            raise CheckpointError(f"config.json: model_type is {values.get('model_type')!r}; allowed: 'nemotron_h'.")
        for name, required in _REQUIRED.items():
            if values.get(name, required) != required:
                raise CheckpointError(f"config.json: {name} is {values[name]!r}; allowed: {required!r}.")
        pattern = values.get("hybrid_override_pattern")
        if not isinstance(pattern, str) or values.get("num_hidden_layers", len(pattern)) != len(pattern):
            raise CheckpointError(
                f"config.json: hybrid_override_pattern is {pattern!r}; allowed: one letter for each of the "
                f"{values.get('num_hidden_layers')} layers."
            )
        known = {f.name for f in fields(cls)} - set(_NOT_IN_JSON)
        read = {name: _frozen(value) for name, value in values.items() if name in known and value is not None}
        missing = [name for name in ("vocab_size", "hidden_size") if name not in read]
        if missing:
            raise CheckpointError(f"config.json lacks {', '.join(missing)}.")
        if "torch_dtype" not in read and isinstance(values.get("dtype"), str):  # its name in transformers 5
            read["torch_dtype"] = values["dtype"]
        entry = values.pop(CONFIG_KEY, None)
        bits = None if entry is None else read_bits(entry)
        return cls(**read, bits=bits, extras={name: value for name, value in values.items() if name not in known})

    @classmethod
    def from_folder(cls, folder: Path) -> TwoTowerConfig:
        """Read `folder/config.json`."""
        return cls.from_file(folder / "config.json")

    @classmethod
    def from_file(cls, path: Path) -> TwoTowerConfig:
        """Read a file such as config.json. Raises CheckpointError where there is none."""
        if not path.is_file():
            raise CheckpointError(f"{path.parent} is not a model folder: it holds no {path.name}.")
        return cls.from_json(path.read_text(encoding="utf-8"))

    def to_json(self) -> str:
        """The official file: what was read, with our values, under the official names."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NOT_IN_JSON}
        official = {
            **self.extras,
            **values,
            "model_type": "nemotron_h",
            "architectures": ["NemotronHTwoTowerForCausalLM"],
            "num_hidden_layers": self.num_hidden_layers,
            **_REQUIRED,
            **({} if self.bits is None else {CONFIG_KEY: written(self.bits)}),
        }
        return json.dumps(official, indent=2, sort_keys=True) + "\n"


_NOT_IN_JSON = ("bits", "extras")  # not under their own names
_POSITIVE = {
    ATTENTION: ("num_attention_heads", "num_key_value_heads", "head_dim"),
    MAMBA: ("mamba_num_heads", "mamba_head_dim", "n_groups", "ssm_state_size", "conv_kernel", "chunk_size"),
    MOE: ("n_routed_experts", "num_experts_per_tok", "moe_intermediate_size", "moe_shared_expert_intermediate_size"),
    MLP: ("intermediate_size",),
}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
