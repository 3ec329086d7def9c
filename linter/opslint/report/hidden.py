"""Which parts of a source line must not be shown: values in dotenv, tfvars, Secrets and environment blocks.

Works on lines, not on parse trees, so that it also holds for files that no reader could read. Where it cannot
be told whether a text is a value, it is hidden: a frame may lose a word, never show a secret.
"""

from __future__ import annotations

from opslint.base.lazy import cache
from opslint.base.masking import PLAIN_NAMES, mask
from opslint.base.opaque import ranges
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

Ranges = dict[int, list[tuple[int, int]]]
"""0-based line → half-open ranges of 0-based code point columns."""

_BLOCK_KEY = (
    r"(?i:.*env|.*envs|.*env_?vars|environment|environment_?variables|env_?variables|variables|data|string_?data|binary_?data"
    r"|.*secrets?|secret_?data|app_?settings|connection_?strings?|build_?args)"
)
_SENSITIVE = (
    r"(?i:passw(?:or)?d|passphrase|pwd|secret|secret_?string|token|api_?key|access_?key|secret_?key|private_?key|signing_?key"
    r"|encryption_?key|credentials?|connection_?string|dsn|webhook_?url)"
)
_PATTERNS = {
    "block": _BLOCK_KEY,
    "dotenv": r"\s*(?:#+\s*)?(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s?",
    "yaml-key": r"(\s*(?:-\s+)*)(\"[^\"]*\"|'[^']*'|[^\s#:\-{\[\"'][^:#]*?|[^\s#:\-{\[\"'][^\s]*?)\s*:(?:\s+|$)",
    "hcl-key": r"\s*\"?([\w./-]+)\"?\s*(?:[=:]|(?=[{\"]))",
    "quoted": r"\"(?:\\.|[^\"\\])*\"",
    "assigned": r"[A-Za-z_][\w]*=",
    "name-before": r"(?i:\bname)\"?\s*[:=]\s*$",
    "secret-assignment": r"[\w.-]{0,64}" + _SENSITIVE + r"[\"']?\]?\s*(?::\s*[\w\[\]. |]{1,40}\s*)?(?:=>|:|=)\s*",
    "secret-key": r".*" + _SENSITIVE,
    "literal": r"(?i:[rbuf]{0,2})(\"{3}|'{3}|\"|')",
    "userinfo": r"://([^/\s\"'@<>{}$]+)@",
    "query": r"://[^\s\"'`<>?]*\?([^\s\"'`<>]+)",
    "auth-pair": r"\bauth\s*=\s*\(.{0,80}?,\s*[rbuf]{0,2}([\"'])(.*?)\1",
    "env-line": r"\s*(?:ENV|ARG)\s+",
    "unit": r"\s*(?i:environment)\s*=\s*",
    "reference": r"\$?\{\{?[^{}]*\}?\}|\$\w+|\*\w+|!\w+ .*|var\.\w+|local\.\w+",
}


@cache
def _re(name: str) -> re.Pattern[str]:
    import re

    return re.compile(_PATTERNS[name])


def hidden_ranges(path: str, lines: list[str]) -> Ranges:
    """Return what to hide in the lines of file `path` (the name says how it is read)."""
    found: Ranges = {}
    name = path.rpartition("/")[2].lower()
    if name == ".env" or name.startswith((".env.", ".envrc")) or name.endswith((".env", ".env.example", "_env")):
        _dotenv(lines, found)
    elif name.endswith((".tfvars", ".tfvars.json")):
        _braces(lines, found, everything=True)
    elif name.endswith((".tf", ".hcl", ".json", ".tf.json", ".tfbackend")):
        _braces(lines, found, everything=False)
    elif name.endswith((".yml", ".yaml", ".tpl", ".yml.j2", ".yaml.j2")):
        _yaml(lines, found)
    elif "dockerfile" in name or "containerfile" in name:
        _docker(lines, found)
    elif name.endswith((".toml", ".ini", ".conf", ".cfg", ".service", ".properties")):
        _sections(lines, found)
    _everywhere(lines, found)
    return {line: _merged(ranges) for line, ranges in found.items()}


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _hide(found: Ranges, line: int, start: int, end: int) -> None:
    if end > start:
        found.setdefault(line, []).append((start, end))


def _harmless(value: str) -> bool:
    """Tell whether a value may be shown: a boolean, a short number, nothing, or only a reference to something named."""
    value = value.strip().strip(",;").strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return value == "inherit" or mask(value).plain is not None or bool(_re("reference").fullmatch(value))


def _dotenv(lines: list[str], found: Ranges) -> None:
    quote = ""
    for number, line in enumerate(lines):
        if quote:
            _hide(found, number, 0, len(line))
            if _closes(line, quote):
                quote = ""
            continue
        match = _re("dotenv").match(line)
        if match is None:
            if line.strip() and not line.lstrip().startswith("#"):
                _hide(found, number, 0, len(line))
            continue
        value = line[match.end() :]
        if value[:1] in ("'", '"') and not _closes(value[1:], value[0]):
            quote = value[0]
        if match[1] in PLAIN_NAMES and "://" not in value:
            continue
        if not _harmless(value):
            _hide(found, number, match.end(), len(line))


def _closes(text: str, quote: str) -> bool:
    at = text.find(quote)
    while at > 0 and quote == '"' and (at - len(text[:at].rstrip("\\"))) % 2:
        at = text.find(quote, at + 1)
    return at >= 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


class _Yaml:
    """Where a YAML scan stands: the block whose values are hidden, and the value that runs over lines."""

    __slots__ = ("block", "continues", "flow", "found", "key", "quote")

    def __init__(self, found: Ranges) -> None:
        self.found = found
        self.block: int | None = None
        self.key = ""
        self.continues: int | None = None
        self.flow = 0
        self.quote = ""


def _yaml(lines: list[str], found: Ranges) -> None:
    state = _Yaml(found)
    for number, line in enumerate(lines):
        text = line.strip()
        if not text:
            continue
        indent = _indent(line)
        if state.quote:
            _hide(found, number, indent, len(line))
            if _closes(line, state.quote):
                state.quote = ""
        elif state.flow > 0:
            _hide(found, number, indent, len(line))
            state.flow += _balance(text)
        elif state.continues is not None and indent > state.continues:
            _hide(found, number, indent, len(line))
        else:
            state.continues = None
            _yaml_line(number, line, state, found)


def _yaml_line(number: int, line: str, state: _Yaml, found: Ranges) -> None:
    indent = _indent(line)
    body = line.lstrip(" ")
    if state.block is not None and (indent < state.block or (indent == state.block and not body.startswith("-"))):
        state.block = None
    match = _re("yaml-key").match(line)
    if match is None:
        if state.block is not None and not body.startswith("#"):
            _yaml_item(number, line, state, found)
        elif body.startswith("#") and _re("assigned").search(body):
            _hide(found, number, indent + 1, len(line))
        return
    column, key, value = len(match[1]), match[2].strip("\"'"), line[match.end() :]
    opens = bool(_re("block").fullmatch(key)) or (key == "args" and not value.startswith("["))
    inside = state.block is not None
    if not value.strip() or value.lstrip().startswith(("#", "&")):
        if opens and not inside:
            state.block, state.key = column, key.lower()
    elif value[0] in "{[" and (opens or inside):
        _hide(found, number, match.end(), len(line))
        state.flow = max(_balance(value), 0)
    else:
        # `name:` is the variable's in a list of variables, and a key like any other in a Secret.
        is_name = key == "name" and state.key.endswith(("env", "envs", "vars", "environment"))
        may_be_secret = (inside and not is_name) or _re("secret-key").fullmatch(key) or (opens and value[0] in "|>")
        if may_be_secret and (value[0] in "|>" or not _harmless(value)):
            _yaml_value(number, line, (match.end(), column), state)


def _yaml_value(number: int, line: str, columns: tuple[int, int], state: _Yaml) -> None:
    """Hide a value and what continues it; a name opslint keeps as text anyway stays visible. `columns`: value, key."""
    start, column = columns
    value = line[start:]
    name = line[:start].strip(" -:\"'")
    if value[0] in ("'", '"') and not _closes(value[1:], value[0]):
        state.quote = value[0]
    state.continues = column
    if name not in PLAIN_NAMES or "://" in value or value[0] in "|>":
        _hide(state.found, number, start, len(line))


def _yaml_item(number: int, line: str, state: _Yaml, found: Ranges) -> None:
    """Hide a line of a hidden block that has no key: `- NAME=value`, a continuation, a flow mapping."""
    start = _indent(line)
    body = line[start:].lstrip("- ")
    start = len(line) - len(body)
    match = _re("assigned").match(body.lstrip("\"'"))
    if match is None:
        # Below `args:` stand words of a command (`- --port=80`) as often as build arguments (`- TOKEN=x`).
        if not _is_name(body) and state.key != "args":
            _hide(found, number, start, len(line))
        if body[:1] in ("{", "["):
            state.flow = max(_balance(body), 0)
        return
    lead = len(body) - len(body.lstrip("\"'"))
    value = body[lead + match.end() :]
    if (match[0][:-1] not in PLAIN_NAMES or "://" in value) and not _harmless(value.strip("\"'")):
        _hide(found, number, start + lead + match.end(), len(line))


def _is_name(text: str) -> bool:
    """Tell whether an item is only a variable's name (`- SECRET_KEY`: passed through from the host)."""
    text = text.strip().strip("\"'")
    return (text.isupper() and text.replace("_", "").isalnum() and "_" in text) or text in PLAIN_NAMES


def _balance(text: str) -> int:
    """Return opening minus closing brackets outside of double-quoted strings."""
    bare = _re("quoted").sub('""', text)
    return sum(bare.count(ch) for ch in "{[(") - sum(bare.count(ch) for ch in ")]}")


def _braces(lines: list[str], found: Ranges, *, everything: bool) -> None:
    """HCL and JSON: blocks by brackets, values by quotes."""
    depth, masked_at, heredoc = 0, (-1 if everything else None), ""
    for number, line in enumerate(lines):
        if heredoc:
            if line.strip() == heredoc:
                heredoc = ""
            elif masked_at is not None:
                _hide(found, number, 0, len(line))
            else:
                _braces_values(number, line, found, only_value=True)
            continue
        at = line.find("<<")
        if at >= 0:
            heredoc = line[at + 2 :].strip().lstrip("-~").strip()
        before, depth = depth, depth + _balance(line)
        if masked_at is not None and depth <= masked_at:
            masked_at = None
        key = _re("hcl-key").match(line)
        if masked_at is None and key and _re("block").fullmatch(key[1]) and _opens(line, key.end()):
            masked_at = before if depth > before else None
            _braces_values(number, line, found, start=key.end())
        elif masked_at is not None:
            _braces_values(number, line, found)


def _opens(line: str, start: int) -> bool:
    rest = line[start:]
    return "{" in rest or "[" in rest


def _braces_values(number: int, line: str, found: Ranges, *, start: int = 0, only_value: bool = False) -> None:
    """Hide from the first quoted value of a line to its last quote; keys and the values of `name` stay."""
    first = None
    for token in _re("quoted").finditer(line, start):
        before = line[: token.start()]
        is_key = line[token.end() :].lstrip().startswith((":", "=", "{")) and not before.rstrip().endswith(("=", ":"))
        is_name = bool(_re("name-before").search(before))
        if is_key or is_name or (only_value and "value" not in before.lower()):
            continue
        if not _harmless(token[0]):
            first = token.start()
            break
    if first is not None:
        _hide(found, number, first + 1, max(line.rfind('"'), first + 1))


def _docker(lines: list[str], found: Ranges) -> None:
    continued = False
    for number, line in enumerate(lines):
        match = _re("env-line").match(line)
        if match or continued:
            start = match.end() if match else _indent(line)
            _docker_values(number, line, start, found, first=match is not None)
            continued = line.rstrip().endswith("\\")
        elif "=" in line:
            continued = False


def _docker_values(number: int, line: str, start: int, found: Ranges, *, first: bool) -> None:
    head, equals, _rest = line[start:].partition("=")
    if equals and " " not in head.strip():
        name, value_at = head.strip(), start + len(head) + 1
    elif first and " " in line[start:].strip():
        name = line[start:].split(maxsplit=1)[0]
        value_at = line.index(name, start) + len(name) + 1
    else:
        if not first:
            _hide(found, number, start, len(line.rstrip().rstrip("\\")))
        return
    value = line[value_at:].rstrip().rstrip("\\")
    if (name in PLAIN_NAMES and "://" not in value and "=" not in value) or _harmless(value):
        return
    _hide(found, number, value_at, value_at + len(value))


def _sections(lines: list[str], found: Ranges) -> None:
    """INI, TOML and systemd: `Environment=` lines, and every value below an `[env]`-like section."""
    inside = False
    for number, line in enumerate(lines):
        text = line.strip()
        if text.startswith("["):
            inside = bool(_re("block").fullmatch(text.strip("[] ").rpartition(".")[2]))
            continue
        unit = _re("unit").match(line)
        head, equals, value = line.partition("=")
        if unit:
            _hide(found, number, unit.end(), len(line))
        elif inside and equals and not _harmless(value):
            _hide(found, number, len(head) + 1, len(line))


def _everywhere(lines: list[str], found: Ranges) -> None:
    """What is hidden in any file: credentials and queries in URLs, private keys, literals assigned to secret names."""
    key_block = False
    # One look at the whole file: most files hold nothing like a key, and their lines need no look of their own.
    holds_key = bool(ranges("\n".join(lines)))
    for number, line in enumerate(lines):
        if "PRIVATE KEY-----" in line:
            key_block = "-----BEGIN" in line
            _hide(found, number, _indent(line), len(line))
        elif key_block:
            _hide(found, number, _indent(line), len(line))
        if "://" in line:
            for name in ("userinfo", "query"):
                for match in _re(name).finditer(line):
                    _hide(found, number, match.start(1), match.end(1))
        if holds_key:
            for start, end in ranges(line):
                _hide(found, number, start, end)
        if "auth" in line:
            for match in _re("auth-pair").finditer(line):
                _hide(found, number, match.start(2), match.end(2))
        if len(line) <= 2000 and _may_name_secret(line.lower()):
            _assigned_secrets(number, line, found)


_STEMS = ("passw", "passphrase", "pwd", "secret", "token", "key", "credential", "connection", "dsn", "webhook")


def _may_name_secret(lowered: str) -> bool:
    """Tell by plain words whether the patterns need to look at a line: most files never need `re` at all (5 ms)."""
    return any(stem in lowered for stem in _STEMS)


def _assigned_secrets(number: int, line: str, found: Ranges) -> None:
    for match in _re("secret-assignment").finditer(line):
        literal = _re("literal").match(line, match.end())
        if literal:
            end = line.find(literal[1], literal.end())
            end = len(line) if end < 0 else end
            if not _harmless(line[literal.end() : end]):
                _hide(found, number, literal.end(), end)
        elif "=" in match[0] and not match[0].endswith(" ") and line[match.end() : match.end() + 1] not in ("$", "(", "=", ""):
            # `export TOKEN=abc`: a shell or INI value; Python code puts spaces around `=` or names an expression.
            end = match.end() + len(line[match.end() :].split(" ", 1)[0])
            if not _is_expression(line[match.end() : end]):
                _hide(found, number, match.end(), end)


def _is_expression(text: str) -> bool:
    """Tell whether `token=text` reads like a keyword argument: a dotted name, a call, a constant."""
    bare = text.rstrip("),]}:")
    if "(" in text or "[" in text or bare in ("None", "True", "False"):
        return True
    return bare.replace(".", "_").isidentifier() and ("." in bare or bare != text)
