"""With real weights (`LOCALFAIR_TEST_WEIGHTS`): a short QLoRA of SmolLM2, in llama.cpp as GGUF and as a GGUF LoRA."""

from pathlib import Path

import numpy as np
import pytest

from localfair.export import gguf as weights_gguf
from localfair.export import merged
from localfair.models import gguf_lora as lora_gguf
from localfair.models import resolve
from localfair.models.chat import load_tokenizer
from localfair.models.dequantise import dequantised
from localfair.record.nouns import Message
from localfair.training.encode import encode
from localfair.training.qlora import TrainSettings, train
from localfair.training.trainer import Example
from tests.export import forced

pytestmark = pytest.mark.real
FILE = "smollm2-135m-instruct-q4_1.gguf"


@pytest.fixture
def smol(tmp_path_factory, real_weights: Path):
    """The model, its dequantised base, a trained adapter and token ids of a lesson."""
    if not (real_weights / FILE).is_file():
        pytest.skip(f"{FILE} is not here")
    root = tmp_path_factory.mktemp("smol")
    model = resolve(str(real_weights / FILE), root)
    base = dequantised(model, root)
    words = load_tokenizer(base)
    taught = [encode(words, (Message("user", f"How many pens are in {i} boxes of 12?"),),
                     f"12 x {i} = {12 * i} pens. The answer is {12 * i}.", 128) for i in range(2, 10)]  # fmt: skip
    settings = TrainSettings(terms=(("ce", 1.0),), learning_rate=1e-3, epochs=4, batch_size=8)
    train(base, [Example(t, "ce") for t in taught], root / "adapter", settings)
    return model, base, root / "adapter", list(taught[0].input_ids)


def test_llama_cpp_says_what_the_merged_student_says(smol, tmp_path):
    model, base, adapter, ids = smol
    whole = merged.merge(base, adapter, "bf16").eval()
    wanted = forced.by_transformers(whole, ids)
    lora = lora_gguf.write(adapter, model.path, tmp_path / "lora.gguf")
    apart = {
        "bare": forced.by_llama_cpp(model.path, ids),
        "lora": forced.by_llama_cpp(model.path, ids, lora),
    }
    for kind in ("f16", "q8_0"):
        file = weights_gguf.write(whole, model, base, kind, "smol", tmp_path / f"{kind}.gguf")
        apart[kind] = forced.by_llama_cpp(file, ids)
    means = {name: float(np.abs(wanted - found).mean()) for name, found in apart.items()}
    assert means["bare"] > 0.3
    assert max(means["f16"], means["q8_0"], means["lora"]) < means["bare"] / 5, means
