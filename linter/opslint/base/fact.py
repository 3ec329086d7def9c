"""Facts: small records that one file gives and that a rule elsewhere may need.

A fact holds JSON values only (None, bool, int, float, str, and lists and string-keyed dicts of them), so
that the cache can keep facts as columns and read them back with a safe decoder. Positions are places
(`opslint.base.location`), never spans: the digest of a file's facts does not change when lines move.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar, Self

    from opslint.base.location import Loc

FACT_TYPES: dict[str, type[Fact]] = {}
"""Every imported fact class by its kind; the cache decodes through it."""


class Fact(Record):
    """Base of all facts.

    Subclasses set `__slots__` and annotate each slot. `path` is the project path of the file, filled in
    when the fact is loaded into a model (empty inside a worker); `at` is the main place.
    """

    __slots__ = ("at", "path")
    kind: ClassVar[str] = ""
    _setters: ClassVar[tuple[Callable[[Any, Any], None], ...]] = ()
    at: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.FIELDS = tuple(name for name in cls.FIELDS if name != "path")
        cls.kind = f"{cls.__module__}:{cls.__qualname__}"
        cls._setters = ()
        FACT_TYPES[cls.kind] = cls

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        object.__setattr__(self, "path", "")

    if TYPE_CHECKING:

        @property
        def path(self) -> str:
            """The project path of the file this fact was taken from."""

    @property
    def loc(self) -> Loc:
        """Where the fact stands, for `report(at=…)` and evidence."""
        return (self.path, self.at)

    def place(self, at: int) -> Loc:
        """Return another place of the same file (a field of the fact that holds a place)."""
        return (self.path, at)

    @classmethod
    def load(cls, path: str, values: Iterable[Any]) -> Self:
        """Make a fact of `path` from field values in `FIELDS` order (as the cache keeps them)."""
        if not cls._setters:
            cls._setters = tuple(getattr(cls, name).__set__ for name in cls.FIELDS)
        fact = cls.__new__(cls)
        _set_path(fact, path)
        for set_, value in zip(cls._setters, values, strict=True):
            set_(fact, value)
        return fact


_set_path: Callable[[Fact, str], None] = Fact.__dict__["path"].__set__
