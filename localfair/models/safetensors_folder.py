"""A folder of safetensors weights as transformers writes it: its metadata, and whether it is whole.

Reads config, tokenizer settings and the safetensors headers; writes nothing. Never opens a pickle.
Knows nothing of cards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localfair.errors import MissingWeights, ModelError
from localfair.machine.terminal import one_line
from localfair.models.folder_code import refuse_code
from localfair.models.folder_config import FolderSizes, sizes_in
from localfair.models.gguf_header import MOST_TEMPLATE
from localfair.models.parsing import Malformed, quoted, read_json, read_text, reading, shown_path
from localfair.models.safetensors_header import check_safetensors

# What decides how the model behaves; a README beside it does not.
COUNTED = {".json", ".jinja", ".model", ".txt"}
WEIGHTS = ".safetensors"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# The same weights in their makers' own layout, beside those of transformers.
CONSOLIDATED = "consolidated"
MOST_SHARDS = 9999  # files that an index may name; real ones name fewer than 200
_AGAIN = "get the folder again"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderHeader:
    """What the folder says of itself; 0 or empty when it does not say.

    kv_bytes: bytes of an f16 key and value cache for one token. size: bytes of its weights.
    left: files that look like weights, and that nothing opens.
    """

    architecture: str
    context_length: int
    chat_template: str | None
    kv_bytes: int
    size: int
    sizes: FolderSizes
    left: tuple[str, ...] = ()


def read_folder(folder: Path) -> FolderHeader:
    """The metadata of the folder. Every weight file is checked to be whole.

    Raises ModelError for a folder that would run code (see `folder_code`) or holds two sets of
    weights, MissingWeights for an absent file, CorruptWeights for one that is cut short or damaged.
    """
    if not folder.is_dir():
        raise MissingWeights(
            f"there is no folder {shown_path(folder)}", "give a safetensors folder"
        )
    with reading(folder, "a readable folder", _AGAIN):
        present = _present(folder)
        pickles = refuse_code(folder, bool(present))
    sizes = read_sizes(folder)
    shards = weight_files(folder)
    for shard in shards:
        check_safetensors(shard)
    counted = {shard.name for shard in shards}
    others = [one_line(name, 80) for name in present if name not in counted]
    return FolderHeader(
        architecture=sizes.architecture,
        context_length=sizes.context,
        chat_template=_chat_template(folder),
        kv_bytes=sizes.kv_bytes,
        size=sum(shard.stat().st_size for shard in shards),
        sizes=sizes,
        left=(*pickles, *others),
    )


def read_sizes(folder: Path) -> FolderSizes:
    """What the folder's `config.json` says. Raises MissingWeights, CorruptWeights."""
    path = folder / "config.json"
    if not path.exists():
        raise MissingWeights(f"no {path.name} in {shown_path(folder)}", "a model folder needs one")
    with reading(path, "a usable configuration", _AGAIN):
        return sizes_in(read_json(path))


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that a loader takes: those of the index, else all of one set, by name.

    Raises MissingWeights for a file that the index names and that is not there, ModelError where
    two sets of weights could be meant.
    """
    present = _present(folder)
    if (folder / INDEX).exists():
        return [folder / name for name in _indexed(folder, present)]
    indexes = sorted(one_line(path.name, 80) for path in folder.glob(f"*{WEIGHTS}.index.json"))
    if len(indexes) > 1:
        raise ModelError(
            f"{shown_path(folder)} holds two indexes of weights: {', '.join(indexes[:5])}",
            f"call the right one {INDEX}",
        )
    own = [name for name in present if not name.startswith(CONSOLIDATED)]
    if not present:
        raise MissingWeights(f"no {WEIGHTS} file in {shown_path(folder)}", _AGAIN)
    return [folder / name for name in own or present]


def _present(folder: Path) -> list[str]:
    """The names of the safetensors files, without an adapter's."""
    names = [path.name for path in folder.glob(f"*{WEIGHTS}") if path.is_file()]
    return sorted(name for name in names if not name.startswith("adapter_model"))


def counted_files(folder: Path) -> list[Path]:
    """The files that make up the folder's fingerprint, by name."""
    files = [path for path in folder.iterdir() if _counts(path)]
    return sorted([*files, *weight_files(folder)])


def _counts(path: Path) -> bool:
    is_hidden = path.name.startswith(".")
    return path.is_file() and path.suffix in COUNTED and not is_hidden


def _indexed(folder: Path, present: list[str]) -> list[str]:
    """The files that the index names, by name."""
    index = folder / INDEX
    with reading(index, "an index of weights", _AGAIN):
        weights = read_json(index).get("weight_map")
        if not isinstance(weights, dict) or not weights:
            raise Malformed("it has no weight_map")
        for file in weights.values():
            _must_be_a_name(file)
        names = sorted(set(weights.values()))
        if len(names) > MOST_SHARDS:
            raise Malformed(f"it names more than {MOST_SHARDS} files")
    missing = [one_line(name, 80) for name in names if name not in present]
    if missing:
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        raise MissingWeights(
            f"{shown_path(folder)} lacks {named}", "the index names them: get them again"
        )
    if SINGLE in present and SINGLE not in names:
        # transformers would take the one, vLLM the others
        raise ModelError(
            f"{shown_path(folder)} holds {SINGLE} and an index of other files",
            "remove what does not belong to the model",
        )
    return names


def _must_be_a_name(file: object) -> None:
    """Raises Malformed unless a file of an index is a safetensors file in the folder itself."""
    is_name = isinstance(file, str) and Path(file).name == file and "\0" not in file
    if not is_name or not str(file).endswith(WEIGHTS):
        raise Malformed(f"it names {quoted(file)}, which is no {WEIGHTS} file of the folder")


def _chat_template(folder: Path) -> str | None:
    """The template in its own file, else the one in the tokenizer's settings."""
    jinja = folder / "chat_template.jinja"
    if jinja.exists():
        with reading(jinja, "a chat template", _AGAIN):
            return read_text(jinja, MOST_TEMPLATE)
    settings = folder / "tokenizer_config.json"
    if not settings.exists():
        return None
    template = _template_in(read_json(settings))
    with reading(settings, "the settings of a tokenizer", _AGAIN):
        if template is not None and len(template) > MOST_TEMPLATE:
            raise Malformed(f"its chat template has more than {MOST_TEMPLATE} characters")
        if template is not None and any("\ud800" <= sign <= "\udfff" for sign in template):
            raise Malformed("its chat template holds half a character")
    return template


def _template_in(settings: dict[str, object]) -> str | None:
    """The template of the tokenizer's settings, the one called `default` where there are several."""
    template = settings.get("chat_template")
    if isinstance(template, list):
        named = [item for item in template if isinstance(item, dict)]
        defaults = [item.get("template") for item in named if item.get("name") == "default"]
        template = defaults[0] if defaults else None
    return template if isinstance(template, str) else None
