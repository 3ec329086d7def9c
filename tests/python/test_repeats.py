"""Names passed to calls, parts of results, message receivers, schedules and what repeats an effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from opslint.engine.options import run_options
from opslint.engine.run import run


def findings(root: Path, files: dict[str, str], rule: str) -> list[tuple[str, int]]:
    """Write `files` below `root` and return where `rule` reports."""
    for name, text in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    result = run(run_options(paths=[str(root)], root=str(root), select=[rule], no_cache=True))
    assert not result.problems
    return [(item.path, item.span[0]) for item in result.findings]


_SAM = """AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/, Handler: orders.handler, Runtime: python3.12, Timeout: 10}
"""


@pytest.mark.parametrize(
    ("call", "reported"),
    [
        ("process_partial_response(event=event, record_handler=work, processor=None, context=context)", True),
        ("functools.partial(work, 1)()", True),
        ("asyncio.get_event_loop().run_in_executor(None, work, 1)", True),
        ("asyncio.to_thread(work, 1)", True),
        ("ThreadPoolExecutor().submit(work, 1).result()", True),
        ("threading.Thread(target=work).start()", False),
        ("print(work)", False),
    ],
)
def test_function_passed_by_name_is_called(tmp_path: Path, call: str, reported: bool) -> None:
    head = "import asyncio\nimport functools\nimport threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
    head += "import requests\nfrom aws_lambda_powertools.utilities.batch import process_partial_response\n\n\n"
    work = 'def work(record):\n    requests.get("https://erp.example.com", timeout=60)\n\n\n'
    code = f"{head}{work}def handler(event, context):\n    return {call}\n"
    found = findings(tmp_path, {"template.yaml": _SAM, "src/orders.py": code}, "timeout-exceeds-caller-budget")
    assert found == ([("src/orders.py", 10)] if reported else [])


_MODELS = (
    "from django.db import models\n\n\nclass Score(models.Model):\n    points = models.IntegerField()\n\n"
    "    def add(self, n):\n        self.points += n\n        self.save()\n"
)


def test_first_part_of_get_or_create_is_a_row(tmp_path: Path) -> None:
    tasks = (
        "from celery import shared_task\nfrom app.models import Score\n\n\n@shared_task(autoretry_for=(Exception,))\n"
        "def count(pk):\n    score, created = Score.objects.get_or_create(pk=pk)\n    score.add(1)\n"
    )
    files = {"app/__init__.py": "", "app/models.py": _MODELS, "app/tasks.py": tasks}
    assert findings(tmp_path, files, "relative-update-in-retryable-handler") == [("app/models.py", 8)]


def test_parts_of_a_function_of_the_repository(tmp_path: Path) -> None:
    tasks = (
        "from celery import shared_task\nfrom app.models import Score\n\n\ndef both(pk):\n    return Score(), pk\n\n\n"
        "@shared_task(autoretry_for=(Exception,))\ndef count(pk):\n    score, same = both(pk)\n    score.add(1)\n"
    )
    files = {"app/__init__.py": "", "app/models.py": _MODELS, "app/tasks.py": tasks}
    assert findings(tmp_path, files, "relative-update-in-retryable-handler") == [("app/models.py", 8)]


def test_options_that_a_mapping_gives(tmp_path: Path) -> None:
    tasks = (
        "from celery import shared_task\nfrom app.models import Score\n\nBASE = {'autoretry_for': (Exception,)}\n"
        "RETRY = {**BASE, 'max_retries': 5}\n\n\n@shared_task(**RETRY)\n"
        "def count(pk):\n    score, created = Score.objects.get_or_create(pk=pk)\n    score.add(1)\n"
    )
    files = {"app/__init__.py": "", "app/models.py": _MODELS, "app/tasks.py": tasks}
    assert findings(tmp_path, files, "relative-update-in-retryable-handler") == [("app/models.py", 8)]


_BASE = """from abc import ABC, abstractmethod

from azure.storage.queue import QueueServiceClient


class Base(ABC):
    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service

    @property
    def service(self) -> QueueServiceClient:
        return self._service

    @abstractmethod
    def process(self, message): ...

    def poll(self):
        for message in self.service.get_queue_client("jobs").receive_messages():
            self.process(message)
"""


@pytest.mark.parametrize(
    ("guard", "reported"),
    [("", True), ("        if session.query(Job).filter_by(key=message.id).first():\n            return\n", False)],
)
def test_method_that_a_subclass_puts_into_a_receive_loop(tmp_path: Path, guard: str, reported: bool) -> None:
    worker = (
        "from sqlalchemy.orm import Session\n\nfrom shared.base import Base\nfrom shared.models import Job, engine\n\n"
        "session = Session(engine)\n\n\nclass Worker(Base):\n    def process(self, message):\n"
        f"{guard}        session.add(Job(key=message.id))\n        session.commit()\n"
    )
    files = {"shared/__init__.py": "", "shared/base.py": _BASE, "worker.py": worker}
    found = findings(tmp_path, files, "queue-handler-not-idempotent")
    assert found == ([("worker.py", 11)] if reported else [])


@pytest.mark.parametrize(
    "code",
    [
        "import pika\n\nchannel = pika.BlockingConnection().channel()\n\n\ndef on_message(ch, method, properties, body):\n    BODY\n\n\n"
        "channel.basic_consume(queue='jobs', on_message_callback=on_message)\n",
        "import aio_pika\n\n\nasync def handle(message: aio_pika.IncomingMessage) -> None:\n    BODY\n",
        "from kafka import KafkaConsumer\n\n\ndef run():\n    for message in KafkaConsumer('jobs'):\n        BODY\n",
        "import azure.functions as func\n\napp = func.FunctionApp()\n\n\n@app.queue_trigger(arg_name='m', queue_name='q', connection='c')\n"
        "def run(m):\n    BODY\n",
    ],
)
def test_consumers(tmp_path: Path, code: str) -> None:
    body = "smtplib.SMTP('mail', timeout=5).send_message(None)"
    found = findings(tmp_path, {"worker.py": "import smtplib\n" + code.replace("BODY", body)}, "queue-handler-not-idempotent")
    assert len(found) == 1


@pytest.mark.parametrize(
    ("after", "reported"), [("", True), ("        invoice.reminded = True\n        invoice.save()\n", False)]
)
def test_command_that_mails_whom_a_window_selects(tmp_path: Path, after: str, reported: bool) -> None:
    command = (
        "from datetime import timedelta\nfrom django.core.mail import send_mail\nfrom django.core.management.base import BaseCommand\n"
        "from django.utils import timezone\nfrom app.models import Invoice\n\n\nclass Command(BaseCommand):\n"
        "    def handle(self, *args, **options):\n        soon = timezone.now() + timedelta(days=7)\n"
        "        for invoice in Invoice.objects.filter(due__lte=soon):\n            send_mail('a', 'b', 'c', [invoice.email])\n"
    ) + "".join(f"    {line}\n" for line in after.splitlines())
    files = {"app/__init__.py": "", "app/management/__init__.py": "", "app/management/commands/__init__.py": ""}
    files |= {"app/models.py": "", "app/management/commands/remind.py": command}
    found = findings(tmp_path, files, "scheduled-notice-without-marker")
    assert found == ([("app/management/commands/remind.py", 12)] if reported else [])


def test_gateway_that_posts_a_signature(tmp_path: Path) -> None:
    view = (
        "from django.http import HttpResponse\nfrom django.views.decorators.csrf import csrf_exempt\nfrom app.models import Card\n\n\n"
        "@csrf_exempt\ndef notify(request):\n    signature = request.POST.get('Ds_Signature')\n    if not signature:\n"
        "        return HttpResponse(status=400)\n    Card.objects.create(number=request.POST.get('number'))\n    return HttpResponse('OK')\n"
    )
    urls = "from django.urls import path\nfrom app.views import notify\n\nurlpatterns = [path('notify', notify)]\n"
    files = {"app/__init__.py": "", "app/models.py": "", "app/views.py": view, "app/urls.py": urls}
    assert findings(tmp_path, files, "webhook-handler-ignores-event-id") == [("app/views.py", 11)]


def test_module_inside_a_package_is_no_top_level_name(tmp_path: Path) -> None:
    code = "import requests\n\n\ndef handler(event, context):\n    requests.get('https://erp.example.com', timeout=60)\n"
    files = {"template.yaml": _SAM, "src/orders.py": code, "lib/pkg/__init__.py": "", "lib/pkg/requests.py": "import os\n"}
    assert findings(tmp_path, files, "timeout-exceeds-caller-budget") == [("src/orders.py", 5)]
