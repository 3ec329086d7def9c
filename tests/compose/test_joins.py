"""Joins from what starts code to code: functions, processes, supervisord, arguments of entry-point scripts, stacks, missing files."""

from __future__ import annotations

import pytest
from opslint.model.missing_files import named_but_missing
from opslint.model.shell_tests import holds
from opslint.syntax.shell import commands

HANDLER = "import os\n\n\ndef handler(event, context):\n    return os.environ['TOKEN']\n"
TEMPLATE = """Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    CodeUri: src/
    Timeout: 20
    Environment:
      Variables:
        SHARED: a
Resources:
  Ingest:
    Type: AWS::Serverless::Function
    Properties:
      Handler: jobs.ingest.handler
      Environment:
        Variables:
          OWN: b
"""
DEPLOY = """on: {push: {branches: [main]}}
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: production
    steps:
      - uses: actions/checkout@v4
      - run: sam build
      - run: sam deploy --config-env production
"""


def modules(model, name):
    (service,) = [found for found in model.services if found.name == name]
    return service, [module for entries in service.entries for entry in entries for module in entry.modules]


def test_sam_function_is_a_service(model_of):
    model = model_of({"template.yaml": TEMPLATE, "src/jobs/__init__.py": "", "src/jobs/ingest.py": HANDLER})
    service, found = modules(model, "Ingest")
    assert (service.context, service.unlinked, found) == ("src", "", ["src/jobs/ingest.py"])
    ((workload, container),) = service.runs
    scope = model.variables.resolve(workload, container)
    assert scope.closed
    assert sorted(scope.bindings) == ["OWN", "SHARED"]
    assert [read.name for read in model.variables.reads_of(container)[0]] == ["TOKEN"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".github/workflows/deploy.yml": DEPLOY}, ["production"]),
        ({".github/workflows/deploy.yml": DEPLOY.replace("    environment: production\n", "")}, ["production"]),
        (
            {"samconfig.toml": "[staging.deploy.parameters]\nstack_name = 'a'\n[default.build.parameters]\ncached = true\n"},
            ["staging"],
        ),
        ({}, []),
    ],
)
def test_stack_environment(model_of, files, expected):
    model = model_of({"template.yaml": TEMPLATE, "src/jobs/ingest.py": HANDLER, **files})
    (service,) = model.services
    assert service.runs[0][0].environments == expected
    assert model.environments.seen() == expected


def test_terraform_function_is_a_service(model_of):
    terraform = """
data "archive_file" "code" {
  type        = "zip"
  source_dir  = "${path.module}/../functions/mail"
  output_path = "${path.module}/mail.zip"
}
resource "aws_lambda_function" "mail" {
  function_name = "mail"
  filename      = data.archive_file.code.output_path
  handler       = "main.handler"
  runtime       = "python3.12"
  environment {
    variables = { SENDER = "a@b.example" }
  }
}
"""
    model = model_of({"infra/main.tf": terraform, "functions/mail/main.py": HANDLER, "functions/other/main.py": HANDLER})
    service, found = modules(model, "mail")
    assert (service.context, found) == ("functions/mail", ["functions/mail/main.py"])


def test_serverless_function_is_a_service(model_of):
    text = """service: mail
provider:
  name: aws
  runtime: python3.12
  environment: {SHARED: a}
functions:
  send:
    handler: src/mail.handler
    environment: {OWN: "${env:OWN}"}
    events:
      - sqs: {arn: "arn:aws:sqs:eu-west-1:1:mail", batchSize: 5}
"""
    model = model_of({"serverless.yml": text, "src/mail.py": HANDLER})
    service, found = modules(model, "send")
    assert found == ["src/mail.py"]
    scope = model.variables.resolve(*service.runs[0])
    assert (scope.closed, sorted(scope.bindings)) == (True, ["OWN", "SHARED"])
    (function,) = model.resources.functions
    assert function.timeout.value == 6


def test_function_of_another_language_is_no_blind_spot(model_of):
    template = TEMPLATE.replace("jobs.ingest.handler", "index.handler")
    model = model_of({"template.yaml": template, "src/index.js": "exports.handler = 1"})
    (service,) = model.services
    assert service.unlinked == "its code is not Python"
    assert not [spot for spot in model.blind_spots if spot.kind == "service-not-linked"]


def test_procfile_processes(model_of):
    files = {"Procfile": "release: python manage.py migrate\nweb: gunicorn app.main:app\nworker: celery -A app.tasks worker\n"}
    model = model_of({**files, "app/main.py": "app = 1\n", "app/tasks.py": "", "manage.py": ""})
    service, found = modules(model, "web")
    assert found == ["manage.py", "app/main.py", "app/tasks.py"]
    assert [workload.kind for workload, _container in service.runs] == ["release", "process", "process"]
    assert not model.variables.resolve(*service.runs[0]).closed


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fly.toml", "[processes]\nweb = 'uvicorn app.main:app'\n"),
        ("railway.toml", "[deploy]\nstartCommand = 'uvicorn app.main:app'\n"),
        ("railway.json", '{"deploy": {"startCommand": "uvicorn app.main:app"}}'),
        ("render.yaml", "services:\n  - type: web\n    name: web\n    startCommand: uvicorn app.main:app\n"),
    ],
)
def test_platform_start_commands(model_of, path, text):
    assert modules(model_of({path: text, "app/main.py": "app = 1\n"}), "web")[1] == ["app/main.py"]


def test_supervisord_programs(model_of):
    conf = "[supervisord]\nnodaemon=true\n[program:web]\ncommand=gunicorn app.main:app\n    --timeout 60\n[program:worker]\ncommand=celery -A app.tasks worker\ndirectory=/srv\n[program:off]\ncommand=python x.py\nautostart=false\n"
    docker = 'FROM python:3.12\nWORKDIR /srv\nCOPY . .\nCOPY ops/supervisord.conf /etc/supervisord.conf\nCMD ["supervisord", "-c", "/etc/supervisord.conf"]\n'
    files = {"Dockerfile": docker, "ops/supervisord.conf": conf, "app/main.py": "app = 1\n", "app/tasks.py": ""}
    model = model_of({**files, "compose.yaml": "services:\n  web: {build: .}\n"})
    (service,) = model.services
    (entries,) = service.entries
    assert [(entry.role, entry.modules) for entry in entries] == [("web", ["app/main.py"]), ("worker", ["app/tasks.py"])]
    assert entries[0].words[-2:] == ["--timeout", "60"]


SCRIPT = """if [ "$1" = "gunicorn" ]; then
    python manage.py migrate
fi
exec "$@"
"""


@pytest.mark.parametrize(
    ("script", "command", "roles"),
    [
        (SCRIPT, "gunicorn app.main:app", ["migrate", "web"]),
        (SCRIPT, "celery -A app.tasks worker", ["worker"]),
        (
            'case "$1" in\n  web|api) exec gunicorn app.main:app ;;\n  worker) exec celery -A app.tasks worker ;;\nesac\n',
            "worker",
            ["worker"],
        ),
        ('if [ "${1#-}" != "$1" ]; then\n  set -- gunicorn "$@"\nfi\nexec "$@"\n', "-b :80 app.main:app", ["web"]),
        ('if [ "$1" = "web" ]; then\n  exec gunicorn app.main:app\nfi\nexec celery -A app.tasks worker\n', "web", ["web"]),
        ('if [ "$RUN" = "yes" ]; then\n  python manage.py migrate\nfi\nexec "$@"\n', "gunicorn app.main:app", ["web"]),
    ],
)
def test_branches_by_arguments(model_of, script, command, roles):
    docker = 'FROM python:3.12\nWORKDIR /srv\nCOPY . .\nENTRYPOINT ["/srv/entrypoint.sh"]\n'
    files = {"Dockerfile": docker, "entrypoint.sh": script, "app/main.py": "app = 1\n", "app/tasks.py": "", "manage.py": ""}
    model = model_of({**files, "compose.yaml": f"services:\n  web:\n    build: .\n    command: {command}\n"})
    (service,) = model.services
    assert [entry.role for entry in service.entries[0]] == roles


@pytest.mark.parametrize(
    ("test", "arguments", "expected"),
    [
        ('[ "$1" = "a" ]', ["a"], True),
        ('[ "$1" != "a" ]', ["a"], False),
        ('[[ "$1" == a* && "$2" == "b" ]] || [ $# -gt 3 ]', ["abc", "b"], True),
        ('[[ "$1" == "x" ]] || [[ "$1" == "a" && "$2" == "b" ]]', ["a", "c"], False),
        ('! [ "$1" = "a" ]', ["a"], False),
        ('[ -z "$1" ]', [], True),
        ('[ "${1:-web}" = "web" ]', [], True),
        ('[ "$1" = "a" ] && [ "$X" = "b" ]', ["a"], None),
        ('[ "$1" = "a" ] && [ "$X" = "b" ]', ["c"], False),
        ('[[ "$1" =~ ^a ]]', ["a"], None),
    ],
)
def test_conditions(test, arguments, expected):
    (command,) = [found for found in commands(f"if {test}; then run; fi") if found.words == ["run"]]
    assert holds(command.when, arguments) is expected


def test_patterns_of_a_case_are_no_commands():
    found = commands('case "$1" in\n  web|api) run ;;\n  (other) stop ;;\nesac\n')
    assert [command.words for command in found] == [["run"], ["stop"]]


def missing(model):
    return [(found.loc[0], found.what, found.path) for found, _environments in named_but_missing(model)]


def test_copy_of_a_file_that_is_not_there(model_of):
    docker = "FROM python:3.12\nCOPY app ./app\nCOPY --from=x /a /b\nCOPY docker/log.yaml lock*.txt ./\n"
    model = model_of({"Dockerfile": docker, "app/main.py": ""})
    assert missing(model) == [("Dockerfile", "COPY source", "docker/log.yaml")]
    ((found, _environments),) = named_but_missing(model)
    assert (found.loc[0], model.facts(type(model.linked.dockerfiles["Dockerfile"]))[0].sources[1][1]) == (
        "Dockerfile",
        "docker/log.yaml",
    )


@pytest.mark.parametrize(
    ("files", "ignored"),
    [
        ({"docker/log.yaml": ""}, ()),
        ({}, ("docker/log.yaml",)),
        ({"Makefile": "build:\n\tcp x docker/log.yaml\n"}, ()),
        (
            {
                "compose.yaml": "services:\n  a:\n    build: {context: sub, dockerfile: ../Dockerfile}\n",
                "sub/app/x.py": "",
                "sub/docker/log.yaml": "",
            },
            (),
        ),
    ],
)
def test_copy_that_is_there_or_may_be_made(model_of, files, ignored):
    docker = "FROM python:3.12\nCOPY app ./app\nCOPY docker/log.yaml ./\n"
    assert missing(model_of({"Dockerfile": docker, "app/main.py": "", **files}, ignored)) == []


def test_stage_that_no_build_needs(model_of):
    docker = "FROM python:3.12 AS extra\nCOPY nowhere.cfg .\nFROM python:3.12\nCOPY app ./app\n"
    assert missing(model_of({"Dockerfile": docker, "app/main.py": ""})) == []


def test_generator_values_and_variables(model_of):
    files = {
        "k8s/kustomization.yaml": "configMapGenerator:\n  - name: a\n    files: [settings.json, app.ini]\n",
        "k8s/app.ini": "",
        "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "chart/values.yaml": "a: 1\n",
        "infra/main.tf": 'variable "a" {}\n',
        "deploy.sh": "helm upgrade shop chart -f chart/values-prod.yaml\nterraform -chdir=infra apply -var-file=prod.tfvars\n",
    }
    assert sorted(missing(model_of(files))) == [
        ("deploy.sh", "values file", "chart/values-prod.yaml"),
        ("deploy.sh", "var file", "infra/prod.tfvars"),
        ("k8s/kustomization.yaml", "generator file", "k8s/settings.json"),
    ]


def test_one_name_of_a_workload(model_of):
    compose = "services:\n  api: {build: .}\n  db: {image: postgres}\n"
    docker = 'FROM python:3.12\nCOPY . .\nCMD ["uvicorn", "app.main:app"]\n'
    model = model_of({"compose.yaml": compose, "Dockerfile": docker, "app/main.py": "app = 1\n"})
    names = {workload.name: model.linked.name_of(workload, workload.containers[0]) for workload in model.workloads}
    assert names == {"api": "api", "db": "db"}


def test_settings_class_that_ignores_case(model_of):
    code = "from pydantic_settings import BaseSettings\n\n\nclass Settings(BaseSettings):\n    model_config = {'env_prefix': 'SHOP_'}\n    bucket: str\n\n\nsettings = Settings()\n"
    model = model_of({"app/config.py": code})
    assert [read.name for read in model.variables.all_reads.by_path["app/config.py"]] == ["SHOP_BUCKET"]
