"""What the module instances of one root share, and how a variable is given its value."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.expression import Expression
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.terraform_directories import Directory
    from opslint.model.terraform_eval import Names
    from opslint.model.terraform_modules import ModuleInstance


class Input:
    """A value given to a variable: an expression in the names of who gives it, or a value; with its place."""

    __slots__ = ("expression", "loc", "names", "value")

    def __init__(self, loc: Loc, *, expression: Expression | None = None, names: Names | None = None, value: Value | None = None):
        self.loc = loc
        self.expression = expression
        self.names = names
        self.value = value


class Settings:
    """What all module instances of one root share: the directories, functions, the workspace and who is told of blind spots.

    `applied` is False when the root is a module that nothing in the repository calls. `elsewhere` names the root's variables whose
    value is given outside the repository (``*``: any may be), with who says so: their defaults stand for nothing.
    """

    __slots__ = ("applied", "blind", "directories", "elsewhere", "environments_of", "functions", "root", "workspace")

    def __init__(
        self,
        directories: dict[str, Directory],
        root: str,
        workspace: Value,
        functions: dict[str, Callable[[list[Value]], Value]],
        blind: Callable[[str, Loc, str], None],
        environments_of: Callable[[ModuleInstance], list[str]],
        *,
        applied: bool,
        elsewhere: dict[str, str] | None = None,
    ) -> None:
        self.applied = applied
        self.elsewhere = elsewhere or {}
        self.directories = directories
        self.root = root
        self.workspace = workspace
        self.functions = functions
        self.blind = blind
        self.environments_of = environments_of
