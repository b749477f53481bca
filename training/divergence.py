"""How near ours is to the original: divergence under teacher forcing."""

from dataclasses import dataclass

import torch

from training.objective import ask_original, count_kept_layers, diverge, make_batch, run_student
from training.reference import Model, logits
from training.text import Corpus, draw_batches


@dataclass(frozen=True)
class Divergence:
    """KL(original || ours) in nats, the mean over target tokens; the share of tokens with the same best one."""

    divergence: float
    agreement: float


@torch.no_grad()
def measure_divergence(original: Model, student: Model, corpus: Corpus, device: str) -> Divergence:
    """Divergence over the full vocabulary, and agreement, on all pairs of a corpus."""
    divergence, agreed, count = 0.0, 0, 0
    kept_layers = count_kept_layers(student)
    kind = original["Wemb_output"].dtype
    for pairs in draw_batches(corpus.measure(), 1000, seed=0):
        batch = make_batch(*corpus.read(pairs), device)
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=kind != torch.float32):
            answer = ask_original(original, batch, kept_layers)
            hidden = run_student(student, batch, answer, kept_layers)[-1]
            real = batch.real_target
            theirs, ours = logits(original, answer.hiddens[-1][real]), logits(student, hidden[real])
        divergence += diverge(theirs, ours).item() * len(ours)
        agreed += int((theirs.argmax(-1) == ours.argmax(-1)).sum())
        count += len(ours)
    return Divergence(divergence / count, agreed / count)
