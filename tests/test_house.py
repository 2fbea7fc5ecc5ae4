"""What the house asks of every file: one concept, so few lines; and of every function: few parameters."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
ALL = ("schemas", "detectors", "streams", "console", "infra", "scripts", "client", "tests")
MOST_LINES, MOST_PARAMETERS = 350, 12
LONG = {
    "scripts/benchmarks/weeks/faults.py": "a table of faults, each with what it does and who may say so",
    "scripts/benchmarks/weeks/machines.py": "a table of lives, each a few lines",
    "streams/scoring/score_executions.py": "one agent, whose steps must be read in their order",
    "tests/streams/conftest.py": "the fakes of everything that streams are given",
    "tests/streams/intake/conventions/test_describe.py": "one table of what attributes say, convention by convention",
    "tests/streams/intake/formats/otlp/test_otlp.py": "one table of refused spans, for both encodings",
    "tests/streams/intake/test_trace_buffer.py": "one state machine, driven by one model",
    "tests/streams/restarts.py": "one log in memory, and workers that are interrupted anywhere in it",
    "tests/streams/states/test_resident_models.py": "the cases of one class, on the same fakes",
}
"""Files that are longer, and why."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((PROJECT / folder).rglob("*.py"))


def parameters(function: Function) -> int:
    """How many it has, but for the object itself."""
    given = function.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(named) - (named[:1] in (["self"], ["cls"]))


def is_command(function: Function) -> bool:
    """Its parameters are options, which people give by name."""
    return any("click." in ast.unparse(one) for one in getattr(function, "decorator_list", []))


def crowded(source: str) -> Iterator[str]:
    """The functions of a source that have too many parameters."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, Function) and parameters(function) > MOST_PARAMETERS and not is_command(function):
            yield f"{getattr(function, 'name', 'lambda')}, line {function.lineno}"


def test_no_function_has_more_than_twelve_parameters() -> None:
    found = {file.relative_to(PROJECT).as_posix(): list(crowded(file.read_text())) for file in files(*ALL)}
    assert {name: functions for name, functions in found.items() if functions} == {}


def test_functions_with_many_parameters_are_seen() -> None:
    many = ", ".join(f"p{number}" for number in range(MOST_PARAMETERS + 1))
    fewer = many.partition(", ")[2]
    assert list(crowded(f"def f({fewer}): ...\nclass A:\n    def f(self, {fewer}): ...")) == []
    assert list(crowded(f"def f({many}): ...\ng = lambda {many}: 0")) == ["f, line 1", "lambda, line 2"]
    assert list(crowded(f"async def f({fewer}, *, last): ...")) == ["f, line 1"]
    assert list(crowded(f"@click.command()\ndef f({many}): ...")) == []


def test_files_are_short_or_say_why_not() -> None:
    found = [(file.relative_to(PROJECT).as_posix(), len(file.read_text().splitlines())) for file in files(*ALL)]
    assert len(found) > 500
    assert {name: lines for name, lines in found if lines > MOST_LINES and name not in LONG} == {}


def kept_to_itself(source: str) -> Iterator[str]:
    """What a ``__main__.py`` hands to other processes and defines itself: a spawned one does not run that file again,
    and finds it nowhere.
    """
    tree = ast.parse(source)
    own = {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)}
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        given = [word.value for word in call.keywords if word.arg == "target"]
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("map", "submit"):
            given += call.args[:1]
        for what in given:
            while isinstance(what, ast.Call) and what.args:  # partial
                what = what.args[0]
            names = {one.id for one in ast.walk(what) if isinstance(one, ast.Name)}
            if names & (own | {"self"}):
                yield f"{ast.unparse(what)}, line {call.lineno}"


def test_what_other_processes_call_is_defined_where_they_find_it() -> None:
    mains = [file for file in files(*ALL) if file.name == "__main__.py" and "spawn" in file.read_text()]
    assert len(mains) >= 3
    assert {str(file): found for file in mains if (found := list(kept_to_itself(file.read_text())))} == {}


def test_functions_that_a_command_keeps_to_itself_are_seen() -> None:
    own = "def work(): ...\nclass Run:\n    def go(self, pool): pool.map(self.row, [])\n"
    assert list(kept_to_itself(f"{own}pool.submit(partial(work, 1))")) == ["work, line 4", "self.row, line 3"]
    assert list(kept_to_itself("def work(): ...\ncontext.Process(target=work)")) == ["work, line 2"]
    assert list(kept_to_itself("from a import work\npool.map(work, [])\nsum(map(str, []))")) == []
