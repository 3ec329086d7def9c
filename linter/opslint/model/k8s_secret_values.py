"""What committed Secrets hold, masked: for rules that judge a value by the host it names."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.masking import Masked
    from opslint.model.model import DeploymentModel


def secret_values(model: DeploymentModel) -> dict[str, tuple[Loc, Masked]]:
    """Return the place and masked value of every key of the Secrets in the deployments, by the reference that `Secret` values carry."""
    found: dict[str, tuple[Loc, Masked]] = {}
    for deployment in model.deployments:
        for node in deployment.objects:
            if node.text("kind") != "Secret":
                continue
            ref = f"{deployment.key}/{node.text('metadata', 'namespace') or ''}/{node.text('metadata', 'name') or ''}"
            for field in ("data", "stringData"):
                data = node.get(field)
                for key, value in data.pairs if isinstance(data, Mapping) else ():
                    if isinstance(value, Scalar) and value.masked is not None:
                        found[f"{ref}/{key.text}"] = (key.loc, value.masked)
    return found
