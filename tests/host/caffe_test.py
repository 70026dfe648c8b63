# SPDX-License-Identifier: Apache-2.0
"""Caffe models: every layer type against plain numpy, the forms of the format, real models, dynamic sizes, and files that are wrong."""
import json
import unittest

import numpy as np

import tenon

FOLDER = tenon.MODELS / "caffe"
DYNAMIC = {  # case -> names for its sizes, and other sizes to run at: the batch, or height and width
    "conv_floor": (["N", 4, "H", "W"], (1, 4, 12, 10)), "pool_max_321": (["N", 3, "H", "W"], (3, 3, 10, 13)), "pool_ave_321": (["N", 3, "H", "W"], (1, 3, 6, 9)),
    "pool_max_332": (["N", 3, "H", "W"], (1, 3, 6, 9)), "inner_product": (["N", 3, 4, 5], (5, 3, 4, 5)), "inner_product_axis": (["N", 3, 4, 5], (4, 3, 4, 5)),
    "flatten_part": (["N", 3, "H", 5], (1, 3, 6, 5)), "reshape": (["N", "C", "H", 5], (1, 2, 6, 5)), "argmax_3_values": (["N", 3, 2, 2], (3, 3, 2, 2)),
    "shuffle_channel": (["N", 6, "L"], (1, 6, 9)), "upsample": (["N", 2, "H", "W"], (2, 2, 3, 5)), "mvn_across": (["N", 3, "H", "W"], (1, 3, 5, 2)),
    "lrn_within": (["N", 7, "H", "W"], (1, 7, 8, 3)), "interp_zoom": (["N", 8, "H", "W"], (1, 8, 3, 5)), "reorg": (["N", 8, "H", "W"], (2, 8, 2, 8)),
    "normalize": (["N", "C", "H", "W"], (1, 2, 3, 4)), "softmax_axis": (["N", 3, "L"], (5, 3, 2)), "tile": (["N", 6, 4], (1, 6, 4)), "slice": (["N", 6, "L"], (1, 6, 2))}


def entries(npz):
    data = np.load(npz)
    return ({k[3:]: data[k] for k in data.files if k.startswith("in:")}, {k[4:]: data[k] for k in data.files if k.startswith("out:")})


def stage(name, **more):
    model, network = FOLDER / f"{name}.caffemodel", FOLDER / f"{name}.prototxt"
    files = {"model": str(model)} if model.exists() else {"model": str(network)}
    if model.exists() and network.exists():
        files["network"] = str(network)
    return {"import": "caffe", **files, **more}


class CaffeCase(tenon.Case):
    def execute(self, first, inputs, backend="reference", passes=()):
        out = self.folder / "out.npz"
        p, report = self.pipeline([first, *passes, {"execute": backend, "inputs": str(inputs), "outputs": str(out)}])
        self.ok(p)
        return {k[4:]: v for k, v in np.load(out).items()}, report

    def compare(self, got, expected, what):
        self.assertEqual(set(got), set(expected), what)
        for name, y in expected.items():
            x = got[name]
            self.assertEqual(x.shape, y.shape, f"{what} {name}")
            peak = float(np.max(np.abs(y))) if y.size else 0
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-6 + 1e-4 * min(peak, 1e6), err_msg=f"{what} {name}")


class Layers(CaffeCase):
    def test_all(self):
        cases = sorted(p.stem for p in FOLDER.glob("*.npz"))
        self.assertGreater(len(cases), 150)
        for name in cases:
            npz = FOLDER / f"{name}.npz"
            _, expected = entries(npz)
            with self.subTest(name, backend="reference"):
                got, report = self.execute(stage(name), npz)
                self.assertEqual(report.get("leftovers", []), [])
                self.compare(got, expected, name)
            with self.subTest(name, backend="cpu"):
                got, _ = self.execute(stage(name), npz, "cpu", [{"pipeline": "O2"}])
                self.compare(got, expected, name)

    def test_dynamic(self):
        """Sizes as symbols: the model gives at other sizes what a model of those sizes gives."""
        for name, (dims, size) in DYNAMIC.items():
            with self.subTest(name):
                x = self.folder / "x.npz"
                np.savez(x, **{"in:x0": np.random.default_rng(5).standard_normal(size).astype(np.float32)})
                fixed, _ = self.execute(stage(name, shapes={"x0": list(size)}), x)
                got, _ = self.execute(stage(name, shapes={"x0": dims}), x)
                self.compare(got, fixed, name)
                got, _ = self.execute(stage(name, shapes={"x0": dims}), x, "cpu", [{"pipeline": "O2"}])
                self.compare(got, fixed, name)


class Network(CaffeCase):
    def test_phases_and_stages(self):
        npz = FOLDER / "phases.npz"
        _, expected = entries(npz)
        got, report = self.execute(stage("phases"), npz)
        self.compare(got, expected, "phases")
        p, _ = self.pipeline([stage("phases")])
        for word in ("accuracy", "loss", "'data'"):
            self.assertIn(word, p.stderr)
        got, _ = self.execute(stage("phases", stages=["deploy"]), npz)
        self.assertGreater(float(np.abs(got["prob"] - expected["prob"]).max()), 1e-3)
        got, _ = self.execute(stage("phases", level=5), npz)
        self.assertGreater(float(np.abs(got["prob"] - expected["prob"]).max()), 1e-3)

    def test_network_elsewhere(self):
        """A network that the user names may lie in another folder than the model."""
        other = self.folder / "deploy.prototxt"
        other.write_text((FOLDER / "conv.prototxt").read_text())
        npz = FOLDER / "conv.npz"
        got, _ = self.execute({"import": "caffe", "model": str(FOLDER / "conv.caffemodel"), "network": str(other)}, npz)
        self.compare(got, entries(npz)[1], "conv")

    def test_auto(self):
        for name in ("binary_v0", "binary_v1", "binary_v2", "relu"):
            first = stage(name)
            first["import"] = "auto"
            p, report = self.pipeline([first])
            self.ok(p)
            self.assertEqual(report["stages"][0]["frontend"], "caffe")
        first = stage("conv")
        first["import"] = "auto"
        got, _ = self.execute(first, FOLDER / "conv.npz")
        self.compare(got, entries(FOLDER / "conv.npz")[1], "conv")

    def test_without_weights(self):
        """No weights is no end of the import; running names the layer."""
        net = {"import": "caffe", "model": str(FOLDER / "conv.prototxt")}
        p, report = self.pipeline([net])
        self.ok(p)
        self.assertIn("no weights", json.dumps(report["leftovers"]))
        p, _ = self.pipeline([net, {"execute": "reference", "inputs": str(FOLDER / "conv.npz")}])
        self.error(p, 4, "no weights")

    def test_unknown_layer(self):
        text = 'input: "x" input_dim: [1, 2, 3, 4] layer { name: "new" type: "Fancy" bottom: "x" top: "y" fancy_param { strength: 2.5 mode: HARD } }'
        (self.folder / "n.prototxt").write_text(text)
        p, report = self.pipeline([{"import": "caffe", "model": "n.prototxt"}])
        self.ok(p)
        self.assertEqual(report["leftovers"][0]["operator"], "caffe::Fancy")

    def test_state_of_recurrent_layers(self):
        """Where no sequence begins, the state of the run before counts, as in Caffe."""
        inputs, _ = entries(FOLDER / "rnn.npz")
        inputs["x1"][:] = 1
        np.savez(self.folder / "x.npz", **{f"in:{k}": v for k, v in inputs.items()})
        results = []
        for backend in ("reference", "cpu"):
            first, _ = self.execute(stage("rnn"), self.folder / "x.npz", backend)
            out = self.folder / "again.npz"
            p, _ = self.pipeline([stage("rnn"), {"execute": backend, "inputs": str(self.folder / "x.npz"), "outputs": str(out), "repeat": 2}])
            self.ok(p)
            results.append(np.load(out)["out:y0"])
            self.assertGreater(float(np.abs(results[-1] - first["y0"]).max()), 1e-3)
        if np.array_equal(*results):
            return
        np.testing.assert_allclose(*results, atol=1e-5)


class Wrong(CaffeCase):
    def bad(self, text, code, *words, name="n.prototxt", **more):
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        p, _ = self.pipeline([{"import": "caffe", "model": name, **more}])
        self.error(p, code, *words)

    def test_text(self):
        head = 'input: "x" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4\n'
        relu = 'layer { name: "r" type: "ReLU" bottom: "x" top: "y" %s }'
        self.bad(head + relu % "" + "}", 3, "line 2")
        self.bad(head + relu % 'relu_param { negative_slope: "a" }', 3, "negative_slope")
        self.bad(head + relu % "phase: SLEEP", 3, "TRAIN, TEST")
        self.bad(head + "colour: 3", 3, "colour")
        self.bad("layer {" * 50, 3, "deeper")
        self.bad('layer { name: "unterminated', 3)
        self.bad(head + relu % "top: \"z\" top: \"x\" bottom: \"nowhere\"", 3, "nowhere")
        self.bad('input: "x" input_dim: 1 ' + relu % "", 3, "input_dim")
        self.bad(head + relu % "" + relu % "", 3, "made by two layers")
        self.bad(head + 'layer { name: "r" type: "ReLU" bottom: "x" top: "y" include { phase: TRAIN } }', 3, "no output")
        self.bad(head + relu % "" + ' name: "a" name: "b"', 3, "given twice")
        self.bad("", 3, "empty")

    def test_values(self):
        head = 'input: "x" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4\n'
        layer = head + 'layer { name: "l" type: "%s" bottom: "x" top: "y" %s }'
        self.bad(layer % ("Pooling", "pooling_param { kernel_size: 2 pad: 2 }"), 3, "padding")
        self.bad(layer % ("LRN", "lrn_param { local_size: 4 }"), 3, "odd")
        self.bad(layer % ("Concat", "concat_param { axis: 7 }"), 3, "axis 7")
        self.bad(layer % ("Reshape", "reshape_param { shape { dim: -1 dim: -1 } }"), 3, "-1")
        for kind, params, word in (("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }", "stochastic"), ("ReLU", "relu_param { cap: 3 }", "cap"), ("Python", 'python_param { module: "m" layer: "L" }', "Python")):
            (self.folder / "n.prototxt").write_text(layer % (kind, params))
            p, report = self.pipeline([{"import": "caffe", "model": "n.prototxt"}])
            self.ok(p)
            self.assertIn(word, json.dumps(report["leftovers"]))

    def test_weights(self):
        """Weights of another network: sizes are checked."""
        p, _ = self.pipeline([{"import": "caffe", "model": str(FOLDER / "inner_product.caffemodel"), "network": str(FOLDER / "inner_product_transposed.prototxt")}])
        self.error(p, 3, "[60, 7]", "[7, 60]")
        whole = (FOLDER / "conv.caffemodel").read_bytes()
        network = str(FOLDER / "conv.prototxt")
        for cut in (1, 10, 30, len(whole) // 2, len(whole) - 1):
            self.bad(whole[:cut], 3, name="cut.caffemodel", network=network)
        self.bad(b"\xff" * 100, 3, name="noise.caffemodel", network=network)
        p, _ = self.pipeline([{"import": "caffe", "model": str(FOLDER / "conv.prototxt"), "network": str(FOLDER / "binary_v2.caffemodel")}])
        self.error(p, 2, ".caffemodel")

    def test_damaged(self):
        """Every file with one byte changed is read, or refused with one error; nothing else."""
        rng = np.random.default_rng(2)
        for name in ("binary_v0.caffemodel", "binary_v1.caffemodel", "binary_v2.caffemodel", "form_v1.prototxt", "detection_center.prototxt"):
            whole = bytearray((FOLDER / name).read_bytes())
            for _ in range(12):
                data = bytearray(whole)
                data[rng.integers(len(data))] = rng.integers(256)
                (self.folder / name).write_bytes(data)
                p = tenon.run("inspect", self.folder / name)
                self.assertIn(p.returncode, (0, 2, 3, 4, 6), p.stderr)

    def test_huge(self):
        """Dimensions whose product overflows, and a count that no file can hold."""
        def chunk(n, d):
            out, size = bytes([n << 3 & 127 | 2 | (128 if n > 15 else 0)]) + (bytes([n >> 4]) if n > 15 else b""), len(d)
            while size > 127:
                out, size = out + bytes([size & 127 | 128]), size >> 7
            return out + bytes([size]) + d
        big = b"\xff\xff\xff\xff\x0f"
        for dims in (big * 4, b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" * 2, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"):
            blob = chunk(7, chunk(1, dims)) + chunk(5, b"\0" * 8)
            data = chunk(100, chunk(1, b"l") + chunk(7, blob))
            self.bad(data, 3, "l", name="huge.caffemodel", network=str(FOLDER / "conv.prototxt"))

    def test_dialect(self):
        """Field 147 of a layer: the type settles what it is, or the error names the clash."""
        def layer(kind, body):
            inner = b"\x0a\x01l" + b"\x12" + bytes([len(kind)]) + kind + b"\x1a\x01x" + b"\x22\x01y" + body
            return b"\x1a\x01x" + b"\x20\x01\x20\x04\x20\x02\x20\x02" + b"\xa2\x06" + bytes([len(inner)]) + inner
        stride = b"\x9a\x09\x02\x08\x02"  # 147: { 1: 2 }
        (self.folder / "r.caffemodel").write_bytes(layer(b"Reorg", stride))
        p, report = self.pipeline([{"import": "caffe", "model": "r.caffemodel"}])
        self.ok(p)
        self.assertEqual(report.get("leftovers", []), [])
        self.bad(layer(b"Other", stride), 3, "swish_param (bvlc)", "reorg_param (ncnn)", "convolution3d_param (mnn)", name="c.caffemodel")
        p, report = self.pipeline([{"import": "caffe", "model": "c.caffemodel", "dialect": "ncnn"}])
        self.ok(p)
        self.bad(layer(b"Other", stride), 2, "dialect", name="d.caffemodel", dialect="nobody")


@unittest.skipUnless((tenon.SHARED / "caffe").exists(), "the shared models are not there")
class RealModels(CaffeCase):
    def models(self):
        for m in json.loads((tenon.SHARED / "manifest.json").read_text())["models"]:
            if m["format"] == "caffe":
                yield m, {"import": "caffe", "model": str(tenon.SHARED / m["file"]), "network": str(tenon.SHARED / m["prototxt"])}

    def check(self, m, first, backend):
        npz = tenon.SHARED / m["reference"]
        got, _ = self.execute(first, npz, backend, [{"pipeline": "O2"}])
        for name, y in entries(npz)[1].items():
            # one reference calls the output by its layer's name; Caffe calls it by its blob's
            x = got[name] if name in got else next(iter(got.values()))
            # the engine of the references fills up to keep_top_k rows with zeros; Caffe has as many rows as detections
            if y.ndim == 4 and y.shape[3] == 7:
                y = y[:, :, np.abs(y[0, 0]).sum(1) > 0]
            self.assertEqual(x.shape, y.shape)
            peak = float(np.max(np.abs(y)))
            self.assertLessEqual(float(np.max(np.abs(x.astype(float) - y))), 1e-6 + 1e-3 * peak, f"{m['name']} {name}")

    def test_all(self):
        for m, first in self.models():
            for backend in ("cpu", "reference"):
                with self.subTest(m["name"], backend=backend):
                    self.check(m, first, backend)

    def test_dynamic(self):
        """Batch, height and width as symbols, from the file to execution."""
        for m, first in self.models():
            with self.subTest(m["name"]):
                data = m["inputs"][0]
                self.check(m, {**first, "shapes": {data["name"]: ["N", data["shape"][1], "H", "W"]}}, "cpu")


class Losses(tenon.Case):
    """What only training needs: predictions stay, the rest goes and is mentioned."""

    NETWORK = """name: "n" input: "x" input_dim: 2 input_dim: 3 input_dim: 1 input_dim: 1
layer { name: "r" type: "ReLU" bottom: "x" top: "r" }
layer { name: "last" type: "%s" bottom: "r" bottom: "label" top: "last" }
"""

    def run_network(self, layer):
        model, x = self.folder / "net.prototxt", np.random.default_rng(1).standard_normal((2, 3, 1, 1)).astype(np.float32)
        model.write_text(self.NETWORK % layer)
        np.savez(self.folder / "x.npz", x=x)
        p, _ = self.pipeline([{"import": "caffe", "model": str(model)}, {"execute": "reference", "inputs": str(self.folder / "x.npz"), "outputs": str(self.folder / "y.npz")}])
        self.ok(p)
        return np.maximum(x, 0), dict(np.load(self.folder / "y.npz")), p.stdout + p.stderr

    def test_predictions(self):
        def softmax(r):
            return np.exp(r) / np.exp(r).sum(1, keepdims=True)

        for layer, f in (("SoftmaxWithLoss", softmax), ("InfogainLoss", softmax), ("SigmoidCrossEntropyLoss", lambda r: 1 / (1 + np.exp(-r)))):
            with self.subTest(layer):
                r, y, _ = self.run_network(layer)
                np.testing.assert_allclose(y["out:last/predictions"], f(r), rtol=1e-5)

    def test_dropped(self):
        for layer in ("Accuracy", "ContrastiveLoss", "EuclideanLoss", "HingeLoss", "MultinomialLogisticLoss", "SmoothL1Loss"):
            with self.subTest(layer):
                r, y, text = self.run_network(layer)
                np.testing.assert_array_equal(y["out:r"], r)
                self.assertIn("last", text)


if __name__ == "__main__":
    unittest.main()
