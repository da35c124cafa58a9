"""Magics that a kernel has of its own, or that mean something else in a sandbox: figures, packages, files of cells."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from frontend import Frontend, Outcome

pytestmark = pytest.mark.sandbox


def figures(outcome: Outcome) -> int:
    return sum("image/png" in data for data in outcome.displays)


# --- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("magic", ["", "auto", "inline", "notebook", "widget", "ipympl", "qt", "tk", "nbagg", "osx"])
def test_figures_stay_inline(start, magic: str) -> None:
    kernel = start()
    outcome = kernel.run(f"%matplotlib {magic}")
    if magic in ("", "auto", "inline"):
        assert outcome.status == "ok" and outcome.stderr == ""
    else:
        assert outcome.error and "sandbox" in outcome.error["evalue"] and "stay inline" in outcome.error["evalue"]
    assert figures(kernel.run_ok("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")) == 1
    assert "inline" in kernel.run_ok("print(plt.get_backend())").stdout


def test_a_backend_that_is_asked_for_by_name_is_taken(start) -> None:
    kernel = start()
    kernel.run_ok("%matplotlib agg")
    assert kernel.value("__import__('matplotlib').get_backend()") == "'agg'"


SHOWN = {
    "the figure's show": "fig, ax = plt.subplots()\nax.plot([1])\nfig.show()",
    "a show that blocks": "fig, ax = plt.subplots()\nax.plot([1])\nplt.show(block=True)",
    "a show that does not": "fig, ax = plt.subplots()\nax.plot([1])\nplt.show(block=False)",
    "interactive mode": "_ = plt.ion()\nfig, ax = plt.subplots()\nax.plot([1]);",
    "a script": "%run plot.py",
    "a script that does not show": "%run quiet.py",
}


@pytest.mark.parametrize("what", SHOWN)
def test_a_figure_is_shown_once(start, what: str) -> None:
    kernel = start()
    kernel.run_ok("import matplotlib.pyplot as plt\n"
                  "script = 'import matplotlib.pyplot as plt\\nplt.plot([1, 2])\\n'\n"
                  "open('quiet.py', 'w').write(script)\nopen('plot.py', 'w').write(script + 'plt.show()')")
    outcome = kernel.run_ok(SHOWN[what])
    assert (figures(outcome), len(outcome.displays), outcome.stderr) == (1, 1, ""), outcome.describe()


def test_a_script_without_figures_shows_none(start) -> None:
    kernel = start()
    kernel.run_ok("%matplotlib inline\nopen('plain.py', 'w').write('print(1)')")
    outcome = kernel.run_ok("%run plain.py")
    assert (outcome.stdout, outcome.displays) == ("1\n", [])


def test_a_pdf_that_is_held_back_is_called_one(start) -> None:
    kernel = start()
    outcome = kernel.run_ok("import matplotlib.pyplot as plt\n%config InlineBackend.figure_format = 'pdf'\nplt.plot([1]);")
    assert "1 PDF" in outcome.stderr and "script" not in outcome.stderr


# --- packages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["%pip list", "!pip list", "!python -m pip list", "%conda list", "%mamba list", "%uv pip list", "!pip3 list 2>/dev/null"])
def test_packages_are_listed(kernel: Frontend, call: str) -> None:
    lines = kernel.run_ok(call).stdout.splitlines()
    assert re.fullmatch(r"Package +Version", lines[0]) and len(lines) > 50
    versions = dict(line.split() for line in lines[2:])
    assert versions["numpy"] == eval(kernel.value("__import__('numpy').__version__"))
    assert list(versions) == sorted(versions, key=lambda name: re.sub("[-_.]+", "-", name).lower())


def test_packages_are_listed_for_machines(kernel: Frontend) -> None:
    found = json.loads(kernel.run_ok("%pip list --format=json").stdout)
    assert {"name", "version"} == set(found[0])
    assert f"{found[0]['name']}=={found[0]['version']}" in kernel.run_ok("%pip freeze").stdout.splitlines()
    kernel.run_ok("listed = !pip freeze")
    assert kernel.value("any(line.startswith('pandas==') for line in listed)") == "True"


def test_a_package_is_shown(kernel: Frontend) -> None:
    text = kernel.run_ok("%pip show pandas").stdout
    assert text.startswith("Name: pandas\nVersion: ") and "\nSummary: " in text and "\nRequires: " in text
    assert kernel.run_ok("!pip show Scikit_Learn").stdout.startswith("Name: scikit-learn\n")
    assert "not found: nothing-like-it" in kernel.run_ok("%pip show nothing-like-it").stderr


def test_pip_says_what_is_missing_and_what_is_too_old(kernel: Frontend) -> None:
    kernel.run_ok("import os\nos.makedirs('needy-1.0.dist-info')\n"
                  "open('needy-1.0.dist-info/METADATA', 'w').write('Metadata-Version: 2.1\\nName: needy\\nVersion: 1.0\\n"
                  "Requires-Dist: nothing-like-it\\nRequires-Dist: numpy>=99\\nRequires-Dist: pandas\\nRequires-Dist: other; extra == \"x\"\\n')")
    said = [line for line in kernel.run_ok("%pip check").stdout.splitlines() if line.startswith("needy ")]
    assert said[0] == "needy 1.0 requires nothing-like-it, which is not installed."
    assert said[1].startswith("needy 1.0 has requirement numpy>=99, but you have numpy 2.") and len(said) == 2
    kernel.run_ok("import shutil; shutil.rmtree('needy-1.0.dist-info')")


@pytest.mark.parametrize("call", ["%pip install numpy pandas", "!pip install -q numpy", "%pip install -U numpy", "%pip install 'numpy>=1.20,<99'",
                                  "%conda install -y -c conda-forge numpy", "!{sys.executable} -m pip install numpy > /dev/null 2>&1",
                                  "%pip install numpy scikit-learn==1.*", "!conda install numpy=2", "%pip install -r needs.txt", "%pip install \"numpy; python_version>'3'\""])
def test_what_is_installed_need_not_be(kernel: Frontend, call: str) -> None:
    kernel.run_ok("import sys\nopen('needs.txt', 'w').write('# comment\\nnumpy>=1.0  # why\\n\\npandas\\n')")
    outcome = kernel.run_ok(call)
    assert outcome.stdout == "" if "-q" in call else outcome.stdout.startswith("Requirement already satisfied: numpy"), outcome.describe()


@pytest.mark.parametrize("call, missing", [("%pip install requests", "requests"), ("!pip install numpy requests", "requests"), ("%pip install 'numpy>=99'", "numpy>=99"),
                                           ("%pip install git+https://example.com/x.git", "git+https"), ("%pip install .", "."), ("%conda install numpy nothing", "nothing")])
def test_what_is_not_installed_is_refused(kernel: Frontend, call: str, missing: str) -> None:
    outcome = kernel.run(call)
    assert outcome.error and outcome.error["ename"] == "PackagesFixed" and missing in outcome.error["evalue"], outcome.describe()
    assert outcome.usage["error_guidance"]["error_type"] == "PackageNotInstalled"


@pytest.mark.parametrize("call", ["%pip download numpy", "%uv add numpy", "!conda create -n x"])
def test_nothing_changes_what_is_installed(kernel: Frontend, call: str) -> None:
    assert kernel.run(call).error["ename"] == "PackagesFixed"


@pytest.mark.parametrize("call", ["!pip list | grep numpy", "!ls", "!pipx list", "!echo pip list; ls", "!pip list && ls"])
def test_there_is_no_shell_besides(kernel: Frontend, call: str) -> None:
    assert kernel.run(call).error["ename"] == "ProcessUnavailable"


# --- files of cells ------------------------------------------------------------------------------


def notebook(*cells: str | list[str], version: int = 4) -> str:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "source" if version == 4 else "input": source} for source in cells]
    made.insert(0, {"cell_type": "markdown", "metadata": {}, "source": "words"})
    return json.dumps({"cells": made, "nbformat": 4} if version == 4 else {"worksheets": [{"cells": made}], "nbformat": 3})


@pytest.mark.parametrize("version", [3, 4])
def test_a_notebook_is_run_in_this_one(start, tmp_path: Path, version: int) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "sub").mkdir(parents=True)
    (workspace / "sub" / "beside.py").write_text("there = 7")
    (workspace / "sub" / "other.ipynb").write_text(notebook("print('from', __name__)\nw = 5", ["import beside\n", "%time w += beside.there"], version=version))
    kernel = start(policy={"workspace": str(workspace)})
    assert kernel.run_ok("%run sub/other.ipynb").stdout.startswith("from __main__\n")
    assert kernel.value("w") == "12"


def test_what_is_no_notebook_says_so(kernel: Frontend) -> None:
    kernel.run_ok("open('wrong.ipynb', 'w').write('[1, 2')\nopen('list.ipynb', 'w').write('[1, 2]')")
    for name in ("wrong", "list"):
        assert "is not a notebook" in kernel.run(f"%run {name}.ipynb").everything
    assert "not found" in kernel.run("%run nowhere.ipynb").everything


def test_notebooks_that_run_each_other_end_in_one_line(start, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for name, cell in {"a": "%run b.ipynb", "b": "%run a.ipynb", "fails": "1 / 0", "runs": "%run fails.ipynb",
                       **{f"deep{i}": f"%run deep{i + 1}.ipynb" for i in range(40)}, "deep40": "end = True"}.items():
        (workspace / f"{name}.ipynb").write_text(notebook(cell))
    kernel = start(policy={"workspace": str(workspace)})
    for _ in range(2):
        outcome = kernel.run("%run a.ipynb")
        assert outcome.stderr.count("UsageError") == 1 and len(outcome.everything) < 1_000, outcome.describe()
        assert "a.ipynb runs b.ipynb runs a.ipynb" in outcome.stderr
    outcome = kernel.run("%run deep0.ipynb")
    assert outcome.stderr.count("UsageError") == 1 and "deep" in outcome.stderr and len(outcome.everything) < 2_000, outcome.describe()
    assert kernel.run_ok("%run deep34.ipynb\nend").result == {"text/plain": "True"}
    # An error in one of them is shown once.
    outcome = kernel.run("%run runs.ipynb")
    assert outcome.error["ename"] == "ZeroDivisionError" and len(outcome.of("error")) == 1, outcome.describe()


def test_a_module_that_is_bytecode_only_is_run(kernel: Frontend) -> None:
    assert "loop, best of" in kernel.run_ok("%run -m timeit -n 1 pass").stdout
    assert "not a valid modulename" in kernel.run("%run -m no_such_module").everything


def test_nothing_is_uninstalled(kernel: Frontend) -> None:
    outcome = kernel.run("%pip uninstall -y numpy")
    assert outcome.status == "error" and "nothing can be uninstalled" in outcome.everything and "install --target" not in outcome.everything
    assert "is not answered" in kernel.run("%pip cache dir").everything


def test_the_session_is_written_as_a_notebook(start) -> None:
    kernel = start()
    kernel.run_ok("20 + 1")
    kernel.run_ok("print('x')")
    kernel.run_ok("%notebook saved.ipynb")
    kernel.run_ok("import json\nsaved = json.load(open('saved.ipynb'))")
    assert kernel.value("saved['nbformat'], [cell['source'] for cell in saved['cells']][:2]") == "(4, ['20 + 1', \"print('x')\"])"
    assert kernel.run_ok("%run saved.ipynb").stdout == "x\n"


# --- the kernel's own ----------------------------------------------------------------------------


def test_autosave_is_said_as_by_ipykernel(kernel: Frontend) -> None:
    assert kernel.run_ok("%autosave 60").stdout.startswith("Autosaving every 60 seconds\n")
    assert kernel.run_ok("%autosave 0").stdout.startswith("Autosave disabled\n")
    assert "integer" in kernel.run("%autosave often").everything


@pytest.mark.parametrize("code", ["%rehashx", "%clear", "%gui asyncio", "%gui"])
def test_magics_without_a_meaning_here_do_nothing(kernel: Frontend, code: str) -> None:
    kernel.run_ok(code)


@pytest.mark.parametrize("code, words", [("%edit", "%load FILE"), ("%edit f.py", "%load FILE"), ("%ed -p", "%load FILE")])
def test_magics_that_would_reach_out_say_what_to_do(kernel: Frontend, code: str, words: str) -> None:
    outcome = kernel.run(code)
    assert outcome.error and outcome.error["ename"] == "UsageError" and words in outcome.error["evalue"]
    assert not outcome.content.get("payload")


def test_an_extension_that_is_not_installed_is_guided(kernel: Frontend) -> None:
    outcome = kernel.run("%load_ext line_profiler")
    assert outcome.error["ename"] == "ModuleNotFoundError" and outcome.usage["error_guidance"]
