"""Whatever serves ``polygist.v1.TranslationService/Translate``, under the compiled load generator."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from polygist.v1.common_pb2 import PerformancePreference
from polygist.v1.translation_service_pb2 import TranslateRequest
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub

from bench.speed.comparators.compiled import build_generator
from bench.speed.corpus import SOURCE, TARGET, Corpus
from bench.speed.sides import Load, Setting, Side
from bench.speed.window import Window

CALL_SECONDS = 60.0


def compiled_side(
    name: str, address: str, pid: int, corpus: Corpus, setting: Setting, folder: Path, *, preference: str = ""
) -> Side:
    """A server's side; raises NotInstalled where the generator cannot be built.

    Args:
        preference: as the contract names it without its prefix, such as ``SPEED``; by default none.
    """
    generator = str(build_generator())

    def measure(load: Load) -> Window:
        texts = corpus.write(folder, sentences_per_text=load.sentences)
        target = ("--address", address, "--pid", str(pid), "--source", SOURCE, "--target", TARGET)
        sent = ("--texts", str(texts), "--callers", str(load.callers))
        preferred = ("--preference", preference) if preference else ()
        return setting.run_program((generator, *target, *sent, *preferred), cores=setting.layout.rest)

    return Side(name, measure, pid)


def translate_all(address: str, sentences: Sequence[str], *, callers: int, preference: str = "") -> list[str]:
    """The translation of each sentence, a call for each, several at the same time; raises grpc.RpcError."""
    wanted = PerformancePreference.Value(f"PERFORMANCE_PREFERENCE_{preference or 'UNSPECIFIED'}")
    with grpc.insecure_channel(address) as channel, ThreadPoolExecutor(callers) as pool:
        stub = TranslationServiceStub(channel)

        def translate(sentence: str) -> str:
            request = TranslateRequest(
                contents=[sentence],
                source_language_code=SOURCE,
                target_language_code=TARGET,
                performance_preference=wanted,
            )
            return stub.Translate(request, timeout=CALL_SECONDS).translations[0].translated_text

        return list(pool.map(translate, sentences))
