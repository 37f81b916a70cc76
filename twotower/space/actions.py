"""What a deployment does, step by step: each step is said in words, and carried out with the Hub's own client."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_OURS = "TWOTOWER_"  # a Space may have variables that are none of our business
_HUBS = (".gitattributes",)  # the Hub's own: it says which files are large


class Action(Protocol):
    """A step of a deployment."""

    def said(self) -> str:
        """What it does, in a line or several."""

    def carry_out(self, api: HfApi) -> None:
        """Do it. Raises what the Hub's client raises."""


@dataclass(frozen=True)
class File:
    """A file of the Space with its contents."""

    name: str
    content: bytes

    @property
    def said(self) -> str:
        """Its SHA-256, its size in bytes and its name."""
        return f"{hashlib.sha256(self.content).hexdigest()} {len(self.content):>10} {self.name}"


@dataclass(frozen=True)
class CreateSpace:
    """A Space of this name on this hardware. One that is there already is kept as it is."""

    repo: str
    sdk: str
    hardware: str

    def said(self) -> str:
        """One line."""
        return f"create the Space {self.repo} (sdk {self.sdk}, hardware {self.hardware}) if it is not there yet"

    def carry_out(self, api: HfApi) -> None:
        """With its hardware at once: free accounts may have some kinds of it and no others."""
        api.create_repo(
            self.repo,
            repo_type="space",
            space_sdk=self.sdk,
            space_hardware=self.hardware,  # type: ignore[arg-type]  # the client takes the name as well
            exist_ok=True,
        )


@dataclass(frozen=True)
class SetVariables:
    """The variables of the profile, and no others of ours: one left from another profile would still steer the app."""

    repo: str
    variables: tuple[tuple[str, str], ...]

    def said(self) -> str:
        """A line for each variable."""
        lines = [f"set the variable {name}={value}" for name, value in self.variables]
        return "\n".join([*lines, f"remove every other variable {_OURS}*"])

    def carry_out(self, api: HfApi) -> None:
        """Remove, then set."""
        wanted = dict(self.variables)
        for name in api.get_space_variables(self.repo):
            if name.startswith(_OURS) and name not in wanted:
                api.delete_space_variable(self.repo, name)
        for name, value in wanted.items():
            api.add_space_variable(self.repo, name, value)


@dataclass(frozen=True)
class CommitFiles:
    """One commit, after which the Space holds exactly these files."""

    repo: str
    message: str
    files: tuple[File, ...]

    def said(self) -> str:
        """A line, then one for each file."""
        size = sum(len(file.content) for file in self.files)
        head = f"commit {len(self.files)} files ({size} bytes) as {self.message!r}; what else is there is deleted"
        return "\n".join([head, *(f"  {file.said}" for file in self.files)])

    def carry_out(self, api: HfApi) -> None:
        """The client uploads large files first and sends only what changed."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        names = {file.name for file in self.files}
        there = api.list_repo_files(self.repo, repo_type="space")
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationDelete(name) for name in there if name not in names and name not in _HUBS
        ]
        operations += [CommitOperationAdd(file.name, file.content) for file in self.files]
        api.create_commit(self.repo, operations, commit_message=self.message, repo_type="space")


@dataclass(frozen=True)
class RequestHardware:
    """The hardware of the profile, for a Space that was there before on another."""

    repo: str
    hardware: str
    sleep_seconds: int | None
    billed: bool

    def said(self) -> str:
        """One line, which says where it costs money."""
        asleep = f", asleep after {self.sleep_seconds} s without a visitor" if self.sleep_seconds else ""
        cost = " (billed by the minute while it runs)" if self.billed else ""
        return f"request the hardware {self.hardware}{cost}{asleep}"

    def carry_out(self, api: HfApi) -> None:
        """Ask for it."""
        api.request_space_hardware(self.repo, self.hardware, sleep_time=self.sleep_seconds)  # type: ignore[arg-type]
