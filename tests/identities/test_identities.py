"""What environments use and own, and what of it is another's."""

from __future__ import annotations

from opslint.model.identity_overlaps import LOWER, UPPER, crossings


def _found(model, holders, owners):
    return [(item.name, item.reason, [one.environment for one in item.identities]) for item in crossings(model, holders, owners)]


def test_sources_and_what_is_shown(model_of):
    model = model_of(
        {
            "deploy/.env.production": "DATABASE_URL=postgres://app:s3cr3t@db.acme.io/shop\nDB_PASSWORD=hunter.two\n",
            "k8s/production/ingress.yaml": """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api, namespace: production}
spec: {rules: [{host: API.acme.io}]}
""",
            "infra/production/main.tf": """
terraform {
  backend "s3" {
    bucket = "acme-state"
    key = "prod.tfstate"
  }
}
provider "aws" {
  region = "eu-west-1"
  allowed_account_ids = ["444455556666"]
}
resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}
""",
        }
    )
    found = {(item.kind, item.shown, item.owned) for item in model.identities}
    assert ("database", "db.acme.io/shop", False) in found
    assert ("ingress", "api.acme.io", True) in found
    assert ("queue", "jobs", True) in found
    assert ("state", "acme-state/prod.tfstate", True) in found
    assert "hunter" not in repr(model.identities)
    assert "s3cr3t" not in repr(model.identities)
    queue = next(item for item in model.identities if item.kind == "queue")
    assert queue.key is not None
    assert queue.key[:2] == ("queue", "aws:sqs:eu-west-1:444455556666")


def test_the_same_store_is_productions(model_of):
    files = {
        "deploy/.env.production": "DATABASE_URL=postgres://a@db.acme.io/shop\n",
        "deploy/.env.staging": "MAIN_DB_URL=postgresql://b@db.acme.io:5432/shop\n",
    }
    model = model_of(files)
    assert _found(model, LOWER, UPPER) == [("MAIN_DB_URL", "same", ["staging"])]
    assert [reason for _name, reason, _who in _found(model, UPPER, LOWER)] == ["same"]


def test_what_is_called_after_its_own_environment_is_its_own(model_of):
    model = model_of(
        {
            "deploy/.env.production": "DATABASE_URL=postgres://a@db.staging.acme.io/shop\n",
            "deploy/.env.staging": "DATABASE_URL=postgres://a@db.staging.acme.io/shop\n",
        }
    )
    assert _found(model, LOWER, UPPER) == []
    assert _found(model, UPPER, LOWER) == [("DATABASE_URL", "named", ["production"])]


def test_the_account_of_the_other(model_of):
    tree = 'provider "aws" {\n  region = "eu-west-1"\n  allowed_account_ids = ["%s"]\n}\nresource "aws_sns_topic" "a" {\n  name = "a-%s"\n}\n'
    model = model_of(
        {
            "infra/production/main.tf": tree % ("444455556666", "p"),
            "infra/staging/main.tf": tree % ("111122223333", "s")
            + 'resource "aws_lambda_event_source_mapping" "x" {\n  event_source_arn = "arn:aws:sqs:eu-west-1:444455556666:orders"\n}\n',
        }
    )
    assert _found(model, LOWER, UPPER) == [("event_source_arn", "account", ["staging"])]


def test_staging_in_productions_mode_is_what_staging_is_for(model_of):
    model = model_of({"deploy/.env.production": "APP_ENV=production\n", "deploy/.env.staging": "APP_ENV=production\n"})
    assert _found(model, LOWER, UPPER) == []


def test_a_bare_word_counts_where_the_other_has_it(model_of):
    alone = {"deploy/.env.production": "EVENTS_DB=staging\n", "deploy/.env.staging": "EVENTS_DB=events\n"}
    assert _found(model_of(alone), UPPER, LOWER) == []
    both = {"deploy/.env.production": "EVENTS_BUCKET=acme-staging\n", "deploy/.env.staging": "EVENTS_BUCKET=acme-staging\n"}
    assert _found(model_of(both), UPPER, LOWER) == [("EVENTS_BUCKET", "named", ["production"])]
