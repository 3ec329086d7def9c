"""Environment variables as Python code reads them, with what happens when one is missing."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import PythonDocument

    Emit = Callable[[Fact], None]


class EnvRead(Fact):
    """One read of one variable.

    `missing` says what happens when it is not set: ``raises`` (an exception at the read, or at once after it), ``none`` (None
    goes on to somewhere this file does not tell), ``handled`` (None is tested for), ``default`` (a default takes its place).
    `default` is the default's text where it may be kept, `default_kind` one of ``"" none empty harmless development secret refused
    unknown`` (``refused``: a secret that the file itself compares with and so does not put up with).
    `import_time`: read while the module is imported. `function`: qualname it stands in, else "". `how` names the reader (``os.environ``,
    ``django-environ``, ``pydantic``…); `ignore_case`: the reader takes the name in any case. `aliases`: other names that do as well.
    `guarded`: it stands under a test of the tier, of debugging or of another variable. `instead`: variables that, when set, make
    this one needless (it is a fallback of theirs, or an alternative). `noticed`: a missing one is handled, but logged as a warning or
    an error. `holder` and `slot`: what the value goes into (a dictionary, a call, an object, a class, "" for the module), with the key or name
    it has there. `parse`: ``bool int float`` where that function takes the text as it is, ``flag`` where words for true and false are
    taken and nothing else (``flag-or-empty``: or nothing), ``=True``, ``=~1|true``, ``!false`` where the text is compared with words
    for true or false (``~``: in any case), else "".
    """

    __slots__ = (
        "aliases",
        "default",
        "default_kind",
        "function",
        "guarded",
        "holder",
        "how",
        "ignore_case",
        "import_time",
        "instead",
        "missing",
        "name",
        "noticed",
        "parse",
        "slot",
    )
    aliases: list[str]
    default: str | None
    default_kind: str
    function: str
    guarded: bool
    holder: str
    how: str
    ignore_case: bool
    import_time: bool
    instead: list[str]
    missing: str
    name: str
    noticed: bool
    parse: str
    slot: str


class AlwaysTrue(Fact):
    """A read whose default ``bool()`` takes for true though it says no (``bool(os.getenv("X", "false"))``)."""

    __slots__ = ("default", "name")
    default: str
    name: str


NO_WORDS = frozenset("false 0 no off f n".split())
"""Texts that say no, in lower case."""


class EnvReader(Fact):
    """A function of the repository whose parameter becomes the name of a read.

    `position` and `param` are the parameter that holds the name, `default_param` the one that holds the default ("" when none).
    `missing` as in EnvRead for a call that gives no default. `prefix` is put before the name. `through` is the origin of another
    reader it passes the name to, else "".
    """

    __slots__ = ("default_param", "default_position", "missing", "param", "position", "prefix", "qualname", "through")
    default_param: str
    default_position: int
    missing: str
    param: str
    position: int
    prefix: str
    qualname: str
    through: str


class NamedCall(Fact):
    """A call with a literal that looks like a variable's name, to something another file may show to be a reader.

    `origin` is the callee's; `position` of the literal; `defaulted`: an argument that is no built-in type, or a ``default`` keyword, is
    given. `name` is "" for a call that names nothing. `cast` is the origin of what the text is turned into; `caught` and the rest as
    for EnvRead.
    """

    __slots__ = (
        "cast",
        "caught",
        "default",
        "default_kind",
        "defaulted",
        "function",
        "guarded",
        "import_time",
        "missing",
        "name",
        "origin",
        "position",
    )
    cast: str
    caught: bool
    default: str | None
    default_kind: str
    defaulted: bool
    function: str
    guarded: bool
    import_time: bool
    missing: str
    name: str
    origin: str
    position: int


class EnvObject(Fact):
    """An object at module level that reads variables when it is called (``env = environ.Env()``), which other files may import.

    `how` names the library; `prefix` is what it puts before every name; `scheme` are the names it has a default for.
    """

    __slots__ = ("how", "name", "prefix", "scheme")
    how: str
    name: str
    prefix: str
    scheme: list[str]


class EnvFamily(Fact):
    """Every variable whose name begins with `prefix` is read here (dynaconf, Flask, a loop over the environment); "": all of them."""

    __slots__ = ("prefix",)
    prefix: str


class EnvWrite(Fact):
    """The process sets a variable itself (``os.environ[X] = …``, ``setdefault``); `value` where it is a harmless literal."""

    __slots__ = ("name", "only_default", "value")
    name: str
    only_default: bool
    value: str | None


LITERALS = (
    "environ", "getenv", "decouple", "starlette.config", "environs", "dj_database_url", "envvar", "dynaconf", "from_prefixed_env",
)  # fmt: skip


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit reads, readers, named calls and writes."""
    from opslint.facts.env_reading import Extraction

    Extraction(document, emit).run()


def _weak(document: PythonDocument, emit: Emit) -> None:
    """In files parsed for another's sake: calls of readers and objects that other files define."""
    data = document.data
    if any(literal.encode() in data for literal in LITERALS):
        return
    from opslint.facts.env_context import Context
    from opslint.facts.env_reading import named_call, variable_of

    context = Context(document, lambda node, scope: variable_of(document, node, scope))
    star = b"import *" in data
    for site in document.calls:
        origin = site.origin
        if origin is not None and (star or "." in origin) and not origin.startswith(("logging", "typing", "str()")):
            named_call(document, site, emit, context)


EXTRACTORS = (
    Extractor("python", LITERALS, extract),
    Extractor("python", (), _weak, weak=True),
)
