"""The process that converts published weights: torch and transformers are imported here and nowhere else."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SAFE, PICKLED = "safetensors", "bin"
# What CTranslate2's converter asks for and Transformers 5 fills in no more where a published ``config.json`` is silent.
IMPLIED: Mapping[str, Mapping[str, Any]] = {
    "bart": {"normalize_before": False, "normalize_embedding": True},
    "mbart": {"normalize_before": True, "normalize_embedding": True},
    "pegasus": {"normalize_before": True, "normalize_embedding": False},
    "bert": {"position_embedding_type": "absolute"},
    "roberta": {"position_embedding_type": "absolute"},
    "xlm-roberta": {"position_embedding_type": "absolute"},
}


def convert(folder: Path, target: Path, *, compute_type: str, tokenizer_class: str) -> None:
    """Write CTranslate2's files, and a ``tokenizer.json`` where `folder` has none, to `target`."""
    from ctranslate2.converters import TransformersConverter

    _name_tokenizer(folder, tokenizer_class)
    _complete_settings(folder / "config.json")
    for path in sorted(folder.glob("pytorch_model*.bin")):
        _unpickle(path)
    index = folder / "pytorch_model.bin.index.json"
    if index.exists():
        _rename_shards(index)
    converter = TransformersConverter(str(folder), low_cpu_mem_usage=True)
    converter.convert(str(target), quantization=None if compute_type == "float32" else compute_type)
    _fill_tokens(target / "config.json")
    if not (folder / "tokenizer.json").exists():
        _write_tokenizer(folder, target)


def _name_tokenizer(folder: Path, tokenizer_class: str) -> None:
    """Put the class that Transformers has itself in the place of one that comes as code, which is never run."""
    path = folder / "tokenizer_config.json"
    if not tokenizer_class or not path.exists():
        return
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["tokenizer_class"] = tokenizer_class
    _rewrite(path, settings)


def _complete_settings(path: Path) -> None:
    settings = json.loads(path.read_text(encoding="utf-8"))
    _rewrite(path, {**IMPLIED.get(settings.get("model_type", ""), {}), **settings})


def _fill_tokens(path: Path) -> None:
    """Name a token where the tokenizer has none: CTranslate2 writes null there, and does not read it."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    for key in ("bos_token", "decoder_start_token"):
        if key in settings and settings[key] is None:
            settings[key] = settings["eos_token"]
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _rewrite(path: Path, settings: Mapping[str, Any]) -> None:
    """Write a file anew in the place of a link to the original."""
    path.unlink()
    path.write_text(json.dumps({key: value for key, value in settings.items() if key != "auto_map"}), encoding="utf-8")


def _unpickle(path: Path) -> None:
    """Write the weights as safetensors in the place of a pickle, of which only tensors are read."""
    import torch
    from safetensors.torch import save_file

    weights = torch.load(path, map_location="cpu", weights_only=True)
    tensors = {
        name: tensor.clone().contiguous() for name, tensor in weights.items() if isinstance(tensor, torch.Tensor)
    }
    save_file(tensors, path.with_name(_safe_name(path.name)), metadata={"format": "pt"})
    path.unlink()


def _safe_name(name: str) -> str:
    return name.replace("pytorch_model", "model").removesuffix(PICKLED) + SAFE


def _rename_shards(index: Path) -> None:
    listed = json.loads(index.read_text(encoding="utf-8"))
    listed.setdefault("metadata", {})
    listed["weight_map"] = {name: _safe_name(shard) for name, shard in listed["weight_map"].items()}
    index.with_name("model.safetensors.index.json").write_text(json.dumps(listed), encoding="utf-8")
    index.unlink()


def _write_tokenizer(folder: Path, target: Path) -> None:
    """Write the ``tokenizer.json`` of a tokenizer that has one; others are read from their own files."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
    if (backend := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        backend.save(str(target / "tokenizer.json"))


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    convert(
        Path(order["folder"]),
        Path(order["target"]),
        compute_type=order["compute_type"],
        tokenizer_class=order["class"],
    )
