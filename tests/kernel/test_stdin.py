"""input() and getpass(): input_request on the stdin channel."""

from __future__ import annotations

from frontend import Frontend


def test_input_asks_and_gets_the_line(kernel: Frontend) -> None:
    cell = kernel.execute("name = input('Who? ')\nprint('hello', name)", allow_stdin=True)
    assert kernel.receive_input_request() == {"prompt": "Who? ", "password": False}
    kernel.answer("Zoë 🎉")
    outcome = cell.finish()
    assert outcome.stdout == "hello Zoë 🎉\n"


def test_input_request_has_the_cell_as_parent(kernel: Frontend) -> None:
    cell = kernel.execute("input('?')", allow_stdin=True)
    msg = kernel._get("stdin", __import__("time").monotonic() + 60)
    assert msg["parent_header"]["msg_id"] == cell.msg_id
    kernel.answer("")
    assert cell.finish().result == {"text/plain": "''"}


def test_output_before_input_is_out_before_the_question(kernel: Frontend) -> None:
    cell = kernel.execute("print('before', end='')\ninput('q')", allow_stdin=True)
    kernel.receive_input_request()
    cell.receive_busy()
    cell.receive_execute_input()
    cell.receive_stdout("before")
    kernel.answer("x")
    cell.receive_result("'x'")
    cell.receive_idle()
    cell.receive_reply()


def test_getpass_asks_for_a_password(kernel: Frontend) -> None:
    cell = kernel.execute("import getpass\nsecret = getpass.getpass('Key: ')\nlen(secret)", allow_stdin=True)
    assert kernel.receive_input_request() == {"prompt": "Key: ", "password": True}
    kernel.answer("hunter2")
    outcome = cell.finish()
    assert outcome.result == {"text/plain": "7"}
    assert "hunter2" not in outcome.everything


def test_several_questions_in_a_row(kernel: Frontend) -> None:
    cell = kernel.execute("total = sum(int(input(f'n{i}: ')) for i in range(5))\ntotal", allow_stdin=True)
    for i in range(5):
        assert kernel.receive_input_request()["prompt"] == f"n{i}: "
        kernel.answer(str(i))
    assert cell.finish().result == {"text/plain": "10"}


def test_without_allow_stdin_input_raises_a_clear_error(kernel: Frontend) -> None:
    for code in ("input('q')", "import getpass; getpass.getpass()"):
        outcome = kernel.run(code, allow_stdin=False)
        assert outcome.error["ename"] == "StdinNotImplementedError"
        assert "support input requests" in outcome.error["evalue"]


def test_eof_raises_eof_error(kernel: Frontend) -> None:
    cell = kernel.execute("try:\n    input('q')\nexcept EOFError as error:\n    print('ended')", allow_stdin=True)
    kernel.receive_input_request()
    kernel.answer("\x04")
    assert cell.finish().stdout == "ended\n"


def test_an_answer_nobody_asked_for_is_tolerated(kernel: Frontend) -> None:
    kernel.answer("unasked")
    cell = kernel.execute("input('real?')", allow_stdin=True)
    kernel.receive_input_request()
    kernel.answer("asked")
    assert cell.finish().result == {"text/plain": "'asked'"}


def test_an_interrupted_question_says_whose_doing_it_was(kernel: Frontend) -> None:
    request = kernel.execute("input('name: ')", allow_stdin=True)
    kernel.receive_input_request()
    kernel.interrupt()
    outcome = request.finish()
    assert outcome.error is not None and outcome.error["ename"] == "KeyboardInterrupt", outcome.describe()
    assert outcome.error["evalue"] == "Interrupted by user"
