"""The presets as the tables name them, and as the client asks for them."""

from polygist_client.options import Preference

GREEDY: tuple[str, Preference | None] = ("greedy", None)
SPEED: tuple[str, Preference | None] = ("SPEED", "speed")
QUALITY: tuple[str, Preference | None] = ("QUALITY", "quality")
