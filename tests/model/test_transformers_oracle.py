"""A second oracle that shares no line with us: transformers' NemotronH on the context tower's weights."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from transformers import NemotronHConfig, NemotronHForCausalLM

from twotower.model.checkpoint import official_tensors
from twotower.model.twotower import TwoTower

KINDS = {"M": "mamba", "*": "attention", "E": "moe", "-": "mlp"}


def backbone_of(model: TwoTower) -> NemotronHForCausalLM:
    ours = model.config
    config = NemotronHConfig(
        vocab_size=ours.vocab_size,
        hidden_size=ours.hidden_size,
        layers_block_type=[KINDS[letter] for letter in ours.hybrid_override_pattern],
        num_attention_heads=ours.num_attention_heads,
        num_key_value_heads=ours.num_key_value_heads,
        head_dim=ours.head_dim,
        mamba_num_heads=ours.mamba_num_heads,
        mamba_head_dim=ours.mamba_head_dim,
        n_groups=ours.n_groups,
        ssm_state_size=ours.ssm_state_size,
        conv_kernel=ours.conv_kernel,
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
        use_mamba_kernels=False,
        residual_in_fp32=False,
        tie_word_embeddings=False,
    )
    theirs = NemotronHForCausalLM(config).eval()
    theirs.load_state_dict(renamed(model, set(theirs.state_dict())), strict=True)
    for module in theirs.modules():
        if hasattr(module, "time_step_limit"):
            module.time_step_limit = (0.0, float("inf"))  # it clamps dt; NVIDIA's code does not
    return theirs


def renamed(model: TwoTower, wanted: set[str]) -> dict[str, torch.Tensor]:
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


@pytest.mark.parametrize("pattern", ["ME*M-E", "*EM", "MM*E", "M-*"])
@pytest.mark.parametrize("length", [3, 40])
def test_context_logits_are_those_of_nemotron_h(make_model: Callable[..., TwoTower], pattern: str, length: int) -> None:
    # Widths its grouped experts accept; its Mamba wants heads * head_dim and groups to divide.
    model = make_model(hybrid_override_pattern=pattern, moe_intermediate_size=16)
    ids = torch.randint(4, 97, (1, length), generator=torch.Generator().manual_seed(length))
    with torch.inference_mode():
        theirs = backbone_of(model)(ids).logits
    torch.testing.assert_close(model.context_logits(ids), theirs, atol=2e-4, rtol=1e-3)
