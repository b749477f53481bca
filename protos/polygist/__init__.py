"""What both sides of polygist share: the contract, as protobuf and the code generated from it, and how PEM is read."""

__version__ = "0.1.0"
