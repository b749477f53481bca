"""Files of models with something wrong in them: bits, lengths, counts, types, nesting, templates without end."""

import io
import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any

from polygist_service.store.convert.inspect import read_outline

EXTREMES = (0, 1, 2, 127, 128, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
# Instead of any value of a JSON file.
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 1e308, float("nan"), "", "x", "\0", "\ud800", "a" * 100_000,
    "../../../etc/passwd", "/dev/zero", [], {}, [[]], {"": {}}, ["a"] * 10_000, [0] * 10_000,
)  # fmt: skip
TEMPLATES = (
    "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3,
    "{{ 'a' * 10 ** 12 }}",
    "{% set a = namespace(b='x') %}{% for i in range(99) %}{% set a.b = a.b + a.b %}{% endfor %}{{ a.b }}",
    "{{ '%099999999999d' % 1 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.append(messages) }}{{ messages }}",
    "{% if " + "(" * 5_000 + "1" + ")" * 5_000 + " %}{% endif %}",
    "{% for m in messages %}" * 60 + "{% endfor %}" * 60,
    "{{ messages[0]['content'] " + "| upper" * 5_000 + " }}",
    "{% include '/etc/passwd' %}",
    "{{ messages[0]['content'] }}" * 2,
    "{{ raise_exception('x' * 9999999) }}",
    "{{ messages[0]['content']['a']['b'] }}{{ 1 / 0 }}",
)


def damage(content: bytes, name: str, random: Random) -> bytes:
    """Return a file with something wrong in it; `name` tells what it is."""
    ways: list[Callable[[bytes, Random], bytes]] = [flip_bits, cut_off, put_number, put_bytes, repeat_part]
    if name.endswith(".json"):
        ways = [change_value] * 8 + [nest] * 2 + ways
    elif name == "model.bin":
        ways += [change_variable] * 8
    elif name == "adapter":
        ways += [change_header] * 6
    elif name.endswith(".gguf"):
        ways += [change_counts] * 6
    if name == "chat_template.jinja":
        return random.choice(TEMPLATES).encode()
    return random.choice(ways)(content, random)


def flip_bits(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    reach = random.choice((64, 512, len(changed)))  # what stands at the beginning matters most
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(min(reach, len(changed)))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut_off(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def put_number(content: bytes, random: Random) -> bytes:
    """Put a number of 2, 4 or 8 bytes over what stands somewhere."""
    size = random.choice((2, 4, 8))
    at = random.randrange(max(1, min(random.choice((64, 512, len(content))), len(content) - size)))
    number = random.choice(EXTREMES) % (1 << 8 * size)
    return content[:at] + number.to_bytes(size, "little") + content[at + size :]


def put_bytes(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + random.choice((random.randbytes(random.randint(1, 40)), b"\xff" * 12)) + content[at:]


def repeat_part(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content))
    part = content[at : at + random.choice((1, 16, 4096))]
    return content[:at] + part * random.choice((2, 50)) + content[at:]


def change_value(content: bytes, random: Random) -> bytes:
    """Put another value somewhere into JSON, or leave it out."""
    values = json.loads(content)
    at, inner = [], values
    while isinstance(inner, dict | list) and inner and (not at or random.random() < 0.7):
        at.append(random.choice(list(inner) if isinstance(inner, dict) else range(len(inner))))
        inner = inner[at[-1]]
    holder = values
    for key in at[:-1]:
        holder = holder[key]
    if not at or random.random() < 0.05:
        values = random.choice(VALUES)
    elif random.random() < 0.2:
        del holder[at[-1]]
    else:
        holder[at[-1]] = random.choice(VALUES)
    return json.dumps(values).encode()


def nest(content: bytes, random: Random) -> bytes:
    """Put thousands of brackets in the place of a value."""
    at = random.choice([place for place, byte in enumerate(content) if byte in b":["] or [0]) + 1
    depth, (left, right) = random.choice((100, 900, 5_000, 100_000)), random.choice((("[", "]"), ('{"a":', "}")))
    return content[:at] + (left * depth + "1" + right * depth).encode() + b"," + content[at:]


def change_variable(content: bytes, random: Random) -> bytes:
    """Change a variable of CTranslate2's weights: a setting, its shape with or without its numbers, its type."""
    changed = bytearray(content)
    variables = list(read_outline(io.BytesIO(content)).values())
    settings = [each for each in variables if each.size <= 8]
    matrices = [each for each in variables if each.shape]
    way = random.randrange(4)
    if way == 0:
        setting = random.choice(settings)
        number = random.choice(EXTREMES) % (1 << 8 * setting.size)
        changed[setting.place : setting.place + setting.size] = number.to_bytes(setting.size, "little")
        return bytes(changed)
    chosen = random.choice(matrices)
    shapes, sizes = chosen.place - 5 - 4 * len(chosen.shape), chosen.place - 4
    if way == 1:
        changed[chosen.place - 5] = random.randrange(8)
        return bytes(changed)
    shape = list(chosen.shape)
    shape[random.randrange(len(shape))] = random.choice((0, 1, 2, 7, 16, 63, 65, 2**16, 2**31 - 1, 2**32 - 1))
    changed[shapes : shapes + 4 * len(shape)] = struct.pack(f"<{len(shape)}I", *shape)
    count, wanted = multiply(chosen.shape), multiply(shape)
    size = wanted * (chosen.size // max(1, count))
    if way == 2 and size < 1 << 22:  # as many numbers as the shape says
        numbers = content[chosen.place : chosen.place + chosen.size]
        changed[sizes : chosen.place + chosen.size] = struct.pack("<I", size) + (numbers + bytes(size))[:size]
    return bytes(changed)


def multiply(shape: Any) -> int:
    """The number of values of a shape."""
    product = 1
    for each in shape:
        product *= each
    return product


def change_header(content: bytes, random: Random) -> bytes:
    """Change what a file of safetensors says of its tensors, or of the length of that."""
    (length,) = struct.unpack("<Q", content[:8])
    if random.random() < 0.3:
        return struct.pack("<Q", random.choice((*EXTREMES, length - 1, length + 1))) + content[8:]
    change = random.choice((change_value, change_value, nest, flip_bits))
    header = change(content[8 : 8 + length], random)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def change_counts(content: bytes, random: Random) -> bytes:
    """Change the version of a GGUF file, its counts, or the type or length of something of its metadata."""
    at = random.choice((4, 8, 16, 24)) if random.random() < 0.4 else content.index(random.choice(KEYS)) + 20
    number = random.choice((*EXTREMES, 4, 8, 9))
    return content[:at] + number.to_bytes(8, "little") + content[at + 8 :]


KEYS = (b"llama.block_count", b"llama.embedding_length", b"tokenizer.ggml.tokens", b"tokenizer.ggml.merges",
        b"llama.attention.head_count", b"tokenizer.chat_template", b"tokenizer.ggml.token_type",
        b"tokenizer.ggml.eos_token_id", b"blk.0.attn_q.weight", b"token_embd.weight")  # fmt: skip
