"""Three steps of TRL's SFTTrainer on exported lessons: `trl_steps.py MODEL LESSONS OUT`.

Writes as JSON which share of a batch's tokens carries a label, and whether the labelled tokens are
the reply and its end alone. Defaults throughout, but for what a CPU needs.
"""

import json
import sys
import tempfile
from pathlib import Path


def steps(model, lessons, folder):
    """What a trainer of TRL's defaults learns of the lessons in a file."""
    import datasets
    import trl
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = datasets.load_dataset(
        "json", data_files=str(lessons), split="train", cache_dir=str(Path(folder) / "cache")
    )
    options = trl.SFTConfig(
        output_dir=str(folder),
        max_steps=3,
        per_device_train_batch_size=2,
        max_length=4096,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
    )
    trainer = trl.SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(model),
        args=options,
        train_dataset=rows,
        processing_class=tokenizer,
    )
    labelled, tokens, learnt = 0, 0, set()
    for batch in trainer.get_train_dataloader():
        for ids, mask, labels in zip(
            batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True
        ):
            tokens += int(mask.sum())
            labelled += int((labels != -100).sum())
            learnt.add(tokenizer.decode(ids[labels != -100], skip_special_tokens=True).strip())
    done = trainer.train()
    return {
        "versions": {"trl": trl.__version__, "datasets": datasets.__version__},
        "share": round(labelled / tokens, 3),
        "learnt": sorted(learnt),
        "loss": done.training_loss,
        "steps": trainer.state.global_step,
    }


def main(model, lessons, out):
    with tempfile.TemporaryDirectory() as folder:
        result = steps(model, lessons, folder)
    Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
