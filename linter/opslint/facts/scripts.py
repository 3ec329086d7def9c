"""Shell scripts inside manifests as lists of commands, each with what happens to its failure.

A command is ``[place, words, info]``; `info` is a dict that holds only what differs from a plain command:

- ``mask``: the text that swallows the failure (``|| true``), ``mask_at`` its place; ``keeps_status``: ``|| code=$?``.
- ``nested`` (inside ``$(…)``), ``test`` (condition of an if or while), ``negated``, ``background``, ``blocks`` (in an if or loop).
- ``piped``: its exit code is lost because another command of the pipeline comes last; ``to`` the words of that last one.
- ``no_errexit`` (after ``set +e``), ``errexit`` (after ``set -e``), ``pipefail`` (after ``set -o pipefail``); ``status_read``: the script reads ``$?`` later.
- ``dir``: what the last ``cd`` named; ``engine``: `DOCKER_HOST` names another machine;
  ``remote``: runs in a shell of its own (``ssh host``, ``bash -c``); ``function``.
- ``writes``: it redirects into a file.
"""

from __future__ import annotations

from opslint.base.masking import strip_credentials
from opslint.base.opaque import conceal_words
from opslint.base.tree import Scalar
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.shell import Command
    from opslint.syntax.yaml import YamlDocument

MAX_COMMANDS = 400
"""Commands kept of one script; the longest real deploy script seen has 180."""

MAX_WORD = 400
"""Characters kept of one word: embedded programs are not read."""

MAX_BRANCH = 4000
"""Characters of one ``|| { … }`` that are looked at."""

MAX_DIRECTORY = 200
"""Characters of a directory that many ``cd`` add up to; beyond it is not known."""

MAX_REMOTE = 3
"""How deep ``ssh host "bash -c '…'"`` is followed."""

_SILENT = frozenset(("true", ":", "echo", "printf", "logger", "sleep", "cat", "date", "continue", "break", "warn", "log"))
_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))


def script_commands(document: YamlDocument, node: Scalar) -> list[list[Any]]:
    """Return the commands of a script scalar of `document`, with places in its lines."""
    return commands_of(node.text, _placer(document, node))


def _placer(document: YamlDocument, node: Scalar) -> Callable[[int, int], int]:
    """Return a function from offsets in the scalar's text to a place of the file."""
    from opslint.syntax.text import Lines

    whole = document.place(node)
    line, column, end_line, end_column = document.places.spans[whole]
    source = document.data.split(b"\n")
    head = source[line - 1].decode("utf-8", "replace")[column - 1 :].lstrip() if line <= len(source) else ""
    lines = Lines(node.text)
    if line == end_line and len(node.text) <= end_column - column:
        shift = column - 1 + (1 if node.quoted else 0)

        def inline(start: int, end: int) -> int:
            return document.places.add((line, shift + start + 1, line, shift + end + 1))

        return inline
    if not head.startswith("|") and "|" not in head.partition("#")[0][-3:]:
        return lambda _start, _end: whole
    indent = _indent(source, line, end_line)

    def literal(start: int, end: int) -> int:
        first, left, last, right = lines.span(start, end)
        if last != first:
            last, right = first, left + 1
        return document.places.add((line + first, indent + left, line + last, indent + right))

    return literal


def _indent(source: list[bytes], line: int, end_line: int) -> int:
    for raw in source[line : max(end_line, line + 1)]:
        text = raw.decode("utf-8", "replace")
        if text.strip():
            return len(text) - len(text.lstrip(" "))
    return 0


def commands_of(text: str, place: Callable[[int, int], int], depth: int = 0) -> list[list[Any]]:
    """Return the commands of shell text; `place` maps offsets to places."""
    from opslint.syntax.shell import commands

    found = commands(text)[:MAX_COMMANDS]
    state: dict[str, Any] = {}
    out: list[list[Any]] = []
    for index, command in enumerate(found):
        if not command.words:
            continue
        if command.words[0] in ("set", "cd", "pushd") and not command.nested:
            _shell_state(state, command)
            if command.words[0] == "set":
                continue
        if command.words[0] == "export" and any(word.startswith("DOCKER_HOST=ssh://") for word in command.words):
            state["engine"] = True
        info = dict(state)
        info.update(_info(text, found, index, place))
        words = conceal_words([strip_credentials(word[:MAX_WORD]) for word in command.words])
        out.append([place(command.start, command.end), words, info])
        if depth < MAX_REMOTE:
            out.extend(_inner(text, command, place, depth))
    return out


def _shell_state(state: dict[str, Any], command: Command) -> None:
    """Apply ``set`` and ``cd`` to what holds for the commands below."""
    words = command.words
    if words[0] in ("cd", "pushd"):
        target = words[1] if len(words) > 1 else "~"
        current = state.get("dir", "")
        joined = target if target.startswith(("/", "~", "$")) or not current else f"{current}/{target}"
        state["dir"] = joined if len(joined) <= MAX_DIRECTORY else "$PWD"
        return
    for index, word in enumerate(words[1:], 1):
        following = words[index + 1] if index + 1 < len(words) else ""
        on = word.startswith("-")
        if word[:1] not in "+-" or not word[1:].isalpha():
            continue
        if "e" in word[1:] or ("o" in word[1:] and following == "errexit"):
            state.pop("no_errexit" if on else "errexit", None)
            state["errexit" if on else "no_errexit"] = True
        if "o" in word[1:] and following == "pipefail":
            state["pipefail"] = on


def _info(text: str, found: list[Command], index: int, place: Callable[[int, int], int]) -> dict[str, Any]:
    command = found[index]
    marks = (
        ("engine", ("DOCKER_HOST", "ssh") in {(name, value.partition("://")[0]) for name, value in command.assignments}),
        ("nested", command.nested),
        ("test", command.test),
        ("negated", command.negated),
        ("background", command.follow == "&"),
        ("blocks", command.depth > 0),
        ("function", command.function),
        ("writes", any(operator.startswith(">") or operator == "&>" for operator, _target in command.redirects)),
    )
    info: dict[str, Any] = {name: value for name, value in marks if value}
    last = _pipeline_end(found, index)
    if last != index and found[last].words:
        info["piped"] = True
        info["to"] = [strip_credentials(word) for word in conceal_words(found[last].words[:3])]
    swallower = _or_branch(found, index)
    if swallower is not None and not command.nested:
        info.update(_swallowed(text, found, swallower, place))
    if "$?" in text[command.end :] or "PIPESTATUS" in text[command.end :]:
        info["status_read"] = True
    return info


def _pipeline_end(found: list[Command], index: int) -> int:
    """Return the index of the last command of the pipeline that the command at `index` stands in."""
    while index + 1 < len(found) and found[index].follow in ("|", "|&"):
        step = index + 1
        while step < len(found) and found[step].nested and not found[index].nested:
            step += 1
        if step >= len(found) or found[step].joined not in ("|", "|&"):
            break
        index = step
    return index


def _or_branch(found: list[Command], index: int) -> int | None:
    """Return the index of the command behind the ``||`` that the failure of the command at `index` leads to."""
    here = found[index]
    follow = here.follow
    step = index
    while follow in ("&&", "|", "|&", "||"):
        step += 1
        while step < len(found) and found[step].nested != here.nested:
            step += 1
        if step >= len(found) or found[step].joined != follow:
            return None
        if follow == "||":
            return step
        follow = found[step].follow
    return None


def _swallowed(text: str, found: list[Command], first: int, place: Callable[[int, int], int]) -> dict[str, Any]:
    """Tell whether what stands behind ``||`` hides the failure: only messages, ``true``, ``exit 0``; or keeps it in a variable."""
    from opslint.syntax.shell_words import closing

    start = found[first].start
    mark = text.rfind("||", 0, start)
    gap = text[mark + 2 : start].strip() if mark >= 0 else ""
    branch = [found[first]]
    if gap[:1] in ("{", "("):
        open_at = text.index(gap[0], mark)
        end = closing(text, open_at, min(len(text), open_at + MAX_BRANCH))
        branch = [command for command in found[first:] if command.start < end]
    if not branch:
        return {}
    for command in branch:
        if not command.words:
            if command.assignments and any("$?" in value for _name, value in command.assignments):
                return {"keeps_status": True}
            continue
        name = command.words[0]
        exits_zero = name in ("exit", "return") and command.words[1:2] in ([], ["0"])
        outputs = any("GITHUB_OUTPUT" in target or "GITHUB_ENV" in target for _op, target in command.redirects)
        if outputs or not (exits_zero or name in _SILENT) or command.follow == "&&":
            return {}
    shown = text[mark : branch[0].end].strip() if mark >= 0 else "|| true"
    if len(branch) == 1 and branch[0].words[:1] in (["echo"], ["printf"]):
        shown = f"|| {branch[0].words[0]}"
    return {"mask": strip_credentials(shown[:40]), "mask_at": place(max(mark, 0), branch[0].end)}


def _inner(text: str, command: Command, place: Callable[[int, int], int], depth: int) -> list[list[Any]]:
    """Follow ``ssh host <<EOF``, ``ssh host "…"`` and ``bash -c "…"`` into the script they run."""
    name = command.words[0].rpartition("/")[2]
    body, start = "", 0
    delimiter = next((target for operator, target in command.redirects if operator in ("<<", "<<-")), None)
    if name in ("ssh", *_SHELLS) and delimiter:
        body, start = _heredoc(text, command.end, delimiter)
    elif "-c" in command.words and any(word.rpartition("/")[2] in _SHELLS for word in command.words):
        position = len(command.words) - 1 - command.words[::-1].index("-c")
        body = command.words[position + 1] if position + 1 < len(command.words) else ""
    elif name == "ssh" and len(command.words) > 2 and " " in command.words[-1]:
        body = command.words[-1]
    if not body.strip():
        return []
    whole = place(command.start, command.end)
    offset = start or text.find(body, command.start, command.end)

    def inside(first: int, last: int) -> int:
        return place(offset + first, offset + last) if offset >= 0 else whole

    return [[at, words, {**info, "remote": True}] for at, words, info in commands_of(body, inside, depth + 1)]


def _heredoc(text: str, end: int, delimiter: str) -> tuple[str, int]:
    start = text.find("\n", end) + 1
    if start == 0:
        return "", 0
    at = start
    while at < len(text):
        close = text.find("\n", at)
        close = len(text) if close < 0 else close
        if text[at:close].strip() == delimiter:
            return text[start:at], start
        at = close + 1
    return text[start:], start
