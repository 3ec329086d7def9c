"""What a kustomize build is made of: the result, refusals, and objects with the names they had on the way."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.kustomize_transforms import NameReference


class Built(Record):
    """What ``kustomize build`` of a directory gives. `open_reasons`: parts that are not in the repository."""

    __slots__ = ("files", "namespace", "objects", "open_reasons")
    files: list[str]
    namespace: str
    objects: list[Mapping]
    open_reasons: list[tuple[str, Loc]]


class Refused(Record):
    """Why ``kustomize build`` of `directory` ends with an error (a component: of what includes it)."""

    __slots__ = ("directory", "loc", "message")
    directory: str
    loc: Loc
    message: str


class Item:
    """An object on its way through a build, with the names and namespaces it had before: each of them still identifies it."""

    __slots__ = ("names", "node", "spaces")

    def __init__(self, node: Mapping, names: tuple[str, ...] = (), spaces: tuple[str, ...] = ()) -> None:
        self.node = node
        self.names = names
        self.spaces = spaces

    @property
    def name(self) -> str:
        """Its name now."""
        return self.node.text("metadata", "name") or ""

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.node.text("kind") or ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What no second object of a build may have."""
        space = self.node.text("metadata", "namespace") or ""
        return (self.node.text("apiVersion") or "", self.kind, "" if space == "default" else space, self.name)


class Build:
    """A build on its way."""

    __slots__ = ("files", "objects", "open_reasons", "references", "there")

    def __init__(self) -> None:
        self.references: list[NameReference] = []  # of `configurations`, its own and those of what it is built on
        self.there: set[tuple[str, ...]] | None = None  # identities of `objects`, once they were asked for
        self.files: dict[str, None] = {}
        self.objects: list[Item] = []
        self.open_reasons: list[tuple[str, Loc]] = []
