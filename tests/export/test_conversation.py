"""A conversation: every question in the exam's words, after what was said before, and nothing recorded."""

import pytest

from localfair.errors import PromptTooLong, UsageError
from localfair.export.conversation import Wanted, checked, converse
from localfair.record.nouns import Message, Request
from tests.lab import Lab, script

# says what it heard: the newest question, and whether the code of 4012 was asked before
HEARS = r"""
context = {context}
[[rule]]
when = "4012.*Read: 4012.*item (\\d+)"
replies = ["Again \\1."]
[[rule]]
when = "item (\\d+).*step by step"
replies = ["<think>Hm, wait.</think>Read: \\1."]
[[rule]]
when = ""
replies = ["Bare."]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_student):
    """A laboratory after one run."""
    lab = Lab(tmp_path_factory.mktemp("trained"), tiny_student)
    lab.run()
    return lab


class Table:
    """Conversations in a laboratory, and what was said beside them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lines: list[str] = []

    def sits(self, **wanted):
        usual = {"db": self.lab.db, "workspace": self.lab.folder}
        return converse(Wanted(**usual | wanted), self.lines.append)

    def hears(self, context: int = 400, **wanted):
        """A conversation with a script that says what it heard."""
        model = script(self.lab.folder, "hears", HEARS.format(context=context))
        return self.sits(model=model, **wanted)


@pytest.fixture
def table(trained):
    return Table(trained)


def said(conversation, text, side=0):
    return "".join(conversation.reply(conversation.sides[side], text))


def asked_of(conversation, text) -> Request:
    """The request of a question by itself."""
    return conversation.words.request(conversation.sides[0].member, text)


def test_the_student_sits_twice_before_its_training_and_after(table, trained):
    conversation = table.sits()
    before, after = conversation.sides
    assert (before.label, after.label) == ("before", "after")
    assert before.member.seat.adapter == ""
    assert trained.column("SELECT id FROM adapters") == [after.member.seat.adapter]
    assert before.member.seat.fingerprint == after.member.seat.fingerprint


@pytest.mark.parametrize("only", ["before", "after"])
def test_one_side_of_the_student_can_be_had_alone(table, only):
    assert [side.label for side in table.sits(only=only).sides] == [only]


def test_the_question_is_put_as_the_exam_put_it(table, trained):
    conversation = table.sits(only="before")
    request = asked_of(conversation, "What is the code of item 4012?")
    identity = conversation.sides[0].member.identity
    before = "SELECT id FROM generations WHERE id = ?"
    (recorded,) = trained.column(before, request.id(identity))
    assert recorded
    assert request.sampling.temperature == 0
    assert request.sampling.max_tokens == 8


def test_base_and_trained_reply_what_the_exams_recorded(table, trained):
    conversation = table.sits()
    question = "What is the code of item 4012?"
    sql = (
        "SELECT g.text FROM answers a JOIN generations g ON g.id = a.generation "
        "JOIN seats s ON s.id = a.seat JOIN questions q ON q.id = a.question "
        "WHERE q.text = ? AND a.split = 'test' ORDER BY s.adapter"
    )
    recorded = trained.column(sql, question)
    replies = [said(conversation, question, side) for side in (0, 1)]
    conversation.close()
    if recorded:
        assert replies == recorded
    assert replies[0] != replies[1]


def test_nothing_of_a_conversation_is_recorded(table, trained):
    before = trained.db.read_bytes()
    said(table.hears(), "What is the code of item 4012?")
    assert trained.db.read_bytes() == before


def test_a_later_question_comes_after_the_earlier_answer_without_its_thinking(table):
    conversation = table.hears()
    assert said(conversation, "the code of item 4012?").endswith("Read: 4012.")
    assert said(conversation, "and item 4013?") == "Again 4013."
    conversation.forget()
    assert said(conversation, "and item 4013?").endswith("Read: 4013.")
    turns = conversation.sides[0].turns
    assert [turn.answer for turn in turns] == ["Read: 4013."]


def test_the_earliest_turns_are_left_out_when_the_context_is_full(table):
    conversation = table.hears(context=60)
    for number in range(4012, 4018):
        said(conversation, f"What is item {number}?")
    assert len(conversation.sides[0].turns) < 4
    assert all(line.startswith("hears: left out of its context: 1 turn") for line in table.lines)
    assert len(table.lines) >= 2


def test_a_question_that_fits_by_no_means_is_refused_and_the_conversation_goes_on(table):
    conversation = table.hears(context=100)
    said(conversation, "What is item 4012?")
    with pytest.raises(PromptTooLong):
        said(conversation, "word " * 80)
    assert said(conversation, "and item 4013?") == "Again 4013."


def test_a_reply_that_is_cut_is_said_to_be(table):
    conversation = table.hears(max_tokens=1)
    assert said(conversation, "What is item 4012?") == "<think>Hm,"
    assert table.lines == ["hears: cut at 1 tokens; --max-tokens allows more"]


def test_a_model_where_there_is_no_run_is_asked_as_it_is(table, tmp_path):
    conversation = table.hears(db=tmp_path / "none.db")
    assert said(conversation, "What is item 4012?") == "Bare."
    assert "there is no run" in conversation.words.source
    assert not (tmp_path / "none.db").exists()


def test_bare_puts_the_question_as_it_is(table):
    request = asked_of(table.hears(bare=True), "What is item 4012?")
    assert request.messages == (Message("user", "What is item 4012?"),)
    assert request.sampling.max_tokens == 8


def test_only_is_for_a_student(table):
    with pytest.raises(UsageError, match="--only"):
        table.hears(only="before")


@pytest.mark.parametrize("text", ["", "  \n", "half \ud83d", "nul\0"])
def test_a_question_that_holds_nothing_or_no_text_is_refused(text):
    with pytest.raises(UsageError, match="the question is"):
        checked(text)
