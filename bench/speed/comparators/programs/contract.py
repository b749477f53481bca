"""What the gRPC servers have in common: flags, the answer, how they listen."""

import argparse
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import grpc
from polygist.v1.translation_service_pb2 import TranslateRequest, TranslateResponse
from polygist.v1.translation_service_pb2_grpc import (
    TranslationServiceServicer,
    add_TranslationServiceServicer_to_server,
)

Handler = Callable[[TranslateRequest, grpc.aio.ServicerContext], Awaitable[TranslateResponse]]


def parse(description: str | None) -> argparse.Namespace:
    """The folder of the model, and how many calls of the engine run at the same time."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", type=Path, required=True, help="folder of an installed model")
    parser.add_argument("--threads", type=int, required=True, help="calls of the engine at the same time")
    return parser.parse_args()


def reply(answers: Iterable[tuple[str, int]]) -> TranslateResponse:
    """The response for texts and their tokens."""
    response = TranslateResponse()
    for text, tokens in answers:
        response.translations.add(translated_text=text)
        response.usage.output_token_count += tokens
    return response


async def serve(handler: Handler) -> None:
    """Listen on a free port, print the address, and answer until ended."""
    servicer = TranslationServiceServicer()
    servicer.Translate = handler  # type: ignore[method-assign, assignment]
    server = grpc.aio.server()
    add_TranslationServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()
