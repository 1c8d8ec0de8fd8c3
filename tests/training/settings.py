"""The settings of a small training, and what its tests read of a finished one."""

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
    """The loss of each step."""
    return [loss for _, loss, _ in result.curve]


def weights(folder):
    """The adapter's tensors."""
    return load_file(folder / ADAPTER_FILE)


def distance(weights, others):
    """The largest difference between two adapters' weights."""
    largest = 0.0
    for name, weight in weights.items():
        difference = (weight - others[name]).abs().max().item()
        largest = max(largest, difference)
    return largest
