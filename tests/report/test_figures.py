"""Figures as numbers: what is larger is drawn larger, and all of it lies inside the figure."""

import math
import re

from localfair.report.figures import POINTS, WIDTH, bars, intervals, plot, thinned


def points(line):
    return [tuple(map(float, point.split(","))) for point in line.points.split()]


def test_bars_are_as_long_as_their_values():
    drawn = bars([("a", 10, "10"), ("b", 5, "5"), ("c", 0, "0")]).bars
    assert drawn[0].width == 2 * drawn[1].width
    assert drawn[2].width == 0
    assert [bar.y for bar in drawn] == sorted(bar.y for bar in drawn)


def test_labels_too_long_to_stand_beside_their_bars_stand_above_them():
    short = bars([("exam, student", 1, "1"), ("b", 2, "2")])
    long = bars([("exam, student", 1, "1"), ("inquire, a-model-of-a-long-name", 2, "2")])
    assert short.left > 0 == long.left
    assert all(bar.label_y == bar.y for bar in short.bars)
    tops = [top for bar in long.bars for top in (bar.label_y, bar.y)]
    assert tops == sorted(set(tops)) and tops[-1] < long.height


def test_no_bars_and_bars_of_nothing_can_be_drawn():
    assert bars([]).bars == []
    assert bars([("a", 0, "0")]).bars[0].width == 0


def test_an_interval_lies_around_its_value_and_inside_the_figure():
    [mark] = intervals([("before", -0.5, 0.2, 1.5, "20%")]).marks
    assert mark.low < mark.value < mark.high <= WIDTH
    [point] = intervals([("x", 0.5, 0.5, 0.5, "")]).marks
    assert point.low == point.value == point.high


def test_a_falling_loss_falls_on_the_picture():
    [line] = plot([("loss", [(1, 3.0), (2, 2.0), (3, 1.0)])]).lines
    xs, ys = zip(*points(line), strict=True)
    assert list(xs) == sorted(xs) and list(ys) == sorted(ys)
    assert max(xs) <= WIDTH and min(ys) >= 0


def test_one_point_equal_points_and_none_can_be_drawn():
    for values in ([(1, 2.0)], [(1, 2.0), (2, 2.0)], []):
        drawn = plot([("loss", values)])
        assert len(points(drawn.lines[0])) == len(values)
        assert not re.search("nan|inf", str(drawn))


def test_a_loss_that_is_no_number_is_left_out():
    [line] = plot([("loss", [(1, 1.0), (2, math.nan), (3, math.inf), (4, 0.5)])]).lines
    assert len(points(line)) == 2


def test_a_long_line_is_thinned_and_keeps_its_ends():
    long = [(float(number), float(number % 7)) for number in range(100_000)]
    short = thinned(long)
    assert len(short) == POINTS
    assert (short[0], short[-1]) == (long[0], long[-1])
