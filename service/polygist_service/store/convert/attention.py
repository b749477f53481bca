"""Which of its attention a model tells: the setting in its weights, and what there is to choose from."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from polygist_service.store.convert.inspect import read_outline

LAYER, HEADS, HEAD_COUNT = "decoder/alignment_layer", "decoder/alignment_heads", "decoder/num_heads"
CROSS_ATTENTION = re.compile("decoder/layer_([0-9]+)/attention/")
NUMBER = struct.Struct("<h")


class Attention(NamedTuple):
    """What the first `heads` heads of a layer of the decoder, counted from 0, look at in the source, on average."""

    layer: int
    heads: int


@dataclass(frozen=True)
class AttentionSetting:
    """What a ``model.bin`` says of it.

    Attributes:
        path: of the file.
        layers: of the decoder.
        heads: of each layer.
        places: where in the file the layer and the number of heads stand.
    """

    path: Path
    layers: int
    heads: int
    places: tuple[int, int]

    def write(self, attention: Attention) -> None:
        """Make the model tell this from now on."""
        with self.path.open("r+b") as weights:
            for place, value in zip(self.places, attention, strict=True):
                weights.seek(place)
                weights.write(NUMBER.pack(value))


def find_attention(path: Path) -> AttentionSetting | None:
    """Return the setting in a ``model.bin``; None where there is none, as in a model without an encoder.

    Raises:
        ValueError, KeyError, struct.error: the file is damaged.
    """
    with path.open("rb") as weights:
        outline = read_outline(weights)
        layers = {found[1] for name in outline if (found := CROSS_ATTENTION.match(name))}
        numbers = [outline[name] for name in (LAYER, HEADS, HEAD_COUNT) if name in outline]
        if not layers or len(numbers) < 3 or any(each.size != NUMBER.size for each in numbers):
            return None
        layer, heads, count = (each.place for each in numbers)
        weights.seek(count)
        (count,) = NUMBER.unpack(weights.read(NUMBER.size))
    return AttentionSetting(path, len(layers), count, (layer, heads))
