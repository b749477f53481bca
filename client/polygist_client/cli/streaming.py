"""``--stream``: results printed as they are written."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import click

from polygist_client import Client, Delta, Finished, Progress, Summary, Translation
from polygist_client.cli.answers import Work
from polygist_client.cli.detection import choose_terms
from polygist_client.cli.errors import naming_contents
from polygist_client.cli.inputs import UTF8, Content, Encoding, Input
from polygist_client.cli.outputs import Output, standard_output
from polygist_client.cli.printing import to_json_line
from polygist_client.cli.runner import Form
from polygist_client.cli.session import Session
from polygist_client.cli.sinks import note_numbers
from polygist_client.cli.tally import Tally
from polygist_client.options import JsonReply

stream_option = click.option("--stream", is_flag=True, help="Print sentences as they are written.")


def check_stream(session: Session, *, output: Output, form: Form, works: int = 1) -> None:
    """Raise UsageError where the output cannot be a stream."""
    if output != Output():
        raise click.UsageError("--stream writes to standard output; leave -o out")
    if form.read is not None:
        flag = "--lines" if form.name == "lines" else f"--format {form.name}"
        raise click.UsageError(f"--stream is for whole articles; leave {flag} out")
    if session.json:
        raise click.UsageError("a stream has many replies; use --jsonl instead of --json")
    if works > 1:
        raise click.UsageError("--stream has one language at a time; give --to one")


def stream_results(session: Session, client: Client, sources: Sequence[Input], work: Work) -> int:
    """Print what comes of each source, sentence by sentence, or as JSON event by event; returns the exit code."""
    tally = Tally(session, len(sources))
    for source in sources:
        with tally.attempt(source.name), naming_contents([source.name]):
            content = session.read(source)
            chosen = choose_terms(client, source.name, content.text, work, content.format)
            if session.jsonl:
                print_parts(session, client, source.name, content, chosen)
            else:
                with closing(chosen.call_stream(client, content.text, **chosen.options_for(content.format))) as events:
                    print_events(session, source.name, content, events, chosen)
            tally.add()
    return tally.finish(is_told=False)


def print_parts(session: Session, client: Client, name: str, content: Content, work: Work) -> None:
    """Print the parts of the reply as they come, a line of JSON each."""

    def print_part(part: JsonReply) -> None:
        write(session, f"{to_json_line(name, part)}\n")

    options = work.options_for(content.format)
    with closing(work.call_stream(client, content.text, **options, on_reply=print_part)) as events:
        deque(events, maxlen=0)


def print_events(
    session: Session,
    name: str,
    content: Content,
    events: Iterator[Progress | Delta | Finished[Translation | Summary]],
    work: Work,
) -> None:
    """Print the text of a result as it comes; progress goes to a bar on standard error until the first words."""
    is_open, encoding = False, content.encoding_of_result(keeps_format=work.keeps_format)
    with ExitStack() as stack:
        advance, completed = stack.enter_context(session.progress("parts", in_the_way=Output().feeds_another)), 0
        try:
            for event in events:
                match event:
                    case Progress():
                        advance(event.completed - completed)
                        completed = event.completed
                    case Delta():
                        stack.close()
                        write(session, event.text, encoding)
                        is_open = not event.text.endswith("\n")
                    case Finished():
                        stack.close()
                        said = event.result.text
                        bare = said.rstrip("\n")
                        rest = (
                            work.render(event.result, content.text).removeprefix(bare).removeprefix(said[len(bare) :])
                        )
                        write(session, rest or "\n" * (not said.endswith("\n")), encoding)
                        is_open = False
                        note_numbers(session, name, encoding, said)
                        session.report(name, event.result)
        finally:
            if is_open:  # what was said before a failure ends its line
                write(session, "\n", encoding)


def write(session: Session, text: str, encoding: Encoding = UTF8) -> None:
    """Write to standard output at once, in UTF-8 or what a page declares, unless it is a terminal."""
    stream = standard_output()
    is_page = encoding.declared and not stream.isatty()
    session.write(stream, encoding.encode(text, at_start=False) if is_page else text.encode())
