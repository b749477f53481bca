from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.map_reduce import cut, near_query

WINDOW = 20


def count(text):
    return len(text.split())


def chunks_of(text, window=WINDOW):
    return [chunk.text for chunk in cut(text, "en", window, count)]


SENTENCES = [f"The council voted to rebuild bridge {at}." for at in range(6)]


def test_sentences_stand_together_as_far_as_they_fit():
    assert chunks_of(" ".join(SENTENCES)) == [" ".join(SENTENCES[at : at + 2]) for at in (0, 2, 4)]
    assert chunks_of("") == chunks_of("12 — 13") == []


def test_a_chunk_ends_with_a_paragraph_where_that_is_at_least_half_full():
    text = f"{SENTENCES[0]} {SENTENCES[1]} {SENTENCES[2]}\n\n{SENTENCES[3]} {SENTENCES[4]}\n{SENTENCES[5]}"
    assert chunks_of(text, 34) == [" ".join(SENTENCES[:3]), " ".join(SENTENCES[3:])]
    early = f"{SENTENCES[0]}\n\n{SENTENCES[1]} {SENTENCES[2]} {SENTENCES[3]} {SENTENCES[4]}"
    assert chunks_of(early, 34)[0] == " ".join(SENTENCES[:4])


def test_a_sentence_above_the_window_is_split_and_its_places_are_known():
    text = "word " * 50 + "end."
    chunks = cut(text, "en", WINDOW, count)
    spans = [span for chunk in chunks for span in chunk.hard_splits]
    assert " ".join(text[start:end] for start, end in spans) == text


def test_a_query_keeps_the_chunks_that_are_near_it():
    chunks = cut(" ".join([*SENTENCES, "A ferry will carry people across every hour."]), "en", WINDOW, count)
    assert [chunk.text for chunk in near_query(chunks, "ferry across")] == [chunks[-1].text]
    assert near_query(chunks, "penguins") == chunks


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=5), max_size=12), st.integers(8, 40))
def test_chunks_fit_the_window_and_lose_no_word(paragraphs, window):
    text = "\n\n".join(" ".join(" ".join(["word"] * words) + " end." for words in each) for each in paragraphs)
    chunks = cut(text, "en", window, count)
    assert " ".join(chunk.text for chunk in chunks).split() == text.split()
    assert all(count(chunk.text) < window for chunk in chunks)
