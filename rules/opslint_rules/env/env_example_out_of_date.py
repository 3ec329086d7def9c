"""Example files that do not name what the code cannot do without."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, DotenvFile, EnvRead, Fix, Known, Meta, ProjectRule, SettingsClass, is_example

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Read, Reporter

_MOST_SHOWN = 8
"""Reads shown as evidence."""

_MOST_NAMED = 4
"""Names spelled out in the message."""


class EnvExampleOutOfDate(ProjectRule):
    """The example of the variables lacks one that the code needs.

    What it finds
    -------------
    A `.env.example` (or `.env.sample`, `.env.template`, `env.dist`…) beside or above the code of a service, in which a variable does
    not occur, not even in a comment, that the service reads without a default, or whose absence it logs as a warning or an error.

    In production
    -------------
    The list that a new environment is set up from is not the list that the code needs. The variable is found out about when the
    process does not start, or, where its absence is only logged, when what it switches on has long been missing.

    Shape seen in: Aashish-vinay-vasala/CivilAI, whose backend's example still names `SUPABASE_KEY` where the settings read
    `SUPABASE_SECRET_KEY`; Aesgard-lab/New_crm (a bucket for backups whose absence is only logged).

    Bad:
        # file: .env.example
        MODE=fast # expect: env-example-out-of-date
        # file: app.py
        import os
        API_URL = os.environ["API_URL"]
        MODE = os.environ["MODE"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.yml
        services:
          app:
            build: .
            environment:
              MODE: fast

    Good:
        # file: .env.example
        MODE=fast
        # API_URL=https://…
        # file: app.py
        import os
        API_URL = os.environ["API_URL"]
        MODE = os.environ["MODE"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.yml
        services:
          app:
            build: .
            environment:
              MODE: fast

    Exempt
    ------
    Names that occur anywhere in the example files or the README of the directory. Variables that a compose file sets to a
    value, that the code or the platform sets, or that another variable stands in for. Reads under a test of the tier or of another
    variable. Code that no start command reaches. Examples that name nothing of what the code reads: they are for something else.
    Names in the example that nothing reads: images and other languages read them too.

    Fix safety
    ----------
    Safe: `NAME=` is appended to the example; nothing that runs reads it.

    Authority
    ---------
    https://12factor.net/config
    """

    meta = Meta(
        "env-example-out-of-date",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://12factor.net/config",
        summary="The example of the variables lacks one that the code needs",
        help="Add the name to the example file, with a harmless value or none.",
        fix="safe",
    )
    needs = (EnvRead, SettingsClass)
    joins = (DotenvFile,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge the example of every directory against the code that is nearest to it."""
        examples: dict[str, list[DotenvFile]] = {}
        for fact in model.facts(DotenvFile):
            if is_example(fact.path):
                examples.setdefault(fact.path.rpartition("/")[0], []).append(fact)
        if not examples:
            return
        texts = {directory: _documented(model, directory, found) for directory, found in examples.items()}
        wanted: dict[str, dict[str, list[Read]]] = {}
        judged: dict[str, list[Read]] = {}
        for read, given in _reached(model).values():
            directory = _nearest(read.loc[0], examples)
            if directory is None:
                continue
            judged.setdefault(directory, []).append(read)
            # An alternative that is named will do for what is required; what is only logged is to be known of by its own name.
            names = {read.name, *read.aliases, *(read.instead if read.required else ())}
            documented = any(_occurs(name, texts[directory]) for name in names)
            if not given and not documented and _is_needed(model, read):
                wanted.setdefault(directory, {}).setdefault(read.name, []).append(read)
        for directory, found in sorted(wanted.items()):
            if not any(_occurs(read.name, texts[directory]) for read in judged[directory]):
                report.silent("the example names nothing that the code reads", examples[directory][0].loc)
                continue
            _report(examples[directory], found, report)


def _is_needed(model: DeploymentModel, read: Read) -> bool:
    if read.guarded or read.name in model.settings.optional_env or read.name in model.settings.platform_env:
        return False
    return read.required or read.noticed


def _reached(model: DeploymentModel) -> dict[tuple[Loc, str], tuple[Read, bool]]:
    """Reads that some start command reaches, each with whether a compose file, the code itself or the platform gives the variable."""
    found: dict[tuple[Loc, str], tuple[Read, bool]] = {}
    for service in model.services:
        for workload, container in service.runs if not service.unlinked else ():
            scope = model.variables.resolve(workload, container)
            reads, files = model.variables.possible_reads_of(container)
            written = {write.name for path in files for write in model.variables.all_reads.writes.get(path, ())}
            for read in reads:
                binding = scope.get(read.name, ignore_case=read.ignore_case)
                given = read.name in written or model.variables.is_platform(scope.platform, read)
                if binding is not None:
                    # What compose takes from the host (`${X}`) must come from a copy of the example.
                    written_out = workload.platform == "compose" and isinstance(binding.entry.value, Known)
                    given = given or binding.entry.origin == "ENV" or written_out
                before = found.get((read.loc, read.name))
                found[read.loc, read.name] = (read, given or (before is not None and before[1]))
    return found


def _documented(model: DeploymentModel, directory: str, examples: list[DotenvFile]) -> str:
    """The text of the examples of a directory and of its README."""
    prefix = f"{directory}/" if directory else ""
    paths = [fact.path for fact in examples]
    paths.extend(path for path in model.files if path.lower() == f"{prefix}readme.md".lower())
    return "\n".join(data.decode("utf-8", "replace") for path in paths if (data := model.read(path)) is not None)


def _nearest(path: str, examples: dict[str, list[DotenvFile]]) -> str | None:
    """The directory with an example that a file is in or nearest below."""
    directory = path.rpartition("/")[0]
    while directory not in examples:
        if not directory:
            return None
        directory = directory.rpartition("/")[0]
    return directory


def _occurs(name: str, text: str) -> bool:
    """Tell whether a name stands in a text as a word."""
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(name) : at + len(name) + 1]
        if not (before.isalnum() or before == "_" or after.isalnum() or after == "_"):
            return True
        at = text.find(name, at + 1)
    return False


def _report(examples: list[DotenvFile], found: dict[str, list[Read]], report: Reporter) -> None:
    example = min(examples, key=lambda fact: (len(fact.path), fact.path))
    names = sorted(found)
    listed = ", ".join(f"`{name}`" for name in names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    required = [name for name in names if any(read.required for read in found[name])]
    evidence = [
        (read.loc, f"`{name}` is read here" + ("" if read.required else "; its absence is only logged"))
        for name in sorted(names, key=lambda name: name not in required)
        for read in found[name][:1]
    ]
    consequence = "the process fails without" if required else "the code complains without"
    report(
        at=example.place(example.entries[-1][1]) if example.entries else example.loc,
        message=f"{example.path.rpartition('/')[2]} does not name {listed}{more}: {consequence} {'them' if len(names) > 1 else 'it'}",
        evidence=evidence[:_MOST_SHOWN],
        severity=None if required else "note",
        fix=Fix(
            applicability="safe",
            data={"names": list(names)},
            maker="opslint.engine.fixes_dotenv:append_names",
            title="Append " + ", ".join(f"{name}=" for name in names[:_MOST_NAMED]) + more,
        ),
        derived={read.loc[0] for reads in found.values() for read in reads},
    )
