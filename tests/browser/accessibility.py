"""What every page is held to in a browser: axe-core's rules of WCAG 2.2 AA, no sideways scrolling, the keyboard.

axe-core is vendored under tests/vendor/axe, unchanged from its npm package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "vendor" / "axe" / "axe-4.14.1.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async ({ tags, only, without }) => {
  await new Promise(requestAnimationFrame); // a page is told of new colours with its next frame, and may act on it
  const runOnly = only ? { type: "rule", values: only } : { type: "tag", values: tags };
  const ending = document.getAnimations().filter((each) => Number.isFinite(each.effect.getComputedTiming().endTime));
  await Promise.all(ending.map((each) => each.finished.catch(() => {}))); // colours on their way are none
  const rules = only ? {} : { "target-size": { enabled: true } };
  const found = await axe.run({ exclude: without }, { runOnly, rules, resultTypes: ["violations"], preload: false });
  return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""
NARROW = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const all = [...document.body.querySelectorAll("*")];
  const wide = all.filter((each) => each.getBoundingClientRect().right > clientWidth);
  return [`${scrollWidth} > ${clientWidth}`, ...wide.slice(0, 5).map((each) => each.outerHTML.slice(0, 100))];
}"""
CONTROLS = """() => {
  const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [tabindex='0']";
  const groups = new Set();
  window.controls = [...document.querySelectorAll(all)].filter((each) => {
    if (each.disabled || each.tabIndex < 0 || !each.checkVisibility({ visibilityProperty: true })) return false;
    if (each.type !== "radio") return true;
    if (document.querySelector(`input[name="${each.name}"]:checked`) !== each) return false;
    return !groups.has(each.name) && groups.add(each.name);
  });
  document.body.tabIndex = -1; // so that the walk begins at the top, wherever somebody has clicked
  document.body.focus();
  document.body.removeAttribute("tabindex");
  return controls.map((each) => each.outerHTML.slice(0, 100));
}"""
FOCUSED = """() => {
  const focused = document.activeElement;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(focused);
  const around = focused.closest(".composer, [data-focus-ring]");
  const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const { top, bottom, left, right } = focused.getBoundingClientRect();
  return {
    at: controls.indexOf(focused),
    left: focused === document.body,
    visible: ring({ outlineStyle, outlineWidth }) || boxShadow !== "none" || (around && ring(getComputedStyle(around))),
    onScreen: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
  };
}"""


@cache
def _axe() -> str:
    return AXE.read_text()


def violations(page: Page, *, only: list[str] | None = None, without: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds on the page as it is now, as texts; of all rules, or `only` of these. `without` are selectors
    of parts that are not looked at."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(RUN, {"tags": TAGS, "only": only, "without": list(without)})
    return found


@contextmanager
def as_it_is(page: Page, mirror: Page) -> Iterator[Page]:
    """What `page`, whose JavaScript is off, shows, in `mirror`, where axe-core can run: with the same markup, but
    without the scripts."""
    html = re.sub(r"<script\b.*?</script>|</?noscript>", "", page.content(), flags=re.DOTALL)
    assert page.viewport_size is not None
    mirror.set_viewport_size(page.viewport_size)
    mirror.route(page.url, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    mirror.goto(page.url)
    yield mirror
    mirror.unroute_all()


def too_wide(page: Page) -> list[str]:
    """What has to be scrolled sideways at 320 pixels (WCAG 1.4.10); nothing, as it should be."""
    page.set_viewport_size({"width": 320, "height": 700})
    found: list[str] = page.evaluate(NARROW)
    return found


def keyboard_walk(page: Page) -> tuple[list[str], list[str], list[str]]:
    """Press Tab until the page is left: the controls that there are, those that were reached, in order, and what was
    wrong on the way (the focus not to be seen, a place twice)."""
    controls: list[str] = page.evaluate(CONTROLS)
    reached, wrong = [], []
    for _ in range(2 * len(controls) + 10):
        page.keyboard.press("Tab")
        now: dict[str, Any] = page.evaluate(FOCUSED)
        if now["left"]:
            break
        what = controls[now["at"]] if now["at"] >= 0 else "something that is no control"
        reached.append(what)
        wrong += [f"{what}: no focus ring"] * (not now["visible"]) + [f"{what}: off screen"] * (not now["onScreen"])
    return controls, reached, wrong
