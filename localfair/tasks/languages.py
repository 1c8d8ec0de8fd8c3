r"""How other languages than English say and deny what the answer is.

Reads a cleaned text and writes nothing. Knows no task and no kind of answer. Ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# "the answer is" and "the answer is not"; a colon says the same in all of them
_SAYS = r"""(?:
    # Chinese
      (?:答案|结果|結果)(?:应该|應該|就)?(?:不是|并非|並非|不为|不為|是|为|為|:|选|選)
    | (?:故|应|應|因此|所以)(?:该|該)?(?:选|選)(?:择|擇)?[ :]?
    | (?:^|(?<=[.\n]))[ \t]*答[ ]?:
    # Japanese, Korean
    | (?:答え|答|正解|結論)(?:は|:)
    | (?:정답|답|결과)(?:은|는|:)
    # German, Dutch
    | \b(?:antwort|ergebnis|lösung|resultat)\s*(?:ist|lautet|beträgt|:)
      (?:\s+(?:also|daher|somit|damit))?(?:\s+nicht\b)?
    | \b(?:antwoord|uitkomst|oplossing)\s*(?:is|:)(?:\s+dus)?(?:\s+niet\b)?
    # French, Spanish, Portuguese, Italian, Catalan, Romanian
    | \b(?:réponse|résultat|solution)(?:\s+(?:finale?|correcte?))?\s*(?:n'est\s+pas|est|:)
      (?:\s+(?:donc|alors))?
    | \b(?:respuesta|resultado|opción|solución)(?:\s+(?:final|correct[ao]))?\s*(?:no\s+es|es|:)
      (?:\s+(?:entonces|por\s+tanto))?
    | \b(?:resposta|resultado|opção|solução)(?:\s+(?:final|corret[ao]))?\s*(?:não\s+é|no\s+és|é|és|:)
      (?:\s+(?:então|portanto))?
    | \b(?:risposta|risultato|opzione|soluzione)(?:\s+(?:finale|corrett[ao]))?\s*(?:non\s+è|è|:)
      (?:\s+(?:quindi|dunque))?
    | \b(?:răspunsul|rezultatul)(?:\s+(?:final|corect))?\s*(?:nu\s+este|este|e\b|:)
    # Swedish, Danish, Norwegian, Finnish, Hungarian
    | \b(?:svaret?|resultatet)\s*(?:är|er|:)(?:\s+(?:inte|ikke)\b)?
    | \b(?:vastaus|tulos)\s*(?:ei\s+ole|on|:)
    | \b(?:válasz|eredmény)\s*(?::|(?=\d))
    # Polish, Czech, Russian, Ukrainian
    | \b(?:odpowied[źz]|wynik)\s*(?:to\s+nie|to|brzmi|:)
    | \b(?:odpověď|výsledek)\s*(?:není|je|:)
    | \b(?:ответ|итого|результат)\s*(?:не(?:\s+равен)?\b|[:—-]|равен|будет)
    | \b(?:відповідь)\s*(?:не\b|[:—-])
    # Turkish, Vietnamese, Indonesian
    | \b(?:cevap|sonuç|yanıt)\s*(?::|(?=[\dA-Z]))
    | (?:đáp\s+(?:án|số)|câu\s+trả\s+lời|kết\s+quả)(?:\s+đúng)?\s*(?:không\s+phải\s+là|là|:)
    | \bjawaban(?:nya)?(?:\s+yang\s+benar)?\s*(?:bukan(?:lah)?|adalah|:)
    # Hindi, Arabic, Persian, Hebrew, Greek, Thai
    | (?:उत्तर|जवाब)\s*(?:है|:|(?=[\d(A-Z]))
    | (?:الجواب|الإجابة)(?:\s+(?:الصحيحة|النهائية|الصحيح|النهائي))?\s*(?:ليس(?:ت)?|هو|هي|:)
    | (?:پاسخ|جواب)\s*(?::|(?=\d))
    | (?:התשובה)(?:\s+(?:הנכונה|הסופית))?\s*(?:אינה|היא|:)
    | \b(?:απάντηση)\s*(?:δεν\s+είναι|είναι|:)
    | คำตอบ\s*(?:ไม่ใช่|คือ|:)
)[ \t:]*(?P<line>[^\n]*)"""
MARKER = re.compile(_SAYS, re.IGNORECASE | re.VERBOSE)
_DENIES = re.compile(
    r"不是|并非|並非|不为|不為|\bnicht\b|\bniet\b|n'est\s+pas|\bno\s+[eé]s\b|\bnão\b|\bnon\b|\bnu\b|\binte\b|\bikke\b"
    r"|\bei\s|\bnie\b|\bnení\b|\bне\b|không|\bbukan|ليس|אינה|\bδεν\b|ไม่ใช่",
    re.IGNORECASE,
)
# what denies an answer after it
_DENIED = re.compile(
    r"\s?(?:では(?:あり|ござ|な)|でな|じゃ(?:あり|な))\S*|\s?(?:이|가)\s?아(?:닙|니)\S*|\s?değil\w*|\s?नहीं(?:\s?है)?|\s?नही\S*",
    re.IGNORECASE,
)


def stated(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Every statement in another language, in order: its match and its line.

    The line of one that denies an answer begins with "not".
    """
    for match in MARKER.finditer(text):
        line = match["line"].strip()
        said = text[match.start() : match.start("line")]
        if _DENIED.search(line):
            yield match, f"not {_DENIED.sub('', line)}"
        elif _DENIES.search(said):
            yield match, f"not {line}"
        else:
            yield match, line
