"""What a health-check command can notice: nothing, only that a process exists, or only that something listens."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import _ast

    from opslint.syntax.shell import Command

_ALWAYS = frozenset(("true", ":", "echo", "printf", "date", "hostname", "pwd", "whoami", "uptime", "sleep"))
"""Programs that succeed whatever state the service is in."""

_INFORMATION = ("--version", "--help", "-version")
_PROCESS = frozenset(("ps", "pgrep", "pidof"))
_SHELLS = frozenset(("sh", "bash", "ash", "dash"))


def judge_check(words: list[str], *, shell: bool) -> tuple[str, str] | None:
    """Judge a check. Returns (kind, what is wrong): kind ``never`` (cannot fail), ``process``, ``status`` (ignores HTTP errors),
    ``others`` (another instance answers); None when it can fail for the right reason or is not understood.
    """
    if not words:
        return None
    if len(words) > 1 and words[0].rpartition("/")[2] in _SHELLS:
        flags = next((i for i, word in enumerate(words[1:], 1) if word.startswith("-") and "c" in word), None)
        if flags is None or flags + 1 >= len(words):
            return None
        return _of_script(words[flags + 1])
    return _of_script(" ".join(words)) if shell else _of_command(words)


def _of_script(text: str) -> tuple[str, str] | None:
    """Judge shell text by its last statement: its exit code is that of the check."""
    from opslint.syntax.shell import commands

    if "/dev/tcp/" in text:
        return None  # a shell's way to connect: fails when nothing listens
    if _is_cut_off(text):
        return None
    found = [command for command in commands(text) if not command.nested and not command.function]
    if not found or any(command.depth for command in found):
        return None
    start = len(found) - 1
    while start > 0 and found[start].joined:
        start -= 1
    statement = found[start:]
    if start and statement[0].words[:1] in (["exit"], ["true"], [":"]):
        words = statement[0].words
        if words[0] != "exit" or words[1:] == ["0"]:
            return "never", f"it ends in `{' '.join(words)}`"
    if any(command.words[:1] == ["exit"] and command.words[1:2] != ["0"] for command in found[:start]):
        return None
    return _of_chain(statement)


def _is_cut_off(text: str) -> bool:
    """Tell whether a quote is never closed: what the shell would run is not all here."""
    quote, at = "", 0
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        at += 1
    return bool(quote)


def _of_chain(statement: list[Command]) -> tuple[str, str] | None:
    last = statement[-1]
    if last.joined == "||" and _succeeds(last.words):
        return "never", f"`|| {' '.join(last.words)[:40]}` turns every failure into success"
    if len(statement) > 1 and last.joined == "||" and last.words[:1] in (["exit"], ["false"], ["kill"]):
        return _of_chain(statement[:-1])
    if any(command.joined in ("|", "|&") for command in statement):
        return _of_pipeline(statement)
    if len(statement) > 1:
        judged = [_of_command(command.words) for command in statement]
        return judged[0] if all(judged) else None
    return _of_command(last.words)


def _of_pipeline(statement: list[Command]) -> tuple[str, str] | None:
    """``ps | grep`` finds a process; anything else that is piped into a filter looks at content."""
    first, last = statement[0].words, statement[-1].words
    if first[:1] == ["ps"] and last[:1] in (["grep"], ["wc"], ["egrep"]):
        return "process", f"`{' '.join(first)} | {' '.join(last)}` only looks for a process"
    if last[:1] in (["cat"], ["tee"], ["head"], ["tail"]) and first[:1] in (["curl"], ["wget"]):
        return "never", f"the exit code is that of `{last[0]}`, the last of the pipe"
    return None


def _succeeds(words: list[str]) -> bool:
    return bool(words) and (words[0] in _ALWAYS or words == ["exit", "0"])


def _of_command(words: list[str]) -> tuple[str, str] | None:
    if not words:
        return None
    program = words[0].rpartition("/")[2]
    shown = " ".join(words)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    if _succeeds([program, *words[1:]]):
        return "never", f"`{shown}` always succeeds"
    if any(word == flag or word.startswith(f"{flag} ") for word in words[1:] for flag in _INFORMATION):
        return "never", f"`{shown}` prints information and exits; it asks the running service nothing"
    if program in _PROCESS or (program == "kill" and "-0" in words):
        return "process", f"`{shown}` only looks for a process"
    if program == "curl":
        return _of_curl(words, shown)
    if program == "celery" and "inspect" in words and "ping" in words:
        if not any(word.startswith(("-d", "--destination")) for word in words):
            return "others", f"`{shown}` has no destination: any worker of the cluster answers"
        return None
    if program.startswith("python") and "-c" in words and words.index("-c") + 1 < len(words):
        return _of_python(words[words.index("-c") + 1])
    return None


def _of_curl(words: list[str], shown: str) -> tuple[str, str] | None:
    for word in words[1:]:
        if word.startswith("--fail") or (word.startswith("-") and not word.startswith("--") and "f" in word[1:]):
            return None
        if word in ("-w", "--write-out", "-K", "--config", "--retry-all-errors") or "%{http_code}" in word:
            return None
    if any("://" in word or word.startswith("localhost") for word in words[1:]) and "telnet://" not in " ".join(words):
        return "status", f"`{shown}` exits 0 on HTTP 500: curl fails on an error status only with `-f`"
    return None


def _of_python(code: str) -> tuple[str, str] | None:
    """A program of nothing but imports of the standard library, prints and ``exit(0)``; or a request whose status nobody reads."""
    import _ast

    try:
        module = compile(code, "<probe>", "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    assert isinstance(module, _ast.Module)
    if all(_does_nothing(statement) for statement in module.body):
        return "never", "the program checks nothing and exits 0"
    if ("requests.get(" in code or "httpx.get(" in code) and not any(
        mark in code for mark in ("raise_for_status", "status_code", ".ok", "is_success", "assert", "exit(", ".json(", ".text")
    ):
        return "status", "the request's status is not looked at: HTTP 500 passes"
    return None


def _does_nothing(statement: _ast.stmt) -> bool:
    import _ast

    if isinstance(statement, _ast.Pass):
        return True
    if isinstance(statement, _ast.Import):
        return all(alias.name in ("sys", "os", "time") for alias in statement.names)
    call = statement.value if isinstance(statement, _ast.Expr) else None
    if isinstance(call, _ast.Constant):
        return True
    if not isinstance(call, _ast.Call) or not all(isinstance(argument, _ast.Constant) for argument in call.args):
        return False
    function = call.func
    name = function.id if isinstance(function, _ast.Name) else function.attr if isinstance(function, _ast.Attribute) else ""
    if name == "print":
        return True
    values = [argument.value for argument in call.args if isinstance(argument, _ast.Constant)]
    return name in ("exit", "quit", "_exit") and values in ([], [0])
