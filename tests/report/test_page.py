"""The page's own style: colours that can be read, in both schemes and in print."""

import re

import pytest

from localfair.report.page import TEMPLATES, is_page

CSS = (TEMPLATES / "report.css").read_text()
SCHEMES = re.findall(r":root \{([^}]*)\}", CSS)


def luminance(colour):
    """WCAG 2.2's relative luminance of `#rrggbb` or `#rgb`."""
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = []
    for start in (0, 2, 4):
        value = int(digits[start : start + 2], 16) / 255
        channels.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    red, green, blue = channels
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2.2's contrast ratio of two colours."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_reckoned_as_wcag_says():
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark", "print"])
@pytest.mark.parametrize("ground", ["back", "box"])
def test_every_text_can_be_read_on_every_ground(scheme, ground):
    colours = dict(re.findall(r"--(\w+): (#\w+)", scheme))
    for name in ("text", "quiet", "accent", "good", "bad"):
        assert contrast(colours[name], colours[ground]) >= 4.5, name


def test_a_page_of_ours_is_known_and_another_is_not():
    assert is_page('<!DOCTYPE html><meta name="generator" content="localfair">')
    assert is_page("")
    assert not is_page("<!DOCTYPE html><p>mine")
