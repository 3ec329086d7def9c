"""Value files that are not in git, as far as the repository tells of them, and backend files that only a command names."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from opslint.facts.terraform import HclFile

EXAMPLE_ENDS = (".example", ".sample", ".template", ".tmpl", ".dist", ".tpl")
"""Endings of the copy that is in git of a value file that is not."""

MAX_EXAMPLE = 200_000
"""Bytes of such a file that are read."""


def examples(paths: Collection[str]) -> dict[str, list[str]]:
    """Return the examples of value files whose real file is not there, by directory, in order."""
    found: dict[str, list[str]] = {}
    for path in paths:
        if ".tfvars" not in path:
            continue
        directory, _, name = path.rpartition("/")
        real = _real_name(name)
        if real is not None and (f"{directory}/{real}" if directory else real) not in paths:
            found.setdefault(directory, []).append(path)
    return {directory: sorted(names) for directory, names in found.items()}


def names_given_elsewhere(files: list[str], read: Callable[[str], bytes | None]) -> dict[str, str]:
    """Return the variables that a value file outside git sets, by name: `files` are the examples in the root's directory.

    The default of such a variable is a placeholder: whoever applies the root copies the example and fills it in.
    """
    return {name: f"{path} is an example of it" for path in files for name in _attributes(path, read)}


def _real_name(name: str) -> str | None:
    """Return the file that an example stands for: ``terraform.tfvars`` of ``terraform.tfvars.example`` or ``example.tfvars``."""
    for end in EXAMPLE_ENDS:
        if name.endswith(f".tfvars{end}"):
            return name.removesuffix(end)
        if name in (f"terraform{end}.tfvars", f"{end[1:]}.tfvars"):
            return "terraform.tfvars"
    return None


def _attributes(path: str, read: Callable[[str], bytes | None]) -> list[str]:
    data = read(path)
    if data is None or len(data) > MAX_EXAMPLE:
        return []
    from opslint.syntax import hcl
    from opslint.syntax.document import ReadProblem

    try:
        document = hcl.read(data, "tfvars")
    except ReadProblem:
        return []
    names = [attribute[0] for attribute in document.body[0]]
    for line in data.decode("utf-8", "replace").splitlines():
        # Lines that are switched off show what may be set.
        word, equals, _rest = line.lstrip().lstrip("#/ ").partition("=")
        if equals and line.lstrip().startswith(("#", "//")) and word.strip().isidentifier():
            names.append(word.strip())
    return names


def read_backend_file(path: str, read: Callable[[str], bytes | None]) -> HclFile | None:
    """Return a backend file of any name (a command says what it is), None when it is not there or no backend file."""
    data = read(path)
    if data is None or len(data) > MAX_EXAMPLE:
        return None
    from opslint.facts.terraform import HclFile, clean_body
    from opslint.model.terraform_backends import is_backend_file
    from opslint.syntax import hcl
    from opslint.syntax.document import ReadProblem

    try:
        document = hcl.read(data, "hcl")
    except ReadProblem:
        return None
    attributes, blocks, is_open = clean_body(document.body)
    spans = document.places.spans
    placed = [[name, spans[at], expression] for name, at, expression in attributes]
    file = HclFile(at=0, body=[placed, blocks, is_open], dialect="hcl")
    object.__setattr__(file, "path", path)
    return file if is_backend_file(file) else None
