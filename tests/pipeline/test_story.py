"""A report as one page: it needs nothing else, says what the record says, and no text of a model is
more than text on it.
"""

import re
from html.parser import HTMLParser

import pytest
import tomli_w

from localfair.errors import UsageError
from localfair.pipeline.story import material, write_page
from localfair.record.store import Store
from localfair.report.page import GENERATOR, MOST_FLIPS, page
from tests.hostile_replies import HOSTILE
from tests.lab import Lab, script, teacher

VOID = {"meta", "br", "img", "link", "input"}
SVG = {"svg", "rect", "line", "circle", "polyline", "text"}


class Page(HTMLParser):
    """A page as its elements, their attributes and its text; every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.text = ""
        self._open = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if not self._open or self._open[-1] != "style":
            self.text += f"{data} "

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def written(lab, tmp_path, run=None):
    target = tmp_path / "report.html"
    with Store.open(lab.db) as store:
        write_page(store, run, lab.folder, target)
    return target.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_student):
    """A laboratory after a run to its end, with a lesson from every teacher but a careless one."""
    lab = Lab(tmp_path_factory.mktemp("told"), tiny_student)
    careless = teacher(lab.folder, "careless", answer="0")
    lab.teachers = (lab.teachers[0], careless, teacher(lab.folder, "strict", score=2))
    lab.run(precision="fp32")
    return lab


def test_a_page_needs_nothing_from_anywhere(finished, tmp_path):
    text = written(finished, tmp_path)
    read = Page(text)
    assert read.of("script") == read.of("link") == read.of("img") == read.of("iframe") == []
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert set(attributes) & {"src", "srcset", "action", "xlink:href", "style"} == set()
    assert all(attributes["href"].startswith("#") for attributes in read.of("a"))
    assert "url(" not in text and "@import" not in text
    [policy] = [each for each in read.of("meta") if "http-equiv" in each]
    assert "default-src 'none'" in policy["content"]


def test_every_link_of_a_page_leads_to_a_part_of_it(finished, tmp_path):
    read = Page(written(finished, tmp_path))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for attributes in read.of("a")} <= set(ids)


def test_every_figure_has_words_and_a_table_beside_it(finished, tmp_path):
    text = written(finished, tmp_path)
    drawn = [each for each in Page(text).of("svg") if each.get("aria-hidden") != "true"]
    assert len(drawn) >= 5
    for attributes in drawn:
        assert attributes["role"] == "img"
        assert re.search(r"\d", attributes["aria-label"])
    for figure in re.findall(r"<section.*?</section>", text, re.S):
        if "<figure>" in figure:
            assert "<table>" in figure


def test_a_page_says_what_the_report_says(finished, tmp_path):
    with Store.open(finished.db) as store:
        told = material(store, None, finished.folder)
    findings = told.findings
    text = " ".join(Page(written(finished, tmp_path)).text.split())
    assert f"{findings.before.right}/{findings.before.questions}" in text
    assert f"{findings.after.accuracy:.1%}" in text
    for name in ("mistakes", "explanations", "reviews", "accepted", "lessons"):
        assert f"{name} {getattr(findings, name):,}" in text
    assert findings.adapter.id in text
    assert told.worth.suggestion in text
    assert "train.epochs 2 " in text
    assert "teachers t0.script.toml, careless.script.toml, strict.script.toml" in text
    assert len(told.taught) == 8 and len(told.rejected) == 4
    for story in (*told.taught, *told.rejected):
        assert story.reply.text in text
        for review in story.reviews:
            assert review.reply.text in text


def test_a_page_names_no_folder_of_its_maker(finished, tmp_path):
    assert str(finished.folder) not in written(finished, tmp_path)
    assert str(finished.student) not in written(finished, tmp_path)


def test_a_run_that_did_little_has_a_page_too(lab, tmp_path):
    lab.run(until="before")
    text = Page(written(lab, tmp_path)).text
    for words in ("Nothing was trained.", "Nobody reviewed.", "no two exams on test"):
        assert words in text


@pytest.fixture
def hostile(lab):
    """A laboratory whose teachers and student say what is hostile."""
    storable = [text.replace("\x00", "\\0").encode("utf-8", "replace").decode() for text in HOSTILE]
    replies = [f"{text} The answer is 1." for text in storable]
    scores = [f"{text} [4]" for text in storable]
    reviewing = {"when": "score in square", "replies": scores}
    rules = tomli_w.dumps({"rule": [reviewing, {"when": "", "replies": replies}]})
    lab.teachers = tuple(script(lab.folder, f"<b onclick=x>{n}", rules) for n in range(2))
    lab.student = script(
        lab.folder, "student", tomli_w.dumps({"rule": [{"when": "", "replies": replies}]})
    )
    lab.run(until="select")
    return lab


def test_sixty_hostile_replies_are_text_on_a_page(hostile, tmp_path):
    assert len(HOSTILE) == 60
    text = written(hostile, tmp_path)
    read = Page(text)
    harmless = written_tags(read)
    assert not harmless & {"script", "img", "iframe", "object", "form", "base", "h6", "plaintext"}
    assert len(read.of("style")) == len(read.of("title")) == len(read.of("main")) == 1
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def written_tags(read):
    return {tag for tag, _ in read.elements}


@pytest.mark.parametrize("reply", HOSTILE)
def test_each_hostile_text_leaves_the_elements_of_a_page_as_they_are(finished, reply):
    from dataclasses import replace

    with Store.open(finished.db) as store:
        told = material(store, None, finished.folder)
    plain = Page(page(told)).elements

    def saying(story):
        said = replace(story.reply, text=reply)
        reviews = [replace(each, reply=said) for each in story.reviews]
        question = replace(story.question, text=reply, gold=reply)
        return replace(
            story, reply=said, attempt=said, reviews=reviews, question=question, reason=reply
        )

    changed = replace(
        told,
        taught=[saying(story) for story in told.taught],
        prompts={reply: reply, **dict(list(told.prompts.items())[1:])},
        versions={reply: reply, **dict(list(told.versions.items())[1:])},
    )
    text = page(changed)
    assert Page(text).elements == plain
    text.encode()


def test_many_flips_are_counted_and_some_are_shown(finished, tmp_path):
    from dataclasses import replace

    from localfair.report.difference import Flip
    from localfair.report.statistics import change_of

    with Store.open(finished.db) as store:
        told = material(store, None, finished.folder)
    flips = [
        Flip(
            question=f"b2:{number:032}",
            key=str(number),
            text="x" * 3000,
            gold="1",
            gained=True,
            first=None,
            second="1",
        )
        for number in range(5000)
    ]
    findings = replace(told.findings, change=change_of(9000, 5000, 0))
    text = page(replace(told, flips=flips, findings=findings))
    assert "Gained: 5000" in text
    assert f"{5000 - MOST_FLIPS} more are not shown" in text
    assert len(text) < 200_000


def test_a_file_of_another_kind_a_folder_and_a_link_are_left_alone(finished, tmp_path):
    mine = tmp_path / "mine.html"
    mine.write_text("my own page")
    folder = tmp_path / "folder"
    folder.mkdir()
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "target.html")
    with Store.open(finished.db) as store:
        for target in (mine, folder, link):
            with pytest.raises(UsageError) as refused:
                write_page(store, None, finished.folder, target)
            assert "--html" in refused.value.hint
    assert mine.read_text() == "my own page"
    assert not (tmp_path / "target.html").exists()


def test_a_page_of_ours_is_written_again(finished, tmp_path):
    first = written(finished, tmp_path)
    assert GENERATOR in first
    assert written(finished, tmp_path) == first
