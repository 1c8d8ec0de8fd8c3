"""The schema, as numbered migrations, each with its reason.

Never edit a migration that has been released: add the next.

The science stands here as constraints: a reviewer is never the author, a lesson comes only from the
train split, a score is 1..5 or nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from localfair.record.views import INDEX as INDEX
from localfair.record.views import INDEX_TABLES as INDEX_TABLES
from localfair.record.views import SEARCH as SEARCH
from localfair.record.views import VIEWS

APPLICATION_ID = 0x4C464149  # "LFAI"

FIRST = """
CREATE TABLE migrations (version INTEGER PRIMARY KEY, reason TEXT NOT NULL, applied TEXT NOT NULL);
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);

CREATE TABLE sources (
  id TEXT PRIMARY KEY, task TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
  licence TEXT NOT NULL, imported TEXT NOT NULL);

CREATE TABLE questions (
  id TEXT PRIMARY KEY, task TEXT NOT NULL, key TEXT NOT NULL,
  split TEXT NOT NULL CHECK (split IN ('train','dev','test')),
  text TEXT NOT NULL, choices TEXT NOT NULL, gold TEXT NOT NULL, rationale TEXT NOT NULL,
  UNIQUE (id, split));
CREATE INDEX questions_by_task ON questions (task, split);

CREATE TABLE adapters (
  id TEXT PRIMARY KEY, role TEXT NOT NULL, base TEXT NOT NULL, parent TEXT REFERENCES adapters (id),
  settings TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
  steps INTEGER NOT NULL, seconds REAL NOT NULL, tokens INTEGER NOT NULL, peak_memory INTEGER NOT NULL,
  created TEXT NOT NULL);
CREATE TABLE curve (
  adapter TEXT NOT NULL, step INTEGER NOT NULL, loss REAL NOT NULL, learning_rate REAL NOT NULL,
  PRIMARY KEY (adapter, step)) WITHOUT ROWID;

CREATE TABLE seats (
  id TEXT PRIMARY KEY, role TEXT NOT NULL CHECK (role IN ('student','teacher','reviewer','mentor')),
  "index" INTEGER NOT NULL, model TEXT NOT NULL, fingerprint TEXT NOT NULL, adapter TEXT NOT NULL,
  run_seed INTEGER NOT NULL, seed INTEGER NOT NULL);

CREATE TABLE generations (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('generate','score')),
  model TEXT NOT NULL, fingerprint TEXT NOT NULL, adapter TEXT NOT NULL, chat_template TEXT NOT NULL,
  family TEXT NOT NULL, messages TEXT NOT NULL, sampling TEXT NOT NULL, seed INTEGER NOT NULL,
  sample INTEGER NOT NULL, continuations TEXT NOT NULL, about TEXT NOT NULL,
  text TEXT NOT NULL, finish TEXT NOT NULL CHECK (finish IN ('stop','length')),
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, seconds REAL NOT NULL,
  logprobs TEXT NOT NULL, created TEXT NOT NULL);

CREATE TABLE answers (
  id TEXT PRIMARY KEY, question TEXT NOT NULL, split TEXT NOT NULL,
  seat TEXT NOT NULL REFERENCES seats (id), generation TEXT NOT NULL REFERENCES generations (id),
  grade TEXT NOT NULL CHECK (grade IN ('right','wrong','unreadable')), read TEXT,
  FOREIGN KEY (question, split) REFERENCES questions (id, split));
CREATE INDEX answers_by_question ON answers (question);

CREATE VIEW mistakes AS
  SELECT a.id, a.question, a.seat, a.generation, a.read, a.grade AS reason, s.adapter, s.fingerprint
  FROM answers a JOIN seats s ON s.id = a.seat
  WHERE s.role = 'student' AND a.split = 'train' AND a.grade <> 'right';

CREATE TABLE explanations (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('feedback','rationale')),
  question TEXT NOT NULL, split TEXT NOT NULL CHECK (split = 'train'),
  answer TEXT REFERENCES answers (id),
  seat TEXT NOT NULL REFERENCES seats (id), generation TEXT NOT NULL REFERENCES generations (id),
  grade TEXT CHECK (grade IN ('right','wrong','unreadable')), read TEXT,
  CHECK ((kind = 'feedback' AND answer IS NOT NULL AND grade IS NULL) OR (kind = 'rationale' AND grade IS NOT NULL)),
  FOREIGN KEY (question, split) REFERENCES questions (id, split),
  UNIQUE (id, seat));

CREATE TABLE reviews (
  id TEXT PRIMARY KEY, explanation TEXT NOT NULL, author TEXT NOT NULL,
  seat TEXT NOT NULL REFERENCES seats (id), generation TEXT NOT NULL REFERENCES generations (id),
  score REAL CHECK (score BETWEEN 1 AND 5),
  same_weights INTEGER NOT NULL CHECK (same_weights IN (0, 1)),
  CHECK (seat <> author),
  FOREIGN KEY (explanation, author) REFERENCES explanations (id, seat));
CREATE INDEX reviews_by_explanation ON reviews (explanation);

CREATE TABLE verdicts (
  id TEXT PRIMARY KEY, explanation TEXT NOT NULL REFERENCES explanations (id),
  policy TEXT NOT NULL, reviews TEXT NOT NULL, mean REAL, valid INTEGER NOT NULL,
  accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)), reason TEXT NOT NULL);

CREATE TABLE lessons (
  id TEXT PRIMARY KEY, question TEXT NOT NULL, split TEXT NOT NULL CHECK (split = 'train'),
  kind TEXT NOT NULL CHECK (kind IN ('feedback','rationale','answer')), teacher INTEGER,
  prompt TEXT NOT NULL, completion TEXT NOT NULL, weight REAL NOT NULL, dropped TEXT,
  FOREIGN KEY (question, split) REFERENCES questions (id, split));
CREATE TABLE lesson_sources (
  lesson TEXT NOT NULL REFERENCES lessons (id), noun TEXT NOT NULL, row TEXT NOT NULL,
  PRIMARY KEY (lesson, noun, row)) WITHOUT ROWID;
CREATE TABLE adapter_lessons (
  adapter TEXT NOT NULL REFERENCES adapters (id), position INTEGER NOT NULL,
  lesson TEXT NOT NULL REFERENCES lessons (id), dropped TEXT,
  PRIMARY KEY (adapter, position)) WITHOUT ROWID;

CREATE TABLE runs (
  id TEXT PRIMARY KEY, recipe TEXT NOT NULL, effective TEXT NOT NULL, task TEXT NOT NULL, settings TEXT NOT NULL,
  seed INTEGER NOT NULL, versions TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
  status TEXT NOT NULL CHECK (status IN ('running','done','interrupted','failed')), problem TEXT);
CREATE TABLE run_seats (
  run TEXT NOT NULL REFERENCES runs (id), seat TEXT NOT NULL REFERENCES seats (id), engine TEXT NOT NULL,
  PRIMARY KEY (run, seat)) WITHOUT ROWID;
CREATE TABLE run_steps (
  run TEXT NOT NULL REFERENCES runs (id), position INTEGER NOT NULL, step TEXT NOT NULL, stage TEXT NOT NULL,
  round INTEGER NOT NULL, started TEXT NOT NULL, ended TEXT, calls INTEGER NOT NULL DEFAULT 0,
  reused INTEGER NOT NULL DEFAULT 0, loads INTEGER NOT NULL DEFAULT 0, outcome TEXT,
  PRIMARY KEY (run, position)) WITHOUT ROWID;
CREATE TABLE run_rows (
  run TEXT NOT NULL, position INTEGER NOT NULL, noun TEXT NOT NULL, row TEXT NOT NULL,
  FOREIGN KEY (run, position) REFERENCES run_steps (run, position),
  PRIMARY KEY (run, position, noun, row)) WITHOUT ROWID;
"""

SECOND = """
ALTER TABLE generations ADD COLUMN constrained TEXT NOT NULL DEFAULT 'null';
ALTER TABLE generations ADD COLUMN wants_logprobs INTEGER NOT NULL DEFAULT 0 CHECK (wants_logprobs IN (0, 1));

CREATE TABLE rates (
  id TEXT PRIMARY KEY, model TEXT NOT NULL, fingerprint TEXT NOT NULL, family TEXT NOT NULL, machine TEXT NOT NULL,
  batch INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, reply_tokens INTEGER NOT NULL,
  prefill REAL NOT NULL, decode REAL NOT NULL, load_seconds REAL NOT NULL, peak_memory INTEGER NOT NULL,
  created TEXT NOT NULL);

ALTER TABLE adapters ADD COLUMN tokens_per_second REAL;
ALTER TABLE adapters ADD COLUMN epochs TEXT NOT NULL DEFAULT '[]';

CREATE TABLE soft_labels (
  id TEXT PRIMARY KEY, mentor TEXT NOT NULL, adapter TEXT NOT NULL, family TEXT NOT NULL,
  tokens TEXT NOT NULL, top_k INTEGER NOT NULL CHECK (top_k > 0), vocabulary INTEGER NOT NULL,
  tau REAL NOT NULL CHECK (tau > 0), labels INTEGER NOT NULL,
  indices BLOB NOT NULL, logprobs BLOB NOT NULL, created TEXT NOT NULL);

CREATE TABLE exports (
  id TEXT PRIMARY KEY, adapter TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL, created TEXT NOT NULL);
CREATE TABLE parities (
  id TEXT PRIMARY KEY, export TEXT NOT NULL REFERENCES exports (id), split TEXT NOT NULL,
  reference TEXT NOT NULL, engine TEXT NOT NULL, questions INTEGER NOT NULL, same_grade INTEGER NOT NULL,
  same_text INTEGER NOT NULL, reference_right INTEGER NOT NULL, engine_right INTEGER NOT NULL, created TEXT NOT NULL);

CREATE TABLE comparisons (
  id TEXT PRIMARY KEY, task TEXT NOT NULL, asked TEXT NOT NULL, found TEXT NOT NULL, created TEXT NOT NULL);
"""

THIRD = """
ALTER TABLE generations RENAME COLUMN family TO engine;
ALTER TABLE generations RENAME COLUMN kind TO action;
ALTER TABLE rates RENAME COLUMN family TO engine;
ALTER TABLE soft_labels RENAME COLUMN family TO engine;
ALTER TABLE exports RENAME COLUMN kind TO format;
"""

# `reader`: the version of the reader that a gold, a grade or a score was read by, and a verdict judged
# with; 1 before they had one. `seal`: see record/sealing. `earlier_readings`: what a row said before it was read again.
FOURTH = """
ALTER TABLE questions ADD COLUMN reader INTEGER NOT NULL DEFAULT 1;
ALTER TABLE answers ADD COLUMN reader INTEGER NOT NULL DEFAULT 1;
ALTER TABLE explanations ADD COLUMN reader INTEGER NOT NULL DEFAULT 1;
ALTER TABLE reviews ADD COLUMN reader INTEGER NOT NULL DEFAULT 1;
ALTER TABLE verdicts ADD COLUMN reader INTEGER NOT NULL DEFAULT 1;
ALTER TABLE parities ADD COLUMN both_right INTEGER;

ALTER TABLE sources ADD COLUMN seal TEXT;
ALTER TABLE questions ADD COLUMN seal TEXT;
ALTER TABLE seats ADD COLUMN seal TEXT;
ALTER TABLE generations ADD COLUMN seal TEXT;
ALTER TABLE answers ADD COLUMN seal TEXT;
ALTER TABLE explanations ADD COLUMN seal TEXT;
ALTER TABLE reviews ADD COLUMN seal TEXT;
ALTER TABLE verdicts ADD COLUMN seal TEXT;
ALTER TABLE lessons ADD COLUMN seal TEXT;
ALTER TABLE soft_labels ADD COLUMN seal TEXT;
ALTER TABLE adapters ADD COLUMN seal TEXT;
ALTER TABLE runs ADD COLUMN seal TEXT;
ALTER TABLE run_steps ADD COLUMN seal TEXT;
ALTER TABLE rates ADD COLUMN seal TEXT;
ALTER TABLE exports ADD COLUMN seal TEXT;
ALTER TABLE parities ADD COLUMN seal TEXT;
ALTER TABLE comparisons ADD COLUMN seal TEXT;

CREATE TABLE earlier_readings (
  noun TEXT NOT NULL, row TEXT NOT NULL, reader INTEGER NOT NULL,
  grade TEXT, read TEXT, score REAL, replaced TEXT NOT NULL,
  PRIMARY KEY (noun, row, reader)) WITHOUT ROWID;
"""

# A call that failed in a run. `generation`: the id of the generation that it asked for. `tries`: in how many
# runs it was asked and failed, this one included. `run`: NULL outside one.
FAILED_CALLS = """
CREATE TABLE failed_calls (
  id TEXT PRIMARY KEY, generation TEXT NOT NULL, run TEXT REFERENCES runs (id),
  action TEXT NOT NULL CHECK (action IN ('generate','score')),
  model TEXT NOT NULL, fingerprint TEXT NOT NULL, adapter TEXT NOT NULL, engine TEXT NOT NULL,
  about TEXT NOT NULL, reason TEXT NOT NULL, hint TEXT NOT NULL, raw BLOB NOT NULL,
  tries INTEGER NOT NULL CHECK (tries > 0), created TEXT NOT NULL, seal TEXT);
CREATE INDEX failed_calls_by_generation ON failed_calls (generation);
"""

# `inputs`: the hash of everything that decided what a step made; `made`: the hash of its links.
# first_run, first_position: the step whose links these are; itself, unless it was taken over. No
# step has a row that was not done to its end. `links` is what every run used or made.
DONE_STEPS = """
CREATE TABLE done_steps (
  run TEXT NOT NULL, position INTEGER NOT NULL, inputs TEXT NOT NULL, made TEXT NOT NULL,
  first_run TEXT NOT NULL, first_position INTEGER NOT NULL, seal TEXT,
  FOREIGN KEY (run, position) REFERENCES run_steps (run, position),
  FOREIGN KEY (first_run, first_position) REFERENCES run_steps (run, position),
  PRIMARY KEY (run, position)) WITHOUT ROWID;
CREATE INDEX done_steps_by_inputs ON done_steps (inputs);

CREATE VIEW links AS
  SELECT s.run, s.position, r.noun, r."row"
  FROM run_steps s LEFT JOIN done_steps d ON d.run = s.run AND d.position = s.position
  JOIN run_rows r ON r.run = COALESCE(d.first_run, s.run)
    AND r.position = COALESCE(d.first_position, s.position);
"""

# The order in which teachers are asked one after another. `inputs`: the hash of everything that decides
# what they were asked for it, but for how many questions a run takes. `questions`: on how many it rests, the
# first of train in task order. `teachers`: [seat, right answers, tokens, questions solved ...], in their order.
TURNS = """
CREATE TABLE turns (
  id TEXT PRIMARY KEY, inputs TEXT NOT NULL, task TEXT NOT NULL,
  questions INTEGER NOT NULL CHECK (questions > 0), teachers TEXT NOT NULL, seal TEXT);
"""

# What votes are worth: a fit of reviews to labels. `fitted_on`: what the labels say, right answers or
# sound ones among them. `labels`, `reviews`, `authors`, `votes`, `dropped`, `plants`: JSON, see record/fits.
# intercept and threshold: NULL where there is none.
FITS = """
CREATE TABLE fits (
  id TEXT PRIMARY KEY, fitted_on TEXT NOT NULL CHECK (fitted_on IN ('answer','sound')),
  decides TEXT NOT NULL CHECK (decides IN ('probability','votes','checks')), reason TEXT NOT NULL,
  precision REAL NOT NULL CHECK (precision > 0 AND precision < 1),
  intercept REAL, threshold REAL,
  authors TEXT NOT NULL, votes TEXT NOT NULL, dropped TEXT NOT NULL,
  labels TEXT NOT NULL, reviews TEXT NOT NULL, plants TEXT NOT NULL, seal TEXT);
"""

# A data set that was read. `id`: the hash of its files and of the source that read them; `task`: whose
# questions it became.
IMPORTS = """
CREATE TABLE imports (
  id TEXT PRIMARY KEY, task TEXT NOT NULL, imported TEXT NOT NULL, seal TEXT);
"""

# (reason, SQL): the index + 1 is the version
MIGRATIONS: tuple[tuple[str, str], ...] = (
    ("the nouns of the first release", FIRST),
    (
        "constrained replies, their log-probabilities, rates, soft labels, exports and their parity, comparisons",
        SECOND,
    ),
    (
        "one word, one thing: engine (was family), action of a request and format of an export (were kind)",
        THIRD,
    ),
    (
        "readings name their reader and can be read again, rows are sealed, parities count what both got right",
        FOURTH,
    ),
    ("calls that failed, each with its reason and the bytes that came", FAILED_CALLS),
    ("a step that is done again refers to the rows of the first time", DONE_STEPS),
    ("the order in which teachers are asked, frozen: a longer run keeps it", TURNS),
    ("what reviewers' votes are worth, as verdicts are judged by it", FITS),
    ("views for people, and an index of what was said, to browse and search", VIEWS + SEARCH),
    ("data sets that were read: a run given again reads no file that did not change", IMPORTS),
)
VERSION = len(MIGRATIONS)
SEALED_SINCE = 4  # the version in which rows have a seal

# which table holds which noun, for verify() and for links from runs and lessons
NOUNS = {
    "question": "questions",
    "generation": "generations",
    "answer": "answers",
    "explanation": "explanations",
    "review": "reviews",
    "verdict": "verdicts",
    "turns": "turns",
    "lesson": "lessons",
    "adapter": "adapters",
    "soft_label": "soft_labels",
    "fit": "fits",
}


def statements_of(script: str) -> Iterator[str]:
    """The statements of a script.

    sqlite3's `executescript` commits first: a migration would not be one transaction.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def statements_for(connection: sqlite3.Connection, script: str) -> list[str]:
    """The statements of a script that this SQLite can do: without FTS5 there is no search index."""
    statements = list(statements_of(script))
    if has_fts5(connection):
        return statements
    of_search = list(statements_of(SEARCH))
    return [
        statement for statement in statements if statement.strip() not in map(str.strip, of_search)
    ]


def has_fts5(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite can search texts."""
    sql = "SELECT 1 FROM pragma_module_list WHERE name = 'fts5'"
    return connection.execute(sql).fetchone() is not None
