"""Two environments that take each other's tasks and messages."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    CfnResource,
    ComposeFile,
    DotenvFile,
    KubernetesObject,
    Meta,
    ProjectRule,
    TfBlock,
    TfVars,
    shared_slots,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter

_WHAT = {
    "group": "Kafka topic with the same consumer group",
    "queue": "queue",
    "slot": "Redis database",
    "topic": "topic",
    "vhost": "virtual host",
}
_HARM = {
    "group": "each message reaches the consumer of only one of them",
    "queue": "each message is handled by only one of them",
    "slot": "they see each other's keys, and workers take each other's tasks",
    "topic": "what one publishes, the other receives",
    "vhost": "workers of one take the tasks of the other",
}


class SameBrokerSlot(ProjectRule):
    """Two environments use the same Redis database, virtual host, queue or topic.

    What it finds
    -------------
    Values of environments of different tiers (variables of workloads, dotenv files, tfvars, literals of their own Terraform) that name the
    same Redis server and database number, the same AMQP server and virtual host, the same SQS queue or SNS topic, or the same Kafka servers with
    the same topic and consumer group. A default port, the scheme's spelling and the credentials make no difference.

    Shape seen in: thunderbird/addons-server (workers of stage connected to production's broker). Silent shape seen in:
    AuthorWorks/authorworks (the same host name without a dot, which is another machine in each environment).

    In production
    -------------
    A worker of staging takes a task of a customer, fails on data that it does not have, and acknowledges it. Half of the mails
    are not sent, production's log shows nothing, and flushing staging's cache logs everybody out.

    Bad:
        # file: deploy/.env.staging
        CELERY_BROKER_URL=redis://broker.internal.example.com:6379/0 # expect: same-broker-slot

        # file: deploy/.env.production
        CELERY_BROKER_URL=rediss://:${REDIS_PASSWORD}@broker.internal.example.com/0

    Good:
        # file: deploy/.env.staging
        CELERY_BROKER_URL=redis://broker.internal.example.com:6379/1

        # file: deploy/.env.production
        CELERY_BROKER_URL=redis://broker.internal.example.com:6379/0

    Exempt
    ------
    Values that are secret or not known. Hosts that are another machine in each environment: names without a dot, `localhost`, private
    addresses, names inside a cluster. Instances of one tier. What an environment's own manifest declares (`non-prod-references-prod`
    judges who else uses it), and what a shared one declares.

    Fix safety
    ----------
    None: the other slot has to be chosen, and what waits in this one belongs to somebody.

    Authority
    ---------
    https://12factor.net/backing-services
    """

    meta = Meta(
        "same-broker-slot",
        category="overlap",
        severity="error",
        confidence="high",
        authority="https://12factor.net/backing-services",
        summary="Two environments use the same Redis database, virtual host, queue or topic",
        help="Give each environment a broker, or a database number, virtual host, queue or group, of its own.",
    )
    needs = (TfBlock, TfVars, DotenvFile, KubernetesObject, ComposeFile, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each slot once, where the environment farthest from production names it."""
        for slot in shared_slots(model):
            first, others = slot.uses[0], slot.uses[1:]
            who = " and ".join(use.environment for use in slot.uses)
            shown = f" (`{slot.shown}`)" if slot.shown else ""
            origin = ", from one file" if all(use.loc == first.loc for use in others) else ""
            report(
                at=first.loc,
                message=f"{who} use the same {_WHAT[slot.kind]}{shown}{origin}: {_HARM[slot.kind]}",
                evidence=[(use.loc, f"{use.environment}: `{use.name}` names the same") for use in others if use.loc != first.loc],
                environments=sorted(use.environment for use in slot.uses),
                key=f"{slot.kind} {first.name}",
                derived={path for use in slot.uses for path in use.files},
            )
