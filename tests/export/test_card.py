"""The model card says who the student is, who taught it on what terms, and what it can do."""

import hashlib
import sqlite3
from pathlib import Path

import pytest
import yaml

from localfair.errors import UsageError
from localfair.export.card import card, write
from localfair.export.lessons import as_json_lines
from localfair.export.once import Destination
from localfair.export.weights import export_adapter
from localfair.models.card import Card, save_card
from localfair.record.store import Store
from localfair.report.findings import latest_run, report


def text_of(lab):
    with Store.open(lab.db) as store:
        return card(store, None, lab.folder)


def front_matter(text):
    """The YAML block at the card's head."""
    _, front, _ = text.split("---\n", 2)
    return yaml.safe_load(front)


def findings(lab):
    with Store.open(lab.db) as store:
        return report(store, latest_run(store))


def test_the_front_matter_is_what_hugging_face_reads(taught):
    front = front_matter(text_of(taught))
    assert front["base_model"] == Path(taught.student).name
    assert front["license"] == "unknown"
    assert front["tags"] == ["localfair", "distillation", "lora", "fair"]
    (entry,) = front["model-index"]
    (metric,) = entry["results"][0]["metrics"]
    assert metric["value"] == findings(taught).after.accuracy


def test_the_card_names_the_base_the_adapter_and_how_it_was_trained(taught):
    text = text_of(taught)
    (adapter,) = taught.rows("SELECT * FROM adapters")
    assert text.count(f"`{adapter['base']}`") == 1
    assert f"`{adapter['id']}`, weights `sha256:{adapter['sha256']}`" in text
    assert f"{adapter['steps']} steps, seed 0 |" in text
    assert "with the recipe `fair` (arXiv 2410.03663)." in text


def test_the_card_names_every_teacher_with_its_terms(taught):
    text = text_of(taught)
    for teacher in ("t0", "t1", "t2"):
        assert f"| teacher | {teacher} | 1 | none: a script | none: a script |" in text


def test_a_model_in_two_seats_is_one_line_that_counts_them(taught, tmp_path):
    lab = taught.copy(tmp_path)
    teacher = lab.teachers[0]
    with sqlite3.connect(lab.db) as connection:
        connection.execute(
            "UPDATE runs SET settings = json_set(settings, '$.teachers', json_array(?, ?))",
            [teacher, teacher],
        )
    assert "| teacher | t0 | 2 | none: a script | none: a script |" in text_of(lab)


def test_the_card_counts_the_lessons_and_holds_the_hash_of_their_export(taught):
    text = text_of(taught)
    with Store.open(taught.db) as store:
        lines = as_json_lines(store, None)
    assert "16 (8 feedback, 8 rationale)" in text
    assert hashlib.sha256(lines.encode()).hexdigest() in text


def test_the_card_shows_both_exams_and_the_change(taught):
    text = text_of(taught)
    found = findings(taught)
    assert f"| before | {found.before.right} of 4 | " in text
    assert f"| after | {found.after.right} of 4 | " in text
    assert f"Change {found.change.difference:+.1%}, 95 % " in text
    assert "exact McNemar p" in text


def test_exports_are_listed_with_their_parity_or_without(taught, tmp_path):
    exported = taught.export(export_adapter, Destination(tmp_path)).export
    pytest.importorskip("llama_cpp")
    examined = taught.gguf(tmp_path, limit=4)
    text = text_of(taught)
    assert f"| adapter | `{exported.sha256}` | not examined |  |" in text
    same = f"{examined.parity.same_grade} of 4 (dev) | {examined.parity.same_text} of 4"
    assert f"| gguf/f16 | `{examined.export.sha256}` | {same} |" in text


def test_the_card_is_written_as_the_folders_readme(taught, tmp_path):
    with Store.open(taught.db) as store:
        path = write(store, None, taught.folder, Destination(tmp_path / "out"))
    assert path.parent.parent == tmp_path / "out"
    assert path.name == "README.md"
    assert path.parent.name.endswith("-card")
    assert path.read_text() == text_of(taught)


def test_a_run_that_trained_no_student_has_no_card(lab):
    lab.run(until="exam")
    with pytest.raises(UsageError, match="trained no student"):
        text_of(lab)


HOSTILE = "x`|<img src=y> --- license: mit # Mine"


def test_what_a_models_card_says_becomes_neither_a_line_nor_a_tag(taught, tmp_path):
    lab = taught.copy(tmp_path)
    card_of_m = Card(
        name="m",
        family="f",
        licence=HOSTILE,
        licence_read_from="x",
        output_terms=HOSTILE,
        format="gguf",
        file="m.gguf",
    )
    save_card(card_of_m, lab.folder / "models" / "m.toml")
    with sqlite3.connect(lab.db) as connection:
        connection.execute(
            "UPDATE runs SET settings = json_set(settings, '$.student', 'm', '$.teachers[0]', 'm')"
        )
    text = text_of(lab)
    front, body = text.split("---\n", 2)[1:]
    assert front_matter(text)["license"] == HOSTILE.lower()
    assert front.count("license") == 2  # the key, and the text after it on its line
    assert "| teacher | m | 1 | x\\`\\|&lt;img src=y&gt; --- license: mit" in body
    assert "<img" not in body
    assert "\n# Mine" not in text


def test_a_changed_card_stays_unless_it_is_forced_away(taught, tmp_path):
    out = Destination(tmp_path)
    with Store.open(taught.db) as store:
        readme = write(store, None, taught.folder, out)
        assert write(store, None, taught.folder, out) == readme
        readme.write_text("# My project\n")
        with pytest.raises(UsageError, match=r"-card is there already"):
            write(store, None, taught.folder, out)
        assert readme.read_text() == "# My project\n"
        write(store, None, taught.folder, Destination(tmp_path, force=True))
    assert readme.read_text() == text_of(taught)
