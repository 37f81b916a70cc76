"""The least a pass has to move and to compute: pure arithmetic on a configuration, with no model and no clock.

Bytes: every weight a pass needs once, of the routed experts those its tokens chose; what it reads and writes of the
context tower's memory; an embedding row a token. Operations: two for each multiply-add of a product (projections,
convolution, scan in closed form, attention, experts, head); what is done element by element is not counted, nor are
activations as bytes. So a floor is a lower bound, and a pass that took twice as long may still be a good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twotower.benchmark.weights import head_bytes, row_bytes, token_products, tower_bytes
from twotower.model.configuration import ATTENTION, MAMBA, TwoTowerConfig
from twotower.sizes import FLOAT32_BYTES, layer_memory


@dataclass(frozen=True)
class Work:
    """What one pass has to do at the least."""

    bytes: int
    operations: int

    def seconds(self, bytes_per_second: float, operations_per_second: float) -> float:
        """The time below which this machine cannot do it: whichever of the two takes longer."""
        return max(self.bytes / bytes_per_second, self.operations / operations_per_second)


@dataclass(frozen=True)
class Floors:
    """The work of each pass of one model; `element` is the bytes of one number of its dtype."""

    config: TwoTowerConfig
    element: int

    def ar_step(self, context: int, touched: Sequence[int]) -> Work:
        """One token after `context` tokens; `touched` is how many experts each MoE layer chose."""
        read = self._keys(context) + self._states()
        written = self._keys(1) + self._states()
        return self._pass(1, touched, heads=1, moved=read + written, pairs=context + 1, keeps=True)

    def context_pass(self, size: int, context: int, touched: Sequence[int]) -> Work:
        """A finished block of `size` tokens after `context` tokens; the head has no part in it."""
        moved = self._keys(context) + self._states() + self._keys(size) + self._states()
        return self._pass(size, touched, heads=0, moved=moved, pairs=_causal(size, context), keeps=True)

    def verify_pass(self, size: int, context: int, touched: Sequence[int]) -> Work:
        """A drafted block: a head row a token, and in the states' place what `take_over` needs."""
        moved = self._keys(context) + self._states() + self._keys(size) + self._ahead(size)
        return self._pass(size, touched, heads=size, moved=moved, pairs=_causal(size, context), keeps=False)

    def take_over(self, count: int) -> Work:
        """The state after the first `count` tokens of a verified block, from what the pass left; no layer's weights."""
        config, layers = self.config, self._layers(MAMBA)
        heads = config.mamba_num_heads
        of_tokens = count * FLOAT32_BYTES * (config.mamba_inner_size + heads + config.n_groups * config.ssm_state_size)
        # Beside those of the tokens: A of every head, and the last columns as the new conv state.
        read = layers * (of_tokens + heads * FLOAT32_BYTES) + self._states()
        return Work(read + self._states(), 2 * layers * count * config.mamba_inner_size * config.ssm_state_size)

    def denoiser_pass(self, size: int, context: int, touched: Sequence[int]) -> Work:
        """A noisy block over the context's memory, all of its slots seeing each other; it leaves nothing behind."""
        modulation = 3 * self.config.hidden_size * self.config.num_hidden_layers * self.element
        moved = self._keys(context) + self._states() + modulation
        return self._pass(size, touched, heads=size, moved=moved, pairs=size * (context + size), keeps=False)

    def prefill(self, length: int, touched: Sequence[int]) -> Work:
        """A prompt from nothing, with one row for the head."""
        moved = self._keys(length) + self._states()
        return self._pass(length, touched, heads=1, moved=moved, pairs=_causal(length, 0), keeps=True)

    def _pass(self, rows: int, touched: Sequence[int], *, heads: int, moved: int, pairs: int, keeps: bool) -> Work:
        config = self.config
        weights = tower_bytes(config, self.element, touched) + rows * row_bytes(config, self.element)
        if heads:
            weights += head_bytes(config, self.element)
        products = rows * token_products(config) + heads * config.hidden_size * config.vocab_size
        attention = 2 * self._layers(ATTENTION) * pairs * config.num_attention_heads * config.head_dim
        return Work(weights + moved, 2 * (products + attention + self._scan(rows, keeps)))

    def _scan(self, rows: int, keeps: bool) -> int:
        """Multiply-adds of the scan over chunks: read the state out, mix within the chunk, feed the state."""
        config = self.config
        state = config.mamba_inner_size * config.ssm_state_size
        chunk = min(rows, config.chunk_size)
        full, rest = divmod(rows, chunk)
        within = (full * _causal(chunk, 0) + _causal(rest, 0)) * (
            config.n_groups * config.ssm_state_size + config.mamba_inner_size
        )
        return self._layers(MAMBA) * (rows * state * (2 if keeps else 1) + within)

    def _layers(self, kind: str) -> int:
        return self.config.hybrid_override_pattern.count(kind)

    def _keys(self, tokens: int) -> int:
        """Bytes of the keys and values of so many tokens, in all attention layers."""
        return self._layers(ATTENTION) * tokens * layer_memory(ATTENTION, self.config, self.element).token_bytes

    def _states(self) -> int:
        """Bytes of all Mamba layers' memory: the convolution's last columns, the SSM state in float32."""
        return self._layers(MAMBA) * layer_memory(MAMBA, self.config, self.element).constant_bytes

    def _ahead(self, size: int) -> int:
        """Bytes that a verify pass leaves for the roll back: raw columns, and x, dt and B in float32."""
        config = self.config
        columns = (config.conv_kernel - 1 + size) * config.conv_channels * self.element
        of_a_token = config.mamba_inner_size + config.mamba_num_heads + config.n_groups * config.ssm_state_size
        return self._layers(MAMBA) * (columns + size * of_a_token * FLOAT32_BYTES)


def _causal(size: int, context: int) -> int:
    """Pairs of a token and one it sees, itself included."""
    return size * context + size * (size + 1) // 2
