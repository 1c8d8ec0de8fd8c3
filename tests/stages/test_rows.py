"""What stages share about rows: a draw is the same whoever draws it, and in whatever order the rows come."""

from localfair.stages.rows import draw


def test_a_draw_depends_on_seed_purpose_and_ids_alone():
    rows = [{"id": str(n)} for n in range(20)]
    assert draw(0, "a", rows, 5) == draw(0, "a", rows[::-1], 5)
    assert draw(0, "a", rows, 5) != draw(1, "a", rows, 5)
    assert draw(0, "a", rows, 20) != draw(0, "b", rows, 20)
