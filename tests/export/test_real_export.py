"""With real weights (`LOCALFAIR_TEST_WEIGHTS`): a short QLoRA of SmolLM2 as GGUF and as a LoRA."""

from pathlib import Path

import numpy as np
import pytest

from localfair.export import gguf
from localfair.export.merged import merge
from localfair.models import gguf_lora, resolve
from localfair.models.chat import load_tokenizer
from localfair.models.dequantise import dequantised
from localfair.record.nouns import Message
from localfair.training.encode import encode
from localfair.training.qlora import TrainSettings, train
from localfair.training.trainer import Example
from tests.export import forced

pytestmark = pytest.mark.real
FILE = "smollm2-135m-instruct-q4_1.gguf"


def lesson(tokenizer, boxes):
    """A question and its answer, as tokens and labels."""
    question = Message("user", f"How many pens are in {boxes} boxes of 12?")
    answer = f"12 x {boxes} = {12 * boxes} pens. The answer is {12 * boxes}."
    return encode(tokenizer, (question,), answer, 128)


@pytest.fixture
def smol(tmp_path_factory, real_weights: Path):
    """The model, its dequantised base, a trained adapter and token ids of a lesson."""
    if not (real_weights / FILE).is_file():
        pytest.skip(f"{FILE} is not here")
    root = tmp_path_factory.mktemp("smol")
    model = resolve(str(real_weights / FILE), root)
    base = dequantised(model, root)
    tokenizer = load_tokenizer(base)
    lessons = [lesson(tokenizer, boxes) for boxes in range(2, 10)]
    settings = TrainSettings(terms=(("ce", 1.0),), learning_rate=1e-3, epochs=4, batch_size=8)
    train(base, [Example(encoded, "ce") for encoded in lessons], root / "adapter", settings)
    return model, base, root / "adapter", list(lessons[0].input_ids)


def test_llama_cpp_says_what_the_merged_student_says(smol, tmp_path):
    model, base, adapter, ids = smol
    merged = merge(base, adapter, "bf16").eval()
    wanted = forced.by_transformers(merged, ids)

    def mean_difference(path, lora=None):
        return float(np.abs(wanted - forced.by_llama_cpp(path, ids, lora)).mean())

    bare = mean_difference(model.path)
    assert bare > 0.3
    lora = gguf_lora.write(adapter, model.path, tmp_path / "lora.gguf")
    assert mean_difference(model.path, lora) < bare / 5
    for format in ("f16", "q8_0"):
        path = gguf.write(
            merged, model, base, format, {"general.name": "smol"}, tmp_path / f"{format}.gguf"
        )
        assert mean_difference(path) < bare / 5
