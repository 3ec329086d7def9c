"""Commands as health checks: what an exec probe requests, and the durations manifests write."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, known, unknown
from opslint.model.records import Probe

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.dockerfile import Dockerfile, Step
    from opslint.model.model import DeploymentModel

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str | None, default: float) -> float:
    """Return the seconds a Go duration (``1m30s``, ``500ms``) spells; `default` when it is missing or not understood."""
    if not text:
        return default
    total, number = 0.0, ""
    at = 0
    while at < len(text):
        char = text[at]
        if char.isdigit() or char == ".":
            number += char
            at += 1
            continue
        unit = next((unit for unit in ("ns", "us", "µs", "ms", "s", "m", "h") if text.startswith(unit, at)), None)
        if unit is None or not number or number.count(".") > 1:
            return default
        total += float(number) * _UNITS[unit]
        number = ""
        at += len(unit)
    return total if not number else default


def requested(words: list[str]) -> tuple[Value, Value]:
    """Return (path, port) of the first local URL that a command requests; (Absent, Absent) when it requests none."""
    for word in words:
        for scheme, port in (("http://", 80), ("https://", 443)):
            at = word.find(scheme)
            if at < 0:
                continue
            rest = word[at + len(scheme) :]
            end = next((i for i, char in enumerate(rest) if char in " \t\n\"'`<>|;,)("), len(rest))
            authority, slash, path = rest[:end].partition("/")
            host, _, number = authority.rpartition(":") if ":" in authority else (authority, "", "")
            if "$" in path:
                where: Value = unknown("the path holds a variable", (slash + path).partition("$")[0])
            else:
                where = known((slash + path) or "/")
            if "$" in number or (number and not number.isdigit()):
                return where, unknown("the port holds a variable")
            return (where, known(int(number) if number else port)) if host else (where, unknown("no host in the URL"))
    return ABSENT, ABSENT


def dockerfile_probes(model: DeploymentModel) -> list[Probe]:
    """Return the `HEALTHCHECK` of every Dockerfile of the project (the last one of a file counts)."""
    from opslint.facts.dockerfile import Dockerfile

    found: list[Probe] = []
    for fact in model.facts(Dockerfile):
        checks = [step for step in fact.instructions() if step.name == "HEALTHCHECK"]
        if not checks or fact.broken:
            continue
        probe = image_probe(checks[-1], fact)
        if probe is not None:
            found.append(probe)
    return found


def image_probe(step: Step, fact: Dockerfile) -> Probe | None:
    """Return the check that one `HEALTHCHECK` instruction of a Dockerfile makes; None for ``HEALTHCHECK NONE``."""
    from opslint.syntax.dockerfile import json_words

    kind, _, command = step.text.strip().partition(" ")
    command = command.strip()
    if kind.upper() != "CMD" or not command:
        return None
    words = json_words(command)
    retries = step.flag("retries")
    return exec_probe(
        words if words is not None else [command],
        shell=words is None,
        loc=fact.place(step.at),
        role="healthcheck",
        delay=seconds(step.flag("start-period"), 0.0),
        period=seconds(step.flag("interval"), 30.0),
        timeout=seconds(step.flag("timeout"), 30.0),
        failures=int(retries) if retries and retries.isdigit() else 3,
    )


def exec_probe(
    words: list[str],
    *,
    shell: bool,
    loc: Loc,
    role: str,
    delay: float,
    period: float,
    timeout: float,
    failures: int,
) -> Probe:
    """Make the record of a check that runs a command."""
    path, port = requested(words)
    return Probe(
        command=words,
        delay=delay,
        failures=failures,
        loc=loc,
        method="exec",
        path=path,
        path_loc=loc,
        period=period,
        port=port,
        role=role,
        shell=shell,
        timeout=timeout,
    )
