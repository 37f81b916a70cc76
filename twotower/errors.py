"""What a caller can get wrong, said so that a person can mend it. Knows no model and no page."""

from __future__ import annotations


class InputError(ValueError):
    """A value from outside is not usable. The message names the field, the value and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        shown = repr(value)
        if len(shown) > 80:
            shown = f"{shown[:38]} ... {shown[-37:]}"  # both ends: the name of a file stands at the end of its path
        super().__init__(f"{field} is {shown}; allowed: {allowed}.")


class CheckpointError(ValueError):
    """A model folder is missing something, holds too much, or holds it in the wrong shape."""


class NumericalError(ArithmeticError):
    """A pass returned NaN or infinity: the run stops rather than commit noise."""
