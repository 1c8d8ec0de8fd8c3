"""Greedy replies of an exported folder in this environment's transformers: `replies.py FORM FOLDER OUT`.

FORM is merged, peft-auto or peft-explicit. Writes the versions, the prompts' tokens and the replies
as JSON.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

QUESTIONS = [f"How many pens are in {boxes} boxes of 12 pens?" for boxes in range(3, 23)]
MOST = 24  # tokens of a reply


def opened(form, folder):
    """The model of a folder, in float32."""
    if form == "merged":
        return AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32)
    import peft

    if form == "peft-auto":
        model = peft.AutoPeftModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32)
        return model.eval()
    named = json.loads((Path(folder) / "adapter_config.json").read_text())
    base = AutoModelForCausalLM.from_pretrained(
        named["base_model_name_or_path"], torch_dtype=torch.float32
    )
    return peft.PeftModel.from_pretrained(base, folder).eval()


def main(form, folder, out):
    model = opened(form, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts, replies = [], []
    for question in QUESTIONS:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False
        )
        prompt = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        with torch.inference_mode():
            said = model.generate(**prompt, do_sample=False, max_new_tokens=MOST)
        length = prompt["input_ids"].shape[1]
        prompts.append(prompt["input_ids"][0].tolist())
        replies.append(tokenizer.decode(said[0][length:]))
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    if "peft" in sys.modules:
        versions["peft"] = sys.modules["peft"].__version__
    result = {"versions": versions, "prompts": prompts, "replies": replies}
    Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
