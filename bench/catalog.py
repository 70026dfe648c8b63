"""The models of the bench: those of a manifest, if there is one, and the zoo that the bench makes."""
import fnmatch
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
MAKE_ZOO = BENCH / "models/make_zoo.py"
SUFFIX = {"onnx": ".onnx", "tflite": ".tflite"}


@dataclass(frozen=True)
class Model:
    name: str
    path: Path
    inputs: Path
    reference: bool  # the file of inputs also holds expected outputs


def chosen(name, patterns):
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def from_manifest(manifest, patterns, form):
    if not manifest.exists():
        return []
    entries = json.loads(manifest.read_text())["models"]
    return [Model(entry["name"], manifest.parent / entry["file"], manifest.parent / entry["reference"], True)
            for entry in entries
            if entry["format"] == form and entry.get("reference") and chosen(entry["name"], patterns)]


def zoo_names():
    answer = subprocess.run([sys.executable, MAKE_ZOO, "--list"], check=True, capture_output=True, text=True)
    return answer.stdout.split()


def from_zoo(folder, patterns):
    names = [name for name in zoo_names() if chosen(name, patterns)]
    if names:
        subprocess.run([sys.executable, MAKE_ZOO, folder, "--models", *names], check=True)
    return [Model(name, folder / f"{name}.onnx", folder / f"{name}.npz", False) for name in names]


def models(manifest, zoo, patterns, form="onnx"):
    return (from_zoo(zoo, patterns) if form == "onnx" else []) + from_manifest(manifest, patterns, form)
