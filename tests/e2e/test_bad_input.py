"""Bad input is answered in words that name the field; prompt, settings and the last run stay."""

from __future__ import annotations

import pytest
from gradio_client import Client
from playwright.sync_api import Page
from visitor import open_more_settings, prose, run_to_end, set_number, toast


@pytest.fixture(scope="module")
def client(app_url: str) -> Client:
    return Client(app_url, verbose=False)


def test_an_error_keeps_prompt_settings_and_the_last_run(page: Page) -> None:
    set_number(page, "max-new-tokens", "16")
    run_to_end(page)
    before = prose(page, "diffusion")
    page.fill("#prompt textarea", "A story about <mask> and more.")
    set_number(page, "temperature", "0.5")
    page.click("#run")
    assert "prompt" in toast(page)
    assert page.input_value("#prompt textarea") == "A story about <mask> and more."
    assert page.locator("#temperature input[type=number]").input_value() == "0.5"
    assert prose(page, "diffusion") == before
    assert page.locator("#run").is_enabled()


@pytest.mark.parametrize(("elem_id", "value", "field"), [("seed", "-5", "seed"), ("top-k", "-1", "top_k")])
def test_a_number_out_of_range_names_its_field(page: Page, elem_id: str, value: str, field: str) -> None:
    open_more_settings(page)
    set_number(page, elem_id, value)
    page.click("#run")
    assert field in toast(page)


def test_a_prompt_that_is_too_long_says_so(page: Page) -> None:
    page.fill("#prompt textarea", "The little girl went home. " * 1500)
    page.click("#run")
    assert "prompt" in toast(page)


def test_no_lane_at_all(page: Page) -> None:
    for box in page.locator("#lanes input[type=checkbox]").all():
        box.uncheck()
    page.click("#run")
    assert "lane" in toast(page)


def test_markup_in_a_prompt_stays_text(page: Page) -> None:
    page.fill("#prompt textarea", '<img src=x onerror="window.bitten = 1"> ${window.bitten = 1} <mask>')
    page.click("#run")
    assert "<img" in toast(page)
    page.wait_for_selector("#run:not([disabled])")
    page.fill("#prompt textarea", '<img src=x onerror="window.bitten = 1"> ${window.bitten = 1}')
    set_number(page, "max-new-tokens", "8")
    run_to_end(page)
    assert "onerror" in page.locator(".tt-tail").first.inner_text()
    assert page.evaluate("window.bitten") is None


def test_a_block_wider_than_trained_warns_and_runs(page: Page) -> None:
    open_more_settings(page)
    set_number(page, "block-size", "32")
    page.wait_for_selector("#block-size-warning")
    set_number(page, "max-new-tokens", "32")
    run_to_end(page)
    set_number(page, "block-size", "16")
    page.wait_for_selector("#block-size-warning", state="hidden")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("lane", {"lane": "sideways"}),
        ("block_size", {"block_size": 0}),
        ("block_size", {"block_size": 1000}),
        ("steps_per_block", {"steps_per_block": 0}),
        ("temperature", {"temperature": -1}),
        ("threshold", {"threshold": 1.5}),
        ("max_new_tokens", {"max_new_tokens": 10**9}),
        ("prompt", {"prompt": "a <mask> b"}),
    ],
)
def test_the_endpoint_names_the_field(client: Client, field: str, values: dict) -> None:
    asked = {"prompt": "Once", "max_new_tokens": 8, **values}
    with pytest.raises(Exception, match=field):
        client.predict(**asked, api_name="/generate")
