"""Makes a tiny model of every family, and what Transformers itself generates with it: run by ``make parity``.

Each model is random with a fixed seed, saved as its published kin are, converted by CTranslate2's own converter and
asked for the greedy outputs of 200 texts. A folder beside this file holds one: the converted model, the tokenizer's
files and ``golden.jsonl``. Needs torch and transformers: ``pip install -e '.[convert]'``.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from polygist_service.store.convert.transformers_process import convert

from tests.parity.cases import CASES, Case
from tests.parity.corpus import make_texts

HERE = Path(__file__).parent
TEXTS = 200


def shake(model: torch.nn.Module) -> None:
    """Give the weights sizes at which the output depends on the input, as that of a trained model does."""
    torch.manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:  # positions that are computed
                continue
            if parameter.dim() > 1:
                is_embedding = any(word in name for word in ("embed", "shared"))
                parameter.normal_(0, 0.5 if is_embedding else 2.0 / parameter.shape[1] ** 0.5)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.1)
        for module in model.modules():
            if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0
    if hasattr(model, "tie_weights"):
        model.tie_weights()
    model.eval()


def publish(case: Case, folder: Path) -> tuple[Any, Any]:
    """Write one family's model to `folder` as published ones lie on the Hub; returns its tokenizer and the model."""
    folder.mkdir()
    torch.manual_seed(3)
    tokenizer, model = case.make(folder)
    shake(model)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return tokenizer, model


def make(case: Case, target: Path) -> None:
    """Write the folder of one family to `target`, which is made anew."""
    with tempfile.TemporaryDirectory() as temporary:
        published, converted = Path(temporary) / "published", Path(temporary) / "converted"
        tokenizer, model = publish(case, published)
        convert(published, converted, compute_type="float32", tokenizer_class="")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for path in [*converted.iterdir(), *(published / name for name in case.files)]:
            shutil.copy(path, target / path.name)
        with (target / "golden.jsonl").open("w", encoding="utf-8") as golden:
            for number, text in enumerate(make_texts(TEXTS)):
                source, to = case.pairs[number % len(case.pairs)]
                row = {"text": text, "source": source, "target": to, **case.answer(tokenizer, model, text, source, to)}
                golden.write(json.dumps(row, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", help="all of them where none is named")
    torch.set_num_threads(1)
    names = parser.parse_args().families or list(CASES)
    for name in names:
        make(CASES[name], HERE / name)
        size = sum(path.stat().st_size for path in (HERE / name).iterdir())
        print(f"{name}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
