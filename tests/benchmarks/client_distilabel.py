"""distilabel's pipeline asking the stub: run by a Python that has `distilabel[openai]`, and none
of ours.

Reads nothing; writes only where `HF_HOME` and the working folder say. Arguments: base URL,
concurrency, calls.
"""

from __future__ import annotations

import sys


def main(base_url: str, concurrency: int, calls: int) -> None:
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    data = [
        {"instruction": f"How many pens are left of {n} when five are taken away?"}
        for n in range(calls)
    ]
    with Pipeline(name="stub") as pipeline:
        load = LoadDataFromDicts(data=data, batch_size=concurrency)
        llm = OpenAILLM(
            model="stub",
            base_url=base_url,
            api_key="none",
            generation_kwargs={"max_new_tokens": 64},
        )
        load >> TextGeneration(llm=llm, input_batch_size=concurrency)
    found = pipeline.run(use_cache=False)["default"]["train"]
    assert len(found) == calls and all(found["generation"]), len(found)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
