"""Abbreviations of each language, by what a full stop behind them may mean, and the words that begin sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from polygist_service.text.suppressions import REFERENCES, SHARED_TITLES, SUPPRESSIONS, TITLES


class Abbreviation(Enum):
    """What may follow the full stop of an abbreviation inside its sentence.

    NEVER: anything; it ends none ("e.g.", "vs.", "Mr."). TITLE: a name ("Gen.", "Rev."). STREET: a name, but it may
    stand behind one too ("St. Louis", "Elm St."). REFERENCE: a number ("Fig."), or a name too. DATE: a number, or a
    name where the sentence begins with it ("In Dec. Congress"). NUMBERED: a number or a letter only, for it is a word
    as well ("no.", Portuguese "mar."). CLOSING: anything but a word that begins sentences, for it ends as many
    ("Inc.", "U.S."). TIME: what belongs to an hour ("p.m. Monday"). LAST: lower case only ("etc.").
    """

    NEVER = auto()
    TITLE = auto()
    STREET = auto()
    REFERENCE = auto()
    DATE = auto()
    NUMBERED = auto()
    CLOSING = auto()
    TIME = auto()
    LAST = auto()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is known of a language; all but `capitalised` is in lower case, and no word has its last full stop.

    Attributes:
        abbreviations: what each of them is.
        capitalised: those that are one with a capital only, being words otherwise ("Rev.", "Mass.").
        numbered: those that a number may follow, whatever else they are.
        suppressions: those of CLDR, letter for letter.
        starters: words that begin sentences far more often than they follow an abbreviation.
        certain_starters: those of them that follow no title either.
        given_names: they begin a sentence behind "Inc." or "U.S." rather than go on with it.
        lettered: nouns that a letter follows, which is no initial ("vitamin C").
        units: those behind a number, which end sentences as any word.
        speech: verbs that say who spoke.
        hours: what follows "p.m.".
        auxiliaries: verbs that follow a name with a mark ("Yahoo! is").
        subjects: pronouns; what stands before one begins a sentence ("Next we saw").
        past_endings: of verbs, where those begin sentences as the subject is in them ("Voltou em maio").
        resumptions: words that begin a sentence even without their capital.
        openers: pronouns and articles, which begin sentences where all is in capitals.
        interjections: what is exclaimed alone, and no name with a mark.
    """

    abbreviations: Mapping[str, Abbreviation]
    capitalised: frozenset[str]
    numbered: frozenset[str]
    suppressions: frozenset[str]
    starters: frozenset[str]
    certain_starters: frozenset[str]
    given_names: frozenset[str]
    lettered: frozenset[str]
    units: frozenset[str]
    speech: frozenset[str]
    hours: frozenset[str]
    auxiliaries: frozenset[str]
    subjects: frozenset[str]
    past_endings: tuple[str, ...]
    resumptions: frozenset[str]
    openers: frozenset[str]
    interjections: frozenset[str]


# Language -> kind -> words. Known from dictionaries' and style guides' lists, not tuned on any set.
ABBREVIATIONS: Mapping[str, dict[Abbreviation, str]] = {
    "en": {
        Abbreviation.NEVER: """
            mr mrs ms mx messrs mmes prof profs i.e e.g eg viz vs v cf approx esp incl excl aka a.k.a f.k.a ex p.s n.b
        """,
        Abbreviation.TITLE: """
            drs rev revd fr hon gen col maj capt cpt cmdr comdr lt sgt sgts cpl gov govs sen sens rep reps
            pres supt insp det ste mt mts ft pt adm vadm radm brig cdr lcdr ltc msgt pfc pvt spc pvts cdt ens
            comm commr amb att atty attys asst assoc dir sec treas msgr bp abp br mons cllr ald del maj.gen lt.col
            lt.gen rt ven fort pte flt sqn wg gp ph.d.student exec mgr d.a
        """,
        Abbreviation.STREET: "st dr",
        Abbreviation.REFERENCE: """
            nos vol vols pp fig figs eq eqs eqn eqns sect subsec ch chap chaps
            op proc trans bull suppl phys chem biol sci acad soc lett geophys astrophys appl engl
            ref refs pop app apt rm ext tel par para pars bk bks ser tbl pl ca c.f ver rev
        """,
        Abbreviation.DATE: """
            jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed weds thu thur thurs fri sat sun
        """,
        Abbreviation.NUMBERED: """
            no al p art arts ed eds c sec nr pt r n l vs bar cl cll doc docs deg temp tab sched lit
        """,
        Abbreviation.CLOSING: """
            inc ltd corp co cos bros assn assoc dept depts univ
            inst intl natl govt bldg mfg llc plc lp gmbh jr sr esq ave av blvd rd hwy rte pkwy pl sq ln ct ter
            cres ala ariz ark calif cal colo conn del fla ga ida ill ind kan kans ky la mass md mich minn miss
            mo mont neb nebr nev okla ore penn pa tenn tex va vt wash wis wyo ont que alta sask conf gov't int'l
            nat'l ass'n min max avg dist div est hosp jct hts
        """,
        Abbreviation.TIME: "a.m p.m am pm",
        Abbreviation.LAST: "etc et.al",
    },
    "pt": {
        Abbreviation.NEVER: """
            sr sra srs sras srta srtas sr.ª profª prof profa profs profas exmo exma exmos exmas ilmo ilma ilmos
            ilmas revmo revma v.exa v.exª v.sa v.sª v.ex vs p.ex ex p.s n.b i.e aprox dr dra drs dras drª srª mr mrs ms
            mm
        """,
        Abbreviation.TITLE: """
            eng enga engª rel engo arq arqª adv d fr frei pe sto sta st gen cel ten sgt cap maj brig alm cmte com
            gov dep deps des desª min mins ver sen pres proc prom del av r pç pça praç trav tv rod al estr lgo
            lg jd vl cond ed pq rev mons card côn ir cb sd sgto subten asp insp téc ministro secr dir coord embx
            emb cons vc ft mt lic mestr ms me phd
        """,
        Abbreviation.REFERENCE: """
            nº n.º núm nos nºs incs pp pág págs pag pags fls vol vols caps séc sécs fig figs tab tel tels
            fone ramal op ref bl qd lt cf cap obs km cep par reg proc cód
            arts
        """,
        Abbreviation.NUMBERED: """
            jan fev abr mai jun jul ago set out nov dez mar apto n no num p art inc fl ed c sec col res ap v t l al q f
            cl cls doc docs mín máx temp seç subseç lit alín anex
        """,
        Abbreviation.CLOSING: """
            ltda ltd lda cia s.a s/a inc corp co bros jr fil univ dept depto dpto depart fed est e.c h.c ind
            com assoc coop fund inst hosp soc fac esc bco
        """,
        Abbreviation.TIME: "a.m p.m am pm",
        Abbreviation.LAST: "etc a.c d.c",
    },
    "es": {
        Abbreviation.NEVER: "sr sra sres sras srta srtas dr dra dres dras d dª dña ud uds vd vds p.ej prof profa vs",
        Abbreviation.TITLE: "gral cnel cap tte sgto ing lic arq mons avda av rvdo st sto sta fr",
        Abbreviation.REFERENCE: "núm núms nº pág págs vol vols fig figs art arts cap caps tel",
        Abbreviation.CLOSING: "ee.uu s.a cía ltda inc corp jr c.a co",
        Abbreviation.TIME: "a.m p.m",
        Abbreviation.LAST: "etc",
    },
    "fr": {
        Abbreviation.NEVER: "m mm mme mlle dr p.ex vs cf mr",
        Abbreviation.TITLE: "st ste me mgr prof gén col cap lt av bd boul",
        Abbreviation.NUMBERED: "vol p pp art no nos fig figs chap tél",
        Abbreviation.CLOSING: "inc corp ltd jr s.a cie",
        Abbreviation.LAST: "etc",
    },
    "de": {
        Abbreviation.NEVER: "hr hrn fr dr prof z.b d.h vgl bzw ca inkl exkl sog ggf evtl insb usf i.d.r u.a mr mrs",
        Abbreviation.TITLE: "st gen dipl ing mag lic phil med jur rer nat hl geb",
        Abbreviation.NUMBERED: "art s",
        Abbreviation.REFERENCE: "nr nrn abs abb kap bd tel tab hausnr jan feb apr jun jul aug sept okt nov dez",
        Abbreviation.CLOSING: "inc corp ltd co jr v.chr n.chr str",
        Abbreviation.LAST: "etc usw",
    },
    "it": {
        Abbreviation.NEVER: "sig sigg sig.ra dott dott.ssa prof prof.ssa dr avv ing arch geom rag on mons es p.es cfr",
        Abbreviation.TITLE: "gen col cap ten magg card st s ss",
        Abbreviation.REFERENCE: "n nn pag pagg vol fig art artt cap tel",
        Abbreviation.CLOSING: "inc corp ltd s.p.a s.r.l jr",
        Abbreviation.LAST: "ecc etc",
    },
    "ru": {
        Abbreviation.NEVER: "т.е т.н проф акад доц см ср напр св",
        Abbreviation.TITLE: "ул пр просп пл пер наб гр тов ген полк кап обл дер пос ред",
        Abbreviation.REFERENCE: "стр рис гл табл тел ст",
        Abbreviation.CLOSING: "им",
    },
}
CAPITALISED: Mapping[str, str] = {
    "en": """
        mass miss wash ore ill ind ala ark cal colo conn del fla ga ida kan kans ky la md mich minn mo mont neb nebr nev
        okla penn pa tenn tex va vt wis wyo ont que alta sask rep reps sec exec app par mar fort rev bar co cos pl ct
        ref refs pop fig figs chap apt phys chem biol sci acad soc lett appl min max ms mon wed fri sat sun
    """,
    "pt": "com ver me frei ir del ms tv ramal fone par",
    "es": "d m cap av",
    "fr": "me st ste m mm prof col cap",
    "de": "fr st gen mag lic",
    "it": "on es ten col cap gen s",
}
# Of CLDR's suppressions: what is a word of the language as well.
WORDS: Mapping[str, str] = {
    "de": """
        Port Alt Di So Sa am Mo Akt Best Test Do Max PIN Temp Min Mod Mi Trans Ben Chin Int z r s u b od Rel
        Prot Art
    """,
    "es": """
        may Kit Rol Fabric Sol Bien RAM SA DC CA MM Korn Ant All Em Da dom mar col doc ms vie ed fig vid MM Seg
        PP Reg
    """,
    "fr": "mer mar sam ven ill dim All Mart DC doc aux jeu coll var lun",
    "it": "on int ver Liv All tab arch vol DC tav div p ag",
    "ru": "",
}
CERTAIN_STARTERS: Mapping[str, str] = {
    "en": """
        the a an he she it they we i you this that these those there his her its their our my your who what when
        where why how which but and if then
    """,
    "pt": """
        o a os as um uma uns umas ele ela eles elas eu nós você vocês isso isto aquilo este esta estes estas
        esse essa esses essas aquele aquela aqueles aquelas seu sua seus suas meu minha mas quando onde como
        porque quem
    """,
    "es": """
        el la los las un una unos unas él ella ellos ellas yo nosotros usted esto eso este esta ese esa su sus
        pero y
    """,
    "fr": "le la les un une des il elle ils elles on nous vous je ce cet cette ces son sa ses leur mais et c l",
    "de": "der die das ein eine einen er sie es wir ihr ich dies diese dieser dieses aber und doch sein seine ihre",
    "it": "il lo la i gli le un uno una egli lui lei loro essi noi io questo questa quello quella ma e l suo sua",
    "ru": "он она оно они мы вы я ты это этот эта эти но и а",
}
STARTERS: Mapping[str, str] = {
    "en": """
        however meanwhile still now today yesterday tomorrow tonight after before while in on at for from with
        since as by to until although though because so or nor yet such some many most all both each every few
        several another other others one two three no not nobody nothing none everyone everybody someone
        somebody anyone whoever whose whom whether unless here also perhaps maybe once only even instead later
        earlier finally please let do does did is are was were can could would should have has had yes ok well
        oh according despite during between among against about through without within like unlike given thus
        therefore hence moreover furthermore nevertheless nonetheless indeed of its it's soon again never always
        often sometimes usually anyway just much more less mine ours something millions thousands hundreds
        dozens anything everything ever else too upon whatever whenever wherever neither either half later
        following based due additionally consequently otherwise similarly likewise overall currently recently
        previously initially eventually suddenly unfortunately fortunately sadly luckily surely clearly
        apparently obviously officials critics experts police residents people shares sales get take go see read
        call ask look turn click visit come try make keep follow check contact remember note
    """,
    "pt": """
        não sim também já ainda agora hoje ontem amanhã depois antes enquanto em no na nos nas num numa por para
        com sem sob sobre desde até entre após contra durante segundo conforme embora e ou nem que se pois
        portanto assim então porém contudo todavia entretanto todos todas todo toda cada alguns algumas alguém
        ninguém nada tudo muitos muitas muito muita poucos poucas outro outra outros outras mesmo apenas só
        talvez aqui ali lá do da dos das de ao à aos às pelo pela pelos pelas nesse nessa neste nesta nisso
        naquele naquela desse dessa deste desta disso aliás além apesar caso logo sempre nunca jamais quanto
        qual quais cujo há havia houve foi era são é está estava estão tem têm tinha ser vamos vai pode podem
        deve foram eram seria nosso nossa dois duas três ambos ambas mais menos tanto nenhum nenhuma quase bem
        mal afinal enfim finalmente infelizmente felizmente atualmente recentemente posteriormente anteriormente
        inicialmente antigamente dele dela deles delas disse moradores especialistas veja leia siga ligue peça
        vá venha faça confira acesse saiba lembre autoridades quer porquê minhas meus nossos nossas me te
    """,
    "es": """
        en no por para con sin si cuando donde como que se también ya aún ahora hoy ayer mañana después antes
        mientras desde hasta entre tras según aunque o ni pues así entonces todos todas cada algunos muchos otro
        otra otros sólo solo tal vez quizá aquí allí del de al a lo más menos nadie nada hay fue era es está su
        me te le nos les
    """,
    "fr": """
        en dans pour par sur avec sans si quand où comme que qui aussi déjà encore maintenant aujourd hier
        demain après avant depuis entre selon bien donc alors ainsi tous toutes chaque plusieurs certains autre
        ici de du à au aux ne pas plus moins personne rien d j s n m qu est ont sont cela ça notre votre mon ma
        mes
    """,
    "de": """
        in im am an auf für mit ohne von vom zu zum zur bei beim nach vor seit bis wenn als wie wo wer was warum
        weil da dann so nun jetzt heute gestern morgen auch noch nicht nur alle viele einige jeder man kein
        keine hier dort trotz während wegen durch gegen unter über aus oder denn daher deshalb dabei damit
        danach mein unser jedoch allerdings außerdem zudem bereits immer nie sehr mehr
    """,
    "it": """
        in nel nella nei nelle per con senza se quando dove come che chi anche già ancora adesso oggi ieri
        domani dopo prima mentre da dal dalla di del della a al alla tra fra o né dunque quindi così allora
        tutti tutte ogni alcuni molti altro altri solo forse qui non più meno nessuno niente è sono era ha hanno
        si ci c d
    """,
    "ru": """
        в во на с со к ко по из за от до о об у не ни да или если когда где как что кто почему потому также уже
        ещё еще теперь сейчас сегодня вчера завтра потом после перед однако все всё каждый многие другие только
        может здесь там его её их наш мой так тогда затем для при
    """,
}
# The commonest of both languages.
GIVEN_NAMES = """
    james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony
    mark donald steven paul andrew joshua kenneth kevin brian edward ronald timothy jason jeffrey ryan jacob
    gary nicholas eric jonathan stephen larry justin scott brandon benjamin samuel frank gregory raymond
    alexander patrick jack dennis jerry mary patricia jennifer linda elizabeth barbara susan jessica sarah karen
    lisa nancy betty margaret sandra ashley kimberly emily donna michelle carol amanda melissa deborah stephanie
    rebecca laura sharon cynthia kathleen amy angela anna emma olivia alice helen julia peter tom bob bill jim
    joe sam ben dan tim mike steve dave kate jane ann anne maria josé joão antônio antónio francisco carlos
    paulo pedro lucas luiz luís marcos gabriel rafael daniel marcelo bruno eduardo felipe filipe rodrigo manuel
    mateus andré fernando fábio leonardo gustavo guilherme tiago thiago ricardo sérgio roberto jorge miguel rui
    nuno hugo vasco ana adriana juliana márcia fernanda patrícia aline sandra camila amanda bruna jéssica
    letícia luciana vanessa mariana gabriela vera beatriz catarina inês joana marta rita sofia teresa isabel
    helena carla cláudia lúcia rosa marina renata silvia sílvia clara luísa alberto álvaro henrique
"""
LETTERED: Mapping[str, str] = {
    "en": """
        vitamin vitamins plan grade hepatitis type group class section appendix figure exhibit option team
        series letter point level category schedule part table stage phase block zone line gate terminal
        platform room column row note notes key side unit ward wing hall pool bracket division flu influenza
        omega factor annex annexe chapter item question answer protein step lot form an a grades i'm got
        scenario suite door building seat drive size cup
    """,
    "pt": """
        vitamina vitaminas plano nota hepatite tipo grupo classe seção secção apêndice figura opção time equipe
        equipa série letra ponto nível categoria parte tabela fase bloco zona linha portão terminal plataforma
        sala coluna gripe alternativa item anexo setor sector ala turma prova lote quadra questão resposta etapa
        torre prédio vila fator curva cenário exemplo cartão faixa chave um uma nível lado unidade pavilhão
        proteína influenza
    """,
    "es": """
        vitamina plan hepatitis tipo grupo clase sección opción serie letra nivel categoría parte fase zona
        anexo
    """,
    "fr": """
        vitamine plan hépatite type groupe classe section option série lettre niveau catégorie partie phase zone
    """,
    "de": """
        vitamin plan hepatitis typ gruppe klasse abschnitt option serie buchstabe stufe kategorie teil phase
        zone
    """,
    "it": """
        vitamina piano epatite tipo gruppo classe sezione opzione serie lettera livello categoria parte fase
        zona
    """,
    "ru": "витамин план гепатит тип группа класс",
}
UNITS = """
    ft lb lbs oz mi hr hrs min mins sec secs yd yds in mph km cm mm kg gal pt qt seg s h m g l t sq c mo st см мм кг км
"""
SPEECH: Mapping[str, str] = {
    "en": """
        said says asked asks replied replies answered answers shouted shouts cried cries yelled whispered
        exclaimed wondered inquired enquired demanded screamed called muttered added joked quipped laughed
        sighed wrote writes tweeted told insisted repeated responded retorted mused beams beamed begged roared
        snapped murmured thought thinks
    """,
    "pt": """
        disse diz perguntou pensou pergunta respondeu responde gritou grita exclamou exclama questionou indagou
        murmurou sussurrou acrescentou brincou escreveu quis berrou pediu implorou comentou afirmou repetiu
        retrucou reclamou
    """,
    "es": "dijo dice preguntó pregunta respondió gritó exclamó añadió contestó",
    "fr": "dit demanda demande répondit cria s'écria ajouta",
    "de": "sagte fragte rief antwortete schrie meinte",
    "it": "disse chiese domandò rispose gridò esclamò",
    "ru": "сказал сказала спросил спросила ответил ответила крикнул",
}
HOURS: Mapping[str, str] = {
    "en": """
        monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays
        saturdays sundays january february march april may june july august september october november december
        jan feb apr aug sept oct nov dec mon tue tues wed thu thurs fri sat sun eastern pacific central mountain
        greenwich atlantic alaska hawaii local london tokyo beijing paris moscow gmt utc est edt et ct mt pt pst
        pdt cst cdt mst mdt bst cet cest ist jst aest am pm
    """,
    "pt": "gmt utc brt bst est edt et brasília lisboa",
}
AUXILIARIES: Mapping[str, str] = {
    "en": "is was are were has had will would can could may might did does became remains remained",
    "pt": "é foi era está estava tem teve tinha vai será são foram pode podia fez faz",
}
SUBJECTS: Mapping[str, str] = {"en": "he she it they we you i", "pt": "ele ela eles elas eu nós"}
PAST_ENDINGS: Mapping[str, str] = {"pt": "ou aram eram iram avam"}
RESUMPTIONS: Mapping[str, str] = {
    "en": """
        i it he she we you they this that what how why who when where there so but if please thanks thank just any
        anyone my your its im don
    """,
    "pt": "ele ela eles elas eu isso que como por quem mas onde quando você alguém nós não",
}
# Of the certain starters: what joins clauses as well.
CONNECTIVES: Mapping[str, str] = {
    "en": "who what when where why how which but and if then that",
    "pt": "mas quando onde como porque quem",
    "es": "pero y",
    "fr": "mais et",
    "de": "aber und doch",
    "it": "ma e",
    "ru": "но и а",
}
INTERJECTIONS: Mapping[str, str] = {
    "en": """
        wow oh ah aha hey hi hello goodbye bye stop help thanks okay great good nice cool awesome amazing excellent
        perfect beautiful wonderful fantastic brilliant super fun love loved ugh yay hooray hurray congratulations
        congrats sorry welcome wait listen run bravo damn gosh god jesus hell sure right really indeed absolutely
        definitely exactly true wrong enough fire quick hurry silence attention beware careful shame nonsense
        alas ouch oops cheers best worst enjoy fabulous delicious terrible horrible recommended everything day luck
    """,
    "pt": """
        nossa opa oi olá adeus viva ufa puxa parabéns obrigado obrigada cuidado atenção silêncio fogo socorro basta
        chega pare espere espera ei ai ui uau oba bravo claro certo exato exatamente verdade mentira calma força
        coragem ótimo ótima bom boa excelente perfeito perfeita maravilhoso incrível lindo linda bora vamos tchau
        ah oh eita caramba droga deus credo desculpe desculpa feliz bem-vindo
    """,
}
# What a number may follow.
NUMBERED = (Abbreviation.NUMBERED, Abbreviation.REFERENCE, Abbreviation.DATE)


@cache
def lexicon(language: str) -> Lexicon:
    """Return what is known of a language, by its base tag; of others, hardly anything."""
    lists = ABBREVIATIONS.get(language) or list_titles(language)
    # A word in several lists is what the first of them says.
    abbreviations = {word: kind for kind, listed in reversed(lists.items()) for word in words(listed)}
    certain = words(CERTAIN_STARTERS.get(language, ""))
    suppressed = words(SUPPRESSIONS.get(language, "")) - words(WORDS.get(language, ""))
    return Lexicon(
        abbreviations=abbreviations,
        capitalised=words(CAPITALISED.get(language, "" if language in ABBREVIATIONS else list_capitalised(language))),
        numbered=words(" ".join(lists.get(kind, "") for kind in NUMBERED)),
        suppressions=frozenset(each.rpartition("_")[2] for each in suppressed),
        starters=words(STARTERS.get(language, "")) | certain,
        certain_starters=certain,
        given_names=words(GIVEN_NAMES),
        lettered=words(LETTERED.get(language, "")),
        units=words(UNITS),
        speech=words(SPEECH.get(language, "")),
        hours=words(HOURS.get(language, "")),
        auxiliaries=words(AUXILIARIES.get(language, "")),
        subjects=words(SUBJECTS.get(language, "")),
        past_endings=tuple(sorted(words(PAST_ENDINGS.get(language, "")))),
        resumptions=words(RESUMPTIONS.get(language, "")),
        openers=certain - words(CONNECTIVES.get(language, "")),
        interjections=words(INTERJECTIONS.get(language, "")),
    )


def list_titles(language: str) -> dict[Abbreviation, str]:
    """Return the abbreviations of a language of which only the titles are known, and what stands before numbers."""
    return {
        Abbreviation.NEVER: TITLES.get(language, "").lower(),
        Abbreviation.TITLE: SHARED_TITLES.lower(),
        Abbreviation.NUMBERED: REFERENCES.get(language, ""),
    }


def list_capitalised(language: str) -> str:
    """Return those of its titles that are listed with a capital only, in lower case."""
    own = words(TITLES.get(language, ""))
    return " ".join(each.lower() for each in words(SHARED_TITLES) | own if each.lower() not in own)


def words(listed: str) -> frozenset[str]:
    """Return the words of a list that white space parts."""
    return frozenset(listed.split())
