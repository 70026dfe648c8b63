# SPDX-License-Identifier: Apache-2.0
"""TFLite models from end to end. The repository's own models always; those of the shared folder where it is there.

tflite_test.py --table [NAME...] prints each of the manifest's models and what became of it.
"""
import json
import pathlib
import re
import sys
import unittest

import numpy as np

import tenon

MODELS = tenon.SHARED


def entries():
    """Models of the manifest with a reference, the operators' own ones last."""
    if not (MODELS / "manifest.json").exists():
        return []
    manifest = json.loads((MODELS / "manifest.json").read_text())
    models = [e for e in manifest["models"] if e["format"] == "tflite" and e.get("reference")]
    return models + [e for e in manifest.get("tflite_ops", []) if e.get("reference")]


def arrays_of(npz, kind):
    """Arrays in their order; the operators' references have a number before each name."""
    data = np.load(npz)
    names = [k for k in data.files if k.startswith(kind + ":")]
    numbered = all(re.match(kind + r":\d+:", k) for k in names)
    return {k.split(":", 2 if numbered else 1)[-1]: data[k] for k in names}


def named(folder, npz):
    """The reference's inputs; a nameless one goes by the name that the frontend makes up."""
    inputs = {k or "input_0": v for k, v in arrays_of(npz, "in").items()}
    path = folder / "in.npz"
    np.savez(path, **{"in:" + k: v for k, v in inputs.items()})
    return path


def limit(entry, y, quantized):
    """Floats: 1e-6 + 1e-3 * peak. Quantized: one step for one operator, the engines' own noise for a model."""
    peak = float(np.max(np.abs(y.astype(np.complex128 if y.dtype.kind == "c" else np.float64)))) if y.size else 0.0
    if not quantized and np.issubdtype(y.dtype, np.inexact):
        return 1e-6 + 1e-3 * peak
    noise = (entry.get("ref") or {}).get("maxabs_diff_vs_default_delegates", 0.0)
    return max(noise, 1e-6 + 1e-3 * peak) if np.issubdtype(y.dtype, np.floating) else max(noise, 1.0 if quantized else 0.0)


def worst_of(x, y):
    """Largest difference; NaN equals NaN and infinities equal themselves."""
    if not y.size:
        return 0.0
    if y.dtype.kind in "SUO":
        return float(np.any(x != y))
    if y.dtype.kind == "c":
        x, y = x.view(x.real.dtype), y.view(y.real.dtype)
    a, b = x.astype(np.float64), y.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.max(np.where(same, 0, np.abs(a - b)))) if not np.all(same) else 0.0


def compare(entry, got, reference):
    """(worst difference, allowed, what is wrong)"""
    worst, allowed = 0.0, 0.0
    quantized = bool(entry.get("quantized")) or "quant" in entry["file"]
    for name, y in reference.items():
        x = got.get(name or "output_0")
        if x is None:
            return 0, 0, f"no output {name}"
        if x.shape != y.shape or x.dtype.kind != y.dtype.kind or (x.dtype != y.dtype and y.dtype.kind not in "SUO"):
            return 0, 0, f"{name}: {x.dtype}{x.shape} for {y.dtype}{y.shape}"
        d, most = worst_of(x, y), limit(entry, y, quantized)
        worst, allowed = max(worst, d), max(allowed, most)
        if not d <= most:
            return d, most, f"{name} is off by {d:.3g}, allowed {most:.3g}"
    return worst, allowed, ""


def cases(npz):
    """{case: {entry: array}}"""
    data, r = np.load(npz), {}
    for key in data.files:
        name, entry = key.split("/", 1)
        r.setdefault(name, {})[entry] = data[key]
    return r


class Operators(tenon.Case):
    """The repository's own models, made by tests/models/make_tflite_models.py."""

    def run_case(self, case, backend, optimize):
        model, reference, out = self.folder / "model.tflite", self.folder / "in.npz", self.folder / "out.npz"
        model.write_bytes(case["model"].tobytes())
        np.savez(reference, **{k: v for k, v in case.items() if k != "model"})
        stages = [{"import": "auto", "model": str(model)}] + ([{"pipeline": "O2"}] if optimize else [])
        p, _ = self.pipeline(stages + [{"execute": backend, "inputs": str(reference), "outputs": str(out)}])
        if p.returncode:
            return " ".join(p.stderr.split())[:300]
        return compare({"file": ""}, arrays_of(out, "out"), arrays_of(reference, "out"))[2]

    def test_operators(self):
        for name, case in cases(tenon.MODELS / "tflite_models.npz").items():
            for backend, optimize in (("reference", False), ("cpu", True)):
                with self.subTest(name, backend=backend):
                    self.assertEqual("", self.run_case(case, backend, optimize))


class Manifest(tenon.Case):
    def run_model(self, entry, backend, optimize=True):
        reference = MODELS / entry["reference"]
        out = self.folder / "out.npz"
        stages = [{"import": "auto", "model": str(MODELS / entry["file"])}]
        stages += [{"pipeline": "O2"}] if optimize else []
        stages += [{"execute": backend, "inputs": str(named(self.folder, reference)), "outputs": str(out)}]
        p, _ = self.pipeline(stages)
        if p.returncode:
            return 0, 0, " ".join(p.stderr.split())[:300]
        return compare(entry, arrays_of(out, "out"), arrays_of(reference, "out"))

    @unittest.skipUnless(entries(), "the shared models are not there")
    def test_models(self):
        for e in entries():
            with self.subTest(e["file"]):
                self.assertEqual("", self.run_model(e, "cpu")[2])


def table(names):
    case, bad = Manifest(), 0
    case.setUp()
    for e in entries():
        stem = pathlib.Path(e["file"]).stem
        if names and stem not in names:
            continue
        rows = [case.run_model(e, backend) for backend in ("cpu", "reference")]
        wrong = [w for _, _, w in rows if w]
        bad += bool(wrong)
        text = " | ".join(wrong) or " | ".join(f"{d:.2g} of {most:.2g}" for d, most, _ in rows)
        print(f"{'BAD ' if wrong else 'ok  '}{e['file']:60} {text}", flush=True)
    case.tearDown()
    print(f"{bad} wrong")
    return bad


if __name__ == "__main__":
    if sys.argv[1:2] == ["--table"]:
        sys.exit(1 if table(sys.argv[2:]) else 0)
    unittest.main()
