"""A tiny llama with a byte-level tokenizer and a ChatML template, made in well under a second.

Its weights are random: it is for what must hold of any model. Reads nothing; writes into the folder
it is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from localfair.models import Card, Model

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SENTENCES = (
    "Tom has three apples and buys four more, so he has seven apples in all.",
    "There are 12 pens in each box. How many pens are there in 5 boxes?",
    "You forgot to add the 7 pencils that she gave away: subtract them first.",
    "The answer is 60. user assistant system",
)


def tokenizer(template: str | None = CHATML, special: tuple[str, ...] = ()) -> Any:
    """About 400 tokens; ids 0, 1, 2 are <|endoftext|>, <|im_start|>, <|im_end|>.

    `special` are more control tokens, from id 3 on.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *special]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=control, initial_alphabet=alphabet)
    bpe.train_from_iterator(SENTENCES * 3, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        unk_token="<|endoftext|>",
        pad_token="<|im_end|>",  # as SmolLM2 has it: no code may know padding by its id
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = template
    return wrapped


def build(folder: Path, seed: int = 0, special: tuple[str, ...] = (), says: str = "") -> Path:
    """Save a model of two layers of width 64, in float32, and its tokenizer; return `folder`.

    `special` are more control tokens. A model that `says` a token says nothing else, whatever it
    reads.
    """
    words = tokenizer(special=special)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        initializer_range=0.2,
    )
    llama = LlamaForCausalLM(config)
    if says:
        _say_only(llama, words.convert_tokens_to_ids(says))
    llama.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _say_only(llama: Any, token: int) -> None:
    """Give every position the same state, and that state the token."""
    with torch.no_grad():
        for name, weight in llama.named_parameters():
            if "norm" not in name:
                weight.zero_()
        llama.model.embed_tokens.weight.fill_(1.0)
        llama.lm_head.weight[token] = 1.0


def model(context: int = 512, path: Path = Path("tiny")) -> Model:
    """The model that `build` saves in a folder."""
    return Model(
        card=Card(name="tiny", family="llama", format="safetensors", file="tiny"),
        path=path,
        fingerprint="f",
        chat_template=CHATML,
        chat_template_hash="t",
        context=context,
    )
