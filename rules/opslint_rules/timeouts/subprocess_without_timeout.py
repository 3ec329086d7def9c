"""Child processes that a request or a task waits for without a limit."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProcessCall, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class SubprocessWithoutTimeout(ProjectRule):
    """A request handler, a task or a cloud function waits for a child process without a limit.

    What it finds
    -------------
    ``subprocess.run``, ``call``, ``check_call``, ``check_output``, ``Popen.wait`` and ``Popen.communicate`` without ``timeout`` in code that a
    route, a task, a signal receiver or a cloud function reaches.

    In production
    -------------
    A program that hangs (a prompt, a lock, a dead network mount) holds the worker; a scheduled job stops running without an error
    anywhere. Where every caller has a limit of its own (a task's time limit, a Lambda timeout, gunicorn's or uWSGI's), that ends it: a note
    that names it.

    Bad:
        # file: app/tasks.py
        import subprocess
        from celery import shared_task

        @shared_task
        def backup() -> None:
            subprocess.run(["pg_dump", "app"], check=True)  # expect: subprocess-without-timeout

    Good:
        # file: app/tasks.py
        import subprocess
        from celery import shared_task

        @shared_task
        def backup() -> None:
            subprocess.run(["pg_dump", "app"], check=True, timeout=1800)

    Exempt
    ------
    Scripts, commands, build tools, and code that no handler is known to reach.

    Fix safety
    ----------
    None: only you know how long the program may take.

    Authority
    ---------
    https://docs.python.org/3/library/subprocess.html#subprocess.run
    """

    meta = Meta(
        "subprocess-without-timeout",
        category="timeouts",
        severity="warning",
        confidence="medium",
        authority="https://docs.python.org/3/library/subprocess.html#subprocess.run",
        summary="A request handler, a task or a cloud function waits for a child process without a limit",
        help="Pass `timeout=` and handle `subprocess.TimeoutExpired`.",
    )
    needs = (ProcessCall,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report the calls that a handler reaches, with the way there; those of one function are one finding."""
        handlers = model.handlers
        found: dict[tuple[str, str], list[ProcessCall]] = {}
        for call in model.drivers.processes:
            if call.function and not handlers.is_script(call.path, call.function):
                found.setdefault((call.path, call.function), []).append(call)
        for key, calls in found.items():
            chain = handlers.working.get(key)
            if chain is None:
                continue
            first = calls[0]
            name = first.origin.replace("()", "")
            evidence = [(first.place(first.started), "the process is started here")] if first.started is not None else []
            evidence += chain
            evidence += [(call.loc, "likewise") for call in calls[1:]]
            bound = model.waits.bound(*key)
            if bound is None:
                harm = "a child process that hangs holds this worker with it"
            else:
                harm = f"while the child process hangs, only {bound.label}, ends the wait"
                evidence += [(bound.loc, "the limit is set here")] if bound.loc is not None else []
            report(
                at=first.loc,
                message=f"`{name}` without `timeout`: {harm}",
                evidence=evidence,
                severity=None if bound is None else "note",
            )
