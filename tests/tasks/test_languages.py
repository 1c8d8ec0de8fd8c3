"""Statements of other languages are found, and those that deny say "not"."""

from __future__ import annotations

import pytest

from localfair.tasks.cleaning import clean
from localfair.tasks.grading import grade
from localfair.tasks.languages import stated


@pytest.mark.parametrize(
    "text",
    [
        "最终答案：64\n一共5步。",
        "答えは64個です。5歩。",
        "따라서 정답은 64개입니다. 5단계.",
        "Die Lösung ist 64. Schritt 5",
        "La bonne réponse est 64. Étape 5",
        "La respuesta correcta es 64. Paso 5",
        "Câu trả lời là 64. Bước 5",
        "Vastaus on 64. Vaihe 5",
        "Răspunsul este 64. Pasul 5",
        "Het antwoord is 64. Stap 5",
        "התשובה היא 64. שלב 5",
        "คำตอบคือ 64 ขั้นตอน 5",
    ],
)
def test_a_statement_counts_more_than_what_stands_after_it(text):
    assert grade("number", "64", text).grade.value == "right"


@pytest.mark.parametrize(
    "text",
    [
        "答案不是64。",
        "La respuesta no es 64.",
        "La réponse n'est pas 64.",
        "Die Antwort ist nicht 64.",
        "Ответ не 64.",
        "A resposta não é 64.",
        "La risposta non è 64.",
        "Het antwoord is niet 64.",
        "答えは64ではありません。",
        "정답은 64이 아닙니다.",
    ],
)
def test_a_denial_is_wrong_where_the_number_is_right(text):
    ((_, line),) = stated(clean(text))
    assert line.startswith("not 64")
    assert grade("number", "64", text).grade.value == "wrong"
