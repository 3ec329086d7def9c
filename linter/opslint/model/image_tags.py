"""Whether an image reference names one image for ever, or whatever its tag points at today."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOVING_TAGS = frozenset(
    "latest main master trunk head dev develop development stable edge nightly canary next prod production prd staging stage stg"
    " preview qa uat test testing release current snapshot rolling live".split()
)
"""Tags that are re-pointed by their nature: ``latest``, names of branches, of channels, of environments."""


def moving_tag(image: str, environments: Iterable[str] = ()) -> str | None:
    """Return the tag of `image` when it moves (``latest`` when there is none), None when it is pinned, a version or not known.

    `environments` are names of environments it runs in: a tag that is such a name moves as well.
    """
    if "@" in image or not image or image.startswith("$"):
        return None
    last = image.rpartition("/")[2]
    name, colon, tag = last.partition(":")
    if not colon:
        return "latest" if name and "$" not in name and name != "scratch" else None
    lowered = tag.lower()
    names = {name.partition("/")[0] for name in environments} | {part for name in environments for part in name.split("/")}
    if lowered in MOVING_TAGS or lowered in names or lowered.endswith("-latest") or lowered.startswith("latest-"):
        return tag
    return None
