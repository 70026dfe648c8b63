#!/usr/bin/env python3
"""Makes the bench's models, NAME.onnx, and their inputs, NAME.npz, seeded; what exists is kept."""
import argparse
import os
import zlib
from pathlib import Path

import numpy as np
import onnx

import convnets
import light
import sequences

MAKERS = {
    "mobilenetv2": convnets.mobilenet_v2,
    "dcgan_generator": convnets.dcgan_generator,
    "transformer_encoder": sequences.transformer_encoder,
    "gpt_decoder_step": sequences.gpt_decoder_step,
    "lstm": sequences.lstm,
}
NAMES = [*light.NAMES, *MAKERS]


def make(name, seed):
    """The model, and for each input what it holds ("normal", "ones" or a bound for integers) and its shape."""
    if name in MAKERS:
        return MAKERS[name](seed)
    model = light.make(name, seed)
    return model, {value.name: ("normal", [d.dim_value for d in value.type.tensor_type.shape.dim])
                   for value in model.graph.input}


def draw(rng, kind, shape):
    if kind == "normal":
        return rng.standard_normal(shape, dtype=np.float32)
    if kind == "ones":
        return np.ones(shape, np.int64)
    return rng.integers(0, kind, shape, dtype=np.int64)


def write(path, save):
    """Written beside and renamed, so that an interrupted run leaves no half file."""
    part = path.with_name(f"part-{path.name}")
    save(part)
    os.replace(part, path)


def ensure(name, folder):
    model_path, data_path = folder / f"{name}.onnx", folder / f"{name}.npz"
    if model_path.exists() and data_path.exists():
        return
    print(f"making {name}", flush=True)
    seed = zlib.crc32(name.encode())
    model, inputs = make(name, seed)
    onnx.checker.check_model(model)
    rng = np.random.default_rng([seed, 1])
    arrays = {f"in:{key}": draw(rng, *description) for key, description in inputs.items()}
    write(data_path, lambda path: np.savez(path, **arrays))
    write(model_path, lambda path: onnx.save(model, path))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/bench/zoo"))
    parser.add_argument("--models", nargs="*", choices=NAMES, default=NAMES, metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    arguments = parser.parse_args()
    if arguments.list:
        print(*NAMES, sep="\n")
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.models:
        ensure(name, arguments.folder)


if __name__ == "__main__":
    main()
