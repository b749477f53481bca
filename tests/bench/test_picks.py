from bench.quality.picks import Agreement, Picked, TranslatedArticle, find_documents, find_lines, read_articles
from bench.quality.sets import DataFolder


def test_documents_are_told_by_their_identifiers_and_long_ones_are_cut():
    identifiers = ["a"] * 5 + ["b"] * 3 + ["c"] * 50
    assert list(find_documents(identifiers)) == [(0, 5), (8, 48), (48, 58)]


def test_a_sentence_counts_as_the_line_that_it_stands_in():
    lines = ["It rained all day.", "The river rose. It fell again."]
    text = " ".join(lines)
    spans = [
        (text.index(sentence), text.index(sentence) + len(sentence)) for sentence in ("It rained", "It fell again.")
    ]
    assert find_lines(lines, spans) == {0, 1}


def test_picks_are_held_against_the_lead_and_against_chance():
    article = TranslatedArticle({"en": ("line",) * 8})
    agreement = Agreement.of(article, Picked(frozenset({0, 5}), frozenset()), Picked(frozenset({1, 5}), frozenset({0})))
    assert agreement == Agreement(picks=2, same=1, filtered_lead=1, lead=1, random=0.5, same_beyond_lead=1)


def test_a_set_without_one_of_its_languages_is_left_out(tmp_path):
    folder = tmp_path / "translation"
    folder.mkdir()
    (folder / "tico19.docids.txt").write_text("a\n" * 4)
    for language in ("en", "es-LA", "fr", "ru", "pt-BR"):
        (folder / f"tico19.{language}.txt").write_text("x\n" * 4)
    data = DataFolder(tmp_path)
    assert read_articles(data, "tico19") == []
    assert data.missing == ["translation/tico19.my.txt"]
    (folder / "tico19.my.txt").write_text("y\n" * 4)
    (article,) = read_articles(data, "tico19")
    assert (article.lines["my"], article.count) == (("y",) * 4, 1)
