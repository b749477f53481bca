"""Translation: routes, segments, notices. Knows text and models, not protobuf, not ctranslate2."""
