"""What a servicer may know of the call that it answers."""

import asyncio
from typing import Any, NoReturn

import grpc

Context = grpc.aio.ServicerContext[Any, Any]


def caller_of(context: Context) -> str:
    """Whose call it is: the peer's address without its port."""
    peer: str = context.peer()
    return peer.rpartition(":")[0] or peer


def deadline_of(context: Context) -> float | None:
    """When the answer is no longer wanted, on the event loop's clock; None without a deadline."""
    remaining = context.time_remaining()
    return None if remaining is None else asyncio.get_running_loop().time() + remaining


async def refuse_call(context: Context, message: str) -> NoReturn:
    """End a call that this version does not serve with UNIMPLEMENTED and a sentence."""
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
    raise AssertionError("abort returned")
