from polygist_service.summarisation.article import Article


def test_an_article_keeps_its_parse_and_its_sentences_have_their_places():
    text = "The bridge fell.\n12 — 13\nIt rained. A ferry runs."
    article = Article.parse(text, "en")
    assert [sentence.text for sentence in article.sentences] == ["The bridge fell.", "It rained.", "A ferry runs."]
    assert [text[slice(*sentence.span)] for sentence in article.sentences] == [each.text for each in article.sentences]
    assert article.text == article.document.text == text


def test_what_is_longer_than_any_sentence_is_cut():
    article = Article.parse("word " * 5000, "en")
    assert len(article.document.prose()) == 1
    assert max(len(sentence.text) for sentence in article.sentences) <= 4000
    assert " ".join(sentence.text for sentence in article.sentences).split() == ["word"] * 5000


def test_an_article_without_some_sentences_keeps_the_places_of_the_others():
    article = Article.parse("It rained. The bridge fell.\nA ferry runs.", "en")
    rest = article.without({1})
    assert rest.text == "It rained.                 \nA ferry runs."
    assert [rest.text[slice(*sentence.span)] for sentence in rest.sentences] == ["It rained.", "A ferry runs."]
    assert article.without(()) == article
