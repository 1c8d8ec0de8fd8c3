"""The shape of the package: imports point one way, heavy libraries load late, every module says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import localfair

ROOT = Path(localfair.__file__).parent
STAGES = ("exam", "inquire", "review", "select", "soften", "train", "report")
# from the ground up: a module imports its own layer and those before it; a dotted name stands apart from its package
LAYERS = (
    ("errors", "records", "offline", "packaged", "processor", "versions", "endpoint", "wire"),
    ("vocabulary", "recipe", "recipe_check", "switches", "decontaminate", "models", "store", "backends", "tasks",
     "losses", "lessons", "training",
     "export.whole", "export.tensors", "export.lora_gguf"),
    ("committee", "seating", "work", "contrasts", "rounds", "epochs"),
    STAGES,
    ("pipeline", "checks", "export", "bench", "diagnose", "plan", "rehearsal", "budget", "compare"),
    ("cli",),
    ("__main__",),
)  # fmt: skip
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
# parts of one layer that know nothing of one another
STRANGERS = (*((stage,) for stage in STAGES), ("vocabulary", "recipe", "recipe_check", "switches"),
             ("models",), ("store",), ("backends",), ("tasks",))  # fmt: skip
HEAVY = {"torch", "transformers", "peft", "llama_cpp", "vllm", "scipy", "matplotlib", "huggingface_hub",
         "bitsandbytes", "safetensors", "accelerate", "datasets", "xllamacpp"}  # fmt: skip
MAY_BE_HEAVY = ("backends.transformers", "backends.decoding", "backends.llama_", "losses", "term_trainer",
                "training.")  # fmt: skip


def module_name(path: Path) -> str:
    """`store.verify` for localfair/store/verify.py; the package itself is the empty name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(path): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every dotted name an import statement anywhere in a tree asks for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            inside = node.module == "localfair"
            yield from (f"localfair.{a.name}" for a in node.names) if inside else (str(node.module),)


def ours(tree: ast.AST) -> set[str]:
    """The parts of localfair (see LAYERS) that a module imports."""
    names = {part(name.removeprefix("localfair.")) for name in imported(tree) if name.startswith("localfair.")}
    return names - {"__version__"}


def at_import(node: ast.AST) -> Iterator[ast.stmt]:
    """The import statements that run when a module is imported, those under `if` and `try` included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not (isinstance(child, ast.FunctionDef | ast.Lambda) or "TYPE_CHECKING" in ast.unparse(child)[:20]):
            yield from at_import(child)


def part(module: str) -> str:
    """The name in LAYERS that a module belongs to: its first two, else its first."""
    two = ".".join(module.split(".")[:2])
    return two if two in RANK else module.split(".")[0]


def test_every_module_was_seen_and_has_a_layer():
    assert len(TREES) >= 80
    assert {"", "cli", "cli.run", "store.verify", "backends.base", "tasks.gsm8k"} <= set(TREES)
    assert {part(m) for m in TREES} - {""} <= set(RANK)


@pytest.mark.parametrize("module", sorted(set(TREES) - {""}))
def test_imports_point_down(module):
    assert [n for n in sorted(ours(TREES[module])) if RANK[n] > RANK[part(module)]] == []


def test_the_package_itself_imports_only_what_turns_the_network_off():
    assert ours(TREES[""]) == {"offline"}


@pytest.mark.parametrize("family", STRANGERS, ids=lambda names: names[0])
def test_peers_know_nothing_of_one_another(family):
    others = {name for names in STRANGERS for name in names if RANK[name] == RANK[family[0]]} - set(family)
    modules = [m for m in TREES if part(m) in family]
    assert modules
    assert {m: sorted(ours(TREES[m]) & others) for m in modules if ours(TREES[m]) & others} == {}


def test_heavy_libraries_are_imported_late():
    heavy = {m for m, tree in TREES.items() for node in at_import(tree) for n in imported(node) if part(n) in HEAVY}
    assert [m for m in sorted(heavy) if not m.startswith(MAY_BE_HEAVY)] == []
    assert {"losses", "training.weights", "backends.transformers"} <= heavy


def test_every_module_opens_with_what_it_is():
    assert [m for m, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_no_file_is_longer_than_300_lines():
    lengths = {p.relative_to(ROOT).as_posix(): len(p.read_text().splitlines()) for p in ROOT.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 300} == {}
