"""The Mamba-2 mixer: projection, causal convolution, scan, gated norm, projection."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twotower.model import ssd
from twotower.model.configuration import TwoTowerConfig
from twotower.model.memory import MambaAhead, MambaState
from twotower.model.norms import GatedGroupRMSNorm
from twotower.model.precision import outside_autocast


class Mamba2(nn.Module):
    """`in_proj -> [z | xBC | dt]`, softplus(dt + dt_bias) with no clamp, A = -exp(A_log), skip D.

    Parameters carry the official names. The context tower calls `prefill` and `step`, which change the state, and
    `read_ahead` and `take_over` for a block, of which only a part may stay; the denoiser tower reads its noisy block
    ahead of the context's state and never takes it over.
    """

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.config = config
        heads, inner, channels = config.mamba_num_heads, config.mamba_inner_size, config.conv_channels
        self.in_proj = nn.Linear(config.hidden_size, inner + channels + heads, bias=False)
        self.conv1d = nn.Conv1d(
            channels, channels, config.conv_kernel, groups=channels, bias=config.use_conv_bias
        )  # holds the parameters; `_convolve` and `step` apply them
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.ones(heads))
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.norm = GatedGroupRMSNorm(inner, config.n_groups, config.layer_norm_epsilon)
        self.out_proj = nn.Linear(inner, config.hidden_size, bias=False)

    def initial_state(self, batch: int) -> MambaState:
        """The state before any text."""
        weight, config = self.norm.weight, self.config
        conv = weight.new_zeros(batch, config.conv_kernel - 1, config.conv_channels)
        shape = (batch, config.mamba_num_heads, config.mamba_head_dim, config.ssm_state_size)
        return MambaState(conv, torch.zeros(shape, dtype=torch.float32, device=weight.device))

    def prefill(self, hidden: Tensor, state: MambaState) -> Tensor:
        """A causal scan of a prompt (B, L, D) from nothing -> (B, L, D); `state` then holds it."""
        y, boundaries, columns = self._scan(hidden, self.initial_state(hidden.shape[0]), self.config.chunk_size)
        state.conv.copy_(columns[:, hidden.shape[1] :])
        state.ssm.copy_(boundaries[:, -1])
        return y

    def read_ahead(self, hidden: Tensor, state: MambaState) -> tuple[Tensor, MambaAhead]:
        """A causal scan of a block (B, L, D) from `state`, which stays -> (B, L, D), and what `take_over` needs."""
        z, x, dt, b, c, columns = self._inputs(hidden, state)
        with outside_autocast(x.device.type):
            y = ssd.within_chunk(x, dt, self._decay_rates(), b, c, state.ssm)
        return self._output(y, x, z), MambaAhead(columns, x, dt, b)

    def take_over(self, ahead: MambaAhead, state: MambaState, stay: Tensor, last: Tensor) -> None:
        """`state`, as it was when `ahead` was read, then holds the first tokens of it: those that `stay` (B, L).

        last (B, kernel - 1) are the places in `ahead.columns` of what the convolution will look back on.
        """
        dt = ahead.dt * stay.unsqueeze(-1)  # a step of size 0 neither decays nor feeds the state
        after = ssd.after_chunk(ahead.x, dt, self._decay_rates(), ahead.b, state.ssm)
        state.ssm.copy_(after)
        state.conv.copy_(ahead.columns.gather(1, last.unsqueeze(-1).expand_as(state.conv)))

    def read(self, hidden: Tensor, present: Tensor | None = None) -> Tensor:
        """A scan of whole texts (B, L, D) from nothing -> (B, L, D). What is not `present` (B, L) leaves no trace."""
        y, _, _ = self._scan(hidden, self.initial_state(hidden.shape[0]), self.config.chunk_size, present)
        return y

    def scan_blocks(self, hidden: Tensor, block_size: int, present: Tensor | None = None) -> tuple[Tensor, MambaState]:
        """`read`, and the states *before* each block, blocks folded into the batch.

        Training seeds every block's denoiser with them in one pass (paper, section 3: all blocks at once).
        """
        y, boundaries, columns = self._scan(hidden, self.initial_state(hidden.shape[0]), block_size, present)
        history = columns.unfold(1, self.config.conv_kernel - 1, block_size)  # (B, >= K, channels, kernel - 1)
        blocks = hidden.shape[1] // block_size
        conv = history[:, :blocks].transpose(2, 3).flatten(0, 1)
        return y, MambaState(conv, boundaries[:, :blocks].flatten(0, 1))

    def step(self, hidden: Tensor, state: MambaState) -> Tensor:
        """One token: hidden (B, D) -> (B, D); `state` then holds it."""
        z, column, dt = self._project(hidden)
        window = torch.cat((state.conv, column.unsqueeze(1)), dim=1)  # (B, kernel, channels)
        state.conv.copy_(window[:, 1:])
        mixed = (window * self.conv1d.weight.squeeze(1).t()).sum(1)
        if self.conv1d.bias is not None:
            mixed = mixed + self.conv1d.bias
        x, b, c = self._split_heads(F.silu(mixed))
        y = ssd.step(x, dt, self._decay_rates(), b, c, state.ssm)
        return self._output(y, x, z)

    def _inputs(self, hidden: Tensor, state: MambaState, present: Tensor | None = None) -> tuple[Tensor, ...]:
        """z, x, dt, B, C of hidden (B, L, D) after `state`, and the raw columns (B, kernel - 1 + L, channels)."""
        z, column, dt = self._project(hidden)
        if present is not None:
            # As before any text: the convolution sees zeros, and a step of size 0 neither decays nor feeds the state.
            column, dt = column * present.unsqueeze(-1), dt * present.unsqueeze(-1)
        columns = torch.cat((state.conv.to(column.dtype), column), dim=1)
        x, b, c = self._split_heads(F.silu(self._convolve(columns)))
        return z, x, dt, b, c, columns

    def _scan(
        self, hidden: Tensor, state: MambaState, chunk: int, present: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs (B, L, D), SSM states at chunk boundaries, and the raw columns (B, kernel - 1 + L, channels)."""
        z, x, dt, b, c, columns = self._inputs(hidden, state, present)
        with outside_autocast(x.device.type):
            y, boundaries = ssd.scan(x, dt, self._decay_rates(), b, c, state.ssm, chunk)
        return self._output(y, x, z), boundaries, columns

    def _project(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z (..., inner), xBC (..., channels) and dt (..., H) in float32."""
        config = self.config
        z, column, dt = self.in_proj(hidden).split(
            [config.mamba_inner_size, config.conv_channels, config.mamba_num_heads], dim=-1
        )
        dt = F.softplus(dt.float() + self.dt_bias.float())
        if tuple(config.time_step_limit) != (0.0, math.inf):
            dt = dt.clamp(*config.time_step_limit)
        return z, column, dt

    def _convolve(self, columns: Tensor) -> Tensor:
        """Depthwise causal convolution of (B, kernel - 1 + L, channels) -> (B, L, channels)."""
        taps = self.conv1d.weight.squeeze(1).t().contiguous()  # (kernel, channels)
        length = columns.shape[1] - self.config.conv_kernel + 1
        mixed = columns[:, :length] * taps[0]
        for k in range(1, self.config.conv_kernel):
            mixed = torch.addcmul(mixed, columns[:, k : k + length], taps[k])
        return mixed if self.conv1d.bias is None else mixed + self.conv1d.bias

    def _split_heads(self, mixed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (..., H, P), B and C (..., G, N), float32 for the scan."""
        config = self.config
        width = config.n_groups * config.ssm_state_size
        x, b, c = mixed.float().split([config.mamba_inner_size, width, width], dim=-1)
        x = x.unflatten(-1, (config.mamba_num_heads, config.mamba_head_dim))
        b, c = (t.unflatten(-1, (config.n_groups, config.ssm_state_size)) for t in (b, c))
        return x, b, c

    def _decay_rates(self) -> Tensor:
        return -torch.exp(self.A_log.float())

    def _output(self, y: Tensor, x: Tensor, z: Tensor) -> Tensor:
        skipped = torch.addcmul(y, x, self.D.float().unsqueeze(-1))
        return self.out_proj(self.norm(skipped.flatten(-2), z))
