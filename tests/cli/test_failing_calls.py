"""One request that always fails costs that request alone; kills and signals keep what has arrived."""

import json
import signal
import sqlite3
import threading
import time

import pytest

from tests.engines.stub_server import Stub, models, reply

CHAT = "/v1/chat/completions"


class Server:
    """Answers each chat; notes what it was asked and what it has answered.

    With `broken` it answers so to the first prompt that it is asked, whenever that comes, until it
    is `mended`; to every prompt where `all_broken`.
    """

    def __init__(self, broken=None, *, all_broken=False, delay=0.0):
        self.broken = broken
        self.all_broken = all_broken
        self.delay = delay
        self.mended = False
        self.asked = []
        self.answered = []
        self._lock = threading.Lock()

    def answer(self, path, body):
        if path != CHAT:
            return (200, models("m")) if path == "/v1/models" else (404, {})
        prompt = json.dumps([body["messages"], body["seed"]])
        with self._lock:
            self.asked.append(prompt)
            is_broken = self.all_broken or prompt == self.asked[0]
        time.sleep(self.delay)
        if self.broken and is_broken and not self.mended:
            return self.broken
        with self._lock:
            self.answered.append(prompt)
        return 200, reply("The answer is 3. [4]")


def command(desk, url, *options):
    """Add the server as a card, once, and the command that asks it twice."""
    card = desk.folder / "models" / "far.toml"
    if not card.exists():
        desk.says("models", "add", "--endpoint", url, "--served", "m", "--name", "far")
        card.write_text(f"{card.read_text()}\n[endpoint]\ntries = 1\ntimeout = 20\n")
    who = ("--student", "student.script.toml", "--teacher", "far", "--teacher", "far")
    small = ("--task", "arithmetic-1", "--train-limit", 12, "--test-limit", 2)
    return ("inquire", "fair", *who, *small, "--db", "part.db", *options)


@pytest.mark.parametrize(
    "broken",
    [
        (400, {"error": {"message": "no such thing"}}),
        (500, {"error": "always"}),
        (200, b'{"choices": [{"mess'),
        (200, reply(["a", 7])),
        (200, reply() | {"usage": {"prompt_tokens": 2**70, "completion_tokens": 1}}),
        (200, json.dumps(reply()).encode().replace(b"3", b"9" * 4300)),
        (None, None),
    ],
    ids=["400", "500", "half", "list", "tokens", "digits", "hangup"],
)
def test_everything_else_is_asked_and_the_run_says_what_failed(desk, broken):
    one_fails(desk, broken, batch=8)


@pytest.mark.parametrize("broken", [(400, {}), (None, None)], ids=["400", "hangup"])
def test_so_it_is_where_requests_go_one_at_a_time(desk, broken):
    one_fails(desk, broken, batch=1)


def one_fails(desk, broken, batch):
    """One request is answered so until the server is mended: what each run says and asks."""
    server = Server(broken)
    with Stub(server.answer) as stub:
        line = command(desk, stub.url, "--batch", batch)
        said = desk.says(*line)
        asked = len(server.asked)
        assert len(set(server.asked)) == asked > 30
        assert said.code == 1
        error, hint = said.err.splitlines()[-2:]
        assert error.startswith("error: 1 call failed: ")
        assert stub.url in error
        assert hint.endswith("the same command asks them again")
        assert "failed calls 1: no count below holds" in said.out
        assert desk.says(*line).code == 1
        assert server.asked[asked:] == server.asked[:1]  # once a run, and nothing else
        server.mended = True
        assert desk.says(*line).code == 0
        assert desk.says(*line).code == 0
        assert len(server.asked) == asked + 2
    assert far_replies(desk) == asked
    assert desk.says("db", "verify", "--db", "part.db").code == 0
    with sqlite3.connect(desk.folder / "part.db") as db:
        statuses = [status for (status,) in db.execute("SELECT status FROM runs ORDER BY rowid")]
        tries = [count for (count,) in db.execute("SELECT tries FROM failed_calls ORDER BY rowid")]
    assert statuses == ["failed", "failed", "done", "done"]
    assert tries == [1, 2]


def test_a_report_as_json_counts_failed_calls_where_there_are_any(desk):
    server = Server((400, {}))
    with Stub(server.answer) as stub:
        line = command(desk, stub.url, "--json")
        assert json.loads(desk.says(*line).out)["failed_calls"] == 1
        server.mended = True
        assert "failed_calls" not in json.loads(desk.says(*line).out)


def test_more_than_a_share_stops_the_step_and_asks_no_more(desk):
    server = Server((400, {}), all_broken=True)
    with Stub(server.answer) as stub:
        said = desk.says(*command(desk, stub.url, "--batch", 2))
        assert said.code == 1
        assert "error: inquire: 5 of" in said.err
        assert "more than --max-failed 0.1 allows; the last: " in said.err
        assert len(server.asked) <= 9
        strict = desk.says(*command(desk, stub.url, "--batch", 1, "--max-failed", 0))
        assert "error: inquire: 1 of" in strict.err


# -- in the middle ----------------------------------------------------------------------------------

BATCH = 16


@pytest.mark.parametrize("after", [20, 33])
def test_a_kill_costs_at_most_the_batch_being_written_and_what_is_in_flight(desk, after):
    server = Server(delay=0.002)
    with Stub(server.answer) as stub:
        line = command(desk, stub.url, "--batch", BATCH)
        process = desk.start(*line)
        while len(server.answered) < after:
            assert process.poll() is None, process.communicate()
            time.sleep(0.0005)
        process.kill()
        desk.waits(process)
        time.sleep(0.1)
        recorded = far_replies(desk)
        lost = len(server.answered) - recorded
        assert 0 <= lost <= 2 * BATCH
        before = len(server.asked)
        assert desk.says(*line).code == 0
        assert far_replies(desk) - recorded == len(server.asked) - before
        assert desk.says(*line).code == 0
        assert len(set(server.asked)) == far_replies(desk)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_writes_what_has_arrived(desk, sent, code):
    server = Server(delay=0.02)
    with Stub(server.answer) as stub:
        line = command(desk, stub.url, "--batch", BATCH)
        process = desk.start(*line)
        while len(server.answered) < 18:
            assert process.poll() is None, process.communicate()
            time.sleep(0.001)
        process.send_signal(sent)
        assert desk.waits(process).code == code
        time.sleep(0.2)
        # answered while the connection was being cut: in flight
        assert len(server.answered) - far_replies(desk) <= BATCH
        assert far_replies(desk) >= 1
    with sqlite3.connect(desk.folder / "part.db") as db:
        statuses = list(db.execute("SELECT status, ended IS NULL FROM runs"))
        assert statuses == [("interrupted", 0)]
        assert db.execute("SELECT COUNT(*) FROM failed_calls").fetchone() == (0,)
    assert desk.says("db", "verify", "--db", "part.db").code == 0


def far_replies(desk):
    with sqlite3.connect(desk.folder / "part.db") as db:
        sql = "SELECT COUNT(*) FROM generations WHERE engine LIKE 'openai%'"
        return db.execute(sql).fetchone()[0]
