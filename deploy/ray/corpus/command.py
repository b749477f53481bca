"""The command line of the job."""

import sys
from typing import Any

import click

from .documents import Fields
from .errors import BulkError
from .parts import Plan, make_plan
from .placement import Cluster, Places
from .progress import write_summary
from .task import FORMATS, LENGTHS, METHODS, MIME_TYPES, PREFERENCES, TYPES, Task

PART_KILOBYTES = 256
EPILOG = """\b
Examples:
  python deploy/ray/bulk.py news/ out/ --translate-to pt
  python deploy/ray/bulk.py s3://corpus/news s3://corpus/pt --translate-to pt --summarise --address auto
  python deploy/ray/bulk.py news.parquet out/ --text-field body --summarise --summary-length short

Killed, started again with the same options, it goes on where it was. The exit code is 0 where all parts are done,
documents that failed included (their results say why), 1 where some are not, and 2 where it cannot begin.
"""


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("source")
@click.argument("output")
@click.option("--translate-to", default="", metavar="CODE", help="Translate to this language, such as pt or pt-BR.")
@click.option("--summarise", is_flag=True, help="Summarise each document.")
@click.option("--summary-language", default="", metavar="CODE", help="Language of the summaries, else each document's.")
@click.option("--summary-length", type=click.Choice(LENGTHS), help="How long the summaries are.")
@click.option("--summary-method", type=click.Choice(METHODS), help="How they are made.")
@click.option("--summary-type", type=click.Choice(TYPES), help="What they are like.")
@click.option("--source-language", default="", metavar="CODE", help="Language of all documents, else found out.")
@click.option("--mime-type", type=click.Choice(MIME_TYPES), help="What the texts are.")
@click.option("--prefer", type=click.Choice(PREFERENCES), help="Speed or quality.")
@click.option("--text-field", default="text", show_default=True, help="Field or column of the text.")
@click.option("--id-field", default="id", show_default=True, help="That of the id; without one, FILE:POSITION.")
@click.option("--output-format", default="jsonl", show_default=True, type=click.Choice(FORMATS), help="Of the results.")
@click.option(
    "--part-kilobytes", default=PART_KILOBYTES, show_default=True, type=click.IntRange(1),
    help="About how much of the corpus is done at a time: what is lost when the job is killed.",
)  # fmt: skip
@click.option("--cores", default=0, type=click.IntRange(0), help="Cores of each actor; by default 8, or all there are.")
@click.option("--actors", default=0, type=click.IntRange(0), help="Actors; by default as many as there is room for.")
@click.option("--address", default="", metavar="ADDRESS", help="Ray cluster, such as auto; else one is started here.")
@click.option("--home", default=None, metavar="DIR", help="Installed models, else where each machine has its own.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what went wrong.")
def command(
    source: str, output: str, part_kilobytes: int, cores: int, actors: int, address: str, home: str | None, quiet: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Translate and summarise all documents of SOURCE, on a Ray cluster, and write the results to OUTPUT.

    SOURCE is a folder of .jsonl (plain or packed) or .parquet files, or one such file; OUTPUT is an empty folder, or
    that of this same job before it was killed. Both are paths, or URLs such as s3://BUCKET/FOLDER, that every machine
    of the cluster reaches, as each needs polygist[service] and the models.

    OUTPUT gets a file for each part of the corpus, with a record for each document: id, file, position,
    source_language, translation, summary, warnings, errors.
    """

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    try:
        state = prepare(
            source,
            output,
            Task(**{name: value for name, value in given.items() if value is not None}),
            part_kilobytes << 10,
        )
        # Not before it is known that the job can begin: this takes seconds.
        from .job import run

        cluster = Cluster(address=address, actors=actors, cores=cores, home=home)
        try:
            summary = run(state, Places(source, output), cluster, say)
        except BulkError:
            state.withdraw()
            raise
    except (BulkError, OSError) as error:  # a folder that may not be read, or an object store that does not answer
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    say(write_summary(summary, state.folder.url))
    sys.exit(int(summary["parts_done"] < summary["parts"]))


def prepare(source: str, output: str, task: Task, part_bytes: int) -> Any:
    """Return the state of a job that has its plan: a new one, or that of the job before.

    Raises:
        BulkError: the corpus or the task is not what it should be, or not what it was.
    """
    from .source import open_corpus
    from .state import JobState, read_plan
    from .storage import open_folder

    corpus = open_corpus(source, Fields(task.text_field, task.id_field))
    folder = open_folder(output, "output")
    if folder.lies_in(open_folder(source, "source")):
        raise BulkError(f"output {output!r} lies in source {source!r}, and would be read as part of it; give another")
    plan: Plan | None = read_plan(folder)
    if plan is not None:
        plan.expect_same(corpus.folder.url, task, corpus.files, folder.url)
        return JobState(folder, plan)
    state = JobState(folder, make_plan(corpus.folder.url, task, corpus.measure(), part_bytes))
    corpus.expect_texts(state.plan.parts)
    state.write_plan()
    return state


def main() -> None:
    """Run the command."""
    try:
        command(prog_name="bulk.py")
    except ModuleNotFoundError as error:
        click.echo(f"error: {error.name} is missing; run: pip install 'polygist[service,ray]'", err=True)
        sys.exit(2)
