"""The graph: order, cycles, absent tables, selectors, fingerprints and plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from warehouse.errors import LesionsError
from warehouse.fingerprints import Fingerprint, fingerprint_graph
from warehouse.graph import Graph, make_graph, select
from warehouse.models import read_model
from warehouse.plan import Built, make_plan
from warehouse.registry import Step, TableDoc

VALUES: Mapping[str, Any] = {"run.seed": 1, "volume.axis_ratio": 1.31, "run.threads": 2}
RATIO = "(SELECT CAST(value AS DOUBLE) FROM meta.setting WHERE name = 'volume.axis_ratio')"


def doc(name: str) -> TableDoc:
    return TableDoc(name, "d", "one row per id", ("id",), {"id": "id"})


def graph_of(folder: Path, bodies: Mapping[str, str], steps: tuple[Step, ...] = ()) -> Graph:
    models = []
    for name, body in bodies.items():
        layer, table = name.split(".")
        (folder / layer).mkdir(exist_ok=True, parents=True)
        path = folder / layer / f"{table}.sql"
        path.write_text(f"/* T.\nGrain: one row per id\nKey: id\nTags: {layer}\n*/\n{body}")
        models.append(read_model(path, frozenset({"volume.axis_ratio"}), frozenset()))
    return make_graph(
        sources=[doc("raw.tr")], seeds=[], models=models, steps=steps, macros={}, sql_folder=folder
    )


CHAIN = {
    "staging.a": "SELECT usubjid AS id -- id\nFROM raw.tr",
    "core.b": f"SELECT id || {RATIO} AS id -- id\nFROM staging.a",
    "core.c": "SELECT id -- id\nFROM staging.a",
    "mart.d": "SELECT b.id -- id\nFROM core.b JOIN core.c USING (id)",
}


def fingerprints(graph: Graph, values: Mapping[str, Any] = VALUES) -> dict[str, Fingerprint]:
    return fingerprint_graph(graph, values, lambda table: "files-1")


def built_from(graph: Graph, prints: Mapping[str, Fingerprint]) -> dict[str, Built]:
    return {table: Built(prints[node], "doc", None, 1) for table, node in graph.producer.items()}


def digests(graph: Graph) -> tuple[dict[str, str], dict[str, str]]:
    return dict.fromkeys(graph.producer, "doc"), {}


def test_order_puts_what_is_read_first(tmp_path: Path) -> None:
    order = list(graph_of(tmp_path, CHAIN).nodes)
    assert order == ["raw.tr", "staging.a", "core.b", "core.c", "mart.d"]


def test_a_step_stands_in_the_same_graph(tmp_path: Path) -> None:
    step = Step("fit", lambda context: {}, ("core.b",), (doc("analysis.x"), doc("analysis.y")))
    later = {**CHAIN, "mart.e": "SELECT id -- id\nFROM analysis.y"}
    graph = graph_of(tmp_path, later, (step,))
    assert graph.parents("mart.e") == ("fit",)
    assert graph.ancestors("mart.e") == {"fit", "core.b", "staging.a", "raw.tr"}
    assert graph.descendants("core.b") == {"fit", "mart.d", "mart.e"}


def test_a_cycle_is_reported_with_its_path(tmp_path: Path) -> None:
    circle = {
        "core.a": "SELECT id -- id\nFROM core.b",
        "core.b": "SELECT id -- id\nFROM core.c",
        "core.c": "SELECT id -- id\nFROM core.a",
    }
    with pytest.raises(LesionsError, match="in a circle") as caught:
        graph_of(tmp_path, circle)
    for arrow in ("core.a -> core.c", "core.b -> core.a", "core.c -> core.b"):
        first, second = arrow.split(" -> ")
        path = str(caught.value).split(": ")[1].rstrip(".").split(" -> ")
        pairs = list(pairwise(path))
        assert (first, second) in pairs or (second, first) in pairs
    assert len(path) == 4


def test_an_absent_table_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match=r"staging\.aa, which nothing makes.*staging\.a\?"):
        graph_of(tmp_path, {**CHAIN, "core.z": "SELECT id -- id\nFROM staging.aa"})


def test_a_table_made_twice_is_refused(tmp_path: Path) -> None:
    step = Step("fit", lambda context: {}, (), (doc("core.b"),))
    with pytest.raises(LesionsError, match=r"both make core\.b"):
        graph_of(tmp_path, CHAIN, (step,))


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["core.b"], {"core.b"}),
        (["b"], {"core.b"}),
        (["+core.b"], {"core.b", "staging.a", "raw.tr"}),
        (["core.b+"], {"core.b", "mart.d"}),
        (["+core.b+"], {"core.b", "staging.a", "raw.tr", "mart.d"}),
        (["tag:core"], {"core.b", "core.c"}),
        (["core.*"], {"core.b", "core.c"}),
        (["changed"], {"core.c", "mart.d"}),
        (["core.c", "staging.a"], {"core.c", "staging.a"}),
    ],
)
def test_selectors(tmp_path: Path, selectors: list[str], expected: set[str]) -> None:
    graph = graph_of(tmp_path, CHAIN)
    assert select(graph, selectors, ["core.c", "mart.d"]) == expected


def test_a_selector_that_names_nothing(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match=r"'core\.bb' names no model\. Did you mean core\.b\?"):
        select(graph_of(tmp_path, CHAIN), ["core.bb"], [])


def test_comments_and_layout_do_not_change_a_fingerprint(tmp_path: Path) -> None:
    before = fingerprints(graph_of(tmp_path, CHAIN))
    relaid = {**CHAIN, "core.c": "select\n  id -- the id, in other words\nfrom staging.a"}
    after = fingerprints(graph_of(tmp_path, relaid))
    assert {n: p.digest for n, p in before.items()} == {n: p.digest for n, p in after.items()}


def test_a_changed_model_changes_itself_and_what_follows(tmp_path: Path) -> None:
    before = fingerprints(graph_of(tmp_path, CHAIN))
    after = fingerprints(
        graph_of(tmp_path, {**CHAIN, "core.c": "SELECT upper(id) AS id -- id\nFROM staging.a"})
    )
    changed = {name for name in before if before[name].digest != after[name].digest}
    assert changed == {"core.c", "mart.d"}


def test_a_setting_reaches_only_those_that_read_it(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    before = fingerprints(graph)
    after = fingerprints(graph, {**VALUES, "volume.axis_ratio": 1.4, "run.threads": 7})
    changed = {name for name in before if before[name].digest != after[name].digest}
    assert changed == {"core.b", "mart.d"}


def test_nothing_changed_gives_an_empty_plan(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    prints = fingerprints(graph)
    plan = make_plan(graph, prints, built_from(graph, prints), digests(graph))
    assert plan.is_empty


def test_a_plan_says_why(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    built = built_from(graph, fingerprints(graph))
    wanted = fingerprints(graph, {**VALUES, "volume.axis_ratio": 1.4})
    plan = make_plan(graph, wanted, built, digests(graph))
    assert plan.reasons == {
        "core.b": "setting volume.axis_ratio: 1.31 -> 1.4",
        "mart.d": "reads core.b",
    }
    changed = fingerprint_graph(graph, VALUES, lambda table: "files-2")
    reasons = make_plan(graph, changed, built, digests(graph)).reasons
    assert reasons["raw.tr"] == "source files changed"
    assert list(reasons) == list(graph.nodes)


def test_new_and_removed_tables_are_planned(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    prints = fingerprints(graph)
    built = built_from(graph, prints)
    built["core.old"] = built.pop("mart.d")
    plan = make_plan(graph, prints, built, digests(graph))
    assert plan.reasons == {"mart.d": "new"}
    assert plan.removed == ("core.old",)


def test_a_changed_comment_is_no_rebuild(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    prints = fingerprints(graph)
    built = built_from(graph, prints)
    built["core.c"] = replace(built["core.c"], doc_digest="other words")
    plan = make_plan(graph, prints, built, digests(graph))
    assert not plan.chosen
    assert plan.redescribed == ("core.c",)


def test_a_changed_suite_is_checked_again_and_not_rebuilt(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    prints = fingerprints(graph)
    docs, _ = digests(graph)
    plan = make_plan(graph, prints, built_from(graph, prints), (docs, {"core.b": "new"}))
    assert not plan.chosen
    assert plan.rechecked == ("core.b",)


def test_a_selected_model_whose_input_is_stale_is_refused(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    prints = fingerprints(graph)
    with pytest.raises(LesionsError, match=r"core\.b needs staging\.a.*\+core\.b"):
        make_plan(graph, prints, {}, digests(graph), ["core.b"])
    plan = make_plan(graph, prints, {}, digests(graph), ["+core.b"])
    assert plan.chosen == {"raw.tr", "staging.a", "core.b"}


def test_force_builds_what_is_selected_and_nothing_else(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHAIN)
    prints = fingerprints(graph)
    plan = make_plan(graph, prints, built_from(graph, prints), digests(graph), ["mart.d"], True)
    assert plan.chosen == {"mart.d"}
