"""The AR peer: transformers' NemotronH on the context tower's own weights, as fast as it goes here."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import torch
from torch import Tensor
from transformers import GenerationConfig, NemotronHConfig, NemotronHForCausalLM, StoppingCriteria, StoppingCriteriaList

from twotower.model.checkpoint import official_tensors
from twotower.model.configuration import ATTENTION, MAMBA, MLP, MOE
from twotower.model.twotower import TwoTower

EXPERTS = ("eager", "batched_mm", "grouped_mm")  # transformers' ways to compute the chosen experts
TRIAL_TOKENS = 8

_KINDS = {MAMBA: "mamba", ATTENTION: "attention", MOE: "moe", MLP: "mlp"}


def backbone_of(model: TwoTower) -> NemotronHForCausalLM:
    """transformers' own model with a copy of the context tower's weights, on the same device, in the same dtype."""
    ours = model.config
    config = NemotronHConfig(
        vocab_size=ours.vocab_size,
        hidden_size=ours.hidden_size,
        layers_block_type=[_KINDS[letter] for letter in ours.hybrid_override_pattern],
        num_attention_heads=ours.num_attention_heads,
        num_key_value_heads=ours.num_key_value_heads,
        head_dim=ours.head_dim,
        mamba_num_heads=ours.mamba_num_heads,
        mamba_head_dim=ours.mamba_head_dim,
        n_groups=ours.n_groups,
        ssm_state_size=ours.ssm_state_size,
        conv_kernel=ours.conv_kernel,
        use_conv_bias=ours.use_conv_bias,
        chunk_size=ours.chunk_size,
        n_routed_experts=ours.n_routed_experts,
        num_experts_per_tok=ours.num_experts_per_tok,
        moe_intermediate_size=ours.moe_intermediate_size,
        moe_shared_expert_intermediate_size=ours.moe_shared_expert_intermediate_size,
        routed_scaling_factor=ours.routed_scaling_factor,
        norm_topk_prob=ours.norm_topk_prob,
        intermediate_size=ours.intermediate_size,
        n_group=1,
        topk_group=1,
        residual_in_fp32=False,
        tie_word_embeddings=False,
        max_position_embeddings=ours.max_position_embeddings,
    )
    with torch.device(model.device):
        theirs = NemotronHForCausalLM(config)
    theirs = cast(Any, theirs).to(model.dtype).eval().requires_grad_(False)
    theirs.load_state_dict(renamed(model, set(theirs.state_dict())), strict=True)
    for module in theirs.modules():
        if hasattr(module, "time_step_limit"):
            module.time_step_limit = (0.0, float("inf"))  # it clamps dt; NVIDIA's code does not
    return theirs


def renamed(model: TwoTower, wanted: set[str]) -> dict[str, Tensor]:
    """The context tower under transformers' names, experts stacked where this version stacks them."""
    prefix = next(name for name in wanted if name.endswith("embeddings.weight")).removesuffix("embeddings.weight")
    tensors = official_tensors(model)
    if any("experts.up_proj" in name for name in wanted):
        tensors.update({name: tensor for name, tensor in model.state_dict().items() if ".experts." in name})
        tensors = {name: tensor for name, tensor in tensors.items() if not re.search(r"\.experts\.\d", name)}
    found = {}
    for name, tensor in tensors.items():
        if name.startswith("context_tower."):
            found[prefix + name.removeprefix("context_tower.")] = tensor
    found["lm_head.weight"] = tensors["context_lm_head.weight"]
    return found


class Peer:
    """`generate` of transformers: greedy, cached, no end token."""

    def __init__(self, model: TwoTower) -> None:
        self._theirs: Any = backbone_of(model)  # its annotations do not agree with themselves
        self.experts_by = "no experts"

    def choose_experts(self, prompt: Sequence[int]) -> None:
        """Try every way to compute experts, and stay with the fastest."""
        taken: dict[str, float] = {}
        for way in EXPERTS:
            self._theirs.set_experts_implementation(way)
            with suppress(RuntimeError):  # widths that a way does not take
                self.run(prompt, TRIAL_TOKENS)  # warm
                taken[way] = min(self.run(prompt, TRIAL_TOKENS)[0] for _ in range(2))
        self.experts_by = min(taken, key=lambda way: taken[way])
        self._theirs.set_experts_implementation(self.experts_by)

    @torch.inference_mode()
    def run(self, prompt: Sequence[int], tokens: int) -> tuple[float, list[int]]:
        """Seconds a token after the first, from when that one is there to when the last is; the ids. tokens >= 2."""
        ids = torch.tensor([list(prompt)], device=self._theirs.device)
        stamps = _Stamps()
        config = GenerationConfig(
            max_new_tokens=tokens, do_sample=False, use_cache=True, eos_token_id=None, pad_token_id=0
        )
        written = self._theirs.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            generation_config=config,
            stopping_criteria=StoppingCriteriaList([stamps]),
        )
        return (stamps.times[-1] - stamps.times[0]) / (tokens - 1), written[0, len(prompt) :].tolist()


class _Stamps(StoppingCriteria):
    """Stops nothing: asked after every token, it notes when that was."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        if input_ids.device.type == "cuda":
            torch.cuda.synchronize(input_ids.device)
        self.times.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
