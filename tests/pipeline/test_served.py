"""A run on a Ray cluster, at the command line: the same rows, and everything bad refused before it begins."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localfair.errors import StoreError
from localfair.record.store import Store
from tests.lab import FAST, Lab, scripted_student, teacher

ROOT = Path(__file__).parents[2]
# what two runs of one order have in common: ids are hashes of everything a row rests on
SAME = {
    "generations": "SELECT id, text FROM generations ORDER BY id",
    "explanations": "SELECT id FROM explanations ORDER BY id",
    "reviews": "SELECT id FROM reviews ORDER BY id",
    "lessons": "SELECT id FROM lessons ORDER BY id",
}


def localfair(folder, *words, **environment):
    command = [sys.executable, "-m", "localfair", *words]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


def arrived(db):
    """The replies in a record, 0 while there is none or its writer holds it."""
    try:
        with Store.open(db) as store:
            return store.counts()["generations"]
    except StoreError:
        return 0


def wait_for(db, count):
    deadline = time.monotonic() + 60
    while arrived(db) < count and time.monotonic() < deadline:
        time.sleep(0.1)


def begun(folder, words):
    """A command line that goes on."""
    return subprocess.Popen(
        [sys.executable, "-m", "localfair", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


@pytest.fixture
def words(tmp_path):
    """`words(db)`: fair up to its lessons, with scripts alone."""
    lab = Lab(tmp_path, scripted_student(tmp_path))

    def made(db, *more):
        task = ["select", "fair", "--task", "table", "--data", str(lab.data)]
        seats = ["--student", lab.student]
        for path in lab.teachers:
            seats += ["--teacher", path]
        return [*task, *seats, "--db", str(tmp_path / db), "--quiet", *more]

    return made


def rows(db):
    with Store.open(db) as store:
        return {name: store.rows(sql) for name, sql in SAME.items()}


def refused(done, line, hint):
    """It ended as bad input does: one line, one hint, nothing else."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    first, second = done.stderr.splitlines()
    assert re.fullmatch(line, first.removeprefix("error: ")), first
    assert hint in second


@pytest.mark.ray
def test_fair_makes_the_same_rows_on_a_cluster(ray_cluster, words, tmp_path):
    with Store.open(tmp_path / "here.db", create=True) as store:
        store.fence_key()  # every record has its own, and prompts with it
    shutil.copy(tmp_path / "here.db", tmp_path / "there.db")
    here = localfair(tmp_path, *words("here.db"))
    there = localfair(tmp_path, *words("there.db", "--ray", ray_cluster.address))
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    made = rows(tmp_path / "here.db")
    assert all(made.values())
    assert rows(tmp_path / "there.db") == made


@pytest.mark.ray
def test_a_student_that_is_trained_here_is_examined_there(
    ray_cluster, tiny_student, tmp_path, words
):
    more = ["--student", str(tiny_student)]
    for setting in FAST:
        more += ["--set", setting]
    _, *order = words("there.db", *more)
    whole = ["run", *order]
    with Store.open(tmp_path / "there.db", create=True) as store:
        store.fence_key()
    shutil.copy(tmp_path / "there.db", tmp_path / "here.db")
    there = localfair(tmp_path, *whole, "--ray", ray_cluster.address)
    here = localfair(tmp_path, *[word.replace("there.db", "here.db") for word in whole])
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    assert rows(tmp_path / "there.db") == rows(tmp_path / "here.db")


@pytest.mark.ray
def test_a_student_is_trained_by_two_workers_of_the_cluster(
    ray_cluster, tiny_student, tmp_path, words
):
    settings = [*FAST, "train.batch=4", "train.epochs=1", "before.enabled=false"]
    more = ["--student", str(tiny_student), "--ray", ray_cluster.address, "--train-workers", "2"]
    for setting in settings:
        more += ["--set", setting]
    _, *order = words("there.db", *more)
    done = localfair(tmp_path, "train", *order)
    assert done.returncode == 0, done.stderr
    with Store.open(tmp_path / "there.db") as store:
        [adapter] = store.rows("SELECT id, steps, path FROM adapters")
        curve = store.rows("SELECT step FROM curve WHERE adapter = ?", adapter["id"])
    assert adapter["steps"] == len(curve) > 0
    assert (tmp_path / adapter["path"] / "adapter_model.safetensors").is_file()


@pytest.mark.ray
def test_ctrl_c_ends_it_as_ever(ray_cluster, words, tmp_path):
    for path in tmp_path.glob("t?.script.toml"):
        path.write_text("delay = 0.5\n" + path.read_text())
    run = begun(tmp_path, words("a.db", "--ray", ray_cluster.address))
    wait_for(tmp_path / "a.db", 14)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.startswith("error: interrupted; every finished answer is in the record")


@pytest.mark.ray
def test_nothing_is_said_of_ray_itself(ray_cluster, words, tmp_path):
    assert localfair(tmp_path, *words("a.db", "--ray", ray_cluster.address)).stderr == ""


@pytest.mark.ray
def test_what_a_cluster_answered_is_not_asked_again_here(ray_cluster, words, tmp_path):
    localfair(tmp_path, *words("a.db", "--ray", ray_cluster.address))
    localfair(tmp_path, *words("a.db"))
    with Store.open(tmp_path / "a.db") as store:
        calls = store.rows("SELECT run, sum(calls) AS calls FROM run_steps GROUP BY run")
    assert sorted(row["calls"] == 0 for row in calls) == [False, True]


@pytest.mark.ray
def test_a_plan_shows_where_replicas_would_be_and_starts_none(ray_cluster, words, tmp_path):
    _, *order = words("a.db", "--ray", ray_cluster.address, "--batch", "2")
    order.remove("--quiet")
    done = localfair(tmp_path, "plan", *order, "--set", "train.enabled=false", "--json")
    assert done.returncode == 0, done.stderr
    planned = json.loads(done.stdout)
    assert (planned["cluster"], len(planned["nodes"])) == (ray_cluster.address, 2)
    first = planned["lines"][0]
    assert sum(first["replicas"].values()) == first["loads"] == 2
    assert not (tmp_path / "a.db").exists()


# -- bad input --------------------------------------------------------------------------------------


@pytest.mark.ray
def test_an_address_without_a_cluster_is_refused(ray_cluster, words, tmp_path):
    done = localfair(tmp_path, *words("a.db", "--ray", "127.0.0.1:9"))
    refused(done, "there is no Ray cluster at 127.0.0.1:9", "ray start --head")
    assert not (tmp_path / "a.db").exists()


def test_what_is_no_address_is_refused(words, tmp_path):
    done = localfair(tmp_path, *words("a.db", "--ray", "ray://somewhere:10001"))
    refused(done, "--ray takes the HOST:PORT .*not 'ray://somewhere:10001'", "--ray 192.168.0.2")


@pytest.mark.parametrize("option", ["--replicas", "--train-workers"])
@pytest.mark.parametrize("verb", ["select", "plan"])
def test_what_needs_a_cluster_is_refused_without_one(words, tmp_path, verb, option):
    _, *order = words("a.db", option, "2")
    if verb == "plan":
        order.remove("--quiet")
    refused(localfair(tmp_path, verb, *order), f"{option} needs a cluster", "--ray")


@pytest.mark.parametrize(
    ("setting", "line", "hint"),
    [
        ("train.batch=4", "--train-workers 3: step 'train' has a batch of 4.*", "train.batch=N"),
        (
            "train.one_question_a_batch=true",
            ".*hold each question once.*",
            "question_a_batch=false",
        ),
    ],
)
def test_batches_that_workers_cannot_share_are_refused(words, tmp_path, setting, line, hint):
    more = ["--ray", "127.0.0.1:9", "--train-workers", "3"]
    for each in ("train.batch=6", setting):
        more += ["--set", each]
    refused(localfair(tmp_path, *words("a.db", *more)), line, hint)


def test_without_the_extra_it_says_what_to_install(words, tmp_path):
    # as far as Python knows there is no such package then
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = localfair(tmp_path, *words("a.db", "--ray", "127.0.0.1:9"), PYTHONPATH=path)
    refused(done, "--ray needs the package 'ray'", "pip install 'localfair[ray]'")


@pytest.mark.ray
def test_a_model_that_fits_no_node_is_refused(ray_cluster, words, tiny_student, tmp_path):
    student = ["--student", str(tiny_student), "--threads", "64"]
    done = localfair(tmp_path, *words("a.db", "--ray", ray_cluster.address, *student))
    refused(done, "student.* fits no node: it needs 64 CPUs, .* has 2 CPUs.*", "fewer --threads")
    assert not (tmp_path / "a.db").exists()


@pytest.mark.ray
def test_another_token_is_refused(ray_cluster, words, tmp_path):
    wrong = {"RAY_AUTH_TOKEN": "another-token-than-that-of-the-cluster"}
    done = localfair(tmp_path, *words("a.db", "--ray", ray_cluster.address), **wrong)
    refused(done, "the cluster at .* refuses this token, or has none", "get-auth-token")


@pytest.mark.ray
def test_a_cluster_of_another_ray_is_refused(ray_cluster, words, tmp_path):
    text = "import ray\nray.__version__ = '1.2.3'\n"
    (tmp_path / "sitecustomize.py").write_text(text)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = localfair(tmp_path, *words("a.db", "--ray", ray_cluster.address), PYTHONPATH=path)
    refused(done, "the cluster at .* runs Ray .*, here is Ray 1.2.3", "the same Ray")


@pytest.fixture
def another_node(ray_cluster):
    """`another_node(**options)`: a third node, while a test runs."""
    nodes = []

    def add(**options):
        node = ray_cluster.add_node(object_store_memory=80_000_000, **options)
        nodes.append(node)
        ray_cluster.wait_for_nodes()

    yield add
    for node in nodes:
        ray_cluster.remove_node(node)


@pytest.mark.ray
def test_a_node_with_another_file_is_refused_by_name(
    ray_cluster, words, another_node, monkeypatch, tmp_path
):
    folder = tmp_path / "weights"
    folder.mkdir()
    teacher(folder, "t1", score=2)  # of the same name, with other bytes
    monkeypatch.setenv("LOCALFAIR_WEIGHTS", str(folder))  # the node's, and no other's
    another_node(num_cpus=1)
    monkeypatch.delenv("LOCALFAIR_WEIGHTS")
    done = localfair(tmp_path, *words("a.db", "--ray", ray_cluster.address))
    refused(
        done,
        r"node \S+ \([0-9a-f]{8}\): .*t1.script.toml is not the t1 of this machine .*",
        "the same file",
    )
    assert not (tmp_path / "a.db").exists()


# -- the head ---------------------------------------------------------------------------------------


@pytest.mark.ray
def test_a_head_that_is_killed_leaves_a_good_record_and_the_run_goes_on_without(
    ray_closed, words, tmp_path
):
    slow = "delay = 0.3\n"
    for path in tmp_path.glob("t?.script.toml"):
        path.write_text(slow + path.read_text())
    script = ROOT / "tests" / "pipeline" / "ray_head.py"
    head = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, stdin=subprocess.PIPE
    )
    address = head.stdout.readline().strip()
    run = begun(tmp_path, words("a.db", "--ray", address))
    try:
        wait_for(tmp_path / "a.db", 12)
        head.stdin.write("\n")  # it kills the head's processes
        head.stdin.flush()
        _, said = run.communicate(timeout=90)
    finally:
        run.kill()
        head.stdin.close()
        head.wait(timeout=60)
    assert run.returncode == 1, said
    assert said.startswith(f"error: the Ray cluster at {address} is gone")
    before = arrived(tmp_path / "a.db")
    assert before >= 12
    again = localfair(tmp_path, *words("a.db"))
    assert again.returncode == 0, again.stderr
    check = localfair(tmp_path, "db", "verify", "--db", str(tmp_path / "a.db"))
    assert check.returncode == 0, check.stderr
