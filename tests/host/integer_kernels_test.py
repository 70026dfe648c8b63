# SPDX-License-Identifier: Apache-2.0
"""Integer kernels of the CPU backend against the reference kernels, over random shapes, types and roundings, with 1 and 2 threads.
integer_kernels_test.py SEED COUNT runs other cases than the usual ones."""
import random
import sys
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tenon

TYPES = {np.dtype(n): t for n, t in (("int8", TensorProto.INT8), ("uint8", TensorProto.UINT8), ("int32", TensorProto.INT32), ("float32", TensorProto.FLOAT))}
CHANNELS = (1, 2, 3, 4, 5, 8, 13, 16, 17, 24, 33, 64, 65)
SEED, COUNT = 1, 20


class Graph:
    """A model of one input that is written down node by node; `tenon` nodes are the IR's own."""

    def __init__(self, seed):
        self.r, self.rng = random.Random(seed), np.random.default_rng(seed)
        self.nodes, self.constants, self.x = [], {}, None

    def constant(self, value, dtype):
        name = f"c{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def node(self, op, inputs, domain="tenon", **attributes):
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [out], domain=domain, **attributes))
        return out

    def bytes(self, shape, dtype):
        i = np.iinfo(dtype)
        return self.rng.integers(i.min, i.max + 1, shape).astype(dtype)

    def number(self, dtype):
        return self.constant(self.bytes([], dtype), dtype)

    def byte_type(self):
        return self.r.choice((np.int8, np.uint8))

    def input(self, value):
        self.x = value
        return "x"

    def save(self, path, y, dtype):
        info = helper.make_tensor_value_info("x", TYPES[self.x.dtype], list(self.x.shape))
        out = helper.make_tensor_value_info(y, TYPES[np.dtype(dtype)], None)
        graph = helper.make_graph(self.nodes, "g", [info], [out], list(self.constants.values()))
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16), helper.make_opsetid("tenon", 1)]), str(path))


def requantize(g, x, channels, axis, depth):
    out = g.byte_type()
    i = np.iinfo(out)
    one = g.r.random() < 0.5
    scale = 0.02 / depth**0.5 * g.r.choice((0.1, 1, 1, 20)) * g.rng.uniform(0.3, 2, [] if one else [channels])
    zero = g.r.randint(i.min, i.max)
    inputs = [x, g.constant(scale, g.r.choice((np.float32, np.float64))), g.constant(zero if one else np.full(channels, zero), out)]
    if g.r.random() < 0.5:
        inputs += [g.constant(v, out) for v in sorted((g.r.randint(i.min, i.max), g.r.randint(i.min, i.max)))]
    rounding = g.r.choice(("half_even", "half_away", "double", "double_up", "single"))
    return g.node("Requantize", inputs, axis=axis, output_dtype=np.dtype(out).name.replace("uint", "u").replace("int", "i"), rounding=rounding), out


def ended(g, y, channels, shape, axis, depth):
    """Nothing, a requantization, or a bias and a requantization."""
    how = g.r.choice(("sums", "requantize", "bias", "bias"))
    if how == "sums":
        return y, np.int32
    if how == "bias":
        y = g.node("Add", [y, g.constant(g.rng.integers(-20000, 20000, shape), np.int32)], domain="")
    return requantize(g, y, channels, axis, depth)


def zero_points(g, x, w, filters):
    """Names of the zero points' constants, which may be left out."""
    a = g.number(x) if g.r.random() < 0.7 else ""
    if w == np.int8 and g.r.random() < 0.7:
        return [a]
    return [a, g.constant(g.bytes([filters] if g.r.random() < 0.4 else [], w), w)]


def convolution(g):
    rank, kind = g.r.choice((1, 2, 2, 3)), g.r.choice(("dense", "dense", "pointwise", "depthwise", "groups"))
    group = {"depthwise": g.r.choice(CHANNELS), "groups": g.r.choice((2, 3))}.get(kind, 1)
    depth = 1 if kind == "depthwise" else g.r.choice(CHANNELS)
    filters = group * (1 if kind == "depthwise" else g.r.choice(CHANNELS[:8] if kind == "groups" else CHANNELS))
    kernel = [1] * rank if kind == "pointwise" else [g.r.choice((1, 2, 3, 3, 5)) for _ in range(rank)]
    dilations = [g.r.choice((1, 1, 2)) for _ in kernel]
    size = [max(g.r.randint(1, 20 if rank < 3 else 8), (k - 1) * d + 1) for k, d in zip(kernel, dilations)]
    pads = [g.r.randint(0, k - 1) for k in kernel * 2]
    xt, wt = g.byte_type(), g.byte_type()
    x = g.input(g.bytes([g.r.choice((1, 2)), group * depth, *size], xt))
    w = g.constant(g.bytes([filters, depth, *kernel], wt), wt)
    y = g.node("ConvInteger", [x, w, *zero_points(g, xt, wt, filters)], kernel_shape=kernel, strides=[g.r.choice((1, 1, 2, 3)) for _ in kernel], dilations=dilations, pads=pads, group=group)
    return ended(g, y, filters, [1, filters] + [1] * rank, 1, depth * int(np.prod(kernel)))


def product(g):
    rows, depth, columns = g.r.choice((1, 2, 7, 8, 9, 64, 130)), g.r.choice((1, 3, 4, 63, 64, 257)), g.r.choice((1, 10, 16, 17, 33, 100))
    lead = g.r.choice(([], [2], [1, 3]))
    xt, wt = g.byte_type(), g.byte_type()
    x = g.input(g.bytes([*lead, rows, depth], xt))
    y = g.node("MatMulInteger", [x, g.constant(g.bytes([depth, columns], wt), wt), *zero_points(g, xt, wt, columns)])
    return ended(g, y, columns, [columns], 1 + len(lead), depth)


def table_sum(g):
    """Two functions of bytes, added or multiplied."""
    t, shape = g.byte_type(), g.r.choice(([1, 9, 7, 24], [3, 5], [1, 1, 2000]))
    x = g.node("Cast", [g.input(g.bytes(shape, t))], to="i32")
    a = g.node("Gather", [g.constant(g.rng.integers(-30000, 30000, 256), np.int32), x], axis=0)
    b = g.node("Sub", [x, g.constant(g.r.randint(-5, 5), np.int32)], domain="")
    y = g.node(g.r.choice(("Add", "Sub", "Mul")), [a, b], domain="")
    out = g.byte_type()
    return g.node("Requantize", [y, g.constant(1e-3, np.float64), g.number(out)], output_dtype=np.dtype(out).name.replace("uint", "u").replace("int", "i"), rounding="double"), out


def max_pool(g):
    t = g.byte_type()
    x = g.input(g.bytes([g.r.choice((1, 2)), g.r.choice(CHANNELS), g.r.randint(3, 12), g.r.randint(3, 12)], t))
    return g.node("MaxPool", [x], kernel_shape=[3, 2], strides=[g.r.choice((1, 2)), 1], pads=[1, 0, g.r.choice((0, 1)), 1]), t


def dequantized(g, q, scale, t, axis=0):
    return g.node("DequantizeLinear", [q, g.constant(scale, np.float32), g.constant(np.zeros_like(scale), t)], domain="", axis=axis)


def quantized_float(g):
    """A convolution or Gemm as quantizers leave it for other engines: float, between QuantizeLinear and DequantizeLinear."""
    t, filters, depth = g.byte_type(), g.r.choice(CHANNELS), g.r.choice(CHANNELS)
    conv = g.r.random() < 0.7
    q = g.input(g.bytes([1, depth, 9, 8] if conv else [7, depth], t))
    x = dequantized(g, q, np.float32(0.02), t)
    per = np.float32(g.rng.uniform(0.005, 0.02, filters))
    shape = [filters, depth, 3, 3] if conv else [filters, depth]
    w = dequantized(g, g.constant(g.bytes(shape, np.int8), np.int8), per, np.int8)
    bias = g.constant(g.rng.uniform(-1, 1, filters), np.float32)
    y = g.node("Conv", [x, w, bias], domain="", pads=[1, 1, 1, 1]) if conv else g.node("Gemm", [x, w, bias], domain="", transB=1)
    if g.r.random() < 0.5:
        y = g.node("Relu", [y], domain="")
    out = g.byte_type()
    return g.node("QuantizeLinear", [y, g.constant(0.03 * depth**0.5, np.float32), g.number(out)], domain=""), out


class Integers(tenon.Case):
    def compare(self, make, steps=0):
        for seed in range(SEED, SEED + COUNT):
            with self.subTest(seed=seed):
                g = Graph(seed)
                y, dtype = make(g)
                model, x, expected = self.folder / "m.onnx", self.folder / "x.npz", self.folder / "y.npz"
                g.save(model, y, dtype)
                np.savez(x, x=g.x)
                stages = [{"import": "onnx", "model": str(model)}, {"execute": "reference", "inputs": str(x), "outputs": str(expected)}]
                for threads in (1, 2):
                    stages.append({"execute": "cpu", "inputs": str(x), "expect": str(expected), "tolerance": {"absolute": steps, "relative": 0}, "options": {"threads": threads}})
                process, report = self.pipeline(stages)
                self.ok(process)
                kernels = [n["kernel"] for s in report["stages"][2:] for n in s["program"]["nodes"]]
                self.assertNotIn("reference", kernels)

    def test_convolution(self):
        self.compare(convolution)

    def test_product(self):
        self.compare(product)

    def test_table_sum(self):
        self.compare(table_sum)

    def test_max_pool(self):
        self.compare(max_pool)

    def test_quantized_float(self):
        self.compare(quantized_float, steps=1)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        SEED, COUNT = int(sys.argv[1]), int(sys.argv[2])
        del sys.argv[1:]
    unittest.main()
