"""Jobs of one environment that reach into another: what they deploy to, whose secrets they hold, whose names they are given.

A job's own environment is the one it declares (``environment:``); where it declares none, the one that its deploying commands name.
Jobs that work for several environments at once (promotions, matrices) have none, and nothing is said of them.
"""

from __future__ import annotations

from opslint.base.masking import mask
from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environment_names import STRONG, of_value, tier_tokens
from opslint.model.environments import tier_of
from opslint.model.identity_shapes import shape_of
from opslint.model.pipeline_secrets import secrets_of, tier_word
from opslint.model.shell_commands import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.pipeline_records import Job, Pipeline, Step


class JobCrossing(Record):
    """One thing of the tier `other` in a job of the environment `own`.

    `kind`: ``target`` (a command deploys to it), ``secret`` (a secret is called after it), ``value`` (a setting names it),
    ``credentials`` (both tiers are deployed with the same secrets). `text` is what is written (names only, never a value); `evidence` what
    else of the job is the other tier's: one mistake (a copied job, a wrong ``environment:``) mostly shows in several places.
    """

    __slots__ = ("evidence", "job", "kind", "loc", "other", "own", "pipeline", "text")
    evidence: list[tuple[Loc, str]]
    job: Job
    kind: str
    loc: Loc
    other: str
    own: str
    pipeline: Pipeline
    text: str


def job_crossings(model: DeploymentModel) -> list[JobCrossing]:
    """Return the crossings of all jobs, one a job, in order of pipelines and jobs, then credentials that two tiers share."""
    out: list[JobCrossing] = []
    for pipeline, job in model.pipelines.jobs():
        own = own_environment(job)
        if own:
            found = [*_targets(model, job, own), *_secrets(job, own), *_values(job, own)]
            matters = [item for item in found if _matters(tier_of(own), item[2])]
            if matters:
                kind, text, other, loc = matters[0]
                places = {loc: "", **{item[3]: item[1] for item in reversed(matters) if item[3] != loc}}
                evidence = [(place, f"`{name}` likewise") for place, name in reversed(places.items()) if name]
                out.append(
                    JobCrossing(
                        evidence=evidence[:6], job=job, kind=kind, loc=loc, other=other, own=own, pipeline=pipeline, text=text
                    )
                )
    out.extend(_shared_credentials(model))
    return out


def _matters(own: str, other: str) -> bool:
    """Production against any tier below it: crossings among the lower ones are everyday."""
    return own != other and "production" in (own, other) and "shared" not in (own, other)


def own_environment(job: Job) -> str:
    """Return the one environment a job works for, "" when there is none or there are several."""
    if job.environment:
        tiers = {tier_of(name) for name in job.environments}
        return job.environments[0] if len(tiers) == 1 else ""
    if not job.deploys:
        return ""
    named = [name for action in job.actions for name in action.environments]
    return named[0] if len({tier_of(name) for name in named}) == 1 else ""


def _targets(model: DeploymentModel, job: Job, own: str) -> Iterator[tuple[str, str, str, Loc]]:
    if not job.environment:
        return
    for step in job.steps:
        for loc, words, info in step.commands:
            if words[:2] in (["kustomize", "build"], ["kubectl", "kustomize"]) and info.get("to", [""])[0] in ("kubectl", "oc"):
                named = model.pipelines.actions.named(words[2:3], None)
                if len(named) == 1 and tier_of(named[0]) != tier_of(own):
                    yield "target", " ".join(words[:2]), tier_of(named[0]), loc
    for action in job.deploys:
        if action.tool.startswith("docker "):
            # The file says what runs; where it runs is the host's affair, and `docker-compose.prod.yml` on staging's is no mistake.
            continue
        tiers = {tier_of(name) for name in action.environments}
        if len(tiers) == 1 and tier_of(own) not in tiers:
            yield "target", action.tool, next(iter(tiers)), action.loc


_READ_ONLY = frozenset(
    "registry ecr acr gcr docker dockerhub artifact artifactory npm pypi image slack teams discord sentry sonar codecov".split()
)
"""Words of secrets for what is only read from or told, whatever the environment."""

_SHOWN_ENDS = ("DOMAIN",)
"""Ends of settings that addresses of other environments are made from (``staging.${{ secrets.PRODUCTION_DOMAIN }}``)."""


def _secrets(job: Job, own: str) -> Iterator[tuple[str, str, str, Loc]]:
    """Yield the secrets called after another tier, where the job has no secret of the same name for its own (it copies between them)."""
    used = list(_secret_uses(job))
    stems = {stem_of(name) for name, _loc in used if _tier_of_secret(name) == tier_of(own)}
    for name, loc in used:
        tier = _tier_of_secret(name)
        stem = stem_of(name)
        words = set(stem.lower().split("_"))
        if (
            tier
            and tier != tier_of(own)
            and stem not in stems
            and not words & _READ_ONLY
            and not stem.endswith(_SHOWN_ENDS)
            and stem
        ):
            yield "secret", name, tier, loc


def _secret_uses(job: Job) -> Iterator[tuple[str, Loc]]:
    """Yield (name, place) of the secrets a job is surely given: an expression with a condition may choose by environment."""
    if job.provider == "gitlab":
        for step in job.steps:
            for loc, words, _info in step.commands:
                for word in words:
                    yield from ((name, loc) for name in _dollar_names(word))
        return
    for key, node in job.node.pairs:
        if key.text in ("environment", "if", "name", "outputs", "steps"):
            continue
        yield from secrets_of(node, sure=True)
    for step in job.steps:
        if step.view is not None and not _only_reads(step):
            for key, node in step.view.node.pairs:
                if key.text not in ("if", "name", "run"):
                    yield from secrets_of(node, sure=True)
            for loc, words, _info in step.commands:
                if base_name(words[0]) in ("docker", "podman", "echo") and "login" in words[:2]:
                    continue
                for word in words:
                    yield from ((name, loc) for name, _at in secrets_of(Scalar(word, 0), sure=True))


def _only_reads(step: Step) -> bool:
    uses = (step.view.uses or "") if step.view is not None else ""
    return any(word in uses for word in ("login", "slack", "teams", "notify", "sonar", "codecov", "upload-artifact", "cache"))


def _dollar_names(word: str) -> Iterator[str]:
    for part in word.split("$")[1:]:
        body = part.removeprefix("{")
        end = next((at for at, char in enumerate(body) if not (char.isalnum() or char == "_")), len(body))
        if end:
            yield body[:end]


def _tier_of_secret(name: str) -> str:
    word = tier_word(name)
    return STRONG[word] if word else ""


def stem_of(name: str) -> str:
    """Return a secret's name without the word that names its tier: what its twin of another tier has in common with it."""
    return "_".join(word for word in name.upper().split("_") if word.lower() not in STRONG)


_TARGET_FLAGS = frozenset(
    "--cluster --context --kube-context --namespace -n --profile --stack-name --function-name --resource-group --workspace --stack".split()
)
"""Flags of deploying tools whose value names the place that is worked on (each tool's reference)."""

_TARGET_INPUTS = frozenset(
    "cluster cluster-name cluster_name namespace context kube-context resource-group resource-group-name app-name service stack-name"
    " stack_name function-name function_name project_id role-to-assume workload_identity_provider service_account host environment stage"
    " workspace".split()
)
"""Inputs of deploying actions of the same kind."""


def _values(job: Job, own: str) -> Iterator[tuple[str, str, str, Loc]]:
    """Yield settings of the job's own `env:` and `with:` and targeting flags whose literal value names another tier and not its own."""
    if not job.environment:
        return
    blocks = [job.node.get("env")]
    for step in job.steps:
        if step.view is not None:
            blocks.append(step.view.node.get("env"))
            inputs = step.view.inputs
            for key, node in inputs.pairs if inputs is not None and not _only_reads(step) else ():
                if key.text in _TARGET_INPUTS and isinstance(node, Scalar) and "${{" not in node.text:
                    yield from _of_text(key.text, node.text, own, node.loc)
        for loc, words, _info in step.commands:
            for flag, value in zip(words, [*words[1:], ""], strict=True):
                name, equals, inline = flag.partition("=")
                if name in _TARGET_FLAGS and base_name(words[0]) not in ("docker", "podman", "docker-compose"):
                    yield from _of_text(name, inline if equals else value, own, loc)
    for block in blocks:
        for key, node in block.pairs if isinstance(block, Mapping) else ():
            if isinstance(node, Scalar) and node.masked is not None:
                shape = shape_of(key.text, node.masked)
                if shape is not None and shape.kind not in ("mode", "tier", "key"):
                    yield from _of_tiers(key.text, shape.tiers, own, key.loc)


def _of_text(name: str, text: str, own: str, loc: Loc) -> Iterator[tuple[str, str, str, Loc]]:
    if not text or "$" in text or text.startswith("-"):
        return
    value = mask(text)
    whole = of_value(text)
    tiers = [whole[0]] if whole is not None else tier_tokens(value.name if value.kind == "arn" else text)
    yield from _of_tiers(f"{name} {text}", tiers, own, loc)


def _of_tiers(text: str, tiers: list[str], own: str, loc: Loc) -> Iterator[tuple[str, str, str, Loc]]:
    if tiers and tier_of(own) not in tiers and len(tiers) == 1:
        yield "value", text, tiers[0], loc


_CREDENTIALS = frozenset(
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY aws-access-key-id aws-secret-access-key role-to-assume ARM_CLIENT_ID ARM_CLIENT_SECRET creds"
    " GOOGLE_CREDENTIALS GOOGLE_APPLICATION_CREDENTIALS credentials_json KUBECONFIG kubeconfig KUBE_CONFIG kubeconfig_raw".split()
)
"""Variables and inputs that a cloud or cluster is opened with (the tools' references)."""


def _shared_credentials(model: DeploymentModel) -> Iterator[JobCrossing]:
    """Yield the credentials that jobs of two tiers use, where no GitHub environment of either gives the name a value of its own."""
    uses: dict[str, list[tuple[str, Loc, Pipeline, Job]]] = {}
    for pipeline, job in model.pipelines.jobs():
        own = own_environment(job)
        if not own or job.environment or job.provider != "github" or pipeline.reusable or not job.deploys:
            continue
        for name, loc in _credentials(pipeline, job):
            uses.setdefault(name, []).append((own, loc, pipeline, job))
    found: dict[tuple[str, str], JobCrossing] = {}
    for name, places in uses.items():
        upper = next((place for place in places if tier_of(place[0]) == "production"), None)
        lower = next((place for place in places if tier_of(place[0]) in ("staging", "development")), None)
        if upper is None or lower is None:
            continue
        own, loc, pipeline, job = lower
        known = found.get((pipeline.path, job.id))
        if known is not None:
            known.text += f", {name}"
            continue
        found[(pipeline.path, job.id)] = JobCrossing(
            evidence=[(upper[1], f"the job `{upper[3].id}` deploys {upper[0]} with it too")],
            job=job,
            kind="credentials",
            loc=loc,
            other="production",
            own=own,
            pipeline=pipeline,
            text=name,
        )
    yield from found.values()


def _credentials(pipeline: Pipeline, job: Job) -> Iterator[tuple[str, Loc]]:
    """Yield (secret, place) of the credentials a job opens its cloud with; a name that says a tier is that tier's own."""
    workflow = job.view.workflow if job.view is not None else None
    blocks = [workflow.get("env") if workflow is not None else None, job.node.get("env")]
    for step in job.steps:
        if step.view is not None:
            blocks.extend((step.view.node.get("env"), step.view.node.get("with")))
    for block in blocks:
        for key, node in block.pairs if isinstance(block, Mapping) else ():
            if (
                key.text == "role-to-assume"
                and isinstance(node, Scalar)
                and node.text.startswith("arn:")
                and not tier_tokens(node.text)
            ):
                yield node.text.rpartition("/")[2], node.loc
            if key.text in _CREDENTIALS:
                yield from ((name, node.loc) for name, _loc in secrets_of(node, sure=True) if not tier_word(name))
