"""`localfair ask` and `localfair chat`: what is printed, for a person and for a pipe."""

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.conftest import Desk, review
from tests.lab import Lab

ECHO = r"""
context = 300
[[rule]]
when = "forge"
replies = ["one\nafter   student\n\u001b[2J\u202e"]
[[rule]]
when = "first.*second"
replies = ["I heard both."]
[[rule]]
when = "^(\\w+)"
replies = ["You said \\1."]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_student) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("trained"), tiny_student)
    lab.run()
    return lab


@pytest.fixture
def desk(trained, tmp_path, monkeypatch, capsys) -> Desk:
    """A folder with a copy of the laboratory's record and adapter, and a script that echoes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(trained.folder))
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    shutil.copy(trained.db, tmp_path / "localfair.db")
    shutil.copytree(trained.folder / "lab-adapters", tmp_path / "lab-adapters")
    made = Desk(tmp_path, capsys)
    made.script("echo", ECHO)
    return made


BARE = ("--model", "echo.script.toml", "--bare")


def piped(desk, text, *args):
    """What `chat` in a process of its own makes of its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "localfair", "chat", *args],
        cwd=desk.folder,
        input=text,
        capture_output=True,
        timeout=60,
    )


def test_ask_prints_the_student_before_and_after_under_their_names(desk):
    said = desk.says("ask", "What is the code of item 4012?")
    assert said.code == 0, said.err
    titles = [line for line in said.out.splitlines() if not line.startswith("  ")]
    assert titles[0].startswith("before  student")
    assert titles[1].startswith("after   student")
    assert len(titles) == 2
    assert ", adapter " in titles[1]
    assert "exams of run" in said.err
    assert "nothing is recorded" in said.err


def test_one_model_alone_prints_its_reply_and_nothing_else(desk):
    assert desk.says("ask", "seven", *BARE).out == "You said seven.\n"


def test_the_words_of_a_run_go_with_every_model(desk):
    said = desk.says("ask", "forty", "--model", "echo.script.toml")
    assert said.out == "You said forty.\n"
    assert "(fair on table)" in said.err


def test_what_a_model_says_can_neither_act_nor_pass_for_a_line_of_ours(desk, monkeypatch):
    said = desk.says("ask", "forge", *BARE)
    assert said.out == "one\nafter   student\n\\x1b[2J\\u202e\n"
    shown = piped(desk, b"forge\n", *BARE)
    assert b"\x1b" not in shown.stdout


def test_ask_reads_a_question_from_a_pipe(desk, monkeypatch):
    done = subprocess.run(
        [sys.executable, "-m", "localfair", "ask", "-", *BARE],
        cwd=desk.folder,
        input=b"eight\n\xff\n",
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, b"You said eight.\n")


def test_chat_in_a_pipe_is_a_line_in_and_a_reply_out(desk):
    done = piped(desk, b"first\n\nsecond\n/new\nsecond\n/quit\nthird\n", *BARE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"You said first.\nI heard both.\nYou said second.\n"


def test_a_line_that_cannot_be_answered_is_told_and_the_next_one_is(desk):
    done = piped(desk, b"word " * 400 + b"\nfirst\n", *BARE)
    assert done.returncode == 0
    assert done.stdout == b"You said first.\n"
    assert b"error: " in done.stderr
    assert b"hint: " in done.stderr


class Terminal:
    """`chat` on a terminal of its own."""

    def __init__(self, desk: Desk) -> None:
        self.ours, theirs = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "localfair", "chat", *BARE],
            cwd=desk.folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)

    def until(self, wanted: str) -> None:
        """Read on until the screen holds a text that came after the last one."""
        deadline = time.monotonic() + 60
        while wanted not in self.text:
            assert time.monotonic() < deadline, self.text
            if select.select([self.ours], [], [], 1)[0]:
                self.text += os.read(self.ours, 4096).decode()
        self.text = self.text.partition(wanted)[2]

    def write(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def end(self, key: str) -> int:
        """Type until the chat ends; its exit status.

        An interrupt between a prompt and the wait for a key is heard with the next key alone.
        """
        for _ in range(30):
            with contextlib.suppress(OSError):  # the terminal goes with the last process on it
                self.write(key)
                while select.select([self.ours], [], [], 2)[0] and os.read(self.ours, 4096):
                    pass
            if self.process.poll() is not None:
                break
        status = self.process.wait(timeout=60)
        os.close(self.ours)
        return status


def _take_terminal() -> None:
    import fcntl
    import termios

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background shell makes its children deaf
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("end", ["\x04", "\x03", "/quit\n"])
def test_a_terminal_gets_a_prompt_and_ends_cleanly(desk, end):
    terminal = Terminal(desk)
    terminal.until("> ")
    terminal.write("first\n")
    terminal.until("  You said first.")
    terminal.until("> ")
    assert terminal.end(end) == 0


def test_an_interrupt_in_the_middle_of_a_reply_ends_a_chat_cleanly(desk):
    desk.script("echo", "delay = 30\n" + ECHO)
    terminal = Terminal(desk)
    terminal.until("> ")
    terminal.write("first\n")
    terminal.until("(scripted)")
    assert terminal.end("\x03") == 0


@pytest.mark.parametrize("command", ["ask", "chat"])
@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("--run", "nobody"), "there is no run 'nobody'"),
        (("--model", "nobody"), "there is no model card called 'nobody'"),
        (("--db", "none.db"), "no database"),
        (("--engine", "nothing"), "unknown engine 'nothing'"),
        (("--engine", "llama_cpp"), "llama_cpp reads"),
        (("--only", "before", "--model", "echo.script.toml"), "--only"),
        (("--threads", "0"), "'--threads': 0"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_a_hint(desk, command, args, error):
    question = ("forty",) if command == "ask" else ()
    said = desk.says(command, *question, *args)
    assert (said.code, said.out) == (2, "")
    assert error in said.error
    assert "\n" not in said.error
    assert not (desk.folder / "none.db").exists()


@pytest.mark.parametrize("question", ["", " ", "\ud83d"])
def test_a_question_that_holds_nothing_is_one_line(desk, question):
    said = desk.says("ask", question)
    assert said.code == 2
    assert "the question is" in said.error


def test_a_record_without_a_student_is_one_line(desk):
    assert desk.says(*review("--db", "untrained.db")).code == 0
    said = desk.says("ask", "forty", "--db", "untrained.db")
    assert said.code == 2
    assert "trained no student" in said.error
    assert "localfair run fair" in said.hint
