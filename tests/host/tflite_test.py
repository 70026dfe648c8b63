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
    if y.dtype.kind in "SU":
        return 0.0
    peak = float(np.max(np.abs(y.astype(np.complex128 if y.dtype.kind == "c" else np.float64)))) if y.size else 0.0
    if not quantized and np.issubdtype(y.dtype, np.inexact):
        return 1e-6 + 1e-3 * peak
    noise = (entry.get("ref") or {}).get("maxabs_diff_vs_default_delegates", 0.0)
    return max(noise, 1e-6 + 1e-3 * peak) if np.issubdtype(y.dtype, np.floating) else noise if "ref" in entry else 1.0 if quantized else 0.0


def worst_of(x, y):
    """Largest difference; NaN equals NaN and infinities equal themselves."""
    if not y.size:
        return 0.0
    if y.dtype.kind in "SU":
        return float(np.any(np.char.encode(x) != y if x.dtype.kind == "U" and y.dtype.kind == "S" else x != y))
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
        texts = x.dtype.kind in "SU" and y.dtype.kind in "SU"
        if x.shape != y.shape or not (texts or x.dtype == y.dtype):
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


class Files(tenon.Case):
    """What the format can say, in the models of tests/models/tflite_files.npz."""

    def write(self, name):
        """The model's path; other files of the case stand beside it."""
        self.case = cases(tenon.MODELS / "tflite_files.npz")[name]
        for k, v in self.case.items():
            if ":" not in k:
                (self.folder / (f"{name}.tflite" if k == "model" else k)).write_bytes(v.tobytes())
        np.savez(self.folder / "io.npz", **{k: v for k, v in self.case.items() if ":" in k})
        return self.folder / f"{name}.tflite"

    def check(self, model, io=None, **options):
        out = self.folder / "out.npz"
        p, report = self.pipeline([{"import": "tflite", "model": str(model), **options}, {"pipeline": "O2"}, {"execute": "cpu", "inputs": str(io or self.folder / "io.npz"), "outputs": str(out)}])
        self.ok(p)
        expected, got = arrays_of(io or self.folder / "io.npz", "out"), arrays_of(out, "out")
        self.assertEqual(list(expected), list(got))
        for k in expected:
            np.testing.assert_allclose(got[k], expected[k], rtol=1e-6)
        return p

    def test_run(self):
        for name in ("nameless", "odd_outputs", "backwards", "outside_the_flatbuffer", "external_file"):
            with self.subTest(name):
                self.check(self.write(name))

    def test_signatures(self):
        model = self.write("signatures")
        a, b, io = np.float32([1, 2, 3]), np.float32([4, 5, 6]), self.folder / "io.npz"
        np.savez(io, **{"in:ADD_a": a, "in:ADD_b": b, "out:ADD_y": a + b})
        self.assertIn("signatures add, mul", self.check(model).stderr)
        np.savez(io, **{"in:left": a, "in:right": b, "out:result": a * b})
        self.assertEqual("", self.check(model, signature="mul").stderr)
        p, _ = self.pipeline([{"import": "tflite", "model": str(model), "signature": "sub"}])
        self.error(p, 2, "'sub'", "add, mul")
        p = tenon.run("inspect", model)
        for text in ("two functions", "signatures: add, mul", "signature mul: (left: MUL_a, right: MUL_b) -> (result: MUL_y)"):
            self.assertIn(text, p.stdout)

    def test_random(self):
        """Mean and spread within six standard errors, and the same numbers for the same seeds."""
        np.savez(self.folder / "none.npz", unused=np.zeros(1))
        expected = {"uniform": (0.5, 1 / 12**0.5, np.float32), "normal": (0.0, 1.0, np.float32), "index": (1.0, 0.5**0.5, np.int64), "flex": (1.0, 0.5**0.5, np.int32)}
        draws = []
        for _ in range(2):
            p, _ = self.pipeline([{"import": "tflite", "model": str(self.write("random"))}, {"execute": "cpu", "inputs": str(self.folder / "none.npz"), "outputs": str(self.folder / "y.npz")}])
            self.ok(p)
            draws.append(arrays_of(self.folder / "y.npz", "out"))
        for name, (mean, deviation, dtype) in expected.items():
            y = draws[0][name]
            self.assertEqual((y.shape, y.dtype), ((40, 50), dtype))
            self.assertLess(abs(y.mean() - mean), 6 * deviation / 2000**0.5)
            self.assertLess(abs(y.std() - deviation), 0.15 * deviation)
            np.testing.assert_array_equal(y, draws[1][name])

    def test_flex_multinomial(self):
        """TensorFlow's operator; its options are read, and what they should not hold is an error."""
        self.error(tenon.run("convert", self.write("flex_other_operator"), "-o", self.folder / "m.tenon"), 3, "another operator", "Erf")
        self.error(tenon.run("convert", self.write("flex_damaged"), "-o", self.folder / "m.tenon"), 3, "reaches past the end")
        p = tenon.run("check", self.write("flex_unknown_attribute"))
        self.assertEqual(p.returncode, 4)
        self.assertIn("attribute 'shape' of TensorFlow's operator Multinomial is not known", p.stdout + p.stderr)

    def test_unknown_operators_are_listed_at_once(self):
        p = tenon.run("check", self.write("unknown_operators"))
        self.assertEqual(p.returncode, 4)
        for text in ("tflite.flex::FlexErf", "tflite.custom::Mystery", "tflite::BUILTIN_999", "select ops"):
            self.assertIn(text, p.stdout + p.stderr)

    def test_damaged(self):
        for name, text in (("cycle", "one another's outputs"), ("recursive", "calls itself")):
            with self.subTest(name):
                self.error(tenon.run("inspect", self.write(name)), 3, text)
        whole = self.write("signatures").read_bytes()
        for size in (0, 5, 8, 100, len(whole) // 2, len(whole) - 1):
            cut = self.folder / "cut.tflite"
            cut.write_bytes(whole[:size])
            with self.subTest(size=size):
                self.assertEqual(tenon.run("inspect", cut).returncode, 3)
        outside = self.write("outside_the_flatbuffer")
        outside.write_bytes(outside.read_bytes()[:-4])
        self.error(tenon.run("inspect", outside), 3, "past the end of the file", "byte")
        (self.folder / "weights.bin").unlink(missing_ok=True)
        external = self.write("external_file")
        (self.folder / "weights.bin").write_bytes(b"short")
        self.error(tenon.run("inspect", external), 3, "weights.bin")

    def test_other_sizes(self):
        """A dynamic model stays one: at another size it does what its unoptimized graph does on the reference kernels."""
        for name, shape in (("add_dynamic", (5, 4)), ("shape_dynamic", (7, 3, 4)), ("while_loop", (5, 3)), ("while_growing", (1, 3)), ("space_to_batch_dynamic", (1, 5, 2, 2))):
            case, model, io = cases(tenon.MODELS / "tflite_models.npz")[name], self.folder / "m.tflite", self.folder / "io.npz"
            model.write_bytes(case["model"].tobytes())
            inputs = {k: v for k, v in case.items() if k.startswith("in:")}
            first = next(k for k, v in inputs.items() if v.ndim == len(shape))
            inputs[first] = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
            np.savez(io, **inputs)
            results = []
            for stages in ([{"execute": "reference"}], [{"pipeline": "O2"}, {"execute": "cpu"}]):
                out = self.folder / "out.npz"
                stages[-1].update(inputs=str(io), outputs=str(out))
                p, _ = self.pipeline([{"import": "tflite", "model": str(model)}, *stages])
                self.ok(p)
                results.append(arrays_of(out, "out"))
            with self.subTest(name):
                for k in results[0]:
                    np.testing.assert_allclose(results[0][k], results[1][k], rtol=1e-5, atol=1e-6)


# LiteRT 2.3 takes the missing per-tensor scale of the second factor, which has one scale for each channel, as 0: its references are all zeros.
# The product by the file's own scales is that many steps away from them at most, and Tenon gives that.
ZERO_REFERENCES = {f"litert_static_w8_a16_quantized_{name}_einsum": 3 for name in ("attn_vec", "q", "v")}


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
                difference, _, wrong = self.run_model(e, "cpu")
                zeros = ZERO_REFERENCES.get(pathlib.Path(e["file"]).stem)
                if zeros is None:
                    self.assertEqual("", wrong)
                else:
                    self.assertTrue(all(not y.any() for y in arrays_of(MODELS / e["reference"], "out").values()), "the reference has been corrected")
                    self.assertTrue(0 < difference <= zeros, f"{difference} {wrong}")


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
