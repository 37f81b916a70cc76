"""The Mamba-2 scan in closed form: state-space duality (Dao & Gu 2024, arXiv 2405.21060, section 6).

h_t = exp(dt_t A) h_{t-1} + dt_t x_t B_t^T,   y_t = h_t C_t.

Inside a chunk the scan is one lower-triangular matrix a head; chunks pass on one state each. Float32 throughout:
states seeded from a long context reach O(1e3), where bfloat16 loses them (shared facts of every TwoTower port).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def scan(
    x: Tensor,  # (B, L, H, P) inputs
    dt: Tensor,  # (B, L, H) step sizes, after softplus
    a: Tensor,  # (H,) negative decay rates
    b: Tensor,  # (B, L, G, N) input maps, one for each group of heads
    c: Tensor,  # (B, L, G, N) output maps
    initial: Tensor,  # (B, H, P, N) state before the first token
    chunk: int,
) -> tuple[Tensor, Tensor]:
    """Outputs y (B, L, H, P) and the state at every chunk boundary (B, L/chunk + 1, H, P, N).

    The first boundary is `initial`, the last the state after token L. Any L is allowed: the last chunk is
    padded with dt = 0, which neither decays nor feeds the state.
    """
    length = x.shape[1]
    chunk = min(chunk, length)
    padding = -length % chunk
    if padding:
        x, b, c = (F.pad(t, (0, 0, 0, 0, 0, padding)) for t in (x, b, c))
        dt = F.pad(dt, (0, 0, 0, padding))
    heads_per_group = x.shape[2] // b.shape[2]
    # (B, K, Q, ...) with K chunks of Q tokens; a head reads its group's B and C.
    x, dt, b, c = (t.unflatten(1, (-1, chunk)) for t in (x, dt, b, c))
    decay = (dt * a).cumsum(2).transpose(2, 3)  # (B, K, H, Q) log of the decay since the chunk began

    def by_head(t: Tensor) -> Tensor:  # (B, K, Q, G, N) -> (B, K, H, Q, N)
        return t.transpose(2, 3).repeat_interleave(heads_per_group, dim=2)

    scores = torch.matmul(c.transpose(2, 3), b.permute(0, 1, 3, 4, 2))  # (B, K, G, Q, Q)
    scores = scores.repeat_interleave(heads_per_group, dim=2)
    future = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).triu(1)
    span = (decay.unsqueeze(-1) - decay.unsqueeze(-2)).masked_fill(future, -torch.inf)  # (B, K, H, Q, Q)
    fed = x.transpose(2, 3) * dt.transpose(2, 3).unsqueeze(-1)  # (B, K, H, Q, P)
    within = torch.matmul(scores * span.exp(), fed)

    to_end = (decay[..., -1:] - decay).exp().unsqueeze(-1)
    added = torch.matmul((fed * to_end).transpose(-1, -2), by_head(b))  # (B, K, H, P, N) what each chunk adds
    states = _boundaries(initial, added, decay[..., -1])
    carried = torch.matmul(by_head(c), states[:, :-1].transpose(-1, -2)) * decay.exp().unsqueeze(-1)

    y = (within + carried).transpose(2, 3).flatten(1, 2)[:, :length]
    return y, states


def within_chunk(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, initial: Tensor) -> Tensor:
    """The outputs (B, L, H, P) of `scan` over L tokens as one chunk, in few operations.

    A denoiser pass needs no more; a context pass gets its new state from `after_chunk`.
    """
    batch, length, heads, width = x.shape
    groups = b.shape[2]
    decay = (dt * a).cumsum(1).transpose(1, 2)  # (B, H, L) log of the decay since the chunk began
    # The first tril keeps the exponential finite above the diagonal: an infinity there would be NaN in the gradient.
    span = (decay.unsqueeze(-1) - decay.unsqueeze(-2)).tril().exp().tril()  # (B, H, L, L)
    scores = torch.matmul(c.transpose(1, 2), b.permute(0, 2, 3, 1))  # (B, G, L, L)
    mixing = (span.unflatten(1, (groups, -1)) * scores.unsqueeze(2)).flatten(1, 2)
    within = torch.matmul(mixing, (x * dt.unsqueeze(-1)).transpose(1, 2)).transpose(1, 2)  # (B, L, H, P)
    memory = initial.view(batch, groups, -1, initial.shape[-1])  # (B, G, R * P, N), R heads a group
    carried = torch.matmul(c.transpose(1, 2), memory.transpose(2, 3)).transpose(1, 2)  # (B, L, G, R * P)
    carried = carried.reshape(batch, length, heads, width)
    return torch.addcmul(within, carried, decay.transpose(1, 2).exp().unsqueeze(-1))


def after_chunk(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, initial: Tensor) -> Tensor:
    """The state (B, H, P, N) after L tokens that came upon `initial`. A token with dt = 0 leaves no trace."""
    batch, length = x.shape[:2]
    groups = b.shape[2]
    decay = (dt * a).cumsum(1)  # (B, L, H)
    to_end = (decay[:, -1:] - decay).exp()
    fed = (x * (dt * to_end).unsqueeze(-1)).reshape(batch, length, groups, -1)  # (B, L, G, R * P)
    added = torch.matmul(fed.permute(0, 2, 3, 1), b.transpose(1, 2))  # (B, G, R * P, N)
    return torch.addcmul(added.view_as(initial), initial, decay[:, -1].exp()[..., None, None])


def _boundaries(initial: Tensor, added: Tensor, log_decay: Tensor) -> Tensor:
    """States between chunks: (B, K + 1, H, P, N) from (B, H, P, N), (B, K, H, P, N) and (B, K, H)."""
    states = [initial]
    keep = log_decay.exp()[..., None, None]
    for k in range(added.shape[1]):
        states.append(states[-1] * keep[:, k] + added[:, k])
    return torch.stack(states, dim=1)


def step(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> Tensor:
    """One token of the recurrence, which takes `state` (B, H, P, N) on by one, in place.

    x (B, H, P), dt (B, H), b and c (B, G, N) -> y (B, H, P).
    """
    groups = b.shape[1]
    keep = (dt * a).exp()[..., None, None]
    fed = (x * dt.unsqueeze(-1)).unflatten(1, (groups, -1)).unsqueeze(-1) * b[:, :, None, None]  # (B, G, R, P, N)
    state.mul_(keep).add_(fed.flatten(1, 2))
    memory = state.view(state.shape[0], groups, -1, state.shape[-1])  # (B, G, R * P, N)
    return torch.matmul(memory, c.unsqueeze(-1)).view_as(x)
