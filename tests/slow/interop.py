"""Every export in the programs that it is for, each in a clean environment of its own.

The student is SmolLM2 where `LOCALFAIR_TEST_WEIGHTS` has it, trained for a few steps on gold answers,
else (and when quick) a tiny llama whose rotation is not the usual one. What cannot be tried says why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.gpu.machine import ROOT
from tests.slow.environments import Failed, NotHere, environment, run
from tests.slow.rows import Row

OUTSIDE = ROOT / "tests" / "slow" / "outside"
SMOL = "smollm2-135m-instruct-q4_1.gguf"
QUESTIONS = 100  # that lm-eval and our own exam are asked
ALIKE = 0.9  # of the greedy replies, between versions of transformers and of torch
REPLIES = """
SELECT a.question, a.grade, g.text FROM answers a JOIN generations g ON g.id = a.generation
JOIN seats s ON s.id = a.seat
WHERE a.split = 'test' AND s.role = 'student' AND s.adapter <> ''
"""


@dataclass(frozen=True, slots=True)
class Exports:
    """A run's record and the folder that its exports are written into."""

    db: Path
    out: Path
    may_install: bool

    def export(self, *arguments: str) -> Path:
        """The path that `localfair export ...` prints first."""
        command = ["export", *arguments, "--db", str(self.db), "--out", str(self.out)]
        said = localfair(command, self.db.parent)
        return Path(said.splitlines()[0].split("  ")[0])

    def programs(self, name: str) -> Path:
        """The folder of an environment's programs. Raises NotHere."""
        return environment(name, self.out, self.may_install)


def prove(folder: Path, quick: bool) -> Iterator[Row]:
    """A row for each program."""
    exports = Exports(trained(folder, quick), folder / "exports", not quick)
    for name, tried in TRIED.items():
        try:
            yield tried(exports, name)
        except NotHere as reason:
            yield Row(name=name, outcome="not tried", note=str(reason))
        except (Failed, AssertionError, OSError, subprocess.SubprocessError) as error:
            yield Row(name=name, outcome="broke", note=str(error)[:300])


def trained(folder: Path, quick: bool) -> Path:
    """The record of a run that trained a student."""
    db = folder / "interop.db"
    weights = Path(os.environ.get("LOCALFAIR_TEST_WEIGHTS") or ROOT / "models" / "weights") / SMOL
    if quick or not weights.is_file():
        student, limits = _tiny(folder), ("8", "8")
    else:
        student, limits = weights, ("32", str(QUESTIONS))
    train, test = limits
    command = ["run", "answers-only", "--task", "arithmetic-1", "--student", str(student)]
    command += ["--train-limit", train, "--test-limit", test, "--set", "train.epochs=1"]
    localfair([*command, "--set", "train.accumulation=1", "--db", str(db)], folder)
    return db


def _tiny(folder: Path) -> Path:
    """A tiny llama that turns positions at a base of its own, as SmolLM2 does."""
    from tests import tiny

    student = tiny.build(folder / "tiny")
    config = json.loads((student / "config.json").read_text())
    config["rope_parameters"] = {"rope_type": "default", "rope_theta": 500.0}
    (student / "config.json").write_text(json.dumps(config))
    return student


def localfair(arguments: list[str], workspace: Path) -> str:
    """What a command says. Raises Failed."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(path for path in paths if path)
    environment = {**os.environ, "LOCALFAIR_WORKSPACE": str(workspace), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-m", "localfair", *arguments],
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stderr.strip()[-300:])
    return done.stdout


# -- programs -------------------------------------------------------------------------------------


def _replies(exports: Exports, environment: str, form: str, folder: Path) -> dict[str, Any]:
    out = exports.db.parent / f"{environment}-{form}.json"
    script = OUTSIDE / "replies.py"
    python = exports.programs(environment) / "python"
    run([python, script, form, folder, out], exports.db.parent)
    said: dict[str, Any] = json.loads(out.read_text())
    return said


def transformers(exports: Exports, name: str) -> Row:
    """Greedy replies of the merged folder under both versions."""
    merged = exports.export("merged", "--no-parity")
    older = _replies(exports, "transformers-4", "merged", merged)
    newer = _replies(exports, "transformers-5", "merged", merged)
    return _alike(name, older, newer)


def _alike(name: str, first: dict[str, Any], second: dict[str, Any]) -> Row:
    pairs = list(zip(first["replies"], second["replies"], strict=True))
    same = sum(one == other for one, other in pairs)
    is_same_prompt = first["prompts"] == second["prompts"]
    held = is_same_prompt and same >= ALIKE * len(pairs)
    versions = {key: _both(first, second, key) for key in first["versions"]}
    measures = {**versions, "same_prompts": is_same_prompt, "same_replies": f"{same}/{len(pairs)}"}
    return Row(name=name, outcome="held" if held else "broke", measures=measures)


def _both(first: dict[str, Any], second: dict[str, Any], key: str) -> str:
    values = dict.fromkeys([first["versions"][key], second["versions"].get(key, "none")])
    return " and ".join(values)


def peft(exports: Exports, name: str) -> Row:
    """The adapter by PEFT's Auto class and on a base that is named."""
    adapter = exports.export("adapter")
    automatic = _replies(exports, "transformers-5", "peft-auto", adapter)
    explicit = _replies(exports, "transformers-5", "peft-explicit", adapter)
    return _alike(name, automatic, explicit)


def trl(exports: Exports, name: str) -> Row:
    """Three steps of SFTTrainer on prompt and completion: its labels are the replies."""
    lessons = exports.export("lessons", "--as", "prompt-completion")
    merged = exports.export("merged", "--no-parity")
    out = exports.db.parent / "trl.json"
    python = exports.programs("trl") / "python"
    run([python, OUTSIDE / "trl_steps.py", merged, lessons, out], exports.db.parent)
    result = json.loads(out.read_text())
    rows = [json.loads(line) for line in lessons.read_text().splitlines()]
    replies = {row["completion"][0]["content"].strip() for row in rows}
    held = result["steps"] == 3 and set(result["learnt"]) == replies
    measures = {**result["versions"], "labelled_share": result["share"], "steps": result["steps"]}
    return Row(name=name, outcome="held" if held else "broke", measures=measures)


def datasets(exports: Exports, name: str) -> Row:
    """The data set's rows are the lessons. Without pyarrow here there is none to load."""
    if find_spec("pyarrow") is None:
        raise NotHere("pyarrow is not in this environment: pip install 'localfair[data]'")
    folder = exports.export("lessons", "--as", "dataset")
    lessons = exports.export("lessons", "--as", "prompt-completion")
    out = exports.db.parent / "datasets.json"
    python = exports.programs("trl") / "python"
    run([python, OUTSIDE / "load_datasets.py", folder, out], exports.db.parent)
    result = json.loads(out.read_text())
    rows = [json.loads(line) for line in lessons.read_text().splitlines()]
    measures = {**result["versions"], "rows": len(rows)}
    return Row(name=name, outcome="held" if result["rows"] == rows else "broke", measures=measures)


def llama_server(exports: Exports, name: str) -> Row:
    """The request of USAGE.md, put to llama.cpp's server."""
    if find_spec("xllamacpp") is None:
        raise NotHere("xllamacpp, llama.cpp's server in a wheel, is not in this environment")
    import xllamacpp

    from localfair.engines import open_engine
    from localfair.models import resolve
    from localfair.record.nouns import Message, Request, Sampling

    path = exports.export("gguf", "--type", "q8_0", "--no-parity")
    usage = (path.parent / "USAGE.md").read_text()
    body = json.loads(usage.partition("<<'JSON'\n")[2].partition("\nJSON\n")[0])
    turns = tuple(Message(turn["role"], turn["content"]) for turn in body["messages"])
    request = Request(messages=turns, sampling=Sampling(max_tokens=body["max_tokens"]))
    engine = open_engine("xllamacpp", resolve(str(path), exports.db.parent), threads=1)
    try:
        (reply,) = engine.generate([request])
    finally:
        engine.close()
    measures = {"xllamacpp": xllamacpp.__version__, "tokens": reply.completion_tokens}
    return Row(name=name, outcome="held" if reply.completion_tokens else "broke", measures=measures)


def lm_eval(exports: Exports, name: str) -> Row:
    """The task's accuracy beside our exam's; every question that differs is named, with why."""
    programs = exports.programs("lm-eval")
    ours = _ours(exports.db)
    task = exports.export("task", "--limit", str(len(ours)))  # the same, by the order of their ids
    merged = exports.export("merged", "--no-parity")
    out = exports.db.parent / "lm-eval"
    settings = f"pretrained={merged},dtype=float32"
    command: list[str | Path] = [programs / "lm_eval", "--model", "hf", "--model_args", settings]
    command += ["--tasks", _task_name(task), "--include_path", task, "--apply_chat_template"]
    command += ["--log_samples", "--output_path", out, "--batch_size", "8", "--device", "cpu"]
    run(command, exports.db.parent)
    theirs = _samples(out)
    differing = []
    for question, sample in theirs.items():
        reply, grade = ours.get(question, ("", ""))
        if (grade == "right") != bool(sample["exact_match"]):
            is_reading = sample["resps"][0][0].strip() == reply.strip()
            differing.append(f"{question} {'read' if is_reading else 'said'} otherwise")
    right = sum(grade == "right" for _, grade in ours.values())
    measures = {
        "lm_eval": _version(programs, "lm_eval"),
        "questions": len(theirs),
        "ours": right,
        "theirs": sum(bool(sample["exact_match"]) for sample in theirs.values()),
        "differing": len(differing),
    }
    is_all = set(theirs) == set(ours)
    return Row(
        name=name,
        outcome="held" if is_all else "broke",
        measures=measures,
        note="; ".join(differing),
    )


def _task_name(folder: Path) -> str:
    """The task's name is on the first line of its page."""
    return (folder / "README.md").read_text().splitlines()[0].removeprefix("# ")


def _samples(out: Path) -> dict[str, Any]:
    """lm-eval's samples by the question's id."""
    samples = {}
    for path in out.rglob("samples_*.jsonl"):
        for line in path.read_text().splitlines():
            sample = json.loads(line)
            samples[sample["doc"]["id"]] = sample
    return samples


def _ours(db: Path) -> dict[str, tuple[str, str]]:
    """Our exam's replies and grades by the question's id."""
    from localfair.record.store import Store

    with Store.open(db) as store:
        rows = store.rows(REPLIES)
    return {row["question"]: (row["text"], row["grade"]) for row in rows}


def _version(programs: Path, package: str) -> str:
    command: list[str | Path] = [programs / "python", "-c"]
    asked = f"import importlib.metadata as m; print(m.version({package!r}))"
    return run([*command, asked], programs).strip()


def datasette(exports: Exports, name: str) -> Row:
    """Datasette serves the record's runs."""
    programs = exports.programs("datasette")
    address = f"/{exports.db.stem}/runs.json?_shape=array"
    said = run([programs / "datasette", exports.db, "--get", address], exports.db.parent)
    runs = json.loads(said)
    measures = {"datasette": _version(programs, "datasette"), "runs": len(runs)}
    return Row(name=name, outcome="held" if len(runs) == 1 else "broke", measures=measures)


TRIED: dict[str, Callable[[Exports, str], Row]] = {
    "datasets": datasets,
    "TRL, three steps": trl,
    "PEFT, Auto and explicit": peft,
    "transformers 4.57 and 5": transformers,
    "llama.cpp's server": llama_server,
    "lm-evaluation-harness": lm_eval,
    "datasette": datasette,
}
