/* Names for what datasette's pages leave without one: fields of its forms, and headings out of order. */
"use strict";

const NAMES = [
  ["select[name^=_filter_column]", "Column"],
  ["select[name^=_filter_op]", "Comparison"],
  ["input[name^=_filter_value]", "Value"],
  ["select[name=_sort]", "Sort by"],
  ["textarea", "SQL"], // the editor's own field as well
  ["a.cross", "Remove"],
];

// after the editor has made its field
addEventListener("load", () => {
  for (const [selector, name] of NAMES) {
    for (const element of document.querySelectorAll(selector)) {
      element.setAttribute("aria-label", name);
    }
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    level = Math.min(Number(heading.tagName[1]), level + 1);
    heading.setAttribute("aria-level", level);
  }
});
