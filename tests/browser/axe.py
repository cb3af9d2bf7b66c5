"""axe-core: what it finds wrong with a page for those who see, hear or move otherwise."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page

from tests.node_tools import AXE, required

LEVELS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def violations(page: Page) -> list[str]:
    """One sentence for each rule that the page violates, with the elements that do."""
    script = (required(*AXE) / "node_modules" / "axe-core" / "axe.min.js").read_text()
    # The page's own policy allows no script of ours in it; evaluated by the browser itself it is none of the page's.
    page.evaluate(f"{script}; null")
    options = {"runOnly": {"type": "tag", "values": list(LEVELS)}, "resultTypes": ["violations"]}
    found: list[dict[str, Any]] = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    return [f"{rule['id']}: {rule['help']}: {[_told(node) for node in rule['nodes'][:5]]}" for rule in found]


def _told(node: dict[str, Any]) -> str:
    reasons = [check["message"] for check in [*node["any"], *node["all"], *node["none"]]]
    return f"{node['html'][:200]} ({'; '.join(reasons)[:300]})"


def too_wide(page: Page) -> list[str]:
    """The elements that stick out to the right of a window that should not scroll sideways; none if it does not."""
    found: list[str] = page.evaluate(
        """() => {
          const root = document.scrollingElement;
          if (root.scrollWidth <= root.clientWidth) return [];
          return [...document.querySelectorAll("body *")]
            .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
            .slice(0, 8).map((element) => element.outerHTML.slice(0, 160));
        }"""
    )
    return found
