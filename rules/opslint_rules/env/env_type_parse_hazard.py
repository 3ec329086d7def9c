"""Values that the code cannot parse, or parses as something else than they say."""

from __future__ import annotations

from opslint.api import (
    MANIFESTS,
    NO_WORDS,
    TYPE_CHECKING,
    AlwaysTrue,
    EnvRead,
    Fix,
    Known,
    KubernetesObject,
    Mapping,
    Meta,
    ProjectRule,
    Scalar,
    SettingsClass,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, EnvEntry, Loc, Masked, Read, Reporter, Workload

_TRUE = frozenset("true 1 yes on t y".split())
_YAML_BOOLEANS = frozenset("true false yes no on off y n".split())
"""Plain scalars that YAML 1.1, which kubectl reads, takes for booleans (yaml.org/type/bool.html)."""

_NOT_JUDGED = frozenset(("test",))


class EnvTypeParseHazard(ProjectRule):
    """A value is parsed as something else than it says.

    What it finds
    -------------
    - `bool(os.getenv(…))` of a variable that a manifest sets to `false`, `0`, `no` or `off`, or whose default in the code is such a
      text (any text but the empty one is true).
    - `os.getenv(…) == "True"` (or `in (…)`, `!= "false"`) where a manifest spells it otherwise: `true`, `1`, `yes` count as off.
    - `int(…)`, `float(…)`, `env.int(…)`, `cast=int`, an `int`, `float` or `bool` field of a settings class, where a manifest sets what is no
      such thing, or nothing.
    - A number or `true`, `yes`, `on` without quotes as the value of a variable of a Kubernetes container.

    In production
    -------------
    What was switched off is on, or the other way round; or the process stops with a `ValueError` in the one environment that has the
    value; or the object is refused: `cannot unmarshal number into Go struct field EnvVar.value of type string`.

    Shape met in a real repository: `DEBUG = bool(os.environ.get("DEBUG", True))` in Django settings
    (briancaffey/django-postgres-vue-gitlab-ecs), with a manifest that says `DEBUG: "False"`.

    Bad:
        # file: app.py
        import os
        DEBUG = bool(os.environ.get("SHOP_DEBUG", ""))
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.prod.yml
        services:
          app:
            build: .
            environment:
              SHOP_DEBUG: "false" # expect: env-type-parse-hazard

    Good:
        # file: app.py
        import os
        DEBUG = os.environ.get("SHOP_DEBUG", "").lower() == "true"
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.prod.yml
        services:
          app:
            build: .
            environment:
              SHOP_DEBUG: "false"

    Exempt
    ------
    Values that are not known. Conversions inside a `try` that catches `ValueError`. Words for true and false that the reader knows
    (pydantic, `strtobool`). Environments for tests.

    Fix safety
    ----------
    Safe for a Kubernetes value: it is put into quotes. None for the rest: compare the text (`.lower() in ("1", "true", "yes", "on")`).

    Authority
    ---------
    https://docs.python.org/3/library/stdtypes.html#truth-value-testing
    """

    meta = Meta(
        "env-type-parse-hazard",
        category="env",
        severity="error",
        confidence="high",
        authority="https://docs.python.org/3/library/stdtypes.html#truth-value-testing",
        summary="A value is parsed as something else than it says",
        help="Compare the text with the values that mean true, or write a number into the manifest.",
        fix="safe",
    )
    needs = (EnvRead, SettingsClass, KubernetesObject)
    joins = (*MANIFESTS, AlwaysTrue)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge the defaults of all reads, and the values of every linked container."""
        for fact in model.facts(AlwaysTrue):
            report(
                at=fact.loc,
                message=f"`bool()` of the default `{fact.default}` of `{fact.name}` is true: any text but the empty one is",
                key=fact.name,
            )
        _unquoted(model, report)
        found: dict[Loc, tuple[EnvEntry, Read, list[Workload]]] = {}
        for service in model.services:
            for workload, container in service.runs if not service.unlinked else ():
                if {tier_of(name) for name in workload.environments} & _NOT_JUDGED:
                    continue
                scope = model.variables.resolve(workload, container)
                for read in model.variables.possible_reads_of(container)[0]:
                    binding = scope.get(read.name, ignore_case=read.ignore_case) if read.parse else None
                    if binding is None or not isinstance(binding.entry.value, Known):
                        continue
                    if _harm(read.parse, binding.entry.value.value):
                        found.setdefault(binding.entry.loc, (binding.entry, read, []))[2].append(workload)
        for loc, (entry, read, workloads) in found.items():
            harm = _harm(read.parse, entry.value.value) if isinstance(entry.value, Known) else ""
            report(
                at=loc,
                message=f"`{entry.name}` {harm}",
                evidence=[(read.loc, f"{_NOTES.get(read.parse[0], 'parsed')} here")],
                environments=sorted({name for workload in workloads for name in workload.environments}),
                key=entry.name,
                derived={path for workload in workloads for path in workload.files},
            )


_NOTES = {"=": "compared", "!": "compared"}


def _unquoted(model: DeploymentModel, report: Reporter) -> None:
    """Values of Kubernetes containers that YAML takes for a number or for true or false: the API server refuses the object."""
    found: dict[Loc, tuple[str, str, Scalar, Workload]] = {}
    for service in model.services:
        for workload, container in service.runs:
            variables = container.node.sequence("env") if workload.platform == "kubernetes" and container.node is not None else ()
            for item in variables:
                value = item.get("value") if isinstance(item, Mapping) else None
                if not isinstance(item, Mapping) or not isinstance(value, Scalar) or value.quoted:
                    continue
                text = value.masked.plain if value.masked is not None else value.text
                kind = value.masked.kind if value.masked is not None else ""
                if kind == "int" or (text or "").lower() in _YAML_BOOLEANS:
                    what = "a number" if kind == "int" or (text or "").isdigit() else "true or false"
                    found.setdefault(value.loc, (item.text("name") or "", what, value, workload))
    for loc, (name, what, value, workload) in found.items():
        info = model.files.get(value.path)
        plain = info is not None and info.kind == "kubernetes"
        fix = Fix(applicability="safe", data={}, maker="opslint.engine.fixes_yaml:quote_scalar", title="Quote the value")
        report(
            at=loc,
            message=f"`{name}` is {what} to YAML here, and the value of a variable must be text: the API server refuses the object",
            environments=workload.environments,
            key=name,
            fix=fix if plain else None,
            derived=workload.files,
        )


def _harm(parse: str, value: Masked) -> str:
    """What becomes of a value, "" when it is what it says."""
    word = (value.plain or "").lower()
    kind, _, empty = parse.partition("-or-")
    if value.kind == "empty" and (empty or kind in ("bool", "") or parse[0] in "=!"):
        return ""
    if kind == "bool":
        return "goes through `bool()` in the code, where this value is true, whatever it says" if word in NO_WORDS else ""
    if parse[0] in "=!":
        return _compared(parse, value.plain or "") if value.kind == "bool" else ""
    if kind == "flag":
        return "" if value.kind == "bool" else "is parsed as true or false in the code: with this value the process stops"
    number = value.kind == "int" or word in ("0", "1") or (kind == "float" and value.kind in ("text", "host"))
    return "" if number else f"goes through `{kind}()` in the code, where this value is no {kind}: the process stops"


def _compared(parse: str, text: str) -> str:
    """A word for true that no compared text is counts as off; a word for false that none is counts as on."""
    lowered = parse[1:2] == "~"
    texts = parse[1 + lowered :].split("|")
    if (text.lower() if lowered else text) in texts:
        return ""
    shown = ", ".join(f'"{item}"' for item in texts)
    if parse[0] == "=" and text.lower() in _TRUE:
        return f"is compared with {shown} in the code: `{text}` counts as off"
    if parse[0] == "!" and text.lower() in NO_WORDS:
        return f"is compared with {shown} in the code: `{text}` counts as on"
    return ""
