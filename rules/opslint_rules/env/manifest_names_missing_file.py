"""Manifests that name files which are not there."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    ComposeFile,
    Dockerfile,
    HelmChart,
    Kustomization,
    Meta,
    ProjectRule,
    TfBlock,
    named_but_missing,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Missing, Reporter


class ManifestNamesMissingFile(ProjectRule):
    """A manifest names a file that is not there.

    What it finds
    -------------
    An `env_file`, the Dockerfile of a `build:`, the source of a `COPY` or `ADD`, a file of a kustomize generator, a values file of
    `helm -f` or an Argo CD `valueFiles`, a `-var-file`: named, and not there.

    Shape seen in: Aesgard-lab/New_crm (an env_file of production); right in makeplane/plane (env files that .gitignore names).

    In production
    -------------
    `docker compose up` stops with "env file not found", `docker build` with "not found", `kustomize build` and `helm upgrade` likewise, on
    the first machine that is not the author's: the deploy fails, or worse, half of it was already replaced.

    Bad:
        # file: docker-compose.prod.yml
        services:
          web:
            image: registry.example.com/shop/web:1.4.0
            env_file: .env.production # expect: manifest-names-missing-file

    Good:
        # file: docker-compose.prod.yml
        services:
          web:
            image: registry.example.com/shop/web:1.4.0
            env_file: .env.production
        # file: .env.production
        LOG_LEVEL=info

    Exempt
    ------
    `required: false`; a file that git ignores, or that is made from an example beside it (its variables are then not known);
    paths that hold a variable or leave the repository; what an earlier build step makes (`dist`, `build`, a file that a pipeline, script
    or Makefile names); `COPY --from`, patterns, Dockerfiles none of whose sources is there or with lines that are no instruction; `ignoreMissingValueFiles`.

    Fix safety
    ----------
    None.

    Authority
    ---------
    https://docs.docker.com/reference/compose-file/services/#env_file
    """

    meta = Meta(
        "manifest-names-missing-file",
        category="env",
        severity="error",
        confidence="high",
        authority="https://docs.docker.com/reference/compose-file/services/#env_file",
        summary="A manifest names a file that is not there",
        help="Commit the file, name the right one, or mark it `required: false`; if it must not be in git, add it to `.gitignore`.",
    )
    needs = (ComposeFile, Dockerfile, HelmChart, Kustomization, TfBlock)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report the missing files of one kind once for each compose file, at the first place that names one."""
        found: dict[tuple[str, str], list[tuple[Missing, list[str]]]] = {}
        for missing, environments in named_but_missing(model):
            found.setdefault((missing.loc[0], missing.what), []).append((missing, environments))
        for uses in found.values():
            first = uses[0][0]
            path = first.path
            places: dict[Loc, str] = {}
            for missing, _environments in uses[1:]:
                if missing.loc != first.loc:
                    note = "it as well" if missing.path == path else f"`{missing.path}`, which is not there either"
                    places.setdefault(missing.loc, f"`{missing.service}` names {note}" if missing.service else f"names {note}")
            report(
                at=first.loc,
                message=_message(first),
                evidence=list(places.items()),
                environments=sorted({name for _missing, names in uses for name in names}),
                key=path,
                service=first.service or None,
                derived={path for missing, _environments in uses for path in (missing.loc[0], missing.path)},
            )


_STOPS = {
    "COPY source": "`docker build` stops at this line",
    "generator file": "`kustomize build` stops, and nothing of this overlay can be applied",
    "values file": "`helm` stops before it deploys anything",
    "var file": "`terraform` stops before it plans anything",
}


def _message(missing: Missing) -> str:
    if missing.what == "trailing comment":
        return f"`{missing.path}` and the words behind it are sources of this COPY, for a line of a Dockerfile ends in no comment: `docker build` stops here"
    whose = f" of `{missing.service}`" if missing.service else ""
    stops = _STOPS.get(missing.what, "`docker compose` stops when it reads this file")
    return f"The {missing.what} `{missing.path}`{whose} is not in the repository: {stops}"
