"""The programs that people run notebooks with: nbclient, papermill, `jupyter execute`, nbconvert, `jupyter console`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pexpect
import pytest
from nbclient import NotebookClient

from frontend import KERNEL_NAME, SANDBOXED

TOUR = Path(__file__).parents[2] / "notebooks" / "tour.ipynb"
# Seconds for a whole notebook.
LONG = 600


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """The tour; for a stand-in a small notebook, since the tour shows the sandbox."""
    path = tmp_path / "in.ipynb"
    if SANDBOXED:
        path.write_bytes(TOUR.read_bytes())
    else:
        small = nbformat.v4.new_notebook(cells=[
            nbformat.v4.new_code_cell("x = 20"), nbformat.v4.new_markdown_cell("# y"), nbformat.v4.new_code_cell("print(x)\nx + 1")])
        small.metadata["kernelspec"] = {"name": KERNEL_NAME, "display_name": "x", "language": "python"}
        nbformat.write(small, path)
    return path


def assert_executed(path: Path) -> None:
    """Valid, every cell counted, no error among the outputs."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    assert cells
    counts = [c.execution_count for c in cells]
    assert None not in counts and counts == sorted(counts)
    outputs = [o for c in cells for o in c.outputs]
    assert outputs and not [o for o in outputs if o.output_type == "error"]


def test_nbclient_runs_the_tour(notebook: Path) -> None:
    read = nbformat.read(notebook, as_version=4)
    NotebookClient(read, kernel_name=KERNEL_NAME, timeout=LONG, resources={"metadata": {"path": str(notebook.parent)}}).execute()
    nbformat.write(read, notebook)
    assert_executed(notebook)


def test_papermill_runs_the_tour_and_injects_parameters(notebook: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(notebook, out, parameters={"injected": 5}, kernel_name=KERNEL_NAME, progress_bar=False,
                               execution_timeout=LONG, cwd=str(tmp_path))
    assert_executed(out)
    assert "injected = 5" in out.read_text()


def test_jupyter_execute_runs_the_tour(notebook: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "jupyter", "execute", "--inplace", f"--kernel_name={KERNEL_NAME}",
                           f"--timeout={LONG}", str(notebook)], capture_output=True, text=True, timeout=LONG)
    assert done.returncode == 0, done.stderr
    assert_executed(notebook)


def test_nbconvert_executes_to_html(notebook: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", "--execute", f"--ExecutePreprocessor.kernel_name={KERNEL_NAME}",
                           f"--ExecutePreprocessor.timeout={LONG}", "--output-dir", str(tmp_path), str(notebook)],
                          capture_output=True, text=True, timeout=LONG)
    assert done.returncode == 0, done.stderr
    assert "<html" in (tmp_path / "in.html").read_text()


def test_nbclient_names_the_cell_that_fails(tmp_path: Path) -> None:
    from nbclient.exceptions import CellExecutionError

    bad = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell("1/0")])
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        NotebookClient(bad, kernel_name=KERNEL_NAME, timeout=LONG, resources={"metadata": {"path": str(tmp_path)}}).execute()


def test_jupyter_console_works() -> None:
    console = pexpect.spawn(sys.executable, ["-m", "jupyter_console", "--kernel", KERNEL_NAME, "--simple-prompt"],
                            encoding="utf-8", timeout=60, dimensions=(40, 200))
    try:
        console.expect(r"In \[\d+\]: ")
        console.sendline("6 * 7")
        console.expect(r"Out\[\d+\]: 42")
        console.expect(r"In \[\d+\]: ")
        console.sendline("print('printed', 'here')")
        console.expect(r"\nprinted here")
        console.expect(r"In \[\d+\]: ")
        console.sendline("1/0")
        console.expect("ZeroDivisionError")
        console.expect(r"In \[\d+\]: ")
        console.sendline("input('name? ')")
        console.expect(r"name\? ")
        console.sendline("Ada")
        console.expect(r"Out\[\d+\]: 'Ada'")
        console.expect(r"In \[\d+\]: ")
        console.sendline("exit")
        console.expect(pexpect.EOF)
    finally:
        console.close(force=True)


def test_jupyter_run_takes_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('from the script', 6 * 7)")
    done = subprocess.run([sys.executable, "-m", "jupyter", "run", f"--kernel={KERNEL_NAME}", str(script)],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "from the script 42" in done.stdout
