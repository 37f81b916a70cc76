"""ZeroGPU on a machine without a GPU: the real `spaces` package, with the CPU in the card's place.

Run in a process of its own, with a folder to put weights in, for the package changes torch. What it asks the Hub's
scheduler for goes to a server of this machine; in the forked process weights stay where they are instead of going to a
card; everything between, the pretended device, the weights' way to the disk as the page is served, the fork, the queues
and the pickling, is the package's own. Prints a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

asked: list[dict[str, Any]] = []


class Scheduler(BaseHTTPRequestHandler):
    """Lends the one GPU to whoever asks."""

    def do_POST(self) -> None:
        split = urlsplit(self.path)
        asked.append({"what": split.path, **{name: value[0] for name, value in parse_qs(split.query).items()}})
        lends = {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "GPU-0", "allowToken": "allowed"}
        body = json.dumps(lends if split.path == "/schedule" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _no_card() -> None:
    raise RuntimeError("CUDA was touched where there is no card")


def _is_in_bad_fork() -> bool:
    return False


def pretend() -> None:
    """Before `spaces` is imported: a torch for CUDA, as far as the package looks."""
    import torch

    torch.set_num_threads(1)
    torch.version.cuda = "12.8"
    torch._C._cuda_init = _no_card
    _is_in_bad_fork.__module__, _is_in_bad_fork.__qualname__ = "torch.cuda", "_is_in_bad_fork"  # it is pickled by name
    torch.cuda._is_in_bad_fork = _is_in_bad_fork


def keep_weights_here() -> None:
    """Before the page is served: in the forked process the weights as they are, in place of a card's copy of them."""
    from spaces.zero import torch as package
    from spaces.zero.torch import patching

    kept = list(patching.cuda_aliases.items())

    def move(callback: object = None) -> None:
        for pretended, weights in kept:
            pretended.data = weights

    package.init, package.move = (lambda uuid: None), move


class Headers(dict):
    """As a request's: the package wants an object."""


class Request:
    """A visitor's, with the token by which the Hub knows whose quota it is."""

    headers = Headers({"x-ip-token": "a.e30.c"})


def main() -> None:
    """One visitor's runs: whole, stopped at its first event, gone wrong, whole again, and one over the wire."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scheduler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["SPACES_ZERO_GPU"] = "true"
    os.environ["SPACES_ZERO_DEVICE_API_URL"] = f"http://127.0.0.1:{server.server_address[1]}"
    os.environ["ZEROGPU_OFFLOAD_DIR"] = sys.argv[1]
    pretend()

    from gradio.context import LocalContext
    from gradio_client import Client

    from twotower import DEFAULT_MODEL
    from twotower.model.setup import Wanted
    from twotower.sampling.settings import SamplingSettings
    from twotower.ui.launch import open_engine
    from twotower.ui.page import build_demo, launch_options

    engine = open_engine(DEFAULT_MODEL, wanted=Wanted(dtype="float32", engine="plain"))
    keep_weights_here()
    demo = build_demo(engine)
    _, url, _ = demo.launch(**launch_options(), prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
    LocalContext.request.set(Request())
    prompt, settings = [5, 6, 7], SamplingSettings(max_new_tokens=48, seed=3)

    def run(lane: str) -> list[int]:
        return list(engine.worker.submit(prompt, lane, settings).trace().token_ids)

    said: dict[str, Any] = {"here": str(engine.model().device), "diffusion": run("diffusion")}
    long = SamplingSettings(max_new_tokens=1024, seed=3, end_token_ids=())
    stopped = engine.worker.submit(prompt, "autoregressive", long)
    events = []
    for batch in stopped.batches(0.0):
        stopped.stop()
        events += batch
    said["stopped"] = [events[-1].reason, events[-1].tokens]
    try:
        run("no such lane")
    except Exception as error:
        said["error"] = f"{type(error).__name__}: {error}"
    said["autoregressive"] = run("autoregressive")
    client = Client(url, headers=Request.headers, verbose=False)
    trace = client.predict("The robot", "autoregressive", max_new_tokens=8, seed=1, api_name="/generate")
    said["over the wire"] = trace["events"][-1]["tokens"]
    print(json.dumps({**said, "asked": asked}))


if __name__ == "__main__":
    main()
