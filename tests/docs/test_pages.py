"""The pages in Markdown: every link leads somewhere, every file and function that they name is there, README is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT) for folder in ("", "docs", "fuzz", "vendor") for path in (ROOT / folder).glob("*.md"))
# Those that lead through the code.
NAMING = [Path(name) for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/README.md", "docs/architecture.md", "docs/glossary.md",
                                  "docs/performance.md")]
# Rooms that are planned: what is said of them is said to be planned.
PLANNED = ("src/mcp/",)
# Placeholders.
EXAMPLES = ("src/cli/NAME.rs", "runtimes/NAME/")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:src|tests|docs|runtimes|fuzz|vendor|benches|examples|config)/[^`\s]*)`")
INSIDE = re.compile(r"`(src/[^`\s]+\.rs)`\s+\(((?:`[^`]+`(?:,\s+)?)+)\)")
IN = re.compile(r"((?:`[\w:]+`(?:,| or| and)?\s+)+)in\s+`(src/[^`\s]+\.rs)`")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(path: str) -> bool:
    return bool(list(ROOT.glob(path.rstrip("/")))) if "*" in path else (ROOT / path).exists()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    missing = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", without_code((ROOT / page).read_text()))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page.parent / path) if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert not missing, f"{page}: no such file or heading: {missing}"


@pytest.mark.parametrize("page", NAMING, ids=str)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = [path for path in NAMED.findall((ROOT / page).read_text()) if not path.startswith(PLANNED) and path not in EXAMPLES]
    missing = [path for path in named if not is_there(path)]
    assert not missing, f"{page}: name them as they are now: {missing}"


@pytest.mark.parametrize("page", NAMING, ids=str)
def test_functions_that_are_named_are_in_their_files(page: Path) -> None:
    missing = []
    text = (ROOT / page).read_text()
    for path, names in [*INSIDE.findall(text), *((path, names) for names, path in IN.findall(text))]:
        source = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        for name in re.findall(r"`([^`]+)`", names):
            last = name.rpartition("::")[2]
            if not re.search(rf"\b(?:fn|struct|enum|trait|const|static|type) {re.escape(last)}\b", source):
                missing.append(f"{path} ({name})")
    assert not missing, f"{page}: name them as they are now: {missing}"


def test_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150, "README has at most 150 lines: move details to a page in docs/"
    wide = [line for line in lines if len(line) > 100]
    assert not wide, f"README has at most 100 columns: {wide}"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    missing = [page.name for page in PAGES if page.parent == Path("docs") and page.name != "README.md" and f"({page.name})" not in index]
    assert not missing, f"docs/README.md does not list {missing}"
