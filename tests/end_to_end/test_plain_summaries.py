"""Summaries of plain text as pages have it, by a real server: banners and bylines, lists, text without stops."""

import subprocess
import sys

import pytest
from polygist_client import Client

pytestmark = pytest.mark.model

BODY = (
    "The council of Brenmouth will close its old swimming pool in March. The roof is no longer safe and a new one "
    "would cost three million pounds. Swimmers will be taken by bus to Aldport until a new pool opens in 2028."
)
CORPO = (
    "A câmara de Vila Branca vai fechar a velha piscina em março. O telhado já não é seguro e um novo custaria três "
    "milhões de euros. Os nadadores serão levados de autocarro até Porto Velho, onde a piscina nova abre em 2028."
)


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address) as client:
        yield client


@pytest.mark.parametrize(
    ("source", "line", "body"),
    [
        ("en", "Written by Ann Lee and Bob Ray, with photographs by Dana Cole, for the Saturday magazine", BODY),
        (
            "en",
            "We and our 823 partners store cookies on your device to show you better ads and measure how you use it.",
            BODY,
        ),
        ("pt", "Texto de Ana Lima e João Reis, com fotografias de Dana Castro, para a revista de sábado", CORPO),
        ("pt", "Nós e os nossos 823 parceiros guardamos cookies no seu dispositivo para lhe mostrar anúncios.", CORPO),
    ],
)
def test_a_line_that_is_no_part_of_the_article_is_not_its_summary(client, source, line, body):
    for text in (f"{line}\n{body}", f"{body}\n{line}", f"{line}\n\n{body}\n\n{line}"):
        summary = client.summarise(text, source=source, max_sentences=1)
        assert summary.text == body.partition(". ")[0] + "."


def test_the_items_of_a_list_are_told_apart(client):
    items = ["Walk along the harbour", "Eat fish and chips", "Visit the old lighthouse", "Take the ferry to Aldport"]
    items += ["Swim in the sea", "See the castle"]
    marked = "\n".join(f"{at}. {item}" for at, item in enumerate(items, 1))
    summary = client.summarise(f"Ten things to do in Brenmouth\n\n{marked}\n", source="en", sentences=True)
    lines = summary.text.splitlines()
    assert len(lines) == len(summary.sentences) > 1
    assert set(lines) <= {*items, "Ten things to do in Brenmouth"}


@pytest.mark.parametrize("kind", ["tldr", "paragraph", "key-points"])
def test_a_transcript_without_stops_has_a_summary_shorter_than_itself(client, kind):
    talk = (
        "so yeah today we want to talk about the new bridge in the town it was closed in march because the engineers "
        "found cracks in two of the pillars and nobody knows when it will open again um the mayor said maybe in june "
        "but the builders told us it will take until october at least "
    )
    summary = client.summarise(talk * 4, source="en", type=kind, citations=True)
    assert len(summary.text) < len(talk)
    assert summary.warnings
    for sentence in summary.sentences:
        (citation,) = sentence.citations
        assert citation.span.of(talk * 4) == sentence.text


ARTIKEL = (
    "Der Stadtrat von Marlau hat am Dienstag beschlossen, die alte Brücke über den Fluss neu zu bauen. Die Brücke war "
    "vor zwei Jahren gesperrt worden, weil ein Hochwasser drei Bögen beschädigt hatte. Die Arbeiten werden vier "
    "Millionen Euro kosten und achtzehn Monate dauern. Bis dahin bringt eine Fähre Menschen über den breiten Fluss."
)


def test_an_article_in_a_language_of_no_model_is_summarised_with_a_warning(client):
    summary = client.summarise(ARTIKEL, max_sentences=1)
    assert summary.text == ARTIKEL.partition(". ")[0] + "."
    assert (summary.source, summary.method, summary.model) == ("de", "extractive", "")
    (warning,) = summary.warnings
    assert warning.code == "method-fallback"
    assert "no installed sentence encoder covers de" in warning.message


def test_the_languages_of_summaries_are_listed(server):
    program = [sys.executable, "-c", "from polygist_client.cli import main; main()"]
    command = [*program, "-a", server.address, "languages", "--task", "summarise"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert {"de", "en", "my", "pt", "ru", "zh"} <= {line.partition("\t")[0] for line in listed.splitlines()}
