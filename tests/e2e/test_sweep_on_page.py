"""The sweep: points measured one by one, drawn as they come, kept when it is stopped, and saved."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from playwright.sync_api import Page
from visitor import set_number, toast


def open_sweep(page: Page, thresholds: str, steps: str) -> None:
    """A small sweep of short texts over one example."""
    set_number(page, "max-new-tokens", "24")
    page.get_by_role("tab", name="Sweep").click()
    fill(page, "thresholds", thresholds)
    fill(page, "steps", steps)


def fill(page: Page, box: str, text: str) -> None:
    """Type into one of the tab's text boxes."""
    page.locator(f"#sweep-{box} textarea, #sweep-{box} input").fill(text)


def run_sweep(page: Page) -> None:
    """Press Run and wait for the end and what is said of it."""
    page.click("#sweep-run")
    page.wait_for_selector("#sweep-run:not([disabled])")
    page.wait_for_function("document.querySelector('#sweep-summary').innerText.trim()")
    page.wait_for_selector("#sweep-download:not([disabled])")


def saved(page: Page) -> list[dict[str, str]]:
    """The rows of the CSV that the page offers."""
    with page.expect_download() as download:
        page.click("#sweep-download")
    return list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))


def points(page: Page) -> int:
    """Points of settings in the chart, the baseline left out."""
    return page.evaluate(
        """() => {
          const plot = document.querySelector("#sweep-chart .js-plotly-plot");
          const series = (plot?.data ?? []).filter((trace) => trace.showlegend === false);
          return series.flatMap((trace) => trace.x ?? []).length;
        }"""
    )


def test_a_sweep_measures_every_point_and_saves_them(page: Page) -> None:
    open_sweep(page, "0.5, 0.9", "16, 4")
    run_sweep(page)
    assert points(page) == 5
    rows = saved(page)
    swept = {(row["threshold"], row["steps_per_block"]) for row in rows if row["threshold"]}
    assert {(float(threshold), int(steps)) for threshold, steps in swept} >= {(0.5, 16), (0.9, 4)}
    (drafted,) = [row for row in rows if row["lane"] == "verify"]
    assert drafted["agreement"] == "1"  # AR's own text


def test_unmasking_rules_are_compared_each_with_its_own_bounds(page: Page) -> None:
    open_sweep(page, "0.5", "4")
    for rule in ("fixed", "factor", "entropy"):
        page.locator(f"#sweep-unmasking label:has-text('{rule}') input").check()
    page.locator("#sweep-verify input").uncheck()
    fill(page, "factors", "0.5, 2")
    fill(page, "entropy-bounds", "0.1")
    run_sweep(page)
    assert points(page) == 5
    found = {(row["unmasking"], row["threshold"], row["factor"], row["entropy_bound"]) for row in saved(page)}
    assert found == {
        ("", "", "", ""),
        ("threshold", "0.5", "", ""),
        ("fixed", "", "", ""),
        ("factor", "", "0.5", ""),
        ("factor", "", "2.0", ""),
        ("entropy", "", "", "0.1"),
    }


def test_stop_keeps_the_points_that_are_there(page: Page) -> None:
    open_sweep(page, "0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9", "16, 8, 4")
    page.click("#sweep-run")
    page.wait_for_function(
        "document.querySelector('#sweep-chart .js-plotly-plot')?.data.some((trace) => (trace.x ?? []).length > 1)"
    )
    page.click("#sweep-stop")
    page.wait_for_selector("#sweep-run:not([disabled])")
    assert 0 < points(page) < 28


def test_a_grid_that_cannot_be_run_names_its_field(page: Page) -> None:
    open_sweep(page, "0.5, 7", "16")
    page.click("#sweep-run")
    assert "threshold" in toast(page)
    assert page.locator("#sweep-thresholds textarea, #sweep-thresholds input").input_value() == "0.5, 7"
