"""The wire room: protobuf in, one domain call, protobuf out."""
