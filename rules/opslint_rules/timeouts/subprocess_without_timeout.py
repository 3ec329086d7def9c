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
    A program that hangs (a prompt, a lock, a dead network mount) holds the worker for good; a scheduled job stops running without an
    error anywhere.

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
        """Report the calls that a handler reaches, with the way there."""
        handlers = model.handlers
        for call in model.drivers.processes:
            if not call.function or handlers.is_script(call.path, call.function):
                continue
            chain = handlers.working.get((call.path, call.function))
            if chain is None:
                continue
            name = call.origin.replace("()", "")
            message = f"`{name}` without `timeout`: a child process that hangs holds this worker for good"
            started = [(call.place(call.started), "the process is started here")] if call.started is not None else []
            report(at=call.loc, message=message, evidence=[*started, *chain])
