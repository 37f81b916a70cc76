"""The README's client program talks to the running page."""

from __future__ import annotations

import re
import subprocess
import sys

from visitor import ROOT


def test_the_client_program_of_the_readme_runs(app_url: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = (
        body for body in re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL) if "Client(" in body
    )
    program = program.replace("http://127.0.0.1:7860", app_url)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\w.* \d+$", done.stdout.strip(), re.DOTALL)
