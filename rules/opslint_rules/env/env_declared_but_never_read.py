"""Variables that a manifest sets under a name the code does not know."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, EnvRead, Meta, ProjectRule, SettingsClass

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, EnvEntry, Loc, Read, Reporter, Service, Workload

_MIN_WORD = 4
"""Letters of a word in which one may be wrong: shorter words (DB, URL, MIN, MAX) are different words, not misspelt ones."""

_LONG_WORD = 7
"""From this length on two letters may be wrong."""


class EnvDeclaredButNeverRead(ProjectRule):
    """A variable is set under a misspelt name.

    What it finds
    -------------
    A name that a manifest sets and no code of the repository reads, one or two letters in one word away from a name that the
    service reads and that this deployment does not set.

    In production
    -------------
    The value never arrives: the code goes on with its default, or with nothing.

    Shape met in real repositories: a manifest that sets `RATE_LIMIT_REQUEST_PER_MINUTE` for a settings class that reads
    `RATE_LIMIT_REQUESTS_PER_MINUTE` (the settings of Arcane-Fly/Z2, one letter taken away).

    Bad:
        # file: app.py
        import os
        BROKERS = os.environ.get("KAFKA_BROKERS", "")
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
              KAFKA_BROKER: kafka:9092 # expect: env-declared-but-never-read

    Good:
        # file: app.py
        import os
        BROKERS = os.environ.get("KAFKA_BROKERS", "")
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
              KAFKA_BROKERS: kafka:9092

    Exempt
    ------
    Names that any code of the repository reads. Names that differ in a digit, in a short word, or in more than one word. Names
    that nothing resembles: images read more than the code does, so those are not reported at all.

    Fix safety
    ----------
    None: either name may be the right one.

    Authority
    ---------
    https://12factor.net/config
    """

    meta = Meta(
        "env-declared-but-never-read",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://12factor.net/config",
        summary="A variable is set under a misspelt name",
        help="Use the name that the code reads.",
        status="preview",
    )
    needs = (EnvRead, SettingsClass)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare what each container gets and nothing reads with what its code reads and does not get."""
        known = {
            name.lower()
            for reads in model.variables.all_reads.by_path.values()
            for read in reads
            for name in (read.name, *read.aliases)
        }
        found: dict[Loc, tuple[EnvEntry, Read, Service, Workload]] = {}
        for service in model.services:
            for workload, container in service.runs if not service.unlinked else ():
                scope = model.variables.resolve(workload, container)
                reads = [
                    read for read in model.variables.possible_reads_of(container)[0] if not model.variables.is_set(scope, read)
                ]
                for binding in scope.bindings.values():
                    entry = binding.entry
                    if entry.origin == "ENV" or entry.name.lower() in known:
                        continue
                    meant = next((read for read in reads if is_misspelt(entry.name, read.name)), None)
                    if meant is not None:
                        found.setdefault(entry.loc, (entry, meant, service, workload))
        for loc, (entry, read, service, workload) in found.items():
            report(
                at=loc,
                message=f"`{entry.name}` is set for `{workload.name}`, but the code reads `{read.name}`, which is not set",
                evidence=[(read.loc, f"`{read.name}` is read here")],
                environments=workload.environments,
                key=entry.name,
                service=service.name,
                derived=workload.files,
            )


def is_misspelt(written: str, meant: str) -> bool:
    """Tell whether two names differ in one word, and in it by one letter (two in long words), digits aside."""
    left, right = written.upper().split("_"), meant.upper().split("_")
    if len(left) != len(right):
        return False
    differing = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    if len(differing) != 1:
        return False
    a, b = differing[0]
    short = min(len(a), len(b))
    if short < _MIN_WORD or any(char.isdigit() for char in a + b):
        return False
    return _distance(a, b) <= (2 if short >= _LONG_WORD else 1)


def _distance(a: str, b: str) -> int:
    """The number of letters inserted, removed, replaced, or swapped with their neighbour (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
