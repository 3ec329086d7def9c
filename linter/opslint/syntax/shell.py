"""Shell scripts as commands: words, assignments, and the control flow around them.

Our own lexer, linear and without recursion: a script is read in a fraction of what loading tree-sitter costs, and the same
function reads ``sh -c`` lines, ``RUN`` and ``run:`` blocks. The tests compare it with tree-sitter-bash on real scripts.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document
from opslint.syntax.shell_words import REDIRECTIONS, Lexer, expansions
from opslint.syntax.text import Lines, decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Span
    from opslint.syntax.shell_words import Token

_OPENERS = frozenset(("if", "while", "until", "for", "case", "select"))
_CLOSERS = frozenset(("fi", "done", "esac"))
_SHELLS = ("sh", "bash", "dash", "ash", "zsh", "ksh")
MAX_SUBSTITUTION_DEPTH = 3


class Command(Record):
    """One simple command.

    `words` without quotes, expansions as written (``$@``, ``${X:-y}``); `quoted` tells for each word whether it was quoted;
    `assignments` (name, value) pairs before the words; `redirects` (operator, target) pairs. `joined` is the operator before it
    (``&& || |`` or ""), `follow` the one after (``&& || | &`` or ""). `depth` counts the if/loop/case blocks around it, `test` that it is
    the condition of one; `function` the function it stands in; `nested` that it is inside ``$(…)``. `start`, `end` are offsets.
    `when` holds one guard for each of those blocks, outermost first: ``["if", tests, earlier]``, ``["else", earlier]`` (tests are
    ``[words, operator before it, negated]``, `earlier` those of the branches before), ``["case", word, patterns, earlier patterns]``,
    ``["?"]`` where nothing asks for an argument of the script.
    """

    __slots__ = (
        "assignments",
        "depth",
        "end",
        "follow",
        "function",
        "joined",
        "negated",
        "nested",
        "quoted",
        "redirects",
        "start",
        "test",
        "when",
        "words",
    )
    assignments: list[tuple[str, str]]
    depth: int
    end: int
    follow: str
    function: str
    joined: str
    negated: bool
    nested: bool
    quoted: list[bool]
    redirects: list[tuple[str, str]]
    start: int
    test: bool
    when: list[list[Any]]
    words: list[str]


class ShellDocument(Document):
    """One shell script. `commands` in order; `required` are (name, offset) of ``${NAME:?}``; `shell` the interpreter's name."""

    def __init__(self, data: bytes, kind: str, text: str) -> None:
        super().__init__(data, kind)
        self.text = text
        self.lines = Lines(text)
        self.commands: list[Command] = []
        self.required: list[tuple[str, int]] = []
        self.shell = ""
        self.partial = False
        self._comments: list[tuple[int, int]] = []

    def place(self, start: int, end: int) -> int:
        """Return the place of the characters from `start` to `end`."""
        return self.places.add(self.lines.span(start, end))

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield the comments that hold ``opslint:``."""
        for start, end in self._comments:
            body = self.text[start:end]
            if "opslint:" in body:
                alone = not self.text[self.text.rfind("\n", 0, start) + 1 : start].strip()
                yield self.lines.span(start, end), body[1:].strip(), alone


def read(data: bytes, kind: str) -> ShellDocument:
    """Read a shell script; raises ReadProblem ``decode-error``. A script for another interpreter has no commands."""
    text = decode(data)
    document = ShellDocument(data, kind, text)
    first = text.partition("\n")[0]
    if first.startswith("#!"):
        words = first[2:].split()
        program = words[0].rpartition("/")[2] if words else ""
        if program == "env":
            program = next((word for word in words[1:] if not word.startswith("-")), "")
        document.shell = program
        if program not in _SHELLS:
            return document
    lexer = Lexer(text)
    tokens = lexer.run()
    document.commands = _commands(tokens)
    document._comments = lexer.comments
    document.partial = lexer.partial
    if "${" in text and "?" in text:
        document.required = _required(tokens)
    return document


def commands(text: str) -> list[Command]:
    """Split shell text (an ``sh -c`` argument, a ``RUN`` value, a ``run:`` block) into its simple commands."""
    return _commands(Lexer(text).run())


def split_words(text: str) -> list[str] | None:
    """Return the words of one simple command, None when the text is more than that (operators, several lines)."""
    found = commands(text.strip())
    if len(found) != 1 or found[0].redirects or found[0].assignments:
        return None
    return found[0].words


def _required(tokens: list[Token]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for token in tokens:
        if len(token.raw) < 4000 and "?" in token.raw and "${" in token.raw and not token.raw.startswith("'"):
            offset = token.start

            def visit(name: str, operator: str, _word: str, offset: int = offset) -> None:
                if operator in (":?", "?"):
                    found.append((name, offset))

            expansions(token.raw, visit)
    return found


class Guard:
    """What a block asks before it runs its commands, and what the branches before the current one asked."""

    __slots__ = ("block", "earlier", "patterns", "pattern", "subject", "tests")

    def __init__(self, block: str) -> None:
        self.block = block
        self.earlier: list[Any] = []
        self.pattern = False
        self.patterns: list[str] = []
        self.subject = ""
        self.tests: list[list[Any]] = []

    def asks(self, group: list[Token]) -> None:
        """``case word in``: the patterns of the first branch come next."""
        self.subject = group[1].text if len(group) > 1 else ""
        self.pattern = True

    def branch(self, group: list[Token]) -> None:
        """The patterns of a branch are read."""
        if _opens_case(group):
            self.asks(group)
            group = group[3:]
        self.patterns = [token.text for token in group]
        self.pattern = False

    def next_branch(self, *, falls: bool) -> None:
        """A branch of a ``case`` is over; one that falls through makes the next one's guard unknown."""
        self.earlier.extend(self.patterns if not falls else ["?"])
        self.pattern = True

    def otherwise(self) -> None:
        """``elif`` or ``else``: what was asked did not hold."""
        self.earlier.append(self.tests)
        self.tests = []

    def told(self) -> list[Any]:
        """Return the guard as data; ``["?"]`` when it does not look at the script's arguments."""
        if self.block == "case":
            return ["case", self.subject, self.patterns, list(self.earlier)] if _is_argument(self.subject) else ["?"]
        asked = [word for tests in (self.tests, *self.earlier) for words, _joined, _negated in tests for word in words]
        if self.block != "if" or not any(map(_is_argument, asked)):
            return ["?"]
        return ["if", self.tests, list(self.earlier)] if self.tests else ["else", list(self.earlier)]


def _opens_case(group: list[Token]) -> bool:
    return len(group) > 2 and group[0].text == "case" and not group[0].quoted and group[2].text == "in"


def _is_argument(word: str) -> bool:
    """Tell whether a word asks for an argument of the script: ``$1``, ``${2:-}``, ``$#``, ``$*``."""
    return any(
        word[at + 1 :].lstrip("{")[:1] in ("1", "2", "3", "4", "5", "6", "7", "8", "9", "#", "@", "*")
        for at, char in enumerate(word)
        if char == "$"
    )


class _State:
    """Where the splitter stands: block nesting, the current function, the words collected so far."""

    __slots__ = ("blocks", "depth", "functions", "guards", "joined", "out", "pending", "tests")

    def __init__(self) -> None:
        self.out: list[Command] = []
        self.blocks: list[str] = []
        self.guards: list[Guard] = []
        self.functions: list[tuple[str, int]] = []
        self.tests: list[int] = []
        self.joined = ""
        self.pending: str | None = None
        self.depth = 0

    def push(self, block: str) -> None:
        """Enter a block."""
        self.blocks.append(block)
        self.guards.append(Guard(block))
        self.depth += block not in ("{", "(")

    def pop(self) -> None:
        """Leave the innermost block."""
        self.guards.pop()
        self.depth -= self.blocks.pop() not in ("{", "(")

    @property
    def in_pattern(self) -> bool:
        """A pattern of a ``case`` branch comes next."""
        return bool(self.guards) and self.guards[-1].pattern


def _commands(tokens: list[Token]) -> list[Command]:
    work = [(tokens, 0, 0)]
    out: list[Command] = []
    while work:
        current, offset, level = work.pop()
        found = _split(current, offset, level > 0)
        out.extend(found)
        if level < MAX_SUBSTITUTION_DEPTH:
            for token in current:
                for text, start in token.substitutions:
                    work.append((Lexer(text).run(), offset + start, level + 1))
    if len(out) > 1:
        out.sort(key=lambda command: (command.start, command.end))
    return out


def _split(tokens: list[Token], offset: int, nested: bool) -> list[Command]:
    state = _State()
    group: list[Token] = []
    for index, token in enumerate(tokens):
        if token.kind == "op" and token.text not in REDIRECTIONS:
            if token.text == "(" and len(group) == 1 and index + 1 < len(tokens) and tokens[index + 1].text == ")":
                state.pending = group[0].text
                group = []
                continue
            if token.text == ")" and state.pending is not None:
                continue
            if state.blocks and state.blocks[-1] == "case" and (state.in_pattern or _opens_case(group)):
                if token.text == ")":
                    state.guards[-1].branch(group)
                    group = []
                    continue
                if token.text in ("|", "("):
                    continue
            follow = token.text if token.text in ("&&", "||", "|", "|&", "&") else ""
            _finish(state, group, follow, offset, nested)
            group = []
            if token.text == "(":
                state.push("(")
            elif token.text == ")" and state.blocks and state.blocks[-1] == "(":
                state.pop()
            if token.text in (";;", ";&", ";;&") and state.blocks and state.blocks[-1] == "case":
                state.guards[-1].next_branch(falls=token.text != ";;")
            if token.text != "\n" or not state.joined:
                state.joined = follow if follow != "&" else ""
        else:
            if token.kind == "word" and not group and not token.quoted:
                if (not state.in_pattern or token.text == "esac") and _keyword(state, token.text):
                    continue
            group.append(token)
    _finish(state, group, "", offset, nested)
    return state.out


def _keyword(state: _State, word: str) -> bool:
    """Take a reserved word at the start of a command; True when it is one."""
    blocks = state.blocks
    if word == "{":
        state.push("{")
        if state.pending is not None:
            state.functions.append((state.pending, len(blocks)))
            state.pending = None
        return True
    if word == "}":
        if state.functions and state.functions[-1][1] == len(blocks):
            state.functions.pop()
        if blocks and blocks[-1] == "{":
            state.pop()
        return True
    if word in _OPENERS:
        state.push(word)
        if word in ("if", "while", "until"):
            state.tests.append(len(blocks))
        return word not in ("for", "case", "select")
    if word in _CLOSERS:
        while blocks and blocks[-1] in ("{", "("):
            state.pop()
        if blocks:
            state.pop()
        return True
    if word in ("then", "do"):
        if state.tests and state.tests[-1] == len(blocks):
            state.tests.pop()
        return True
    if word in ("elif", "else") and blocks and blocks[-1] == "if":
        state.guards[-1].otherwise()
    if word == "elif":
        state.tests.append(len(blocks))
        return True
    return word in ("else", "in", "esac")


def _finish(state: _State, group: list[Token], follow: str, offset: int, nested: bool) -> None:
    """Make a command of the collected tokens."""
    if not group:
        return
    first = group[0].text
    if first in ("for", "case", "select") and not group[0].quoted:
        if first == "case" and state.blocks and state.blocks[-1] == "case":
            state.guards[-1].asks(group)
        return
    if first == "function" and len(group) > 1 and not group[0].quoted:
        state.pending = group[1].text
        if len(group) > 2 and group[2].text == "{":
            _keyword(state, "{")
        return
    words: list[str] = []
    quoted: list[bool] = []
    assignments: list[tuple[str, str]] = []
    redirects: list[tuple[str, str]] = []
    negated = False
    skip = False
    for index, token in enumerate(group):
        if skip:
            skip = False
        elif token.kind == "op":
            target = group[index + 1].text if index + 1 < len(group) else ""
            redirects.append((token.text, target))
            skip = True
            if words and words[-1].isdigit() and group[index - 1].end == token.start:
                words.pop()
                quoted.pop()
        elif token.text == "!" and not words and not assignments:
            negated = True
        elif not words and (pair := _assignment(token)) is not None:
            assignments.append(pair)
        else:
            words.append(token.text)
            quoted.append(token.quoted)
    test = bool(state.tests) and state.tests[-1] == len(state.blocks)
    if test and state.guards:
        state.guards[-1].tests.append([words, state.joined, negated])
    state.out.append(
        Command(
            assignments=assignments,
            depth=state.depth,
            end=offset + group[-1].end,
            follow=follow,
            function=state.functions[-1][0] if state.functions else "",
            joined=state.joined,
            negated=negated,
            nested=nested,
            quoted=quoted,
            redirects=redirects,
            start=offset + group[0].start,
            test=test,
            when=[] if test else [guard.told() for guard in state.guards if guard.block not in ("{", "(")],
            words=words,
        )
    )
    state.joined = ""


def _assignment(token: Token) -> tuple[str, str] | None:
    name, equals, value = token.text.partition("=")
    name = name.removesuffix("+")
    if not equals or not token.raw.startswith(name) or not name.replace("_", "a").isalnum() or name[:1].isdigit():
        return None
    return name, value
