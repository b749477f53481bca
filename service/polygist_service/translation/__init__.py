"""Translation: routes, segments, warnings; knows text and models, not protobuf."""
