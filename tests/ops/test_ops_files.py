"""The dashboard and the alert rules speak of metrics and labels that there are, and every alert says what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from bot import telemetry
from bot.cli import _parser
from bot.domain.conversation import StepKind

OPS = Path(__file__).resolve().parents[2] / "docs" / "ops"
OF_PROMETHEUS = {"job", "instance", "le"}  # labels that are not ours
SUFFIXES = {Counter: {"_total"}, Gauge: {""}, Histogram: {"_bucket", "_sum", "_count"}}
OUTCOMES = {"sent", "found", "maybe_doubled"}


def declared() -> dict[str, set[str]]:
    """Every series that a worker exposes, with its labels."""
    found = {}
    for metric in vars(telemetry).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            name = next(iter(metric.describe())).name
            for suffix in SUFFIXES[type(metric)]:
                found[name + suffix] = {*metric._labelnames}
    return found


SERIES = declared()


def dashboard() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((OPS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return parsed


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((OPS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, with where it stands."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for rule in alerts():
        yield rule["alert"], rule["expr"]


@pytest.mark.parametrize(("where", "expr"), list(expressions()))
def test_every_metric_and_label_in_an_expression_exists(where: str, expr: str) -> None:
    used = re.findall(r"(fogbell_\w+)(?:\{(.*?)\})?", expr)
    grouped = {
        label.strip()
        for labels in re.findall(r"\b(?:by|without) \((.*?)\)", expr)
        for label in labels.split(",")
    }
    labels_of = [SERIES[name] for name, _ in used if name in SERIES]

    assert [name for name, _ in used if name not in SERIES] == []
    assert grouped <= OF_PROMETHEUS.union(*labels_of)
    for name, selector in used:
        if name in SERIES:
            assert set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", selector)) <= SERIES[name] | OF_PROMETHEUS
    assert expr.count("(") == expr.count(")")


@pytest.mark.parametrize(("where", "expr"), list(expressions()))
def test_every_word_that_is_looked_for_in_a_label_is_one_of_ours(where: str, expr: str) -> None:
    said = dict(re.findall(r"(step|outcome)(?:=|!=|=~|!~)\"(.*?)\"", expr))

    assert set(said.get("step", "edit").split("|")) <= {kind.value for kind in StepKind}
    assert set(said.get("outcome", "sent").split("|")) <= OUTCOMES


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    known = {"job", "instance"}.union(*(SERIES[name] for name in SERIES if name in rule["expr"]))
    named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))

    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert len(rule["annotations"]["action"].split()) > 8
    assert named <= known
    if by := re.search(r"by \((.*?)\)", rule["expr"]):
        assert named <= {label.strip() for label in by[1].split(",")}


def test_the_alerts_are_those_that_matter() -> None:
    assert {rule["alert"] for rule in alerts()} >= {
        "FogbellDown",
        "FogbellSourceStale",
        "FogbellOutboxStuck",
        "FogbellChatAway",
        "FogbellParked",
        "FogbellStoreUnreplicated",
        "FogbellStandby",
    }


def test_every_command_that_an_alert_names_exists() -> None:
    commands = next(
        a for a in _parser()._actions if a.dest is not None and hasattr(a, "choices") and a.choices
    )
    text = " ".join(rule["annotations"]["action"] for rule in alerts())

    assert set(re.findall(r"fogbell ([a-z]+(?:-[a-z]+)?)", text)) <= set(commands.choices or ())


def test_the_dashboard_can_be_imported() -> None:
    """Each panel asks the data source that Grafana asks for on import, and none lies over another."""
    board = dashboard()
    panels = board["panels"]
    places = [
        {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
        for p in (panel["gridPos"] for panel in panels)
    ]

    assert [i["name"] for i in board["__inputs"]] == ["DS_PROMETHEUS"]
    assert board["id"] is None
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {p["datasource"]["uid"] for p in panels if p["type"] != "row"} == {"${DS_PROMETHEUS}"}
    assert {p["type"] for p in panels} - {"row"} == {
        r["id"] for r in board["__requires"] if r["type"] == "panel"
    }
    assert sum(len(place) for place in places) == len(set().union(*places))
    assert all(panel["title"] and panel.get("description", "-") for panel in panels)


def test_every_metric_is_on_the_dashboard() -> None:
    """A number that nobody looks at is no number."""
    shown = " ".join(expr for _, expr in expressions())

    assert [name for name in SERIES if not name.endswith(("_sum", "_count")) and name not in shown] == []
