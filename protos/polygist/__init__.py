"""The contract of polygist: protobuf definitions and the code generated from them."""

__version__ = "0.1.0"
