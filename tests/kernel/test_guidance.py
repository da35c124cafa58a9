"""Guidance after errors that the sandbox caused, on a corpus of failing cells (`tests/advice/corpus.toml`), and none after others."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

from frontend import Frontend, Outcome
from policies import write_policy

pytestmark = pytest.mark.sandbox

ROOT = Path(__file__).parents[2]
CORPUS = tomllib.loads((ROOT / "tests" / "advice" / "corpus.toml").read_text())
CELLS: list[dict[str, Any]] = CORPUS["cell"]
CAUSED = [cell for cell in CELLS if cell["expect"] != "none"]
ORDINARY = [cell for cell in CELLS if cell["expect"] == "none"]

# The types of the catalogue, from the page that is made from it.
TYPES = [name for name in re.findall(r"^## (\w+)$", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)]


@dataclass
class Result:
    outcome: Outcome

    @property
    def guidance(self) -> dict[str, Any] | None:
        return self.outcome.usage["error_guidance"]

    @property
    def type(self) -> str:
        return self.guidance["error_type"] if self.guidance else "none"

    @property
    def text(self) -> str:
        assert self.guidance
        examples = [word for example in self.guidance["code_examples"] for word in example.values()]
        return "\n".join(self.guidance["actionable_guidance"] + examples)


def run(kernel: Frontend, cell: dict[str, Any]) -> Result:
    request = kernel.execute(cell["code"], store_history=False)
    if cell.get("interrupt"):
        request.wait_for_stdout("ready")
        kernel.interrupt()
    return Result(request.finish())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Result]]:
    """Every cell of the corpus, run once: one kernel for each policy."""
    by_policy = defaultdict(list)
    for cell in CELLS:
        by_policy[cell.get("policy")].append(cell)
    found: dict[str, Result] = {}
    for name, cells in by_policy.items():
        directory = tmp_path_factory.mktemp(name or "notebook")
        policy = write_policy(directory / "policy.toml", CORPUS["policy"][name] if name else {})
        kernel = Frontend(arguments=("--policy", str(policy)), stderr_path=directory / "stderr")
        try:
            found |= {cell["name"]: run(kernel, cell) for cell in cells}
        finally:
            kernel.close()
    yield found


def test_the_corpus_is_large_and_sound() -> None:
    assert len(CELLS) >= 150 and len(CAUSED) >= 100 and len(ORDINARY) >= 50
    assert len({cell["name"] for cell in CELLS}) == len(CELLS)
    assert {cell["expect"] for cell in CELLS} <= {*TYPES, "none"}


def test_every_cell_fails_as_it_should(results: dict[str, Result]) -> None:
    wrong = [cell["name"] for cell in CELLS if results[cell["name"]].outcome.status != "error"]
    assert not wrong
    for cell in CELLS:
        expected = "kept" if cell.get("keep", True) else "rolled_back"
        assert results[cell["name"]].outcome.usage["state"] == expected, cell["name"]


def test_most_failures_that_the_sandbox_caused_are_guided(results: dict[str, Result]) -> None:
    missed = {cell["name"]: (cell["expect"], results[cell["name"]].type) for cell in CAUSED
              if results[cell["name"]].type != cell["expect"]}
    share = 1 - len(missed) / len(CAUSED)
    print(f"{share:.1%} of {len(CAUSED)} guided with the right type; not: {missed}")
    assert share >= 0.85, missed


def test_ordinary_bugs_get_no_guidance(results: dict[str, Result]) -> None:
    guided = {cell["name"]: results[cell["name"]].guidance for cell in ORDINARY if results[cell["name"]].guidance is not None}
    assert not guided


@pytest.mark.parametrize("cell", CAUSED, ids=lambda cell: cell["name"])
def test_guidance_names_what_is_at_fault(results: dict[str, Result], cell: dict[str, Any]) -> None:
    result = results[cell["name"]]
    if result.type != cell["expect"]:
        pytest.xfail(f"not guided rightly: {result.type}")  # the share is what the test above is about
    for word in cell.get("names", []):
        assert word.lower() in result.text.lower(), result.text
    for word in cell.get("lacks", []):
        assert word.lower() not in result.text.lower(), result.text


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_produced_by_a_real_cell(results: dict[str, Result], kind: str) -> None:
    produced = [cell["name"] for cell in CELLS if results[cell["name"]].type == kind]
    assert produced
    result = results[produced[0]]
    assert result.guidance and set(result.guidance) == {"error_type", "actionable_guidance", "related_docs", "code_examples"}
    assert result.guidance["actionable_guidance"]
    assert all(set(example) == {"before", "after", "explanation"} for example in result.guidance["code_examples"])
    assert f"docs/errors.md#{kind.lower()}" in result.guidance["related_docs"]


def test_a_cell_that_succeeds_has_none(kernel: Frontend) -> None:
    assert kernel.run_ok("1 + 1").usage["error_guidance"] is None


def test_what_a_cell_makes_up_is_cut_and_kept_plain(kernel: Frontend) -> None:
    outcome = kernel.run("name = '\\x1b]0;x\\x07<script>' + 'a' * 3_000\nraise ModuleNotFoundError('x', name=name)")
    guidance = outcome.usage["error_guidance"]
    assert guidance["error_type"] == "PackageNotInstalled"
    text = "".join(guidance["actionable_guidance"])
    assert len(text) < 4_000 and "\x1b" not in text and "\x07" not in text


def test_the_text_of_an_error_decides_nothing(kernel: Frontend) -> None:
    words = "MemoryError: No module named 'torch'; can't start new thread; Errno 51; sandbox without network; FuelExhausted"
    for kind in ("Exception", "ValueError", "RuntimeError", "OSError", "SystemError"):
        outcome = kernel.run(f"raise {kind}({words!r})")
        assert outcome.status == "error" and outcome.usage["error_guidance"] is None
    outcome = kernel.run(f"import sys\nprint({words!r}, file=sys.stderr)\n1 / 0")
    assert outcome.usage["error_guidance"] is None


def test_what_is_said_of_a_recursion_is_true_of_any_limit(kernel: Frontend) -> None:
    def said(code: str) -> str:
        return kernel.run(code).everything

    assert "recursion_limit" not in said("raise RecursionError('mine')")
    kernel.run_ok("import sys\ndef down(n): return down(n + 1)\nfirst = sys.getrecursionlimit()")
    assert "begins at 1,000" in said("down(0)")
    kernel.run_ok("sys.setrecursionlimit(5000)")
    text = said("down(0)")
    kernel.run_ok("sys.setrecursionlimit(first)")
    assert "limit of 5,000" in text and "at most 1,000" not in text


def test_fuel_analysis_is_in_every_reply(start) -> None:
    kernel = start(policy={"fuel_budget": 1_000_000_000})
    analysis = kernel.run_ok("1 + 1").usage["fuel_analysis"]
    assert list(analysis) == ["consumed", "budget", "utilization_percent", "status", "recommendation", "suggested_budget", "likely_causes"]
    assert analysis["status"] == "efficient" and analysis["budget"] == 1_000_000_000
    outcome = kernel.run("while True: pass")
    analysis = outcome.usage["fuel_analysis"]
    assert analysis["status"] == "exhausted" and analysis["consumed"] == outcome.usage["fuel_consumed"]
    assert analysis["utilization_percent"] == pytest.approx(100 * analysis["consumed"] / analysis["budget"], abs=0.006)
    assert analysis["suggested_budget"] == 3_000_000_000 and analysis["likely_causes"]
