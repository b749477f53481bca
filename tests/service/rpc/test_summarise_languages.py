"""Extractive summaries of articles in languages that no installed model reads."""

import pytest
from polygist.v1 import common_pb2, summarisation_service_pb2

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, pair
from tests.service.harness import failure_of, serving
from tests.service.shelf import Shop

# Sentences of an article, one a line; in its own script's way nothing or a space is between them.
ARTICLES = {
    "de": """Der Stadtrat von Marlau hat am Dienstag beschlossen, die alte Brücke über den Fluss neu zu bauen.
Die Brücke war vor zwei Jahren gesperrt worden, weil ein Hochwasser drei Bögen beschädigt hatte.
Nach Angaben von Dr. Weber werden die Arbeiten vier Millionen Euro kosten und achtzehn Monate dauern.
„Wir haben lange genug gewartet“, sagte der Besitzer einer Bäckerei in der Nähe der Brücke.
Die Stadt bezahlt die Hälfte der Kosten, die andere Hälfte übernimmt der Kreis nach langem Streit.
Bis zur Eröffnung bringt eine Fähre alle zwanzig Minuten Menschen über den breiten Fluss.""",
    "ru": """Городской совет решил во вторник заново построить старый каменный мост через реку.
Мост закрыли два года назад после того, как наводнение разрушило три из пяти его арок.
Инженеры сообщили совету, что работы обойдутся в четыре миллиона рублей и займут полтора года.
Владельцы магазинов на южном берегу говорят, что потеряли треть своих постоянных покупателей.
Половину расходов оплатит город, а вторую половину обещала найти областная администрация.
Пока моста нет, людей через реку каждые двадцать минут перевозит небольшой паром.""",
    "ar": """قرر مجلس المدينة يوم الثلاثاء إعادة بناء الجسر الحجري القديم فوق النهر.
أغلق الجسر قبل عامين بعد أن دمر الفيضان ثلاثة من أقواسه الخمسة القديمة.
قال المهندسون للمجلس إن الأعمال ستكلف أربعة ملايين دينار وتستغرق ثمانية عشر شهرا.
لماذا انتظرت المدينة كل هذا الوقت قبل أن تبدأ في إصلاح الجسر؟
ستدفع المدينة نصف التكلفة ووعدت المحافظة بأن تجد النصف الآخر قريبا.
وحتى يفتح الجسر من جديد ستنقل عبارة صغيرة الناس عبر النهر كل عشرين دقيقة.""",
    "hi": """नगर परिषद ने मंगलवार को नदी पर बने पुराने पत्थर के पुल को फिर से बनाने का फैसला किया।
दो साल पहले आई बाढ़ में पुल के तीन खंभे टूट गए थे और तब से पुल बंद है।
इंजीनियरों ने परिषद को बताया कि इस काम पर चार करोड़ रुपये खर्च होंगे और डेढ़ साल लगेगा।
दक्षिणी किनारे के दुकानदार कहते हैं कि पुल बंद होने से उनके एक तिहाई ग्राहक चले गए।
खर्च का आधा हिस्सा नगर परिषद देगी और बाकी आधा हिस्सा राज्य सरकार देगी।
पुल के दोबारा खुलने तक एक नाव हर बीस मिनट में लोगों को नदी के पार ले जाएगी।""",
    "zh": """市议会星期二决定重建河上的那座古老的石桥。
两年前的一场洪水毁坏了五个桥拱中的三个，此后大桥一直关闭。
工程师告诉市议会，这项工程将花费四百万元，需要十八个月。
南岸的店主们说，大桥关闭以后他们失去了三分之一的顾客。
“我们等这个决定已经等得太久了。”桥边一家面包店的老板说。
在大桥重新开放之前，一艘渡轮每二十分钟运送人们过河一次。""",
    "ja": """市議会は火曜日、川にかかる古い石の橋を建て直すことを決めました。
橋は二年前の洪水で五つのアーチのうち三つが壊れ、それ以来閉鎖されています。
技術者によると、工事には四億円の費用と十八か月の期間がかかります。
「決定をあまりにも長く待ちました。」と橋の近くのパン屋の主人は話しました。
費用の半分は市が払い、残りの半分は県が出すことを約束しました。
橋が再び開くまで、渡し船が二十分ごとに人々を川の向こうへ運びます。""",
    "my": """မြို့တော်ကောင်စီသည် မြစ်ကူးတံတားဟောင်းကို ပြန်လည်တည်ဆောက်ရန် အင်္ဂါနေ့တွင် ဆုံးဖြတ်ခဲ့သည်။
လွန်ခဲ့သော နှစ်နှစ်က ရေကြီးမှုကြောင့် တံတား၏ တိုင်သုံးတိုင် ပျက်စီးခဲ့ပြီး၊ ထိုအချိန်မှစ၍ ပိတ်ထားသည်။
အင်ဂျင်နီယာများက ကုန်ကျစရိတ်သည် ကျပ်သန်းလေးရာ ရှိပြီး၊ တစ်ဆယ့်ရှစ်လ ကြာမည်ဟု ပြောသည်။
တောင်ဘက်ကမ်းရှိ ဆိုင်ရှင်များက ဝယ်သူသုံးပုံတစ်ပုံ ဆုံးရှုံးခဲ့ရသည်ဟု ပြောကြသည်။
ကုန်ကျစရိတ်၏ တစ်ဝက်ကို မြို့တော်က ပေးမည်ဖြစ်ပြီး၊ ကျန်တစ်ဝက်ကို ပြည်နယ်က ပေးမည်ဖြစ်သည်။
တံတားပြန်ဖွင့်သည်အထိ ကူးတို့သင်္ဘောက မိနစ်နှစ်ဆယ်တိုင်း လူများကို မြစ်တစ်ဖက်သို့ ပို့ပေးမည်။""",
}
ENGLISH = """The city council decided on Tuesday to rebuild the old stone bridge over the river.
The bridge was closed two years ago after a flood had destroyed three of its five arches.
Engineers told the council that the work will cost four million pounds and take eighteen months.
Owners of shops on the southern bank say that they have lost a third of their customers.
The city will pay half of the cost, and the county has promised to find the other half.
Until the bridge opens again a small ferry will carry people over the river every twenty minutes."""
UNSPACED = ("zh", "ja")
# Thai has no sentence ends; its spaces part phrases.
THAI = (
    "สภาเมืองมีมติเมื่อวันอังคารให้สร้างสะพานหินเก่าข้ามแม่น้ำขึ้นใหม่ สะพานถูกปิดเมื่อสองปีก่อนหลังจากน้ำท่วมทำให้ซุ้มโค้งสามแห่งเสียหาย "
    "วิศวกรแจ้งต่อสภาเมืองว่างานนี้จะใช้เงินสี่ล้านบาทและใช้เวลาสิบแปดเดือน เจ้าของร้านค้าบนฝั่งใต้บอกว่าพวกเขาสูญเสียลูกค้าไปหนึ่งในสาม "
    "เมืองจะจ่ายครึ่งหนึ่งของค่าใช้จ่ายและจังหวัดสัญญาว่าจะหาอีกครึ่งหนึ่ง จนกว่าสะพานจะเปิดอีกครั้งเรือข้ามฟากจะพาผู้คนข้ามแม่น้ำทุกยี่สิบนาที"
)
FALLBACK = common_pb2.WARNING_CODE_METHOD_FALLBACK


def join(language):
    return ("" if language in UNSPACED else " ").join(ARTICLES[language].splitlines())


async def summarise(text, *models, **fields):
    """Summarise one text, by a server that has models for English and Portuguese only unless others are given."""
    fields = {"output_config": {"include_citations": True}, **fields}
    request = summarisation_service_pb2.SummariseRequest(contents=[text], **fields)
    async with serving(EchoEngine(*models)) as service:
        return (await service.summarisation.Summarise(request)).summaries[0]


async def refused(text, *models, **fields):
    async with serving(EchoEngine(*models)) as service:
        request = summarisation_service_pb2.SummariseRequest(contents=[text], **fields)
        return await failure_of(service.summarisation.Summarise(request))


@pytest.mark.parametrize("language", ARTICLES)
async def test_an_article_in_any_language_is_summarised_by_its_own_sentences(language):
    text, sentences = join(language), ARTICLES[language].splitlines()
    summary = await summarise(text)
    assert (summary.source_language_code, summary.target_language_code) == (language, language)
    assert (summary.method, summary.model) == (summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE, "")
    assert len(summary.sentences) == 3
    assert {sentence.text for sentence in summary.sentences} <= set(sentences)
    assert sentences[0] == summary.sentences[0].text
    for sentence in summary.sentences:
        span = sentence.citations[0].source_span
        assert text[span.start_offset : span.end_offset] == sentence.text
    (warning,) = summary.warnings
    assert warning.code == FALLBACK
    assert f"no installed sentence encoder covers {language}: " in warning.message


SHORT_SENTENCES = {
    "tr": """Ankara'da yeni kütüphane açıldı.
Binanın alanı yirmi bin metrekare.
Müdür Dr. Ayşe Yılmaz ziyaretçilere teşekkür etti.
Çelik fiyatları beklenenden çok yükseldi.
Kütüphane pazartesi günleri kapalı.""",
    "ru": """В Казани открыли новую библиотеку.
На церемонии выступил мэр города И. Р. Метшин.
Старое здание библиотеки передадут музею.
Летом на крыше откроется кафе.""",
    "ar": """افتتحت مكتبة جديدة في القاهرة.
قال المدير د. أحمد سالم إنه سعيد.
هل ستكفي مواقف السيارات؟
اشتكى بعض الزوار من قلتها.""",
    "hi": """नई लाइब्रेरी शनिवार को खोली गई।
पहले दिन आठ हज़ार लोग आए।
निदेशक डॉ. राम शर्मा खुश थे।
बच्चों का वाचनालय पहली मंज़िल पर है।""",
    "ko": """부산 중앙도서관이 토요일에 문을 열었다.
철강 가격이 올랐기 때문이다.
어린이 열람실은 일 층에 있다.
도서관은 월요일에 쉰다.""",
}


@pytest.mark.parametrize("language", SHORT_SENTENCES)
async def test_sentences_of_few_words_are_picked_whole_and_all_of_them_where_they_are_wanted(language):
    sentences = SHORT_SENTENCES[language].splitlines()
    text = " ".join(sentences)
    summary = await summarise(text, source_language_code=language, max_sentence_count=20)
    assert [sentence.text for sentence in summary.sentences] == sentences
    assert [warning.code for warning in summary.warnings] == [FALLBACK]
    points = await summarise(text, source_language_code=language, type="SUMMARY_TYPE_KEY_POINTS")
    assert len(points.sentences) == len(sentences) // 2
    long = await summarise(f"{join('de')} {text}", source_language_code=language, max_sentence_count=20)
    assert set(sentences) <= {sentence.text for sentence in long.sentences}


async def test_of_text_without_sentence_ends_passages_are_picked_where_it_has_spaces():
    summary = await summarise(THAI)
    assert len(summary.sentences) == 3
    assert {sentence.text for sentence in summary.sentences} <= set(THAI.split())
    assert [warning.code for warning in summary.warnings] == [FALLBACK, FALLBACK]
    assert "without sentence ends" in summary.warnings[1].message


@pytest.mark.parametrize("heading", ["สะพานเก่าจะสร้างใหม่", "ข่าววันนี้"])
async def test_a_heading_is_no_point_in_a_script_whose_sentences_have_no_mark(heading):
    lines = THAI.split()
    whole = await summarise(f"{heading}\n\n{THAI}", type="SUMMARY_TYPE_KEY_POINTS")
    lined = await summarise("\n\n".join([heading, *lines]), max_sentence_count=20)
    assert lines[0] == whole.sentences[0].text == lined.sentences[0].text
    assert heading not in {sentence.text for sentence in (*whole.sentences, *lined.sentences)}
    listed = await summarise("\n".join([heading] * 2 + ["ข่าวพรุ่งนี้"]), max_sentence_count=20, source_language_code="th")
    assert heading in {sentence.text for sentence in listed.sentences}


async def test_languages_with_an_encoder_are_ranked_by_it_beside_others_without():
    text = "The council will rebuild the bridge. It was closed two years ago. The work will take eighteen months."
    async with serving(EchoEngine()) as service:
        request = summarisation_service_pb2.SummariseRequest(contents=[text, join("de"), "12 — 13"])
        english, german, none = (await service.summarisation.Summarise(request)).summaries
    assert (english.model, list(english.warnings)) == ("models/minilm", [])
    assert (german.model, [warning.code for warning in german.warnings]) == ("", [FALLBACK])
    assert (none.text, list(none.warnings)) == ("12 — 13", [])


async def test_an_encoder_that_could_be_installed_is_named():
    engine = EchoEngine(offers=Shop(readers={("encoder", "de"): "multilingual-minilm"}))
    async with serving(engine) as service:
        request = summarisation_service_pb2.SummariseRequest(contents=[join("de"), join("my")])
        german, burmese = (await service.summarisation.Summarise(request)).summaries
    assert german.warnings[0].message.endswith("; to rank by meaning: polygist-server models pull multilingual-minilm")
    assert burmese.warnings[0].message.endswith("by their words and places alone")


async def test_in_doubt_a_text_is_in_a_language_of_the_encoder():
    """By itself the detector takes it for another one."""
    summary = await summarise("Bom dia.")
    assert summary.source_language_code == "pt"
    assert not [warning for warning in summary.warnings if warning.code == FALLBACK]


async def test_a_server_without_any_encoder_summarises():
    summary = await summarise(join("de"), EN_PT)
    assert len(summary.sentences) == 3


async def test_a_language_that_cannot_be_told_is_served_where_it_is_named():
    text = "Ewe gbe nye gbe aɖe. Wodo gbea le Ghana kple Togo. Ame geɖewo srɔ̃ gbea le suku. Wotsɔ gbea ŋlɔ agbalẽwo."
    summary = await summarise(text, source_language_code="ee", max_sentence_count=2)
    assert summary.source_language_code == "ee"
    assert len(summary.sentences) == 2


async def test_a_query_finds_its_words_in_other_forms():
    fields = {"max_sentence_count": 1, "output_config": {}}
    answer = await summarise(join("ru"), query="Что с южными магазинами?", **fields)
    assert answer.text.startswith("Владельцы магазинов на южном берегу")
    assert "and by the words of the query" in answer.warnings[0].message
    fields["max_sentence_count"] = 3
    foreign = await summarise(join("ru"), query="shops", **fields)
    assert foreign.text == (await summarise(join("ru"), **fields)).text
    assert "the query has none of their words" in foreign.warnings[0].message


@pytest.mark.parametrize(
    ("language", "query", "answer"),
    [
        ("en", "penguins", "Penguins came."),
        ("de", "Stahlpreise", "Grund waren die Stahlpreise."),
        ("ru", "кафе", "Летом откроется кафе."),
        ("zh", "停车", "停车位太少。"),
    ],
)
async def test_a_short_sentence_that_has_the_words_of_the_query_is_the_answer(language, query, answer):
    article = ENGLISH if language == "en" else ARTICLES[language]
    text = " ".join([*article.splitlines()[:4], answer, *article.splitlines()[4:]])
    fields = {"source_language_code": language, "max_sentence_count": 1}
    assert (await summarise(text, query=query, **fields)).text == answer
    assert (await summarise(text, **fields)).text == article.splitlines()[0]


@pytest.mark.parametrize(("language", "most"), [("zh", 40), ("ja", 40), ("my", 40)])
async def test_a_limit_in_words_counts_words_where_no_spaces_part_them(language, most):
    """Of about twenty words each, two sentences fit; of so many characters or of so many spaces none or all would."""
    summary = await summarise(join(language), max_word_count=most)
    assert 1 <= len(summary.sentences) <= 2
    assert [warning.code for warning in summary.warnings] == [FALLBACK]
    short = await summarise(join(language), max_word_count=5)
    assert common_pb2.WARNING_CODE_LENGTH_TARGET_MISSED in [warning.code for warning in short.warnings]


async def test_what_only_models_do_is_still_refused():
    named = await refused(join("de"), model="models/minilm")
    assert (named.reason, named.metadata["language"]) == ("CAPABILITY_UNSUPPORTED", "de")
    for fields in ({"method": "SUMMARY_METHOD_ABSTRACTIVE"}, {"type": "SUMMARY_TYPE_HEADLINE"}):
        assert (await refused(join("de"), **fields)).reason == "CAPABILITY_UNSUPPORTED"


async def test_a_summary_in_another_language_needs_a_route_there():
    summary = await summarise(
        join("de"), ENCODER, EN_PT, PT_EN, pair("de", "en"), target_language_code="pt", max_sentence_count=1
    )
    assert summary.target_language_code == "pt"
    assert summary.text.startswith("[[Der Stadtrat")
    refusal = await refused(join("de"), target_language_code="pt")
    assert (refusal.reason, refusal.metadata["source"]) == ("LANGUAGE_PAIR_UNSUPPORTED", "de")


async def test_a_stream_gives_the_same_summary():
    request = summarisation_service_pb2.SummariseRequest(contents=[join("zh")])
    async with serving(EchoEngine()) as service:
        whole = (await service.summarisation.Summarise(request)).summaries[0]
        call = service.summarisation.StreamSummarise(summarisation_service_pb2.StreamSummariseRequest(request=request))
        replies = [reply async for reply in call]
    assert "".join(reply.text_delta for reply in replies) == whole.text
    (summary,) = [reply.summary for reply in replies if reply.HasField("summary")]
    assert [warning.message for warning in summary.warnings] == [warning.message for warning in whole.warnings]
