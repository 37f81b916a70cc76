"""The page. `python app.py` serves it on this machine; a Hugging Face Space runs the same file."""

from __future__ import annotations

import argparse

from twotower.errors import CheckpointError, InputError
from twotower.model.engine import ENGINES
from twotower.ui.launch import make_demo, serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Race mask diffusion against autoregression in the browser.")
    parser.add_argument(
        "--model", help="model folder or Hub repository (default: TWOTOWER_MODEL, or the embedded model)"
    )
    parser.add_argument("--device", help="cpu, cuda, ... (default: CUDA where there is one)")
    parser.add_argument("--dtype", help="float32, bfloat16, ... (default: float32 on the CPU)")
    parser.add_argument("--engine", help=f"one of {', '.join(ENGINES)} (default: the fast one of the device)")
    arguments = parser.parse_args()
    try:
        demo = make_demo(arguments.model, arguments.device, arguments.dtype, arguments.engine)
    except (InputError, CheckpointError) as error:
        parser.error(str(error))
    serve(demo)
