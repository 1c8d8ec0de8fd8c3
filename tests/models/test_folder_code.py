"""Neither a model's folder nor an adapter's runs code of its own, and libraries are told so too."""

from __future__ import annotations

import ast
import json
import pickle
from pathlib import Path

import pytest

import localfair
from localfair.errors import CorruptWeights, MissingWeights, ModelError
from localfair.models.folder_code import refuse_code_of_adapter, refuse_deep_vocabulary

CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "auto_mapping": None}
LOADERS = {"AutoModelForCausalLM", "AutoTokenizer", "AutoConfig", "AutoModel", "AutoProcessor"}


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG))
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def test_an_adapter_as_it_is_saved_is_taken(adapter: Path) -> None:
    (adapter / "optimizer.pt").write_bytes(b"PK\3\4")
    (adapter / "training_args.bin").write_bytes(b"PK\3\4")
    refuse_code_of_adapter(adapter)


@pytest.mark.parametrize(
    "name", ["adapter_model.bin", "adapter_model.pt", "tokenizer.pkl", "extra.pt", "a.pth"]
)
def test_a_pickle_in_an_adapter_is_refused_and_never_opened(adapter: Path, name: str) -> None:
    sprung = adapter / "sprung"
    (adapter / name).write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(ModelError, match=f"holds {name}"):
        refuse_code_of_adapter(adapter)
    assert not sprung.exists()


def test_an_adapter_that_is_really_a_pickle_is_refused(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").write_bytes(pickle.dumps({}))
    with pytest.raises(ModelError, match="can run code"):
        refuse_code_of_adapter(adapter)


def test_an_adapter_without_safetensors_is_missing(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(MissingWeights, match=r"adapter_model\.safetensors"):
        refuse_code_of_adapter(adapter)


@pytest.mark.parametrize(
    "changes",
    [
        {"auto_mapping": {"base_model_class": "X", "parent_library": "x"}},
        {"megatron_config": {"a": 1}, "megatron_core": "os"},
        {"inner": [{"auto_map": {"AutoModel": "x.X"}}]},
    ],
)
def test_an_adapter_that_names_modules_to_import_is_refused(
    adapter: Path, changes: dict[str, object]
) -> None:
    (adapter / "adapter_config.json").write_text(json.dumps({**CONFIG, **changes}))
    with pytest.raises(ModelError, match="never run"):
        refuse_code_of_adapter(adapter)


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.json"])
def test_a_vocabulary_that_a_library_could_not_read_is_corrupt(tmp_path: Path, name: str) -> None:
    refuse_deep_vocabulary(tmp_path)
    (tmp_path / name).write_text("[" * 100_000)
    with pytest.raises(CorruptWeights, match=name):
        refuse_deep_vocabulary(tmp_path)


def calls_of_loaders() -> list[tuple[str, ast.Call]]:
    """Every `Auto....from_pretrained(...)` of the package."""
    calls = []
    for path in sorted(Path(localfair.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if node.func.attr in ("from_pretrained", "from_config") and owner in LOADERS:
                    calls.append((f"{path.name}:{node.lineno}", node))
    return calls


def test_every_loader_is_told_to_run_no_code_of_the_models_own() -> None:
    calls = calls_of_loaders()
    assert len(calls) >= 4
    for where, call in calls:
        told = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert told.get("trust_remote_code") == "False", where
        assert told.get("local_files_only") == "True", where


def test_nothing_in_the_package_trusts_code_of_a_model() -> None:
    for path in Path(localfair.__file__).parent.rglob("*.py"):
        assert "trust_remote_code=True" not in path.read_text()
        assert '"--trust-remote-code"' not in path.read_text()
