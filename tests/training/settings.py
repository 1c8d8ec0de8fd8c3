"""The settings of a small training, and what its tests read of one."""

from safetensors.torch import load_file

from localfair.models.loading import ADAPTER_FILE
from localfair.training.qlora import TrainSettings

FAIR = (("feedback", 0.5), ("rationale", 0.5))
KD = (("rationale", 0.7), ("kl", 0.3))
SETTINGS = TrainSettings(
    terms=FAIR,
    rank=4,
    alpha=8,
    learning_rate=1e-2,
    epochs=2,
    batch_size=8,
    quantise="none",
    compute="fp32",
)


def losses(result):
    return [loss for _, loss, _ in result.curve]


def weights(folder):
    return load_file(folder / ADAPTER_FILE)


def apart(one, other):
    return max((one[name] - other[name]).abs().max().item() for name in one)
