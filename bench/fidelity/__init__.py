"""Whether text of the real world comes through whole: sentences, layout, characters, numbers, by a server's own API."""
