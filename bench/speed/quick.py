"""The short run: the service beside CTranslate2 alone, or beside another version of itself."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from datetime import datetime
from itertools import chain
from pathlib import Path

from polygist_client import Client

from bench.quality.report import Report, say
from bench.speed.corpus import SOURCE, TARGET, read_corpus
from bench.speed.machine import describe_machine, describe_other, describe_run
from bench.speed.rounds import make_tables, measure_rounds
from bench.speed.sides import LOADS, Setting, program_of, raw_side, serve, server_side


def measure(arguments: argparse.Namespace, setting: Setting) -> Report:
    """Start what is compared, and measure it in turn."""
    began, load_before = datetime.now().astimezone(), os.getloadavg()[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(serve(Path(sys.executable).with_name("polygist-server"), setting))
        client = stack.enter_context(Client(server.address))
        corpus = read_corpus(client, arguments.data, detects=arguments.detect)
        this = server_side(
            "this" if arguments.against else "service", server, corpus, setting, folder, detects=arguments.detect
        )
        if arguments.against:
            other = stack.enter_context(serve(program_of(arguments.against), setting))
            baseline = server_side("other", other, corpus, setting, folder, detects=arguments.detect)
        else:
            baseline = raw_side(corpus, setting, folder)
        rounds = [measure_rounds([baseline, this], load, count=arguments.rounds, say=say) for load in LOADS]
        general = describe_run(client, began)
    language = "language detected" if arguments.detect else "language given"
    environment = {
        **general,
        "load, 1 minute, before": f"{load_before:.1f}",
        **describe_machine(setting),
        "calls": f"{SOURCE} to {TARGET} by {corpus.model}, default preset, {language}, 127.0.0.1, closed loop",
        "sentences": corpus.describe(),
    }
    if arguments.against:
        environment["other"] = describe_other(arguments.against)
    tables = make_tables(list(chain(*rounds)), baseline=baseline.name, candidate=this.name)
    return Report(environment, tables, subject="speed")
