"""Calls that the function's own role refuses."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Import, Meta, ProjectRule, TfBlock, ungranted

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class CodeCallsUngrantedAction(ProjectRule):
    """A function calls an AWS API that its role does not allow.

    What it finds
    -------------
    A boto3 call that the handler of a Lambda function (of Terraform, or of SAM by its `Policies`) reaches through the repository's own
    calls, where every policy of the function's role is known and none of them allows the action on anything.

    Shape seen in: aws-samples/aws-serverless-ecommerce-platform (statements beside each function; all right there), the batch writer in
    aws-samples/aws-serverless-shopping-cart.

    In production
    -------------
    `AccessDenied` at the first event that gets there. The mistake is not seen by tests, which run with the developer's own role or a mock.

    Bad:
        # file: app.py
        import boto3

        def handler(event, context):
            boto3.client("s3").put_object(Bucket="reports", Key="today", Body=b"")  # expect: code-calls-ungranted-action
        # file: main.tf
        resource "aws_iam_role" "report" {
          name               = "report"
          assume_role_policy = "{}"
        }
        resource "aws_iam_role_policy" "report" {
          role   = aws_iam_role.report.id
          policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] })
        }
        data "archive_file" "report" {
          type        = "zip"
          source_file = "${path.module}/app.py"
          output_path = "report.zip"
        }
        resource "aws_lambda_function" "report" {
          function_name = "report"
          role          = aws_iam_role.report.arn
          handler       = "app.handler"
          runtime       = "python3.12"
          filename      = data.archive_file.report.output_path
        }

    Good:
        # file: app.py
        import boto3

        def handler(event, context):
            boto3.client("s3").put_object(Bucket="reports", Key="today", Body=b"")
        # file: template.yaml
        AWSTemplateFormatVersion: "2010-09-09"
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Report:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: .
              Handler: app.handler
              Runtime: python3.12
              Policies:
                - S3CrudPolicy: {BucketName: reports}

    Exempt
    ------
    Roles with a policy that is not in the repository, methods that several services have, resource policies (a bucket or queue that lets
    the role in by itself cannot be seen and is rare for a function's own calls: confidence is medium).

    Fix safety
    ----------
    None: granting is a decision.

    Authority
    ---------
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """

    meta = Meta(
        "code-calls-ungranted-action",
        category="env",
        severity="error",
        confidence="medium",
        authority="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
        summary="A function calls an AWS API that its role does not allow",
        help="Add the action to the function's role, on the resource that it is about.",
    )
    needs = (Import,)
    joins = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare what each function calls with what its role allows."""
        found, silent = ungranted(model)
        for reason, loc in silent:
            report.silent(reason, loc)
        for call in found:
            at, _note = call.chain[-1]
            action = " or ".join(f"`{action}`" for action in call.actions)
            report(
                at=at,
                message=f"The role of function `{call.cloud.resource.name}` does not allow {action}: this call ends in `AccessDenied`",
                evidence=[
                    (call.handler, "the handler"),
                    *call.chain[:-1],
                    (call.cloud.resource.loc, "the function"),
                    (call.grant.loc, "its role"),
                ],
                environments=call.cloud.resource.environments,
                key=call.actions[0],
                service=call.cloud.resource.name,
                derived=call.cloud.resource.files,
            )
