"""Where Python code reads a dotenv file at run time, and whether what is in it wins over what the platform has set."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, ClassInfo, PythonDocument
    from opslint.syntax.python_scope import Block


class DotenvLoad(Fact):
    """One call that reads a dotenv file.

    `loader`: the origin called. `file`: the name it is given, as far as it is a literal ("": none, the loader looks for ``.env``).
    `overrides`: values of the file replace those of the environment. `guarded`: a condition other than that the file exists
    stands before it. `function`: "" on import.
    """

    __slots__ = ("file", "function", "guarded", "loader", "overrides")
    file: str
    function: str
    guarded: bool
    loader: str
    overrides: bool


LOADERS: dict[str, tuple[int | None, str, int | None, str]] = {
    "dotenv.load_dotenv": (0, "dotenv_path", 3, "override"),
    "dotenv.main.load_dotenv": (0, "dotenv_path", 3, "override"),
    "environ.Env.read_env": (0, "env_file", 1, "overwrite"),
    "environ.Env().read_env": (0, "env_file", 1, "overwrite"),
    "environs.Env().read_env": (0, "path", 3, "override"),
    "environs.Env.read_env": (0, "path", 3, "override"),
    "decouple.RepositoryEnv": (0, "source", None, ""),
    "starlette.config.Config": (0, "env_file", None, ""),
    "pydantic_settings.SettingsConfigDict": (None, "env_file", None, ""),
    "pydantic_settings.DotEnvSettingsSource": (1, "env_file", None, ""),
}
"""Origin → position and name of the file, position and name of the argument that makes it win (each library's reference)."""

_NEEDS_FILE = frozenset(("starlette.config.Config", "pydantic_settings.SettingsConfigDict"))
"""Origins that read a file only where they are given one."""

_VALUES = ("dotenv.dotenv_values", "dotenv.main.dotenv_values")
_EXISTENCE = frozenset(("exists", "is_file", "isfile", "find_dotenv"))


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit the loads of one file."""
    for info in document.classes:
        if info.qualname.rpartition(".")[2] == "Config":
            _config(document, info, emit)
    for site in document.calls:
        if site.origin in LOADERS:
            _load(document, site, emit)
        elif site.origin in ("os.environ.update", "environ.update"):
            for argument in site.node.args:
                if isinstance(argument, _ast.Call) and document.origin(argument.func, site.scope) in _VALUES:
                    given = argument.args[0] if argument.args else None
                    _emit(document, site, emit, "dotenv.dotenv_values", text(document, given, site.scope) or "", overrides=True)


def _config(document: PythonDocument, info: ClassInfo, emit: Callable[[Fact], None]) -> None:
    """The inner ``class Config`` of a pydantic settings class that names an ``env_file``."""
    for statement in info.node.body:
        target = statement.targets[0] if isinstance(statement, _ast.Assign) else None
        if not isinstance(statement, _ast.Assign) or not isinstance(target, _ast.Name) or target.id != "env_file":
            continue
        file = text(document, statement.value, info.scope)
        if file:
            at = document.place(statement)
            emit(DotenvLoad(at=at, file=file[:200], function="", guarded=False, loader="pydantic.BaseSettings", overrides=False))


def _load(document: PythonDocument, site: CallSite, emit: Callable[[Fact], None]) -> None:
    origin = site.origin or ""
    position, name, override_at, override = LOADERS[origin]
    file = site.argument(position, name) if position is not None else site.keyword(name)
    if origin in _NEEDS_FILE and (file is None or (isinstance(file, _ast.Constant) and file.value is None)):
        return
    wins = site.argument(override_at, override) if override_at is not None else None
    _emit(document, site, emit, origin, _file(document, site, file), overrides=document.constant(wins, site.scope) is True)


def _file(document: PythonDocument, site: CallSite, node: _ast.expr | None) -> str:
    """Return the last literal part of a path expression: ``".env"`` of ``BASE / ".env"``, ``os.path.join(ROOT, ".env")``."""
    for _ in range(8):
        if isinstance(node, _ast.BinOp):
            node = node.right
        elif isinstance(node, _ast.Call) and node.args:
            node = node.args[-1]
        elif isinstance(node, _ast.Name) and text(document, node, site.scope) is None:
            home = site.scope.lookup(node.id)
            bound = home[1][0].node if home is not None and len(home[1]) == 1 else None
            if not isinstance(bound, _ast.expr):
                break
            node = bound
        else:
            break
    return text(document, node, site.scope) or "" if node is not None else ""


def _emit(
    document: PythonDocument, site: CallSite, emit: Callable[[Fact], None], loader: str, file: str, *, overrides: bool
) -> None:
    guarded = any(_is_guard(block) for block in site.block.up())
    emit(
        DotenvLoad(
            at=document.place(site.node),
            file=file[:200],
            function=function_of(site.scope),
            guarded=guarded,
            loader=loader,
            overrides=overrides,
        )
    )


def _is_guard(block: Block) -> bool:
    """Tell whether a block is entered under another condition than that a file is there."""
    if block.kind == "else":
        return True
    if block.kind != "if" or not isinstance(block.node, _ast.If):
        return False
    test = block.node.test
    return not (
        (isinstance(test, _ast.Call) and isinstance(test.func, _ast.Attribute | _ast.Name) and _called(test.func) in _EXISTENCE)
        or (isinstance(test, _ast.NamedExpr) and isinstance(test.value, _ast.Call) and _called(test.value.func) in _EXISTENCE)
    )


def _called(node: _ast.expr) -> str:
    return node.attr if isinstance(node, _ast.Attribute) else node.id if isinstance(node, _ast.Name) else ""


EXTRACTORS = (
    Extractor("python", ("load_dotenv", "read_env", "dotenv_values", "env_file", "RepositoryEnv", "starlette.config"), extract),
)
