"""The views and the search index of the schema: what people read in a browser or with SQL of their own.

Pure. No command of localfair reads the views; `db verify` checks that they are as they were made.
"""

from __future__ import annotations

INDEX = "said"  # the search index of what was said: FTS5 over `generations.text`, which it does not copy
INDEX_TABLES = (
    INDEX,
    f"{INDEX}_data",
    f"{INDEX}_idx",
    f"{INDEX}_docsize",
    f"{INDEX}_config",
)

# Each ends with the columns that a reader looks at. `who` is a seat in words; `"row"` is the id of the row
# that `noun` names. Everything that was ever said about a question, in the order in which things happen.
VIEWS = """
CREATE VIEW question_history AS
  SELECT q.id AS question, q.key, 1 AS place, 'question' AS noun, q.id AS "row", NULL AS who,
    q.gold AS outcome, q.text
  FROM questions q
  UNION ALL
  SELECT q.id, q.key, 2, 'answer', a.id, s.role || '#' || s."index" || ' ' || s.model, a.grade, g.text
  FROM answers a JOIN questions q ON q.id = a.question JOIN seats s ON s.id = a.seat
  JOIN generations g ON g.id = a.generation
  UNION ALL
  SELECT q.id, q.key, 3, 'explanation', e.id, s.role || '#' || s."index" || ' ' || s.model,
    COALESCE(e.grade, e.kind), g.text
  FROM explanations e JOIN questions q ON q.id = e.question JOIN seats s ON s.id = e.seat
  JOIN generations g ON g.id = e.generation
  UNION ALL
  SELECT q.id, q.key, 4, 'review', r.id, s.role || '#' || s."index" || ' ' || s.model,
    COALESCE(CAST(r.score AS TEXT), 'unreadable'), g.text
  FROM reviews r JOIN explanations e ON e.id = r.explanation JOIN questions q ON q.id = e.question
  JOIN seats s ON s.id = r.seat JOIN generations g ON g.id = r.generation
  UNION ALL
  SELECT q.id, q.key, 5, 'verdict', v.id, NULL, CASE v.accepted WHEN 1 THEN 'accepted' ELSE 'rejected' END,
    v.reason
  FROM verdicts v JOIN explanations e ON e.id = v.explanation JOIN questions q ON q.id = e.question
  UNION ALL
  SELECT q.id, q.key, 6, 'lesson', l.id, NULL, COALESCE('dropped: ' || l.dropped, l.kind), l.completion
  FROM lessons l JOIN questions q ON q.id = l.question;

CREATE VIEW exam_rows AS
  SELECT t.run, t.step, t.round, q.id AS question, q.key, a.split, a.id AS answer, a.seat,
    s.role || '#' || s."index" || ' ' || s.model AS who, s.adapter, a.grade, a.read, q.gold, g.text
  FROM run_steps t JOIN links l ON l.run = t.run AND l.position = t.position AND l.noun = 'answer'
  JOIN answers a ON a.id = l."row" JOIN questions q ON q.id = a.question JOIN seats s ON s.id = a.seat
  JOIN generations g ON g.id = a.generation
  WHERE t.stage = 'exam';

CREATE VIEW lesson_origin AS
  SELECT l.id AS lesson, q.id AS question, q.key, l.kind, e.id AS explanation, a.id AS answer,
    s.role || '#' || s."index" || ' ' || s.model AS who, COALESCE(e.grade, a.grade) AS grade,
    l.weight, l.dropped, l.completion, g.text
  FROM lessons l JOIN questions q ON q.id = l.question
  LEFT JOIN lesson_sources o ON o.lesson = l.id
  LEFT JOIN explanations e ON o.noun = 'explanation' AND e.id = o."row"
  LEFT JOIN answers a ON o.noun = 'answer' AND a.id = o."row"
  LEFT JOIN seats s ON s.id = COALESCE(e.seat, a.seat)
  LEFT JOIN generations g ON g.id = COALESCE(e.generation, a.generation);

CREATE VIEW reviewer_worth AS
  SELECT s.id AS seat, s.role || '#' || s."index" || ' ' || s.model AS who, COUNT(*) AS reviews,
    SUM(r.score IS NULL) AS unreadable, SUM(r.same_weights) AS same_weights, AVG(r.score) AS mean,
    AVG(CASE e.grade WHEN 'right' THEN r.score END) AS mean_of_right,
    AVG(CASE e.grade WHEN 'wrong' THEN r.score END) AS mean_of_wrong,
    AVG(CASE e.grade WHEN 'right' THEN r.score END)
      - AVG(CASE e.grade WHEN 'wrong' THEN r.score END) AS gap
  FROM reviews r JOIN seats s ON s.id = r.seat JOIN explanations e ON e.id = r.explanation
  GROUP BY s.id;
"""

# Only where SQLite has FTS5. Filled here for a record that is older than the index, else by record/search.
SEARCH = f"""
CREATE VIRTUAL TABLE {INDEX} USING fts5(text, content="generations");
INSERT INTO {INDEX} ({INDEX}) VALUES ('rebuild');
"""
