"""What one job, script or Makefile target gives to Terraform for one directory, with the names that stand for an environment filled in.

A command such as ``terraform -chdir=infra/$(APP) apply -var env=$(ENV)`` after ``init -backend-config=$(ENV).tfbackend`` says for each
``<env>.tfbackend`` there is what `env` is: the files of the repository fill the holes of the texts.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.terraform_runs import TerraformRun

MAX_HOLES = 4
"""Holes of one text that are filled."""

NO_VALUES = ("validate", "fmt", "version", "output", "show", "state", "providers", "graph", "login", "force-unlock")
"""Subcommands that evaluate nothing."""

APPLIES = frozenset("plan apply destroy import refresh run run-all".split())


class Session(Record):
    """The commands of one session for one directory (a text that may have holes). Texts of `var_files`, `backend_files`, `variables`,
    `settings`, `workspace` and `target` may have holes too. `applies`: something is planned or applied; `loc` is where the first of the
    commands stands.
    """

    __slots__ = (
        "applies",
        "backend_files",
        "choices",
        "directory",
        "environ",
        "loc",
        "settings",
        "target",
        "var_files",
        "variables",
        "workspace",
    )
    applies: bool
    backend_files: list[str]
    choices: dict[str, list[str]]
    directory: str
    environ: dict[str, tuple[Value, Loc]]
    loc: Loc
    settings: dict[str, str]
    target: str
    var_files: list[str]
    variables: dict[str, tuple[str, Loc]]
    workspace: str

    def filled(self, values: dict[str, str]) -> Session:
        """Return the session with holes filled."""
        return self.replace(
            backend_files=[fill(text, values) for text in self.backend_files],
            environ={name: (_filled(value, values), loc) for name, (value, loc) in self.environ.items()},
            settings={name: fill(text, values) for name, text in self.settings.items()},
            target=fill(self.target, values),
            var_files=[fill(text, values) for text in self.var_files],
            variables={name: (fill(text, values), loc) for name, (text, loc) in self.variables.items()},
            workspace=fill(self.workspace, values),
        )

    def bindings(self, candidates: Iterable[str]) -> list[dict[str, str]]:
        """Return what the files among `candidates` say about the holes of the file names; one empty answer where there are none."""
        templates = [text for text in (*self.var_files, *self.backend_files) if holes(text)]
        found: list[dict[str, str]] = []
        for template in templates:
            for path in candidates:
                values = matched(template, path)
                if values is not None and values not in found:
                    found.append(values)
        return found or [{}]

    def chosen(self, is_environment: Callable[[str], bool]) -> list[dict[str, str]]:
        """Return the values of the first matrix entry or input in the commands that names environments; one empty answer without one."""
        texts = [*self.var_files, *self.backend_files, self.workspace, self.target, *self.settings.values()]
        texts += [text for text, _loc in self.variables.values()]
        texts += [
            value.value for value, _loc in self.environ.values() if isinstance(value, Known) and isinstance(value.value, str)
        ]
        for text in texts:
            for name in holes(text):
                if any(is_environment(choice) for choice in self.choices.get(name, ())):
                    return [{name: choice} for choice in self.choices[name]]
        return [{}]


def sessions(runs: list[TerraformRun]) -> list[Session]:
    """Group the commands by session and directory, in order. Commands for different environments in one session stay apart."""
    groups: dict[tuple[str, str], list[TerraformRun]] = {}
    for run in runs:
        if run.verb in NO_VALUES:
            continue
        groups.setdefault((run.session, run.directory), []).append(run)
    out: list[Session] = []
    for found in groups.values():
        whole = _session(found)
        several = len({run.workspace for run in found if run.workspace}) > 1 or _repeats(found)
        out.extend([_session([run]) for run in found] if several else [whole])
    return out


def _repeats(runs: list[TerraformRun]) -> bool:
    """Whether the commands give one variable, or one subcommand, different values: they are for different environments."""
    given: dict[str, str] = {}
    for run in runs:
        pairs = [*run.variables.items(), *((f"{run.verb} -var-file", " ".join(run.var_files)) for _once in (1,) if run.var_files)]
        pairs.extend((f"{run.verb} -backend-config", " ".join(run.backend_files)) for _once in (1,) if run.backend_files)
        for name, text in pairs:
            if given.setdefault(name, text) != text:
                return True
    return False


def _session(runs: list[TerraformRun]) -> Session:
    first = runs[0]
    var_files: list[str] = []
    backend_files: list[str] = []
    settings: dict[str, str] = {}
    variables: dict[str, tuple[str, Loc]] = {}
    environ: dict[str, tuple[Value, Loc]] = {}
    for run in runs:
        var_files.extend(path for path in run.var_files if path not in var_files)
        backend_files.extend(path for path in run.backend_files if path not in backend_files)
        settings.update(run.settings)
        variables.update({name: (text, run.loc) for name, text in run.variables.items()})
        environ.update(run.environ)
    return Session(
        applies=any(run.verb in APPLIES for run in runs),
        backend_files=backend_files,
        choices=first.choices,
        directory=first.directory,
        environ=environ,
        loc=first.loc,
        settings=settings,
        target=first.target,
        var_files=var_files,
        variables=variables,
        workspace=next((run.workspace for run in runs if run.workspace), ""),
    )


def parts_of(text: str) -> list[tuple[str, bool]]:
    """Split a text at ``${{ x }}``, ``${x}``, ``$(x)`` and ``$x``: pairs of a literal or the name in a hole, and whether it is a hole."""
    out: list[tuple[str, bool]] = []
    rest = text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        if before:
            out.append((before, False))
        if rest.startswith("{{"):
            name, _, rest = rest[2:].partition("}}")
        elif rest.startswith(("{", "(")):
            name, _, rest = rest[1:].partition("}" if rest[0] == "{" else ")")
        else:
            end = next((at for at, char in enumerate(rest) if not (char.isalnum() or char == "_")), len(rest))
            name, rest = rest[:end], rest[end:]
            if not name and rest[:1] == "*":
                name, rest = "*", rest[1:]
        out.append((name.strip(), True))
    if rest:
        out.append((rest, False))
    return out


def holes(text: str) -> list[str]:
    """Return the names in the holes of a text."""
    return [name for name, hole in parts_of(text) if hole]


def fill(text: str, values: dict[str, str]) -> str:
    """Fill the holes that `values` names; the others stay as they are written."""
    if "$" not in text:
        return text
    return "".join(values.get(part, f"${{{part}}}") if hole else part for part, hole in parts_of(text))


def _filled(value: Value, values: dict[str, str]) -> Value:
    return known(fill(value.value, values)) if isinstance(value, Known) and isinstance(value.value, str) else value


def given_value(value: Value, what: str) -> Value:
    """Return what a variable of the environment says: one that still has a hole is not known."""
    return text_value(value.value, what) if isinstance(value, Known) and isinstance(value.value, str) else value


def matched(template: str, path: str) -> dict[str, str] | None:
    """Return what the holes of `template` hold when it stands for `path`; a hole never holds a slash. None when it does not fit."""
    parts = parts_of(template)
    names = [part for part, hole in parts if hole]
    if not names:
        return {} if template == path else None
    if len(names) > MAX_HOLES:
        return None
    import re

    pattern = ""
    seen: list[str] = []
    for part, hole in parts:
        if not hole:
            pattern += re.escape(part)
        elif part in seen:
            pattern += f"(?P=h{seen.index(part)})"
        else:
            pattern += f"(?P<h{len(seen)}>[^/]+?)"
            seen.append(part)
    found = re.fullmatch(pattern, path)
    return {name: found[f"h{number}"] for number, name in enumerate(seen)} if found else None


def text_value(text: str, what: str) -> Value:
    """Return what a text of a command line says: Known when it is whole and no structure."""
    if "$" in text or "***" in text or "`" in text:
        return unknown(f"{what} is given as {text}")
    if text.startswith(("[", "{", "<")):
        return unknown(f"{what} is given as a structure")
    from opslint.base.masking import mask
    from opslint.base.opaque import is_identity

    return known(text) if is_identity(text) else known(mask(text))


def plain_text(value: Value) -> str:
    """Return a known plain text, or the one word that may be kept of a masked one (a tier); else ""."""
    if not isinstance(value, Known):
        return ""
    if isinstance(value.value, str):
        return value.value
    name = getattr(value.value, "name", "")
    return name if isinstance(name, str) and " " not in name else ""
