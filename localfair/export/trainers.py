"""What each trainer must be told to train on a lesson's reply alone, and how it reads our files.

Pure. Wrong answers stand quoted in the prompts of lessons: a trainer that learns whole chats learns
them too. Settings are those of the versions named; they were read in the trainers' documentation,
and TRL's was tried (README.md of this folder).
"""

from __future__ import annotations

import json
from typing import Literal

Form = Literal["messages", "prompt-completion", "dataset"]

FILE = "lessons.jsonl"
PARQUET = "train.parquet"

TRL = {
    "messages": "`SFTConfig(assistant_only_loss=True)`, which needs a chat template with "
    "`{% generation %}` marks. Without either, the quoted wrong answers are learnt too: take "
    "`--as prompt-completion` instead, which needs no setting",
    "prompt-completion": "nothing: of prompt and completion SFTTrainer learns the completion alone "
    "(`completion_only_loss`, whose default is that)",
}
AXOLOTL = {
    "messages": "`type: chat_template`, `field_messages: messages`, `roles_to_train: [assistant]`, "
    "`train_on_eos: turn` for the dataset, and `train_on_inputs: false`",
    "prompt-completion": "not this form: take `--as messages`",
}
LLAMA_FACTORY = {
    "messages": "`dataset_info.json` beside the lessons names them (`dataset_dir` is this folder); "
    "`train_on_prompt: false`, which is the default, and `mask_history: true`",
    "prompt-completion": "not this form: take `--as messages`",
}
UNSLOTH = {
    "messages": "`train_on_responses_only(trainer, instruction_part=..., response_part=...)` with "
    "what the template writes before a user's and an assistant's text",
    "prompt-completion": "nothing more than TRL, whose trainer it is",
}


def settings_section(form: Form) -> list[str]:
    """A line for each trainer, in Markdown."""
    key = "messages" if form == "messages" else "prompt-completion"
    return [
        "## To train on the replies alone",
        "",
        "| trainer | setting |",
        "|---|---|",
        f"| TRL 1 | {TRL[key]} |",
        f"| Axolotl | {AXOLOTL[key]} |",
        f"| LLaMA-Factory | {LLAMA_FACTORY[key]} |",
        f"| Unsloth | {UNSLOTH[key]} |",
        "",
        "Longer lessons than a trainer's limit are cut by it, answer first: give TRL and Axolotl a "
        "`max_length` or `sequence_len` that holds them all. None of them reads `weight`: where "
        "it differs between kinds, weigh the loss or the sampling by it.",
        "",
    ]


def dataset_info(name: str) -> str:
    """`dataset_info.json`, by which LLaMA-Factory finds the lessons of the form messages."""
    entry = {
        "file_name": FILE,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }
    return json.dumps({name: entry}, indent=2) + "\n"
