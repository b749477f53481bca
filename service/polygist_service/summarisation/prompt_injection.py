"""Sentences of an article that are addressed to the model that reads it, and tell it what to write.

A model may obey them, and what it then writes has every word of theirs for a source. So they bear nothing out, are not
read where there is anything else, and are not picked. Instructions are told by a command together with what only models
have or are given (instructions, a prompt, a summary to write), by whom they address, and by the marks of chats. That
somebody told people to ignore the rules is news.
"""

import re
from collections.abc import Sequence

from polygist_service.text.documents.base import Segment

# Where a command may stand: at the beginning of a sentence, and behind a stop or a bracket.
START = r"^\W*+(?:(?:please|now|then|important|attention|por favor|agora|então|importante|atenção)\W+)?"
STOP = r"(?:^|(?:--|[.:;!?–—\"'“‘«(\[\]>])\s*|\b(?:please|por favor),?\s+)"
DROP = (
    r"(?:ignor(?:e|ing|a|ar|em)|disregard|forget|override|bypass|(?:do not|don['’]t|stop) (?:follow|obey)(?:ing)?"
    r"|desconsider(?:a|e|ar)|esque(?:ce|ça|çam|cer)|desprez(?:a|e|ar)|não (?:sigas?|obedeças?))"
)
HAD = (
    r"(?:instructions?|prompts?|messages?|guidelines|directives?|commands|rules"
    r"|instruç(?:ão|ões)|comandos|diretrizes|regras|ordens)"
)
BEFORE = r"(?:previous|prior|earlier|preceding|above|all|anterior(?:es)?|prévi[ao]s|acima|todas?|todos)"
READ = r"(?:article|text|document|page|rest|content|above|everything|artigo|texto|documento|resto|conteúdo|tudo)"
# "Forget everything you know about bread" is how articles begin.
UNLIKE = r"(?! (?:you|we|i)\b| (?:que|o que)\b)"
SAY = r"(?:say|write|state|claim|answer|reply|respond|output|print|repeat|conclude|diga|escreva|afirme|responda|repita)"
WRITE = (
    rf"(?:{SAY}|mention|include|add|end|begin|start|tell|translate|summari[sz]e|reveal|recommend|insert|append"
    r"|finish|return|obey|diz|escreve|responde|repete|mencion[ae]|inclu[ai]|acrescent[ae]|adicion[ae]|termin[ae]"
    r"|traduz(?:a|ir)?|resum[ae]|revel[ae]|recomend[ae])"
)
WRITTEN = (
    r"(?:(?:the|your|this|any|every) (?:summary|answers?|responses?|reply|output)"
    r"|(?:o|teu|seu|este|qualquer) (?:resumo|sumário)"
    r"|(?:a|tua|sua) resposta"
    r"|(?:only|just|apenas|só|somente)?\s*(?:the|with|a|com a) (?:words?|phrase|palavra|frase)\b"
    r"|the following (?:text|words?|sentence)|o seguinte (?:texto|parágrafo)|system prompt"
    r"|(?:your|tuas|suas) (?:instructions|rules|instruções|regras))"
)
READER = (
    r"(?:A\.?I\.?(?: (?:assistants?|models?|systems?|agents?))?|IAs?|(?:large )?language models?|LLMs?|chat ?bots?"
    r"|assistants?|summari[sz]ers?|summari[sz]ation (?:model|system|tool)s?|GPT(?:-\d\w*)?|ChatGPT|Copilot"
    r"|models? reading this|the model|modelos? de linguagem|assistentes?(?: de IA)?|sumarizador(?:es)?|o modelo)"
)
NOTE = r"(?:important |urgent )?(?:notes?|messages?|instructions?|attention|warnings?|notice|hint)(?: (?:to|for))?"
NOTA = r"(?:nota|mensagem|aviso|instruç(?:ão|ões)|atenção|recado)(?: (?:importante ))?"
NEW = r"(?:new|updated|real|actual|nova|novas|verdadeira)"

INSTRUCTION = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{STOP}{DROP}\s(?:[\w'’]+\s){{0,5}}?{HAD}\b",
        rf"\b{DROP}\s(?:[\w'’]+\s){{0,2}}?{BEFORE}\s(?:[\w'’]+\s){{0,3}}?{HAD}\b",
        rf"\b{DROP}\s(?:[\w'’]+\s){{0,2}}?{HAD}\s(?:[\w'’]+\s)?{BEFORE}\b",
        rf"{STOP}{DROP}\s(?:\w+\s){{0,3}}?{READ}\b{UNLIKE}",
        rf"{START}(?:do not|don['’]t|never|não)\s+(?:summari[sz]e|resum[ae]s?|mention|mencion[ae]s?)\b"
        r".{0,60}(?:\b(?:article|text|summary|instead|artigo|texto|resumo|em vez)\b|[;:])",
        rf"{START}{SAY}\s+(?:(?:only|just|exactly|apenas|só|somente)\s*)?(?:that|que|:)\s",
        rf"{START}{WRITE}\s(?:[^\s.!?]+\s){{0,6}}?{WRITTEN}",
        # Whom it addresses.
        rf"{START}(?:{NOTE} (?:the |all |any )?|{NOTA} (?:para |ao |à )?(?:[oa] |todos os )?)?{READER}\s*:",
        rf"{START}(?:{READER})\s*[,–—-]\s*(?:please |por favor,? )?(?:{WRITE}|{DROP}|you|do|must|não|você)\b",
        rf"{START}{NOTE} (?:the |all |any )?(?:{READER}|models?|system)\b",
        rf"{START}{NOTA}\s*(?:para|ao|à|aos)\s(?:[oa] |todos os |qualquer )?(?:{READER}|modelos?|sistema)\b",
        rf"\bif you are (?:an? )?{READER}\b|\bse (?:és|você é|fores|for) (?:uma? )?{READER}\b",
        rf"\byou are (?:now )?(?:an? |the )(?:\w+ ){{0,3}}{READER}\b",
        rf"{START}(?:from now on,? )?you are now (?:an?|the|free|in)\b|{START}from now on,? you\b",
        rf"{START}(?:act|behave|role-?play) as (?:an?|the|if)\b|{START}pretend (?:to be|that you are|you are)\b",
        r"^\W*+(?:a partir de agora|de agora em diante|agora),? (?:tu |você )?(?:és|serás|você (?:é|será))\b",
        r"^\W*+(?:tu |você )?(?:és|é) agora (?:um|uma|livre)\b",
        rf"{START}(?:age|aja|atua|atue|comport[ae]-[ts]e) como\b|{START}(?:finge|finja) (?:ser|que (?:és|é))\b",
        # What it is to write.
        r"\b(?:your|any|every|the|this) (?:summary|summaries|response|output)(?: of this \w+)? "
        r"(?:must|should|has to|needs to|is to|shall)\b",
        r"\b(?:o|teu|seu|qualquer|todo o) (?:resumo|sumário)(?: deste \w+)? (?:deve|tem de|tem que|precisa|terá de)\b",
        r"\bwhen(?:ever)? (?:you |you are )?(?:summari[sz]\w+|asked to summari[sz]e|translating) (?:this|the)\b",
        r"\bao (?:resumir|traduzir) (?:este|esta)\b",
        r"\b(?:system|developer) prompt\b|\bprompt d[oe] sistema\b",
        rf"{START}{NEW} (?:task|instructions?|policy|objective|tarefa|instruç(?:ão|ões)|política)\s*:",
        rf"{START}as (?:the|your) (?:developer|creator|administrator|owner)\b.{{0,60}}\bI\b",
        rf"{START}como (?:teu |seu )?(?:programador|criador|administrador)\b.{{0,60}}\b(?:eu|autorizo|permito)\b",
        # The marks of chats.
        rf"{START}(?:system|user|assistant|human|developer|sistema|utilizador|usuário|assistente)(?:['’]s \w+)?\s*:",
        r"^\W*+(?:system|user|assistant)\W*+$",
        r"<\|?(?:im_start|im_end|start_header_id|start_of_turn|system|assistant|user)\b",
        r"<(?:system|role|message|instructions?)>|\[/?INST\]|<</?SYS>>|\"role\"\s*:",
        r"^\s*+#{1,6}\s*(?:instruction|response|system|instrução|resposta)s?\b|\[\s*END OF (?:ARTICLE|TEXT|DOCUMENT)",
    )
)
# Every instruction has one of these words at least, or one of these marks.
CUES = frozenset(
    (
        *("ignore", "ignoring", "ignora", "ignorar", "ignorem", "disregard", "forget", "override", "bypass", "follow"),
        *("following", "obey", "obeying", "desconsidera", "desconsidere", "desconsiderar", "esquece", "esqueça"),
        *("esqueçam", "esquecer", "despreza", "despreze", "desprezar", "sigas", "siga", "obedeças", "obedeça"),
        *("summarise", "summarize", "summarising", "summarizing", "summary", "summaries", "resumo", "resume", "resuma"),
        *("resumir", "sumário", "mention", "mencione", "mencionar", "menciones", "say", "write", "state", "claim"),
        *(
            "answer",
            "reply",
            "respond",
            "output",
            "print",
            "repeat",
            "conclude",
            "diga",
            "escreva",
            "afirme",
            "responda",
        ),
        *("repita", "translate", "translating", "instructions", "instruções", "prompt", "rules", "regras", "word"),
        *("words", "phrase", "palavra", "frase", "ai", "ia", "ias", "llm", "llms", "language", "chatbot", "chatbots"),
        *(
            "bot",
            "bots",
            "assistant",
            "assistants",
            "gpt",
            "chatgpt",
            "copilot",
            "model",
            "models",
            "modelo",
            "modelos",
        ),
        *("assistente", "assistentes", "summariser", "summarizer", "sumarizador", "summarisation", "summarization"),
        *(
            "act",
            "behave",
            "roleplay",
            "pretend",
            "role",
            "now",
            "agora",
            "age",
            "aja",
            "atua",
            "atue",
            "finge",
            "finja",
        ),
        *("task", "tarefa", "policy", "política", "objective", "developer", "creator", "administrator", "owner"),
        *("programador", "criador", "administrador", "system", "sistema", "user", "human", "utilizador", "usuário"),
        *("resposta", "response", "responses", "traduzir", "comporta-te", "comporte-se", "reading", "inst", "sys"),
        *("message", "im", "start", "end"),
    )
)
MARKS = ("<|", "[inst", "<<", "###", "[end", "<role", "<system", "<message", "<instr", "im_", "a.i.", "start_")
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
# What an officer told the residents, not what an article tells its reader.
REPORTED = re.compile(
    r"[,”\"»]\s*[\w\s.'’-]{0,60}\b(?:said|says|told|urged|warned|disse|diz|afirmou|pediu|avisou)\b[^,:“\"«]*$",
    re.IGNORECASE,
)
# What is written out in the next sentence.
ANNOUNCES = re.compile(r":\W*+$|\b(?:the following|o seguinte|as follows)\b[^.]{0,40}\.?\W*+$", re.IGNORECASE)
UNCLOSED = re.compile(r"[“«][^”»]*$")
CLOSING = re.compile(r"[”»\"]")
# So many characters of a sentence are looked at.
MOST_CHARACTERS = 1000
MOST_CHARACTERS_OF_AN_END = 100


def is_instruction(sentence: str) -> bool:
    """Whether a sentence tells a model that reads it what to do."""
    text = sentence[:MOST_CHARACTERS]
    lowered = text.lower()
    if CUES.isdisjoint(WORD.findall(lowered)) and not any(mark in lowered for mark in MARKS):
        return False
    return any(pattern.search(text) for pattern in INSTRUCTION) and not REPORTED.search(text)


def leaves_quote_open(text: str) -> bool:
    """Whether a quotation begins in `text` that does not end there."""
    return bool(UNCLOSED.search(text)) or text.count('"') % 2 == 1


def find_instructions(sentences: Sequence[Segment]) -> frozenset[int]:
    """Return the indices of the sentences of an article that tell a model what to do, and of what they dictate.

    Args:
        sentences: all of the article, in order.
    """
    found: set[int] = set()
    is_dictated = is_quoted = False
    for at, sentence in enumerate(sentences):
        text = sentence.text
        if is_quoted:
            found.add(at)
            is_quoted, is_dictated = not CLOSING.search(text), False
        elif is_instruction(text):
            found.add(at)
            is_dictated, is_quoted = bool(ANNOUNCES.search(text[-MOST_CHARACTERS_OF_AN_END:])), leaves_quote_open(text)
        elif is_dictated:
            found.add(at)
            is_dictated, is_quoted = False, leaves_quote_open(text)
    return frozenset(found)
