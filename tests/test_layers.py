"""The shape of the package: imports point one way, heavy libraries load late, every module says what it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import localfair

ROOT = Path(localfair.__file__).parent
# From the ground up. A room imports the floors below its own, never a room of its own floor.
FLOORS = (
    ("errors",),
    ("machine",),
    ("record",),
    ("recipe", "tasks", "models", "report"),
    ("engines", "training"),
    ("committee",),
    ("stages",),
    ("pipeline", "export"),
    ("cli",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {
    "accelerate",
    "bitsandbytes",
    "datasets",
    "huggingface_hub",
    "llama_cpp",
    "matplotlib",
    "peft",
    "ray",
    "safetensors",
    "scipy",
    "torch",
    "transformers",
    "vllm",
    "xllamacpp",
}
# Modules that load torch or llama.cpp when they are imported; everybody else imports them late.
MAY_BE_HEAVY = (
    "engines.decoding",
    "engines.llama_context",
    "engines.llama_cpp_engine",
    "engines.llama_sampling",
    "engines.llama_vocabulary",
    "engines.torch_sampling",
    "engines.transformers_engine",
    "models.forward",
    "models.llama_log",
    "models.loading",
    "training.",
)
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 6


def module_name(path: Path) -> str:
    """`record.verify` for localfair/record/verify.py; the package itself is the empty name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


TREES = {module_name(path): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def room_of(module: str) -> str:
    """The room of a module: the first name below the package."""
    return module.split(".")[0]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that an import statement anywhere in a tree asks for, under TYPE_CHECKING too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield submodule(str(node.module), alias.name)


def submodule(module: str, name: str) -> str:
    """`localfair.models.endpoint` where a name that is imported from a package is a module of it."""
    path = ROOT.parent.joinpath(*module.split("."), f"{name}.py")
    return f"{module}.{name}" if module == "localfair" or path.is_file() else module


def rooms_imported(tree: ast.AST) -> set[str]:
    """The rooms of localfair that a module imports."""
    ours = (
        name.removeprefix("localfair.") for name in imported(tree) if name.startswith("localfair.")
    )
    return {room_of(name) for name in ours} - {"__version__"}


def at_import(node: ast.AST) -> Iterator[ast.stmt]:
    """The import statements that run when a module is imported, those under `if` and `try` included."""
    for child in ast.iter_child_nodes(node):
        late = isinstance(child, ast.FunctionDef | ast.Lambda)
        for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not late and not for_types:
            yield from at_import(child)


def test_every_module_was_seen_and_every_room_has_a_floor():
    assert len(TREES) >= 80
    assert {"", "cli", "cli.run", "record.verify", "engines.base", "tasks.gsm8k"} <= set(TREES)
    assert {room_of(module) for module in TREES} == {"", "__main__", *FLOOR}


def test_the_root_holds_fourteen_names():
    shown = {path.name for path in ROOT.iterdir() if not path.name.startswith("__")}
    shown.remove("py.typed")  # says to type checkers that the package is typed
    assert shown == {*FLOOR} - {"errors"} | {"errors.py"}


@pytest.mark.parametrize("module", sorted(set(TREES) - {"", "__main__"}))
def test_imports_point_down(module):
    room = room_of(module)
    others = rooms_imported(TREES[module]) - {room}
    assert [other for other in sorted(others) if FLOOR[other] >= FLOOR[room]] == []


def test_no_import_runs_in_a_circle_inside_a_room():
    inside = {
        module: {name.removeprefix("localfair.") for name in imported(tree)} & set(TREES) - {module}
        for module, tree in TREES.items()
    }
    left = dict(inside)
    while leaves := [module for module, needs in left.items() if not needs & set(left)]:
        for module in leaves:
            del left[module]
    assert left == {}


def test_the_package_itself_imports_nothing_of_its_own_until_a_verb_is_named():
    ours = [
        name for name in imported(ast.Module(list(at_import(TREES[""])), [])) if "localfair" in name
    ]
    assert ours == []
    assert rooms_imported(TREES[""]) == {"cli"}  # for type checkers


def test_stages_know_nothing_of_one_another():
    stages = {"exam", "inquire", "review", "select", "soften", "train"}
    for stage in stages:
        needs = {
            name.removeprefix("localfair.stages.") for name in imported(TREES[f"stages.{stage}"])
        }
        assert needs & stages == set()


def test_heavy_libraries_are_imported_late():
    heavy = {
        module
        for module, tree in TREES.items()
        for node in at_import(tree)
        for name in imported(node)
        if name.split(".")[0] in HEAVY
    }
    assert [module for module in sorted(heavy) if not module.startswith(MAY_BE_HEAVY)] == []
    assert {"training.losses", "models.loading", "engines.transformers_engine"} <= heavy


STATEMENT = re.compile(
    r"\s*(SELECT\b|INSERT (INTO|OR)\b|UPDATE \S+ SET\b|DELETE FROM\b|PRAGMA\b|WITH \S+ AS\b)"
)
# methods that take SQL: the store's own and those of SQLite's connections and cursors
TAKE_SQL = {"rows", "one", "first_column", "execute", "executemany", "executescript", "query"}


def statements(tree: ast.AST) -> Iterator[str]:
    """The texts of a module that begin as a statement of SQL does."""
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and STATEMENT.match(text):
            yield text


def asks_sqlite(tree: ast.AST) -> Iterator[str]:
    """The calls of a module to what takes SQL, as they are written."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in TAKE_SQL:
            yield ast.unparse(node.func)


def test_sql_stands_in_the_record_alone():
    outside = {}
    for module, tree in TREES.items():
        found = [*statements(tree), *asks_sqlite(tree)]
        # a script of its own, which tries SQLite itself on a table of its own
        if found and room_of(module) != "record" and module != "pipeline.doctor_child":
            outside[module] = found
    assert outside == {}
    assert list(statements(TREES["record.store"]))
    assert list(asks_sqlite(TREES["record.summaries"]))


def test_every_module_opens_with_what_it_is():
    assert [module for module, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_no_file_is_too_long():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for path in ROOT.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of the package with its name."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}", node


def test_no_function_is_too_long_or_asks_for_too_much():
    for name, function in functions():
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        asked = [argument for argument in named if argument.arg not in ("self", "cls")]
        assert function.end_lineno - function.lineno < MOST_LINES_OF_A_FUNCTION, name
        # a click command has a parameter for each option of its command line
        is_command = any("click" in ast.unparse(decorator) for decorator in function.decorator_list)
        assert is_command or len(asked) <= MOST_PARAMETERS, name


# JSON values, what a base class of transformers hands over, and a task's data, which stands above
MAY_TAKE_ANYTHING = {
    "machine.http.ask",
    "models.forward.narrow",
    "record.nouns.canonical_json",
    "record.store.ensure_dataset",
    "engines.llama_sampling.sampler",
    "training.trainer.compute_loss",
    "training.trainer.get_batch_samples",
}


def test_public_functions_say_what_they_take():
    for name, function in functions():
        if function.name.startswith("_") or name in MAY_TAKE_ANYTHING:
            continue
        for argument in [*function.args.args, *function.args.kwonlyargs]:
            annotation = argument.annotation and ast.unparse(argument.annotation)
            assert annotation != "Any", f"{name}: {argument.arg}"
