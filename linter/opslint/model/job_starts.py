"""Which events and refs can start a job: triggers, `if:` and `needs` together, as far as they are Known."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.job_conditions import holds, literals

if TYPE_CHECKING:
    from opslint.model.pipeline_records import Job, Pipeline, Trigger

_REQUESTS = frozenset(("pull_request", "merge_group"))
_MANUAL = frozenset(("workflow_dispatch", "workflow_call", "repository_dispatch"))
_STATUS = ("always()", "failure()", "cancelled()")
_MAX_REFS = 200


def set_starts(pipeline: Pipeline) -> None:
    """Fill `Job.starts` and `Job.blocked` of every job of one GitHub workflow.

    GitHub skips a job when one that it needs was skipped, unless its own condition has ``always()``, ``failure()`` or
    ``cancelled()``. What no known condition excludes counts as possible.
    """
    words = sorted({word for job in pipeline.jobs for word in literals(job.condition)})
    jobs = {job.id: job for job in pipeline.jobs}
    starts = [(trigger.event, ref) for trigger in pipeline.triggers for ref in _refs(trigger, words)]
    for job in pipeline.jobs:
        job.starts = [start for start in starts if _runs(job, start, jobs)] if starts else [("", "")]
        if not job.starts:
            job.blocked = _reason(job, starts, jobs)


def _reason(job: Job, starts: list[tuple[str, str]], jobs: dict[str, Job]) -> str:
    own = [start for start in starts if holds(job.condition, *start) is not False]
    if not own:
        return "no event of this workflow satisfies its `if:`"
    for name in job.needs:
        if name in jobs and not any(_runs(jobs[name], start, jobs) for start in own):
            return f"`{name}`, which it needs, is skipped whenever its own `if:` holds"
    return "what it needs is skipped whenever its own `if:` holds"


def _runs(job: Job, start: tuple[str, str], jobs: dict[str, Job]) -> bool:
    """Tell whether nothing known keeps a job and all that it waits for from running."""
    work, seen = [job], {job.id}
    while work:
        current = work.pop()
        if holds(current.condition, *start) is False:
            return False
        if any(status in current.condition for status in _STATUS):
            continue
        for name in current.needs:
            needed = jobs.get(name)
            if needed is not None and name not in seen:
                seen.add(name)
                work.append(needed)
    return True


def _refs(trigger: Trigger, words: list[str]) -> list[str]:
    """Return refs that stand for all that may start a trigger: those the conditions and filters name, and one that nothing names."""
    if "closed" in trigger.types:
        # A merged request is closed on its base branch.
        return [""]
    if trigger.event in _REQUESTS:
        return ["refs/pull/1/merge"]
    if trigger.event == "release":
        return _of_kind("refs/tags/", words)
    if trigger.event != "push":
        return [*_of_kind("refs/heads/", words), *_of_kind("refs/tags/", words)] if trigger.event in _MANUAL else [""]
    found: list[str] = []
    if trigger.branches or not trigger.tags:
        names = [name for name in trigger.branches if not name.startswith("!")]
        found.extend(ref for ref in _of_kind("refs/heads/", [*words, *names]) if _matches(ref[11:], trigger.branches))
    if trigger.tags or not trigger.branches:
        names = [name for name in trigger.tags if not name.startswith("!")]
        found.extend(ref for ref in _of_kind("refs/tags/", [*words, *names]) if _matches(ref[10:], trigger.tags))
    return found[:_MAX_REFS]


def _of_kind(prefix: str, words: list[str]) -> list[str]:
    found = [f"{prefix}any-other"]
    for word in words:
        if word.startswith("refs/") and not word.startswith(prefix):
            continue
        name = word.removeprefix(prefix)
        for text in (name, f"{name}1"):
            plain = text.replace("**", "any").replace("*", "any")
            if plain and f"{prefix}{plain}" not in found:
                found.append(f"{prefix}{plain}")
    return found


def _matches(name: str, patterns: list[str]) -> bool:
    """Judge GitHub's branch filters: the last pattern that matches decides; what is not understood matches."""
    if not patterns:
        return True
    result = patterns[0].startswith("!")
    for pattern in patterns:
        text = pattern.removeprefix("!")
        if any(sign in text for sign in "?+[]{$"):
            return True
        if _glob(name, text):
            result = not pattern.startswith("!")
    return result


def _glob(name: str, pattern: str) -> bool:
    """``*`` stands for anything but ``/``, ``**`` for anything."""
    parts = pattern.replace("**", "\0").split("\0")
    return _fits(name, parts)


def _fits(name: str, parts: list[str]) -> bool:
    """Match the texts between ``**`` one after the other, the first at the start and the last at the end."""
    places = {0}
    for index, part in enumerate(parts):
        starts = places if index == 0 else set(range(min(places), len(name) + 1)) if places else set()
        places = {end for start in starts for end in _ends(name, start, part)}
    return len(name) in places


def _ends(name: str, start: int, part: str) -> set[int]:
    """Return where a text with single ``*`` can end when it begins at `start`."""
    pieces = part.split("*")
    places = {start}
    for index, piece in enumerate(pieces):
        if index:
            reached: set[int] = set()
            for place in places:
                stop = name.find("/", place)
                reached.update(range(place, (stop if stop >= 0 else len(name)) + 1))
            places = reached
        places = {place + len(piece) for place in places if name.startswith(piece, place)}
    return places
