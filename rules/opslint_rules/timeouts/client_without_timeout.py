"""Clients of databases, caches, mail servers and brokers that wait for ever."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, ClientCall, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class ClientWithoutTimeout(ProjectRule):
    """A client of something other than HTTP is made without the limit it lacks by default.

    What it finds
    -------------
    redis-py below 8 without ``socket_timeout``, psycopg2 and SQLAlchemy on libpq without ``connect_timeout``, asyncpg without
    ``command_timeout``, PyMySQL without ``read_timeout``, aio_pika, smtplib, ftplib, imaplib, paramiko, ldap3 and
    ``socket.create_connection`` without a timeout. The places of one file, or under one pinned version of the driver, are one finding.

    In production
    -------------
    When the server hangs or the network drops packets, every thread that talks to it waits for the kernel to give up, which
    takes minutes to hours.

    Bad:
        # file: app/mail.py
        import smtplib

        def send(message) -> None:
            with smtplib.SMTP("mail.internal", 25) as server:  # expect: client-without-timeout
                server.send_message(message)

    Good:
        # file: app/mail.py
        import smtplib

        def send(message) -> None:
            with smtplib.SMTP("mail.internal", 25, timeout=10) as server:
                server.send_message(message)

    Exempt
    ------
    Clients given ``**options``, a URL or DSN that carries the limit or is not known for SQL drivers, a connection pool made
    elsewhere, redis-py when no lock or requirement tells its version. In scripts and commands it is a note.

    Fix safety
    ----------
    None: the value depends on what the caller waits.

    Authority
    ---------
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """

    meta = Meta(
        "client-without-timeout",
        category="timeouts",
        severity="warning",
        confidence="medium",
        authority="https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
        summary="A client of something other than HTTP is made without the limit it lacks by default",
        help="Set the named argument, in seconds, below what your own caller waits.",
    )
    needs = (ClientCall,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each constructor; count those whose driver's version is not known."""
        for call in model.drivers.unknown_versions():
            report.silent(f"the version of {call.driver} is not known", call.loc)
        groups: dict[tuple[str, object, bool], list[ClientCall]] = {}
        for call, version in model.drivers.clients:
            script = model.handlers.is_script(call.path, call.function)
            groups.setdefault((call.driver, version or call.path, script), []).append(call)
        for (_driver, cause, script), calls in groups.items():
            self._report(calls, cause, script, report)

    def _report(self, calls: list[ClientCall], cause: object, script: bool, report: Reporter) -> None:
        first, others = calls[0], calls[1:]
        name = first.origin.replace("()", "")
        message = f"`{name}` without `{first.missing}` waits for ever when its server hangs"
        evidence = []
        if isinstance(cause, tuple):
            evidence.append((cause, "this version sets no limit by default"))
            message += f"; {len(others)} more like it" if others else ""
        else:
            message += f"; {len(others)} more in this file" if others else ""
        evidence += [(call.loc, "likewise") for call in others]
        report(at=first.loc, message=message, evidence=evidence, severity="note" if script else None)
