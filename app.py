"""The page. `python app.py` serves it on this machine; a Hugging Face Space runs the same file."""

from __future__ import annotations

import argparse

from twotower.ui.launch import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Race mask diffusion against autoregression in the browser.")
    parser.add_argument(
        "--model", help="model folder or Hub repository (default: TWOTOWER_MODEL, or the embedded model)"
    )
    parser.add_argument("--device", help="cpu, cuda, ... (default: CUDA where there is one)")
    parser.add_argument("--dtype", help="float32, bfloat16, ... (default: float32 on the CPU)")
    arguments = parser.parse_args()
    serve(arguments.model, arguments.device, arguments.dtype)
