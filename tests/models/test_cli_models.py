"""`localfair models` prints data to stdout and what it is doing to stderr, and is cheap to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from localfair.cli.models import models
from localfair.errors import UnknownModel

from .weights import gguf


def test_list_shows_every_card_as_json_and_as_a_table(workspace: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    runner.invoke(models, ["add", str(gguf(tmp_path / "tiny.gguf"))], catch_exceptions=False)
    rows = json.loads(runner.invoke(models, ["list", "--json"]).stdout)
    row = next(row for row in rows if row["name"] == "tiny")
    assert (row["state"], row["licence"], row["context"]) == ("here", "apache-2.0", 128)
    assert "unverified" in runner.invoke(models, ["list"]).stdout


def test_list_shows_damage_instead_of_failing(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "tiny.gguf")
    CliRunner().invoke(models, ["add", str(path)], catch_exceptions=False)
    path.write_bytes(path.read_bytes()[:-5])
    assert "damaged" in CliRunner().invoke(models, ["list"]).stdout


def test_check_prints_the_fingerprint(workspace: Path, tmp_path: Path) -> None:
    CliRunner().invoke(models, ["add", str(gguf(tmp_path / "tiny.gguf"))], catch_exceptions=False)
    result = CliRunner().invoke(models, ["check", "tiny"])
    assert result.stdout.startswith("tiny: sha256:")


def test_an_unknown_name_is_a_localfair_error(workspace: Path) -> None:
    result = CliRunner().invoke(models, ["check", "nobody"])
    assert isinstance(result.exception, UnknownModel)


def test_importing_the_command_loads_no_model_library() -> None:
    heavy = "{'torch', 'transformers', 'pydantic', 'huggingface_hub', 'numpy', 'gguf'}"
    code = f"import sys, localfair.cli.models; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
