"""A recording to one HTML file that plays it from disk: no network, nothing beside it. Pure; knows no model, no Gradio.

The player is the page's own: its scripts and styles stand in the file, and the file hands them what Gradio would. What
a model or a visitor wrote is text: escaped in the head, and JSON without a "<" for the scripts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import cast

from twotower.recording import LaneRecord, Recording
from twotower.sampling.events import VERIFYING, Started
from twotower.views.canvas import Json, recording_message
from twotower.views.palette import DARK, LIGHT
from twotower.views.player import STAGE_SCRIPTS, STYLES, read_assets

TITLE = "TwoTower"
FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_SETTINGS = {
    "max_new_tokens": "Max new tokens",
    "block_size": "Block size",
    "steps_per_block": "Steps per block",
    "unmasking": "Unmasking",
    "threshold": "Threshold",
    "factor": "Factor",
    "entropy_bound": "Entropy bound",
    "kl_bound": "KL bound",
    "temperature": "Temperature",
    "top_k": "Top-k",
    "top_p": "Top-p",
    "ar_anchor": "AR anchor",
    "pins": "Pinned slots",
    "draft_passes": "Draft passes",
    "accept_from": "Accept from",
}
# Settings that only some runs heed: of an unmasking rule, of the verify lane.
_OF_RULE = {
    "threshold": ("threshold", "stability"),
    "factor": ("factor",),
    "entropy_bound": ("entropy",),
    "kl_bound": ("stability",),
}
Pins = Sequence[tuple[int, int]]
_OF_DRAFTS = ("draft_passes", "accept_from")


def html_player(recording: Recording) -> str:
    """The whole file as text, to be written as UTF-8."""
    title, prompt = escape(recording.name or TITLE), escape(recording.prompt) or "(no prompt)"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{_variables()}
{_OWN_STYLES}
{read_assets(STYLES)}
</style>
</head>
<body class="gradio-container">
<header class="tt-kept">
<h1>{title}</h1>
<p class="tt-kept-prompt" id="prompt" role="group" aria-label="Prompt" tabindex="0">{prompt}</p>
<dl>
{_facts(recording.lanes)}
</dl>
</header>
<main id="player"><div class="tt-stage"></div></main>
<script type="application/json" id="recording">{_json_text(recording_message(recording))}</script>
<script>
((element, props, watch, trigger) => {{
{read_assets(STAGE_SCRIPTS)}
}})(
  document.getElementById("player"),
  {{ value: document.getElementById("recording").textContent }},
  () => {{}},
  () => {{}},
);
</script>
</body>
</html>
"""


def _facts(lanes: Sequence[LaneRecord]) -> str:
    started = lanes[0].trace.started
    facts = [("Model", started.model), ("Recorded on", lanes[0].machine), ("Seed", started.seed)]
    facts += [(_SETTINGS[name], value) for name, value in _heeded([lane.trace.started for lane in lanes]).items()]
    return "\n".join(f"<div><dt>{label}</dt><dd>{escape(str(value))}</dd></div>" for label, value in facts)


def _heeded(lanes: Sequence[Started]) -> dict[str, object]:
    """The settings that made a difference to any lane, by name; pins as the slots they take, counted from 1."""
    settings = lanes[0].settings
    kept = {name: settings.get(name) for name in _SETTINGS}
    for name, rules in _OF_RULE.items():
        if settings.get("unmasking") not in rules:
            del kept[name]
    if not any(started.lane == VERIFYING for started in lanes):
        for name in _OF_DRAFTS:
            del kept[name]
    elif not kept["draft_passes"]:
        kept["draft_passes"] = "as many as pay"
    # Other lanes run without them.
    pinned = [position + 1 for started in lanes for position, _ in cast(Pins, started.settings.get("pins") or ())]
    kept["pins"] = ", ".join(map(str, pinned))
    kept["ar_anchor"] = "yes" if kept["ar_anchor"] else ""
    return {name: value for name, value in kept.items() if value != ""}


def _json_text(message: Json) -> str:
    # In ASCII, so that U+2028 and U+2029 are escaped; without "<", so that nothing in it ends the script element.
    return json.dumps(message, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _variables() -> str:
    """What Gradio's theme would define, for light and dark."""
    light, dark = ("".join(f" --{name}: {value};" for name, value in colours.items()) for colours in (LIGHT, DARK))
    return f":root {{ color-scheme: light dark;{light} }}\n@media (prefers-color-scheme: dark) {{ :root {{{dark} }} }}"


_OWN_STYLES = f"""*, ::before, ::after {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 1680px; padding: 0 clamp(16px, 3vw, 48px) 48px; font: 16px/1.5 {FONT}; }}
html, body {{ background: var(--body-background-fill); color: var(--body-text-color); }}
button, select, input {{ font: inherit; }}
:where(button, input, select, [tabindex]):focus-visible {{ outline: 2px solid var(--color-accent);
  outline-offset: 2px; }}
.tt-kept {{ padding: 24px 0 18px; }}
.tt-kept h1 {{ margin: 0 0 10px; font-size: 22px; line-height: 1.2; letter-spacing: -0.02em; overflow-wrap: anywhere; }}
.tt-kept-prompt {{ margin: 0 0 14px; max-width: 78ch; max-height: 12em; overflow: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; }}
.tt-kept dl {{ display: flex; flex-wrap: wrap; gap: 8px 24px; margin: 0; }}
.tt-kept dt {{ font-size: 13px; color: var(--body-text-color-subdued); }}
.tt-kept dd {{ margin: 0; font-size: 14px; font-weight: 600; overflow-wrap: anywhere; }}"""
