# SPDX-License-Identifier: Apache-2.0
"""The CPU backend's layouts: a region of convolutions and what stands between them has one, changes stay at its borders, and every
operator that works in several gives the reference kernels' results in each."""
import json
import random
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import tenon


class Maker:
    """An ONNX model, node by node; shapes are kept by value."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.g = np.random.default_rng(seed)
        self.nodes, self.weights, self.shapes = [], {}, {}

    def input(self, name, shape):
        self.shapes[name] = list(shape)
        return name

    def constant(self, a):
        name = f"c{len(self.weights)}"
        self.weights[name] = np.asarray(a)
        return name

    def add(self, op, inputs, *shapes, **attributes):
        outs = [f"v{len(self.nodes)}_{k}" for k in range(len(shapes))]
        self.nodes.append(helper.make_node(op, inputs, outs, name=f"{op}{len(self.nodes)}", **attributes))
        self.shapes.update(zip(outs, map(list, shapes)))
        return outs[0] if len(outs) == 1 else outs

    def conv(self, x, channels, kernel=1, group=1, stride=1):
        n, c, h, w = self.shapes[x]
        weight = self.constant((self.g.standard_normal((channels, c // group, kernel, kernel)) / np.sqrt(c // group * kernel * kernel)).astype(np.float32))
        bias = self.constant(self.g.standard_normal(channels).astype(np.float32) / 4)
        p = kernel // 2
        y = [n, channels, (h + 2 * p - kernel) // stride + 1, (w + 2 * p - kernel) // stride + 1]
        return self.add("Conv", [x, weight, bias], y, group=group, pads=[p] * 4, strides=[stride] * 2)

    def deconv(self, x, channels, kernel, stride):
        n, c, h, w = self.shapes[x]
        weight = self.constant((self.g.standard_normal((c, channels, kernel, kernel)) / np.sqrt(c)).astype(np.float32))
        bias = self.constant(self.g.standard_normal(channels).astype(np.float32) / 4)
        return self.add("ConvTranspose", [x, weight, bias], [n, channels, (h - 1) * stride + kernel, (w - 1) * stride + kernel], strides=[stride] * 2)

    def same(self, op, x, *more, **attributes):
        return self.add(op, [x, *more], self.shapes[x], **attributes)

    def reshape(self, x, shape):
        return self.add("Reshape", [x, self.constant(np.int64(shape))], shape)

    def transpose(self, x, *perm):
        return self.add("Transpose", [x], [self.shapes[x][p] for p in perm], perm=list(perm))

    def concat(self, *parts, axis=1):
        s = list(self.shapes[parts[0]])
        s[axis] = sum(self.shapes[p][axis] for p in parts)
        return self.add("Concat", list(parts), s, axis=axis)

    def model(self, inputs, outputs):
        value = lambda v: helper.make_tensor_value_info(v, TensorProto.FLOAT, self.shapes[v])
        graph = helper.make_graph(self.nodes, "g", [value(v) for v in inputs], [value(v) for v in outputs],
                                  [numpy_helper.from_array(a, n) for n, a in self.weights.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def attention_branch(m, x):
    """Reshaped to a sequence, through attention and back, as text recognizers do it."""
    n, c, h, w = m.shapes[x]
    s = m.transpose(m.reshape(x, [n, c, h * w]), 0, 2, 1)
    heads = []
    for _ in range(3):
        p = m.add("MatMul", [s, m.constant((m.g.standard_normal((c, c)) / np.sqrt(c)).astype(np.float32))], [n, h * w, c])
        heads.append(m.transpose(m.reshape(p, [n, h * w, 4, c // 4]), 0, 2, 1, 3))
    scores = m.add("MatMul", [heads[0], m.transpose(heads[1], 0, 1, 3, 2)], [n, 4, h * w, h * w])
    scores = m.same("Softmax", m.same("Mul", scores, m.constant(np.float32(0.3))), axis=-1)
    y = m.add("MatMul", [scores, heads[2]], [n, 4, h * w, c // 4])
    y = m.reshape(m.transpose(y, 0, 2, 1, 3), [n, h * w, c])
    y = m.same("LayerNormalization", m.same("Add", y, s), m.constant(np.ones(c, np.float32)), m.constant(np.zeros(c, np.float32)), axis=-1)
    return m.transpose(m.reshape(y, [n, h, w, c]), 0, 3, 1, 2)


def moves(steps):
    """Operators of the steps that only bring data into another order."""
    return [s["operator"] for s in steps if "reorder" in s["kernel"] or "copy" in s["kernel"] or s["operator"] == "Transpose"]


def between(steps):
    """Of these, the ones between the first and the last convolution."""
    at = [k for k, s in enumerate(steps) if "Conv" in s["operator"] and "reorder" not in s["kernel"] and "copy" not in s["kernel"]]
    return moves(steps[at[0] : at[-1]]) if at else []


class Layouts(tenon.Case):
    def run_model(self, m, inputs, outputs):
        """Steps of the program; the results are compared with the reference kernels'."""
        path, x = self.folder / "m.onnx", self.folder / "x.npz"
        save(m.model(inputs, outputs), str(path))
        np.savez(x, **{f"in:{v}": m.g.standard_normal(m.shapes[v]).astype(np.float32) for v in inputs})
        got = {}
        for backend, stages in (("reference", []), ("cpu", [{"pipeline": "O2"}])):
            out = self.folder / f"{backend}.npz"
            p, report = self.pipeline([{"import": "auto", "model": str(path)}, *stages, {"execute": backend, "inputs": str(x), "outputs": str(out)}])
            self.ok(p)
            got[backend] = dict(np.load(out))
        for name, y in got["reference"].items():
            np.testing.assert_allclose(got["cpu"][name], y, rtol=0, atol=1e-6 + 2e-5 * float(np.max(np.abs(y))), err_msg=name)
        return report["stages"][-1]["program"]["nodes"]

    def test_concat_with_attention_branch(self):
        for channels in (32, 48, 40):
            m = Maker(channels)
            x = m.input("x", [1, 3, 16, 32])
            a = m.conv(m.same("Relu", m.conv(x, channels, 3, stride=2)), channels, 3, stride=2)
            s = attention_branch(m, m.conv(a, channels))
            y = m.conv(m.same("Relu", m.conv(m.concat(a, m.conv(s, channels)), channels, 3)), 16)
            steps = self.run_model(m, [x], [y])
            self.assertEqual(sum("attention" in s["kernel"] for s in steps), 1)
            # The borders of the sequence only: what goes in and comes out of it.
            moved = between(steps)
            self.assertFalse({"Concat", "Transpose", "Relu"} & set(moved), moved)
            self.assertLessEqual(len(moved), 2, moved)

    def test_channels_last_network(self):
        """As TFLite has it: the network's own transposes cancel, and its input is already in the layout of the convolutions."""
        m = Maker(1)
        x = m.input("x", [1, 24, 24, 3])
        y = m.transpose(x, 0, 3, 1, 2)
        for c in (16, 24, 24):
            y = m.same("Relu", m.conv(y, c, 3))
            y = m.transpose(m.same("Clip", m.transpose(y, 0, 2, 3, 1), m.constant(np.float32(0)), m.constant(np.float32(6))), 0, 3, 1, 2)
            y = m.conv(y, c, 3, group=c)
        y = m.transpose(m.conv(y, 10), 0, 2, 3, 1)
        self.assertEqual(moves(self.run_model(m, [x], [y])), [])

    def test_operators_between_convolutions(self):
        """None of these brings its input into another layout."""
        m = Maker(2)
        x = m.input("x", [1, 8, 12, 12])
        y = m.conv(x, 32, 3)
        y = m.add("MaxPool", [y], [1, 32, 6, 6], kernel_shape=[2, 2], strides=[2, 2])
        y = m.add("Resize", [y, "", m.constant(np.float32([1, 1, 2, 2]))], [1, 32, 12, 12], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        y = m.same("InstanceNormalization", y, m.constant(m.g.standard_normal(32).astype(np.float32)), m.constant(m.g.standard_normal(32).astype(np.float32)))
        y = m.conv(y, 24, 3)
        y = m.add("Pad", [y, m.constant(np.int64([0, 0, 1, 0, 0, 8, 0, 1]))], [1, 32, 13, 13])
        y = m.concat(m.conv(y, 20), m.conv(y, 12, 3), m.conv(y, 7))
        scale = m.conv(m.add("GlobalAveragePool", [y], [1, 39, 1, 1]), 39)
        y = m.add("Mul", [y, m.same("Sigmoid", scale)], m.shapes[y])
        y = m.same("Relu", m.deconv(m.conv(y, 16), 12, 3, 2))
        y = m.add("Slice", [y, m.constant(np.int64([1])), m.constant(np.int64([25])), m.constant(np.int64([2]))], [1, 12, 24, 27])
        y = m.conv(y, 16)
        y = m.conv(m.add("DepthToSpace", [y], [1, 4, 48, 54], blocksize=2), 8, 3)
        moved = between(self.run_model(m, [x], [y]))
        # Depth to space is a movement of its own.
        self.assertEqual([op for op in moved if op != "DepthToSpace"], [])

    def test_random_networks(self):
        for seed in range(60):
            m = Maker(seed)
            shape = [m.r.choice([1, 1, 2]), m.r.choice([3, 4, 16, 20]), m.r.choice([6, 9, 12]), m.r.choice([1, 7, 12])]
            live = [m.input("x", shape)]
            for _ in range(m.r.randint(4, 14)):
                live.append(self.grow(m, m.r.choice(live[-4:]), live))
            with self.subTest(seed=seed):
                self.run_model(m, ["x"], [live[-1], m.r.choice(live[1:-1])])

    def grow(self, m, x, live):
        n, c, h, w = s = m.shapes[x]
        kind = m.r.choice(["conv", "conv", "conv", "depthwise", "deconv", "concat", "sum", "scale", "relu", "pool", "average", "resize", "norm", "pad", "slice", "split", "shuffle", "depth", "sequence"])
        if kind == "depthwise":
            return m.conv(x, c, 3, group=c)
        if kind == "deconv" and h * w < 200:
            return m.deconv(x, m.r.choice([1, 5, 16]), m.r.choice([2, 3]), m.r.choice([1, 2]))
        if kind == "concat":
            fits = [v for v in live if m.shapes[v][0] == n and m.shapes[v][2:] == s[2:] and m.shapes[v][1] < 80]
            return m.concat(x, *m.r.sample(fits, min(len(fits), m.r.choice([1, 2]))))
        if kind == "sum":
            return m.same(m.r.choice(["Add", "Mul"]), x, m.r.choice([v for v in live if m.shapes[v] == s]))
        if kind == "scale":
            return m.same("Mul", x, m.conv(m.add("GlobalAveragePool", [x], [n, c, 1, 1]), c))
        if kind == "relu":
            return m.same(m.r.choice(["Relu", "Sigmoid", "HardSwish"]), x)
        if kind in ("pool", "average") and min(h, w) >= 2:
            return m.add("MaxPool" if kind == "pool" else "AveragePool", [x], [n, c, (h - 2) // 2 + 1, (w - 2) // 2 + 1], kernel_shape=[2, 2], strides=[2, 2])
        if kind == "resize" and h * w < 200:
            return m.add("Resize", [x, "", m.constant(np.float32([1, 1, 2, 2]))], [n, c, 2 * h, 2 * w], mode=m.r.choice(["nearest", "linear"]), coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        if kind == "norm":
            gain, shift = (m.constant(m.g.standard_normal(c).astype(np.float32)) for _ in range(2))
            return m.same("InstanceNormalization", x, gain, shift, epsilon=0.01)
        if kind == "pad":
            mode, more = m.r.choice([("constant", 16), ("constant", 3), ("constant", 0), ("edge", 0)])
            value = m.constant(np.float32(m.r.choice([0, 1.5])))
            return m.add("Pad", [x, m.constant(np.int64([0, 0, 1, 0, 0, more, 0, 2])), value], [n, c + more, h + 1, w + 2], mode=mode)
        if kind == "slice":
            axis = m.r.choice([a for a in (1, 2, 3) if s[a] > 1] or [1])
            start, step = s[axis] // 3, m.r.choice([1, 1, 2])
            t = list(s)
            t[axis] = (s[axis] - start + step - 1) // step
            return m.add("Slice", [x, *(m.constant(np.int64([v])) for v in (start, 2**40, axis, step))], t)
        if kind == "split" and c % 2 == 0:
            a, b = m.add("Split", [x], [n, c // 2, h, w], [n, c // 2, h, w], axis=1, num_outputs=2)
            return m.concat(m.conv(a, c // 2), b)
        if kind == "shuffle" and c % 2 == 0:
            return m.reshape(m.transpose(m.reshape(x, [n, 2, c // 2, h, w]), 0, 2, 1, 3, 4), s)
        if kind == "depth" and h % 2 == 0 and w % 2 == 0:
            return m.add("SpaceToDepth", [x], [n, 4 * c, h // 2, w // 2], blocksize=2) if c < 32 else m.conv(x, 8)
        if kind == "depth" and c % 4 == 0:
            return m.add("DepthToSpace", [x], [n, c // 4, 2 * h, 2 * w], blocksize=2)
        if kind == "sequence" and h * w < 200:
            return attention_branch(m, m.conv(x, 16))
        return m.conv(x, m.r.choice([1, 8, 16, 24, 32]), m.r.choice([1, 3]), stride=m.r.choice([1, 1, 2]))


@unittest.skipUnless(tenon.SHARED.exists(), "needs the shared models")
class Manifest(tenon.Case):
    """A transformer, a network from TFLite and an OCR model's two: attention as one step, no movement between convolutions but at the
    borders of a sequence."""

    def test_models(self):
        entries = {e["name"]: e for e in json.loads((tenon.SHARED / "manifest.json").read_text())["models"]}
        for name, attention, convolutions, borders in (
            ("made_gpt_tiny", 2, False, []),
            ("made_transformer_float", 2, False, []),
            ("mlperf_vww_float", 0, True, []),
            ("ppocrv4_det", 0, True, []),
            ("ppocrv4_rec", 2, True, ["Reshape", "Conv"]),
        ):
            with self.subTest(name):
                e = entries[name]
                p, report = self.pipeline([{"import": "auto", "model": str(tenon.SHARED / e["file"])}, {"pipeline": "O2"},
                                           {"execute": "cpu", "inputs": str(tenon.SHARED / e["reference"])}])
                self.ok(p)
                steps = report["stages"][-1]["program"]["nodes"]
                self.assertEqual(sum("attention" in s["kernel"] for s in steps), attention)
                self.assertEqual(any(s["operator"] == "Conv" for s in steps), convolutions)
                self.assertEqual(between(steps), borders)


if __name__ == "__main__":
    unittest.main()
