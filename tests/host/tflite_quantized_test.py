# SPDX-License-Identifier: Apache-2.0
"""Quantized, recurrent and stateful TFLite operators, one at a time: the same numbers as LiteRT's, on the reference kernels and on the CPU.

The models are in models/tflite_quantized.npz; make_tflite_quantized.py makes them."""
import collections
import json
import unittest

import numpy as np

import tenon

# Float arithmetic whose order of operations is the engine's own, rounded to 8 bits at the end.
ONE_STEP = {"resize_bilinear_uint8", "resize_bilinear_half_uint8", "resize_bilinear_corners_uint8", "mean_image_int8_dynamic"}


def cases():
    """Name -> {"model": bytes, "runs": n, "in:NAME" or "out:NAME": array}."""
    r = collections.defaultdict(dict)
    with np.load(tenon.MODELS / "tflite_quantized.npz") as data:
        for key in data.files:
            name, entry = key.split("/", 1)
            r[name][entry] = data[key]
    return r


CASES = cases()


class Operators(tenon.Case):
    def execute(self, case, stages, backend):
        model, values, out = self.folder / "m.tflite", self.folder / "x.npz", self.folder / "y.npz"
        model.write_bytes(case["model"].tobytes())
        np.savez(values, **{k: v for k, v in case.items() if k[:3] in ("in:", "out")})
        out.unlink(missing_ok=True)
        run = {"execute": backend, "inputs": str(values), "outputs": str(out), "repeat": int(case["runs"])}
        p, report = self.pipeline([{"import": "tflite", "model": str(model)}, *stages, run])
        self.ok(p)
        with np.load(out) as y:
            return {k: y[k] for k in y.files}, report

    def compare(self, name, got):
        for key, y in CASES[name].items():
            if not key.startswith("out:"):
                continue
            x = got[key]
            self.assertEqual((x.shape, x.dtype), (y.shape, y.dtype), key)
            if np.issubdtype(y.dtype, np.floating):
                np.testing.assert_allclose(x, y, rtol=0, atol=2e-6 * max(1.0, float(np.abs(y).max())), err_msg=key)
            else:
                worst = int(np.abs(x.astype(np.int64) - y.astype(np.int64)).max(initial=0))
                self.assertLessEqual(worst, 1 if name in ONE_STEP else 0, key)

    def check_all(self, stages, backend):
        for name, case in sorted(CASES.items()):
            with self.subTest(name):
                self.compare(name, self.execute(case, stages, backend)[0])

    def test_reference(self):
        self.check_all([], "reference")

    def test_reference_optimized(self):
        self.check_all([{"pipeline": "O1"}], "reference")

    def test_cpu(self):
        self.check_all([{"pipeline": "O1"}], "cpu")

    def test_cpu_reassociated(self):
        self.check_all([{"pipeline": "O2"}], "cpu")

    def test_integers_stay_integers(self):
        """A quantized convolution has no float in it."""
        case = CASES["conv_int8"]
        _, report = self.execute(case, [{"pipeline": "O1"}], "reference")
        operators = collections.Counter(n["operator"].split("::")[1].split("@")[0] for n in report["stages"][-1]["program"]["nodes"])
        self.assertEqual(operators["ConvInteger"], 1, operators)
        self.assertEqual(operators["Requantize"], 1, operators)
        self.assertFalse({"Conv", "DequantizeLinear", "QuantizeLinear"} & set(operators), operators)

    def test_state_outlives_a_run(self):
        """A second run differs from the first, and a new program starts from zero again."""
        case = dict(CASES["svdf_float"], runs=1)
        first, _ = self.execute(case, [], "cpu")
        again, _ = self.execute(case, [], "cpu")
        second, _ = self.execute(dict(case, runs=2), [], "cpu")
        for key in first:
            np.testing.assert_array_equal(first[key], again[key])
            self.assertGreater(float(np.abs(first[key] - second[key]).max()), 1e-3)


class SharedModels(tenon.Case):
    """The quantized models of the manifest: within the engine's own noise, most of them exactly."""

    @unittest.skipUnless((tenon.SHARED / "manifest.json").exists(), "no shared models")
    def test_models(self):
        models = [m for m in json.loads((tenon.SHARED / "manifest.json").read_text())["models"] if m["format"] == "tflite" and m["quantized"] and "ref" in m]
        self.assertGreater(len(models), 10)
        for m in models:
            for backend in ("reference", "cpu"):
                with self.subTest(m["name"], backend=backend):
                    self.check(tenon.SHARED / m["file"], m["ref"]["maxabs_diff_vs_default_delegates"], backend)

    def check(self, model, noise, backend):
        npz, out = self.folder / "x.npz", self.folder / "y.npz"
        # Tensors without a name are input_0, output_0, ...
        with np.load(model.with_suffix(".npz")) as data:
            np.savez(npz, **{{"in:": "in:input_0", "out:": "out:output_0"}.get(k, k): data[k] for k in data.files})
        p, _ = self.pipeline([{"import": "tflite", "model": str(model)}, {"pipeline": "O2"}, {"execute": backend, "inputs": str(npz), "outputs": str(out)}])
        self.ok(p)
        expected, got = np.load(npz), np.load(out)
        for key in expected.files:
            if key.startswith("out:"):
                difference = np.abs(got[key].astype(np.float64) - expected[key].astype(np.float64))
                self.assertLessEqual(float(difference.max(initial=0)), noise, key)


if __name__ == "__main__":
    unittest.main()
