"""How long engines were at work on replies: what was decoded at once counts once, a pause not at all.

Makes queries; reads and writes nothing.
"""

from __future__ import annotations

# of a generation `g`, whose row is written when its reply has come, in seconds
SPAN = """
julianday(g.created) * 86400 - g.seconds AS started, julianday(g.created) * 86400 AS ended
"""


def at_work(replies: str, by: str) -> str:
    """The query `replies` with one more column: `busy`, the seconds of each reply that no earlier one
    of its group covers.

    replies: a query with the columns of `SPAN`. by: the columns that make a group, as one engine.
    """
    return f"""
SELECT *, MAX(0, ended - MAX(started, COALESCE(MAX(ended) OVER earlier, started))) AS busy
FROM ({replies})
WINDOW earlier AS (PARTITION BY {by} ORDER BY started, ended
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
"""
