"""What is known of released models that their files do not say: which revision is right, under which names.

Knows names and numbers; asks nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from twotower.model.configuration import TwoTowerConfig


@dataclass(frozen=True)
class Release:
    """A model that somebody released on the Hugging Face Hub."""

    name: str  # of what is kept for it in assets/
    repository: str
    former_names: tuple[str, ...]  # the Hub redirects them to the repository
    revision: str  # what is taken if nobody asks for another: a full commit id, nothing moves under our feet
    mended_by: str  # how the id of the commit begins that a revision needs in its history
    shape: tuple[str, int, int]  # layer pattern, hidden size, vocabulary: no two releases share it

    def has_name(self, repository: str) -> bool:
        """Whether the Hub finds this release under that name; it does not mind capitals."""
        return repository.casefold() in {name.casefold() for name in (self.repository, *self.former_names)}


# The commit that mended the denoiser is a203471: adaLN on the right side of the norms, attention in both directions
# within a block, a scan block by block, a float64 router. b348e21 is the full id known to hold it: its model card was
# last changed by a203471. The repository was called Nemotron-TwoTower at that time, which its card still says there.
RELEASES = (
    Release(
        name="nemotron-labs-twotower-30b-a3b",
        repository="nvidia/Nemotron-Labs-TwoTower-30B-A3B-Base-BF16",
        former_names=("nvidia/Nemotron-TwoTower-30B-A3B-Base-BF16",),
        revision="b348e21071a32391f3203ea2d1dc50b85b943c1d",
        mended_by="a203471",
        shape=("MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME", 2688, 131072),
    ),
)


def release_named(repository: str) -> Release | None:
    """The release that the Hub keeps under this owner/name."""
    return next((release for release in RELEASES if release.has_name(repository)), None)


def release_shaped(config: TwoTowerConfig) -> Release | None:
    """The release whose shape this is, wherever its files came from."""
    shape = (config.hybrid_override_pattern, config.hidden_size, config.vocab_size)
    return next((release for release in RELEASES if release.shape == shape), None)
