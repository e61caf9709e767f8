"""The worked questions of docs/queries.md: each runs, and gives the columns that are shown."""

from __future__ import annotations

import os

import pytest
from bi.worked_questions import DOCUMENT, Question, answer, questions

from warehouse import open_warehouse
from warehouse.project import Project

QUESTIONS = list(questions(DOCUMENT.read_text(encoding="utf-8")))


def test_there_are_twenty_with_a_result_each() -> None:
    assert [int(q.title.split(".")[0]) for q in QUESTIONS] == list(range(1, 21))
    assert all(len(q.result.splitlines()) >= 3 for q in QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.title)
def test_it_runs_and_gives_the_columns_shown(question: Question, built: Project) -> None:
    with open_warehouse(built.root) as warehouse:
        found = answer(warehouse, question.sql)
    assert found.splitlines()[0].split() == question.result.splitlines()[0].split()


@pytest.mark.external
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.title)
def test_its_result_is_that_of_the_demo(question: Question) -> None:
    folder = os.environ.get("LESIONS_DEMO")
    if not folder:
        pytest.skip("LESIONS_DEMO names no folder made by 'lesions demo'")
    with open_warehouse(folder) as warehouse:
        assert answer(warehouse, question.sql) == question.result
