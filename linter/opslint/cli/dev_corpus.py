"""`opslint dev corpus RULE`: a seeded sample of a rule's findings on real repositories, with source lines, to be judged."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from opslint.base.errors import UsageError
from opslint.report.escape import json_text, prose, visible

if TYPE_CHECKING:
    from opslint.base.finding import Finding, RunResult

SAMPLE = 12
"""Findings judged of each rule (the precision protocol)."""


class Found(NamedTuple):
    """One finding in one repository."""

    repository: str
    commit: str
    finding: Finding
    result: RunResult


@click.command()
@click.argument("name", metavar="RULE")
@click.option("--corpus-dir", envvar="OPSLINT_CORPUS", metavar="DIR", help="Where the repositories are [$OPSLINT_CORPUS].")
@click.option(
    "--list",
    "listing",
    default=os.path.join("benchmarks", "corpus.toml"),
    metavar="FILE",
    help="The repositories with their commits [default: benchmarks/corpus.toml].",
)
@click.option("--seed", default=1, type=int, help="[default: 1]")
@click.option("--count", default=SAMPLE, type=click.IntRange(min=1), help=f"[default: {SAMPLE}]")
@click.option("--format", "format_", type=click.Choice(["text", "jsonl"]), default="text", help="[default: text]")
def corpus(name: str, corpus_dir: str | None, listing: str, seed: int, count: int, format_: str) -> int:  # fmt: skip
    """Check every repository of the corpus and print a sample of RULE's findings with the lines they point at."""
    from opslint.cli.packs import installed, rule_named

    rule_named(installed(), name)
    if not corpus_dir or not os.path.isdir(corpus_dir):
        raise UsageError("--corpus-dir (or $OPSLINT_CORPUS) names no directory with the corpus")
    found: list[Found] = []
    checked = 0
    for repository, commit in repositories(listing):
        directory = os.path.join(corpus_dir, repository.replace("/", "+"))
        if not os.path.isdir(directory):
            sys.stderr.write(f"opslint: {repository} is not in the corpus directory\n")
            continue
        _warn_of_another_commit(repository, directory, commit)
        checked += 1
        found += findings_of(name, repository, commit, directory)
    chosen = sample(found, seed, count)
    for item in chosen:
        sys.stdout.write(_text(item) if format_ == "text" else _row(item))
    counts = {item.repository: 0 for item in found}
    sys.stderr.write(f"opslint: {len(chosen)} of {len(found)} findings of {name}, in {len(counts)} of {checked} repositories\n")
    return 0


def repositories(listing: str) -> list[tuple[str, str]]:
    """Return (owner/name, commit) of every repository in the corpus file, in its order."""
    import tomllib

    try:
        with open(listing, "rb") as handle:
            data = tomllib.load(handle)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--list {listing}: {error}") from error
    return [(str(item["name"]), str(item.get("commit", ""))) for item in data.get("repository", [])]


def _warn_of_another_commit(repository: str, directory: str, commit: str) -> None:
    from opslint.engine.git import GitError, run

    try:
        head = run(directory, ["rev-parse", "HEAD"]).decode().strip()
    except (GitError, subprocess.SubprocessError):
        return
    if commit and head != commit:
        sys.stderr.write(f"opslint: {repository} stands at {head[:12]}, not at {commit[:12]}\n")


def findings_of(rule: str, repository: str, commit: str, directory: str) -> list[Found]:
    """Check one repository and return the findings of `rule` that a user sees by default."""
    from opslint.engine.options import run_options
    from opslint.engine.run import run

    result = run(run_options(paths=[directory], root=directory, extend_select=[rule]))
    return [Found(repository, commit, finding, result) for finding in result.findings if finding.rule == rule]


def sample(found: list[Found], seed: int, count: int) -> list[Found]:
    """Return up to `count` findings, the same for the same seed: a round over the repositories, then the next."""
    generator = random.Random(seed)  # noqa: S311 - a sample to be repeated, not a secret
    groups: dict[str, list[Found]] = {}
    for item in found:
        groups.setdefault(item.repository, []).append(item)
    order = sorted(groups)
    generator.shuffle(order)
    for name in order:
        generator.shuffle(groups[name])
    chosen: list[Found] = []
    depth = 0
    while len(chosen) < count and any(len(groups[name]) > depth for name in order):
        chosen += [groups[name][depth] for name in order if len(groups[name]) > depth]
        depth += 1
    return chosen[:count]


def _text(item: Found) -> str:
    from opslint.report.context import reader
    from opslint.report.frames import Frames

    finding = item.finding
    frames = Frames(reader(item.result.root))
    lines = [f"== {item.repository} {item.commit[:12]} {finding.severity}[{finding.rule}]", f"   {prose(finding.message)}"]
    places = [(finding.path, finding.span, ""), *((other.path, other.span, other.message) for other in finding.evidence)]
    for path, span, note in places:
        lines.append(f"   {visible(path)}:{span[0]}:{span[1]} {prose(note)}".rstrip())
        first = max(span[0] - 2, 1)
        for number in range(first, span[0] + 4):
            for line in frames.frame(path, (number, 1, number, 1), 1):
                lines.append(f"     {'>' if number == span[0] else ' '}{number:>5} | {line.text}".rstrip())
    return "\n".join(lines) + "\n\n"


def _row(item: Found) -> str:
    finding = item.finding
    row = {
        "rule": finding.rule,
        "repository": item.repository,
        "commit": item.commit,
        "path": finding.path,
        "line": finding.span[0],
        "message": prose(finding.message),
        "fingerprint": finding.fingerprint,
    }
    return json_text(row) + "\n"
