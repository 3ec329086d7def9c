"""What a compose service says of its container besides variables: command words, ports, health check, mounts."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.model.paths import directory_of, join
from opslint.model.probes import exec_probe, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.tree import Node
    from opslint.model.compose_names import Names
    from opslint.model.records import Probe, Workload


def command_words(node: Node | None, names_at: Callable[[str], Names]) -> list[str] | None:
    """Return the words of `command` or `entrypoint`; a string is split like a shell splits words, and run by none."""
    if isinstance(node, Sequence):
        return [names_at(item.path).text(item.text)[2] for item in node.items if isinstance(item, Scalar)]
    if isinstance(node, Scalar) and not node.is_null:
        from opslint.syntax.shell_words import Lexer

        text = names_at(node.path).text(node.text)[2]
        return [token.text for token in Lexer(text).run() if token.text != "\n"]
    return None


def ports_of(body: Mapping, names_at: Callable[[str], Names]) -> dict[str, int]:
    """Return the ports the container listens on, by their number as text."""
    ports: dict[str, int] = {}
    for item in [*body.sequence("ports"), *body.sequence("expose")]:
        if isinstance(item, Mapping):
            text = item.text("target") or ""
        else:
            text = names_at(item.path).text(item.text)[2] if isinstance(item, Scalar) else ""
            text = (text.rpartition("/")[0] or text).rpartition(":")[2]
        if text.isdigit():
            ports[text] = int(text)
    return ports


def probes_of(body: Mapping, names_at: Callable[[str], Names]) -> list[Probe]:
    """Return the health check of a service, with Docker's defaults; none where it is switched off."""
    check = body.mapping("healthcheck")
    test = check.get("test") if check is not None else None
    if check is None or test is None or check.text("disable") in ("true", "True", "yes"):
        return []
    words = (
        [names_at(item.path).text(item.text)[2] for item in test.items if isinstance(item, Scalar)]
        if isinstance(test, Sequence)
        else []
    )
    shell = False
    if isinstance(test, Scalar):
        words, shell = [names_at(test.path).text(test.text)[2]], True
    elif words[:1] == ["CMD-SHELL"]:
        words, shell = words[1:], True
    elif words[:1] == ["CMD"]:
        words = words[1:]
    if not words or words == ["NONE"]:
        return []
    retries = check.text("retries")
    return [
        exec_probe(
            words,
            shell=shell,
            loc=test.loc,
            role="healthcheck",
            # Defaults of Docker: 30 s interval and timeout, 3 retries (docs.docker.com/reference/dockerfile, HEALTHCHECK).
            delay=seconds(check.text("start_period"), 0.0),
            period=seconds(check.text("interval"), 30.0),
            timeout=seconds(check.text("timeout"), 30.0),
            failures=int(retries) if retries and retries.isdigit() else 3,
        )
    ]


def mounts_source(workload: Workload) -> bool:
    """Tell whether a service mounts (part of) its own build context over the image's files."""
    container = workload.containers[0]
    if container.build is None:
        return False
    context = container.build[0]
    for item in workload.pod.sequence("volumes"):
        if isinstance(item, Mapping):
            source = item.text("source") or "" if item.text("type") in (None, "bind") else ""
            target = item.text("target") or ""
        else:
            parts = item.text.split(":") if isinstance(item, Scalar) else []
            source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", "")
        if not source.startswith((".", "/")) or target.rpartition("/")[2].count("."):
            continue
        path = join(directory_of(item.path), source)
        if path is not None and (
            path == context or (context and path.startswith(context + "/")) or (not context and _is_code(path))
        ):
            return True
    return False


def _is_code(path: str) -> bool:
    return path == "" or path.rpartition("/")[2] in ("src", "app", "backend", "server", "api")
