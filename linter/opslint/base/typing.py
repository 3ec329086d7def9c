"""Typing names that cost nothing at run time: importing `typing` is 3 ms that a hook pays on every file."""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import dataclass_transform
else:

    def dataclass_transform(**_options):
        """Return the class unchanged; only type checkers read the mark."""
        return lambda cls: cls


__all__ = ["TYPE_CHECKING", "dataclass_transform"]
