"""What boilerplate is told by, in English and Portuguese; regular expressions in one string, single words in sets."""

import re


def words(text: str) -> frozenset[str]:
    """Return the words of a list that white space parts."""
    return frozenset(text.split())


def alternatives(text: str) -> str:
    """Return a regular expression for the lines of `text`, each of which is one, or several that bars part."""
    return "|".join(re.sub(r"\s+\|\s+", "|", line.strip()) for line in text.strip().splitlines())


def by_first_word(*phrases: str) -> dict[str, list[str]]:
    """Return phrases under the first word of each."""
    found: dict[str, list[str]] = {}
    for phrase in phrases:
        found.setdefault(phrase.partition(" ")[0], []).append(phrase)
    return found


# What a colon behind it makes a label of.
LABELS = alternatives(
    r"""
    (?:main|file|lead|cover|top)?\s*(?:photo|photograph|picture|image|video|illustration|graphic)s?
    image\s+(?:caption|source|copyright|credit)s? | photo\s+credits?
    pictured | photography | caption | credits? | sources? | share(?:\s+this)? | related | topics? | tags? | contact
    watch(?:\s+(?:live|now|more))? | listen(?:\s+now)? | words | text | reporting | writing | editing
    live(?:\s+(?:feed|blog|updates))? | corrections? | clarification | editor['’]?s['’]?\s+note
    read\s+(?:more|also|next|on) | see\s+also | more\s+on\s+this(?:\s+story)? | more\s+from\s+\w+ | most\s+read
    you\s+may\s+also\s+like | recommended(?:\s+reading)?(?:\s+from\s+around\s+the\s+web)? | don['’]?t\s+miss
    about\s+the\s+authors? | advertisement | sponsored(?:\s+(?:content|by))? | follow(?:\s+us)? | you\s+are\s+here
    (?:left|right|above|below|top|bottom|clockwise\s+from\s+[\w ]{3,20})
    fotos? | fotografias? | imagens? | imagem | vídeos? | ilustraç(?:ão|ões) | infografia | legenda
    créditos? | fontes? | partilh(?:ar|e) | compartilh(?:ar|e) | temas? | tópicos | contactos? | contatos?
    textos?(?:\s+e\s+fotos?)? | reportagem | edição | redação | assista | ouça | ao\s+vivo | correç(?:ão|ões)
    errata
    nota\s+(?:da\s+redação|do\s+editor) | leia\s+(?:também|mais) | ler\s+(?:também|mais) | veja\s+(?:também|mais)
    saiba\s+mais | confira(?:\s+também)? | mais\s+lid[ao]s | relacionad[ao]s | recomendad[ao]s | não\s+perca
    sobre\s+[oa]s?\s+autor(?:es|as|a)? | publicidade | patrocinado | siga(?:-nos)? | você\s+está\s+em | está\s+em
    """
)
CAPTION_STARTS = alternatives(
    r"""
    left\s+to\s+right\b | from\s+left(?:\s+to\s+right)?\s*[:,] | clockwise\s+from\b | file\s+(?:photo|picture)\b
    pictured\s+(?-i:[A-Z])
    (?:in\s+)?this\s+(?:file\s+)?(?:photo|image|picture)\s+(?:provided|released|taken|shows)\b
    da\s+esquerda\s+para\s+a\s+direita\b | na\s+(?:foto|imagem|fotografia)(?:\s+[àa]cima)?\s*[:,]
    (?:foto|imagem|fotografia)\s+(?:de\s+arquivo|ilustrativa)\b | image\s+(?:source|copyright|caption)\b
    """
)
CREDITS = alternatives(
    r"""
    (?:ap\s+)?photo(?:graph)?(?:s|y)? | (?:all\s+)?photographs? | pictures? | images? | illustrations? | credits?
    fotos? | fotografias? | imagem | imagens | créditos?(?:\s+das?\s+imagens?)? | ilustração | reprodução
    divulgação
    """
)
AGENCIES = alternatives(
    r"""
    reuters | afp | epa(?:-efe)? | efe | ap | ap\s+photo | pa(?:\s+(?:wire|media))? | getty(?:\s+images)?
    shutterstock | alamy(?:\s+stock\s+photo)? | lusa | agência\s+\w+ | bloomberg | istock | unsplash | folhapress
    """
)
# No credit is without one of these: the others are looked at for nothing.
CREDIT_CUES = (
    *("photo", "foto", "picture", "image", "illustration", "credit", "imagem", "imagens", "crédito", "ilustração"),
    *("reprodução", "divulgação", "reuters", "afp", "epa", "efe", "/ap", "(ap", "/pa", "(pa", "getty", "shutterstock"),
    *("alamy", "lusa", "agência", "bloomberg", "istock", "unsplash", "folhapress"),
)
BYLINE_STARTS = alternatives(
    r"""
    by | (?:written|reported|edited|illustrated|compiled|produced|photographed|updated|posted)\s+by
    (?:story|text|report|photos?|pictures?|video|graphics?|interview)\s+(?:and\s+\w+\s+)?by
    from\s+our\s+(?:own\s+)?correspondents?,?(?:\s+in)? | por
    (?:escrit|editad|publicad|ilustrad|produzid|atualizad)[oa]\s+por
    (?:reportagem|textos?|fotos?|edição|entrevista)(?:\s+e\s+\w+)?\s+(?:de|por)
    com(?=\s+(?:Lusa|Reuters|AFP|EFE|Agência))
    """
)
# What says who did which part of the work; no sentence of an article begins so.
WORK_STARTS = alternatives(
    r"""
    (?:additional\s+|further\s+)?(?:reporting|writing|editing)\s+(?:and\s+\w+\s+)?by\b | words\s+by\b
    with\s+(?:additional\s+)?(?:reporting|contributions)\s+(?:by|from)\b
    colabor(?:ou|aram)\s+(?:(?:para|n)\w*\s+)?(?-i:[A-ZÀ-Ý]) | (?:da\s+redação,\s+)?com\s+informações\s+d
    da\s+redação(?:,|\s*$) | com\s+(?:a\s+)?colaboração\s+d | com\s+(?:lusa|agências?|reuters|afp)\s*(?:,|\be\b|$)
    """
)
ROLES = alternatives(
    r"""
    reporters? | journalists? | correspondents? | columnists? | editors? | writers? | photographers? | producers?
    contributors? | fellow | critic | blogger | presenter | professor(?:a|es|as)?
    repórter(?:es)? | jornalistas? | correspondentes? | colunistas? | editor(?:a|es|as)? | fotógraf[oa]s?
    redator(?:a|es)? | colaborador(?:a|es)? | enviad[oa]s? | crític[oa] | escritor(?:a|es)?
    """
)
# What a biography has besides a role, and a sentence about somebody in the news has not.
BIOGRAPHIES = alternatives(
    r"""
    \b(?:who|and)\s+(?:covers|writes|reports|specialises|specializes)\b | \bfreelance\b | \bwhose\s+work\s+has
    \b(?:our|this|the)\s+(?:paper|newspaper|magazine|site|website)(?:['’]s)?\b
    \bour\s+\w*\s*(?:correspondent|editor)
    \bauthor\s+of\b | \b(?:que|e)\s+(?:cobre|escreve|assina)\b | \b(?:do|deste|neste|no)\s+(?:jornal|site|portal)\b
    \bautora?\s+de\b
    """
)
AMONG_NAMES = words(
    """
    by and with for in at the of our from text words photos photographs pictures illustrations video report editor
    correspondent reporter staff writer writers political chief special environment photography edited written
    por e com para em no na de da do dos das o a os as texto fotos fotografias ilustração edição reportagem enviado
    enviados especial especiais editor editora repórter jornalista correspondente escrito redação
    """
)
STAMPS = alternatives(
    r"""
    (?:first\s+|last\s+|originally\s+)?(?:published|updated|modified|posted|amended)
    (?:publicad|atualizad|actualizad|postad|modificad|criad)[oa](?:\s+originalmente)?
    última\s+(?:atualização|modificação) | data\s+de\s+publicação
    """
)
READING_TIMES = alternatives(
    r"""
    \b\d{1,3}[\s-]*min(?:ute)?s?[\s-]+(?:read|listen|watch|video)\b | \breading\s+time\b
    \bleitura\s*(?:de|:)?\s*\d{1,3}\s*min | \b\d{1,3}\s*min(?:utos?)?\s+(?:de\s+leitura|para\s+ler)\b
    \btempo\s+(?:estimado\s+)?de\s+leitura\b
    """
)
READING_CUES = ("min", "reading time", "tempo")
COUNTED = alternatives(
    r"""
    comments? | shares? | likes? | views? | replies | votes? | followers
    comentários? | partilhas? | compartilhamentos? | curtidas? | visualizaç(?:ão|ões) | gostos?
    """
)
# What only boilerplate says.
PHRASES = alternatives(
    r"""
    (?<!\w)©\s | \ball\s+rights\s+reserved\b | \btodos\s+os\s+direitos\s+reservados\b
    ^\W*+copyright\s+(?:©\s*|\(c\)\s*)?\d{4}
    \bmay\s+not\s+be\s+(?:published|reproduced|copied),?\s+(?:broadcast|rewritten|reproduced|copied|or|in\s+whole|without)\b
    \bwithout\s+(?:prior\s+|written\s+|the\s+)?permission\s+of\s+th(?:e|is)\s+(?:agency|publisher|author)
    ^\W*+(?:este\s+material|este\s+conteúdo|esta\s+matéria)\s+não\s+pode\s+ser\b | \bproibida\s+a\s+reprodução\b
    \b(?:contributed|reporting)\s+to\s+this\s+(?:report|article|story)\b
    \bcontribu(?:iu|íram)\s+para\s+est[ea]\s+(?:reportagem|artigo|texto|matéria)
    \bthis\s+(?:article|story|report|piece|post)\s+(?:was|has\s+been)\s+(?:first|originally|last)\b
    \bthis\s+(?:article|story|report|piece|post)\s+(?:was|has\s+been)\s+(?:amended|corrected|updated|published|edited)\b
    \b(?:article|story|report)\s+(?:was|has\s+been)\s+(?:first|originally|last)\s+(?:amended|updated|published)\b
    \best[ea]\s+(?:artigo|texto|matéria|reportagem|notícia)\s+foi\s+originalmente\b
    \best[ea]\s+(?:artigo|texto|matéria|reportagem|notícia)\s+foi\s+(?:corrigid|atualizad|alterad|publicad|editad)[oa]\b
    \b(?:an?\s+)?(?:earlier|previous)\s+version\s+of\s+this\b | \bversão\s+anterior\s+(?:deste|desta)\b
    \b(?:article|story|content)\s+continues\b | \b(?:a\s+)?(?:matéria|notícia|artigo|texto)\s+continua\b
    \bcontinua\s+(?:depois|após|a\s+seguir)\b.{0,20}\bpublicidade\b
    \b(?:opinions?|views)\s+expressed\s+(?:here|in\s+this|are)\b | \bopiniões\s+expressas\b
    \bdo(?:es)?\s+not\s+necessarily\s+reflect\b | \bnão\s+reflete[mn]?\s+necessariamente\b
    \bnot\s+responsible\s+for\s+the\s+content\b | \bnão\s+se\s+responsabiliza\s+pelo\s+conteúdo\b
    \bopens\s+in\s+(?:a\s+)?new\s+(?:window|tab)\b | \babre\s+(?:em|num|numa)\s+nova\s+(?:janela|aba)\b
    \b(?:exclusively?|only)\s+(?:available\s+)?(?:for|to)\s+(?:our\s+)?subscribers\b
    \bexclusiv[oa]s?\s+(?:para|de|a)\s+(?:os\s+)?assinantes\b
    \blive\s+blog\s+(?:is|has)\s+(?:now\s+)?(?:been\s+)?closed\b
    \bcomments\s+(?:are|on\s+this\s+\w+\s+are)\s+(?:now\s+)?(?:open|closed)\b
    \bcomentários\s+(?:estão|foram)\s+(?:abertos|fechados|encerrados)\b
    \bearn\s+(?:a|an\s+affiliate)\s+commission\b
    \breceber\s+uma\s+comissão\b | \bletters?\s+to\s+the\s+editor\s+(?:should|may|can)\b
    \bcartas\s+a[oà]\s+(?:diretora?|redação)\s+(?:devem|podem)\b
    \b(?:already|not)\s+a\s+(?:subscriber|member)\b | \bjá\s+é\s+assinante\b | \bbe\s+the\s+first\s+to\s+comment\b
    """
)
# Each of these phrases has one of these words: the others are looked at for nothing.
PHRASE_WORDS = words(
    """
    reserved reservados copyright published reproduced copied permission material conteúdo matéria reprodução report
    article story report piece post artigo texto reportagem notícia version versão content continua publicidade
    expressed expressas reflect refletem reflete responsible responsabiliza opens abre subscribers assinantes blog
    comments comentários commission comissão editor diretor diretora redação subscriber member assinante comment
    """
)
# What begins nothing but boilerplate, unless somebody is reported to say it.
STARTS = alternatives(
    r"""
    share\s+(?:this|on|via|it)\b | (?:tweet|email|print)\s+(?:this|it)\b | (?:partilhe|compartilhe)\b
    copy\s+link\b | copiar\s+link\b
    (?:click|tap)\s+(?:here|below|to\s+(?:share|read|watch|see|play|subscribe))\b
    clique\s+(?:aqui|para|em|no|na|abaixo)\b | scroll\s+down\b.{0,30}$ | swipe\s+(?:left|right|up|to)\b
    sign\s+(?:up|in)\s+(?:to|for|now|here|today|with)\b | log\s+in\b
    (?:subscribe|subscreva|assine|inscreva-se|cadastre-se|registe-se)\b
    follow\s+us\b | siga-n[oa]s\b | read\s+(?:more|also|next)\b | see\s+also\b | (?:leia|ler)\s+(?:mais|também)\b
    veja\s+(?:mais|também)\b
    saiba\s+mais\b | media\s+playback\b | skip\s+to\b | (?:saltar|ir|pular)\s+para\s+o\s+conteúdo\b
    back\s+to\s+top\b | voltar\s+ao\s+topo\b
    by\s+(?:clicking|continuing|using\s+(?:this|our))\b
    ao\s+(?:clicar|continuar\s+a\s+navegar|continuar\s+navegando|prosseguir)\b
    don['’]t\s+miss\s+(?:our|the|a)\b | não\s+perca\b
    (?:do\s+you\s+have|got)\s+a\s+(?:story|tip|question|news\s+tip)\b
    tem\s+(?:uma|alguma)\s+(?:história|sugestão|dica|denúncia|pergunta)\b | have\s+your\s+say\b
    join\s+the\s+(?:conversation|discussion|debate)\b
    (?:liked|enjoyed|enjoying)\s+this\b | gostou\s+d | advertisement\b | publicidade\s*(?:$|[-–—:])
    sponsored\s+content\b
    article\s+continues\b | most\s+(?:read|popular)\b | thanks?\s+(?:you\s+)?for\s+reading\b
    obrigado\s+por\s+ler\b
    """
)
LINK_HEADINGS = alternatives(
    r"""
    related(?:\s+(?:articles|stories|topics|links|content|coverage))? | read\s+(?:more|next|also) | see\s+also
    (?:most|more)\s+(?:read|popular|viewed|from\s+[\w ]{3,30}|on\s+this(?:\s+story)?)
    you\s+(?:may|might)\s+also\s+like
    recommended(?:\s+(?:for\s+you|stories|articles|reading))? | (?:top|latest)\s+(?:stories|news)
    trending(?:\s+now)?
    (?:artigos|notícias|matérias|conteúdos?|temas|links)\s+relacionad[oa]s? | mais\s+lid[oa]s
    leia\s+(?:mais|também)
    veja\s+(?:mais|também) | saiba\s+mais | recomendad[oa]s(?:\s+para\s+(?:si|você))? | últimas(?:\s+notícias)?
    em\s+destaque
    """
)
REPORTING = words(
    """
    said says told tells according announced reported warned argued believe believes explained added
    decided ruled wrote claimed urged found asked
    disse disseram diz dizem afirma afirmam afirmou afirmaram segundo anuncia anunciou anunciaram explica explicou
    acrescenta acrescentou decidiu decidiram alerta alertou defende defendeu defendem contou revela revelou acusa
    acusam acusou escreveu pediu
    """
)
FINITE_VERBS = alternatives(
    r"""
    is | are | was | were | be | has | had | have | will | would | can | could | may | might | must | shall | should
    does | did | do
    came | went | took | made | began | fell | rose | won | lost | left | gave | became | ran | led | knew | thought
    é | são | foi | foram | era | eram | está | estão | estava | tem | têm | tinha | vai | vão | há | houve | pode
    podem | deve | devem
    proíbe | obriga | permite | mostra | conta | prevê | fica | sai | entra | abre | fecha
    \w{2,}(?:ou|aram|eram|iram|ará|erá|irá|arão|erão|irão|ava|avam)
    """
)
# What points at the page itself.
DEIXIS = alternatives(
    r"""
    this\s+(?:article|story|page|site|website|post|content|newspaper|paper|service|link|video|form)
    on\s+(?:our|this)\s+(?:site|page)
    below
    (?:est[ea]|dest[ea]|nest[ea])\s+(?:artigo|texto|site|sítio|página|jornal|conteúdo|matéria|reportagem|notícia|vídeo|formulário)
    abaixo
    """
)
FIRST_PERSON = words(
    "we our ours us we're we'll nós nosso nossa nossos nossas utilizamos usamos enviaremos podemos precisamos"
)
SECOND_PERSON = words("you your yours yourself you're you'll você vocês teu tua teus tuas")
# These are of you or of anybody: they count where a formal address begins the sentence, or something else speaks.
POSSESSIVES = words("seu sua seus suas lhe si consigo")
FORMAL_STARTS = words("pode poderá já parece se quer")
# Single words and pairs that hardly anything but boilerplate has in a sentence to its reader.
STRONG = by_first_word(
    *("newsletter", "newsletters", "inbox", "subscribe", "unsubscribe", "subscription", "subscriber", "subscribers"),
    *("ad blocker", "adblocker", "app store", "google play", "javascript", "notifications", "terms of use"),
    *("terms and conditions", "privacy policy", "privacy settings", "cookie notice", "cookie policy", "free trial"),
    *("free articles", "log in", "sign in", "sign up", "our journalism", "our newsroom", "our reporters"),
    *("legitimate interest",),
    *("personal data", "your privacy", "sua privacidade", "email address", "e-mail address", "breaking news"),
    *("unlimited access",),
    *("assinante", "assinantes", "assinatura", "inicie sessão", "faça login", "crie uma conta", "dados pessoais"),
    *("política de privacidade", "política de cookies", "termos de utilização", "termos de uso"),
    *("bloqueador de anúncios", "notificações", "interesse legítimo"),
    *("artigos gratuitos", "acesso ilimitado", "nosso jornalismo", "nossa redação", "nossos repórteres", "última hora"),
    *("nosso aplicativo", "nosso canal", "canal do whatsapp"),
)  # fmt: skip
WEAK = words(
    """
    cookie cookies consent privacy partners device devices browser ads adverts advertising settings preferences data
    technologies experience website site page pages link links content video geolocation identification permission
    email e-mail account register app apps alerts podcast podcasts newsroom headlines readers articles stories
    facebook twitter instagram whatsapp telegram linkedin youtube tiktok comments comment friends offer offers cancel
    digital download trial member membership premium supporters journalism reporting newspaper choices purposes
    cookie consentimento privacidade parceiros dispositivo dispositivos aparelho navegador anúncios definições
    preferências dados tecnologias experiência navegação site página ligações conteúdo conteúdos vídeo autorização
    conta aplicativo aplicação alertas redação manchetes leitores artigos reportagens histórias notícias comentários
    comentário amigos oferta cancelar celular doação jornal jornalismo repórteres fidelização whatsapp
    """
)
SECTIONS = words(
    """
    home news sport sports weather travel business culture opinion jobs menu search sections sign register login
    newsletters podcasts games crosswords contact about advertise privacy terms cookie cookies sitemap help share copy
    print save facebook twitter iplayer sounds accessibility navigation live video world politics
    início notícias esportes esporte desporto cultura economia opinião vídeos assine assinar entrar pesquisar buscar
    seções secções cadastre-se jogos mundo país política contactos contatos publicidade termos privacidade capa
    imprimir copiar partilhar compartilhar guardar estatuto ficha
    """
)
POLITE = words("please just now also por favor agora também")
COMMANDS = words(
    """
    subscribe share tweet follow download click tap get join support donate become try read watch listen turn enable
    disable unlock continue choose enter check see receive register start contact email send sign log visit accept
    manage discover explore browse consider stay sign-up tell add switch
    subscreva assine partilhe compartilhe siga baixe descarregue clique receba experimente ative active desative leia
    veja saiba ouça assista participe inscreva-se cadastre-se registe-se registre-se entre faça torne-se apoie
    considere escreva envie contacte contate confira acompanhe seja escolha deixe aceite gira conheça descubra visite
    assegure fique crie inicie instale adicione acesse aceda mande
    """
)
# These are no nouns, whatever follows.
CLEAR_COMMANDS = words(
    """
    subscribe donate enable disable unlock subscreva assine partilhe compartilhe baixe descarregue clique experimente
    ative desative inscreva-se cadastre-se registe-se registre-se torne-se apoie escolha descarregue
    """
)
OBJECTS = words(
    """
    the a an our your my this these it us now here today for to on in at via up with more all every that their free
    o a os as um uma este esta estes estas nosso nossa nossos nossas seu sua seus suas já agora hoje aqui no na nos nas
    em ao aos à para por gratuitamente grátis todos todas mais também do da login parte
    """
)
OPENING_QUOTES = "\"'“‘«„"
