"""Two modules that lock each other out without knowing it."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Extractor, Fact, Meta, Option, ProjectRule

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.api import DeploymentModel, Reporter


class LockTaken(Fact):
    """A call of `acme_locks.acquire`: the lock's name, None when it is no literal. `at` is the call."""

    __slots__ = ("name",)
    name: str | None


def _extract(document: Any, emit: Callable[[Fact], None]) -> None:
    for view in document.views("calls", ("acme_locks.acquire",)):
        arguments = view.site.node.args
        name = getattr(arguments[0], "value", None) if arguments else None
        emit(LockTaken(at=document.places.add(view.loc[1]), name=name if isinstance(name, str) else None))


EXTRACTORS = (Extractor("python", ("acme_locks",), _extract),)


class LockNameUsedTwice(ProjectRule):
    """Two modules take a lock of the same name.

    What it finds:
        Calls of `acme_locks.acquire` with the same literal name in different files.

    In production:
        Locks are global in the cluster. Two jobs that chose one name by chance wait for each other, and the slower one is killed
        by its deadline.

    Bad:
        # file: jobs/report.py
        import acme_locks

        with acme_locks.acquire("nightly"):  # expect: lock-name-used-twice
            pass

        # file: jobs/cleanup.py
        from acme_locks import acquire

        acquire("nightly")

    Good:
        # file: jobs/report.py
        import acme_locks

        acme_locks.acquire("report-nightly")

        # file: jobs/cleanup.py
        import acme_locks

        acme_locks.acquire("cleanup-nightly")

    Exempt:
        Names that are no literals, several calls in one file, and the names in the option `shared`.

    Fix safety:
        There is none: which of the two is to be renamed is not known.

    Authority:
        https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
    """

    meta = Meta(
        "lock-name-used-twice",
        category="overlap",
        severity="warning",
        confidence="high",
        authority="https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
        summary="Two modules take a lock of the same name.",
        help="Start each lock's name with the job it belongs to.",
        options=(
            Option(
                "shared",
                default=[],
                schema={"type": "array", "items": {"type": "string"}},
                help="Names that several modules share on purpose.",
            ),
        ),
    )
    needs = (LockTaken,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report the last file that takes a lock which another file takes too."""
        by_name: dict[str, list[LockTaken]] = {}
        for lock in model.facts(LockTaken):
            if lock.name is None:
                report.silent("the lock's name is not known", lock.loc)
            elif lock.name not in self.options["shared"]:
                by_name.setdefault(lock.name, []).append(lock)
        for name, locks in sorted(by_name.items()):
            others = [lock for lock in locks if lock.path != locks[-1].path]
            if others:
                report(
                    at=locks[-1].loc,
                    message=f"the lock `{name}` is taken by another module too: the two wait for each other",
                    evidence=[(lock.loc, "taken here too") for lock in others],
                    key=name,
                )
