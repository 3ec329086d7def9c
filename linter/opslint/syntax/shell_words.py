"""Shell text as tokens: words with quotes taken off, operators, comments, here-documents. Linear, without recursion."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATORS = (";;&", "&>>", "<<<", "<<-", "&&", "||", ";;", ";&", "|&", ">>", "<<", ">&", "<&", "&>", "<>", ">|")
_SINGLE = frozenset(";&|()<>\n")
_BLANK = frozenset(" \t\r")
REDIRECTIONS = frozenset(("&>>", "<<<", "<<-", ">>", "<<", ">&", "<&", "&>", "<>", ">|", ">", "<"))


class Token:
    """One token. `kind`: ``word op``; `text` without quotes (expansions stay as written); `raw` as written; offsets into the text.

    `quoted` tells that some part was quoted; `substitutions` are (text, offset) of the ``$(…)`` and backtick parts.
    """

    __slots__ = ("end", "kind", "quoted", "raw", "start", "substitutions", "text")

    def __init__(self, kind: str, text: str, raw: str, start: int, end: int) -> None:
        self.kind = kind
        self.text = text
        self.raw = raw
        self.start = start
        self.end = end
        self.quoted = False
        self.substitutions: list[tuple[str, int]] = []


def closing(text: str, at: int, end: int) -> int:
    """Return the offset after the bracket that closes the ``(`` or ``{`` at `at` (quotes respected), or `end`."""
    stack = [")" if text[at] == "(" else "}"]
    at += 1
    while at < end:
        char = text[at]
        top = stack[-1]
        if char == "\\":
            at += 2
            continue
        if top == '"':
            if char == '"':
                stack.pop()
            elif char == "$" and text[at + 1 : at + 2] in ("(", "{") and at + 1 < end:
                stack.append(")" if text[at + 1] == "(" else "}")
                at += 1
        elif char == "'":
            close = text.find("'", at + 1, end)
            at = end if close < 0 else close
        elif char == '"':
            stack.append('"')
        elif char == top:
            stack.pop()
        elif char == "(":
            stack.append(")")
        elif char == "{" and text[at - 1] == "$":
            stack.append("}")
        elif char == "#" and top == ")" and text[at - 1] in " \t\n":
            close = text.find("\n", at, end)
            at = end if close < 0 else close
            continue
        at += 1
        if not stack:
            return at
    return end


class Lexer:
    """Tokenises shell text. `comments` are (start, end) offsets; `partial` tells that a quote or here-document never ends."""

    __slots__ = ("at", "comments", "end", "heredocs", "partial", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = len(text)
        self.at = 0
        self.tokens: list[Token] = []
        self.comments: list[tuple[int, int]] = []
        self.heredocs: list[tuple[str, bool]] = []
        self.partial = False

    def run(self) -> list[Token]:
        """Return all tokens; a line end is the operator ``\\n``."""
        text, end = self.text, self.end
        expect_heredoc = ""
        while self.at < end:
            char = text[self.at]
            if char in _BLANK:
                self.at += 1
            elif char == "\\" and text[self.at + 1 : self.at + 2] in ("\n", "\r"):
                self.at += 3 if text.startswith("\r\n", self.at + 1) else 2
            elif char == "#":
                close = text.find("\n", self.at)
                close = end if close < 0 else close
                self.comments.append((self.at, close))
                self.at = close
            elif char in _SINGLE:
                operator = next((op for op in _OPERATORS if text.startswith(op, self.at)), char)
                self.tokens.append(Token("op", operator, operator, self.at, self.at + len(operator)))
                self.at += len(operator)
                expect_heredoc = operator if operator in ("<<", "<<-") else ""
                if operator == "\n" and self.heredocs:
                    self._skip_heredocs()
            else:
                token = self._word()
                if expect_heredoc:
                    self.heredocs.append((token.text, expect_heredoc == "<<-"))
                    expect_heredoc = ""
        return self.tokens

    def _skip_heredocs(self) -> None:
        for delimiter, strip_tabs in self.heredocs:
            while self.at < self.end:
                close = self.text.find("\n", self.at)
                close = self.end if close < 0 else close
                line = self.text[self.at : close].rstrip("\r")
                self.at = min(close + 1, self.end)
                if (line.lstrip("\t") if strip_tabs else line) == delimiter:
                    break
            else:
                self.partial = True
        self.heredocs.clear()

    def _word(self) -> Token:
        text, end, start = self.text, self.end, self.at
        token = Token("word", "", "", start, start)
        out: list[str] = []
        while self.at < end:
            char = text[self.at]
            if char == "\\":
                if text[self.at + 1 : self.at + 2] == "\n":
                    self.at += 2
                    continue
                out.append(text[self.at + 1 : self.at + 2])
                token.quoted = True
                self.at = min(self.at + 2, end)
            elif char == "'" or text.startswith("$'", self.at):
                self._single(out, self.at + (char == "$"))
                token.quoted = True
            elif char == '"':
                self._double(out, token)
                token.quoted = True
            elif char == "`":
                self._backtick(out, token)
            elif char == "$" and text[self.at + 1 : self.at + 2] in ("(", "{") and self.at + 1 < end:
                self._expansion(out, token)
            elif char in _BLANK or char in _SINGLE:
                break
            else:
                out.append(char)
                self.at += 1
        token.text = "".join(out)
        token.end = self.at
        token.raw = text[start : self.at]
        self.tokens.append(token)
        return token

    def _single(self, out: list[str], quote_at: int) -> None:
        close = self.text.find("'", quote_at + 1)
        if close < 0:
            self.partial = True
            close = self.end
        out.append(self.text[quote_at + 1 : close])
        self.at = min(close + 1, self.end)

    def _double(self, out: list[str], token: Token) -> None:
        text, end = self.text, self.end
        self.at += 1
        while self.at < end:
            char = text[self.at]
            if char == '"':
                self.at += 1
                return
            if char == "\\" and text[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`", "\n"):
                out.append("" if text[self.at + 1] == "\n" else text[self.at + 1])
                self.at += 2
            elif char == "$" and text[self.at + 1 : self.at + 2] in ("(", "{"):
                self._expansion(out, token)
            elif char == "`":
                self._backtick(out, token)
            else:
                out.append(char)
                self.at += 1
        self.partial = True

    def _expansion(self, out: list[str], token: Token) -> None:
        start = self.at
        close = closing(self.text, start + 1, self.end)
        if self.text[start + 1] == "(" and not self.text.startswith("((", start + 1):
            token.substitutions.append((self.text[start + 2 : close - 1], start + 2))
        out.append(self.text[start:close])
        self.at = close

    def _backtick(self, out: list[str], token: Token) -> None:
        close = self.text.find("`", self.at + 1)
        if close < 0:
            self.partial = True
            close = self.end - 1
        token.substitutions.append((self.text[self.at + 1 : close], self.at + 1))
        out.append(self.text[self.at : close + 1])
        self.at = close + 1


_LONGEST_EXPANSION = 500
"""Characters of one ``${…}`` that are looked at; keeps nested unclosed ones linear."""


def expansions(text: str, visit: Callable[[str, str, str], None]) -> None:
    """Call `visit(name, operator, word)` for each ``$NAME`` and ``${NAME<operator>word}`` in `text`, nested ones included."""
    at = text.find("$")
    while at >= 0:
        braced = text[at + 1 : at + 2] == "{"
        start = at + 1 + braced
        end = start
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        name = text[start:end]
        if name and not name[0].isdigit():
            operator = word = ""
            if braced:
                rest = text[end : closing(text, at + 1, min(len(text), at + _LONGEST_EXPANSION)) - 1]
                operator = rest[:2] if rest[:2] in (":-", ":=", ":?", ":+") else rest[:1]
                word = rest[len(operator) :]
            visit(name, operator, word)
        at = text.find("$", max(end, at + 1))
