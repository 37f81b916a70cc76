"""The spaces.yaml of a small checkout, and how a test bends a file of it."""

from __future__ import annotations

from collections.abc import Callable

YAML = """\
card:
  title: Two
  emoji: 🗼
  colorFrom: yellow
  colorTo: blue
  sdk: gradio
  sdk_version: 6.31.0
  python_version: "3.11"
  app_file: app.py
  license: apache-2.0
  short_description: One against the other
  tags: [diffusion]
files: [app.py, "lib/**/*"]
profiles:
  small:
    about: on the CPU
    hardware: cpu-basic
  lent:
    about: on a lent GPU
    hardware: zero-a10g
    requirements: {torch: 2.11.0}
    card: {python_version: "3.12"}
  paid:
    about: on cards of one's own
    hardware: a100x4
    sleep_seconds: 600
    variables: {TWOTOWER_MODEL: owner/large}
"""

Change = Callable[[str, str, str], None]
