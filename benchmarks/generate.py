"""Make a synthetic repository: `python benchmarks/generate.py DIR FILES [--seed N]`.

The mix follows what real service repositories hold: 80 % Python (one file in nine with anything opslint cares about), the rest
YAML manifests, workflows, Terraform, compose, dotenv and other files.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

PLAIN = '''"""Module {n}."""

from dataclasses import dataclass


@dataclass
class Record{n}:
    name: str
    value: int = {n}

    def total(self, items: list[int]) -> int:
        result = 0
        for item in items:
            if item % 2:
                result += item * self.value
            else:
                result -= item
        return result


def transform_{n}(rows: list[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {{}}
    for row in rows:
        for key, value in row.items():
            found[key] = found.get(key, 0) + value
    return {{key: value for key, value in sorted(found.items()) if value}}
'''

SERVICE = '''"""Client {n}."""

import os

import requests

BASE = os.environ["SERVICE_{n}_URL"]
session = requests.Session()


def fetch_{n}(path: str) -> dict[str, str]:
    response = session.get(f"{{BASE}}/{{path}}", timeout=5)
    response.raise_for_status()
    return response.json()
'''

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{n}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: app-{n}}}
  template:
    metadata:
      labels: {{app: app-{n}}}
    spec:
      containers:
        - name: app
          image: registry.example.com/app-{n}:1.{n}.0
          ports: [{{containerPort: 8000}}]
          readinessProbe: {{httpGet: {{path: /ready, port: 8000}}}}
          livenessProbe: {{httpGet: {{path: /live, port: 8000}}}}
          env:
            - {{name: SERVICE_{n}_URL, value: "https://svc-{n}.internal"}}
"""

TERRAFORM = """resource "aws_sqs_queue" "jobs_{n}" {{
  name                       = "jobs-{n}"
  visibility_timeout_seconds = 360
  redrive_policy = jsonencode({{
    deadLetterTargetArn = aws_sqs_queue.dead_{n}.arn
    maxReceiveCount     = 5
  }})
}}

resource "aws_sqs_queue" "dead_{n}" {{
  name = "jobs-{n}-dead"
}}
"""

WORKFLOW = """name: ci-{n}
on: [pull_request]
permissions: {{contents: read}}
jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
      - run: pytest -q tests/{n}
"""


def make(root: Path, files: int, seed: int = 7) -> None:
    """Write about `files` files below `root`, the same for the same seed."""
    chance = random.Random(seed)
    for n in range(files):
        folder = f"pkg{n % 97}/part{n % 13}"
        draw = chance.random()
        if draw < 0.71:
            path, text = f"src/{folder}/plain_{n}.py", PLAIN.format(n=n) * chance.randint(1, 5)
        elif draw < 0.80:
            path, text = f"src/{folder}/client_{n}.py", SERVICE.format(n=n)
        elif draw < 0.86:
            path, text = f"deploy/k8s/app-{n}/deployment.yaml", DEPLOYMENT.format(n=n)
        elif draw < 0.91:
            path, text = f"infra/stack_{n}/main.tf", TERRAFORM.format(n=n)
        elif draw < 0.92:
            path, text = f".github/workflows/ci_{n}.yml", WORKFLOW.format(n=n)
        else:
            path, text = f"docs/{folder}/page_{n}.md", f"# Page {n}\n\n" + "Text of a page.\n" * 20
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4]) if "--seed" in sys.argv else 7)
