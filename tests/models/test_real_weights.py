"""With real weights (`LOCALFAIR_TEST_WEIGHTS`): headers, hashes, and a dequantised student that talks."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from localfair.models import find_card, resolve
from localfair.models.dequantise import dequantised
from localfair.models.gguf_header import read_gguf_header
from localfair.models.registry import Model, find_weights

pytestmark = pytest.mark.real

SMALL = "smollm2-135m-instruct"
NAMES = [SMALL, "qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct", "tinyllama-1.1b-chat"]
CARDS = Path(__file__).parents[2] / "models"
TEXTS = [
    "Hello world! Café déjà vu — 123 😊",
    "  leading spaces\n\n\ttabs  and   runs ",
    "12345 67890 3.14159, 1,000,000; 1234567",
    "I'll we've they'RE don't",
    "日本語と中文 한국어 العربية",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "def f(x):\n    return x**2  # comment\n\n\nclass A: pass",
    "\u00a0nbsp\u200bzwsp\ufeff a\r\nb\rc",
    "naïve e\u0301 combining \u212b Å 🤖👩‍👩‍👧‍👦🏳️‍🌈",
    "<|endoftext|>x <tool_call>{}</tool_call>",
    "The answer is (B).\n\nBecause 5 x 3 = 15, it's $15.00!\n#### 42",
    "",
    " ",
    "\n",
]


@pytest.fixture
def here(workspace: Path, real_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALFAIR_WEIGHTS", str(real_weights))
    for path in CARDS.glob("*.toml"):
        shutil.copy(path, workspace / "models")
    return workspace


def model_of(name: str, workspace: Path) -> Model:
    card = find_card(name, workspace)
    if find_weights(card, workspace) is None:
        pytest.skip(f"{card.file} is not there")
    return resolve(name, workspace)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_right_about_the_real_file(here: Path, name: str) -> None:
    model = model_of(name, here)
    header = read_gguf_header(model.path)
    assert header.size == model.path.stat().st_size == model.card.size
    assert header.context_length == model.card.context_length
    assert model.chat_template
    assert model.kv_bytes
    assert header.licence in ("", model.card.licence)


@pytest.mark.parametrize("name", NAMES[:2])
def test_the_tokenizer_for_training_agrees_with_llama_cpp(
    here: Path, tmp_path: Path, name: str
) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    transformers = pytest.importorskip("transformers")
    model = model_of(name, here)
    theirs = llama_cpp.Llama(str(model.path), vocab_only=True, verbose=False)
    of_gguf = transformers.AutoTokenizer.from_pretrained(
        str(model.path.parent), gguf_file=model.path.name
    )
    of_gguf.save_pretrained(tmp_path / "saved")
    ours = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    for text in TEXTS:
        composed = unicodedata.normalize("NFC", text)
        expected = theirs.tokenize(composed.encode(), add_bos=True, special=True)
        assert ours(composed)["input_ids"] == expected, composed
    assert ours.eos_token_id == theirs.token_eos()
    assert ours.chat_template == model.chat_template


def reply(folder: Path, question: str) -> str:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    turn = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(
        turn, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    output = model.generate(**prompt, max_new_tokens=24, do_sample=False)
    prompt_length = prompt["input_ids"].shape[1]
    return str(tokenizer.decode(output[0][prompt_length:]))


def test_a_dequantised_student_is_whole_talks_and_is_made_once(here: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("gguf")
    model = model_of(SMALL, here)
    folder = dequantised(model, tmp_path)
    weights = folder / "model.safetensors"
    written = weights.stat().st_mtime_ns
    assert folder.name == model.sha256[:16]
    assert (folder / "chat_template.jinja").read_text() == model.chat_template
    answer = reply(folder, "What is the capital of France?")
    assert "Paris" in answer
    assert answer.endswith("<|im_end|>")
    assert dequantised(model, tmp_path) == folder
    assert weights.stat().st_mtime_ns == written
    (folder / "config.json").write_text("{}")
    assert "llama" in (dequantised(model, tmp_path) / "config.json").read_text()
    assert list(folder.parent.iterdir()) == [folder]
