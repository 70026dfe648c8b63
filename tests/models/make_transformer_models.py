# SPDX-License-Identifier: Apache-2.0
"""Makes tests/models/transformers: tiny transformers in the spellings of several exporters, with inputs and what NumPy computes for them in
double precision. Needs Debian's python3-onnx and python3-numpy; the results are in the repository."""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

FOLDER = pathlib.Path(__file__).resolve().parent / "transformers"
HIDDEN, HEADS, SIZE = 16, 2, 8


class Graph:
    """Nodes, and weights of a fixed sequence of random numbers."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []
        self.data = {}

    def const(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(nh.from_array(np.asarray(array), name))
        return name

    def f32(self, x):
        return self.const(np.float32(x))

    def i64(self, *x):
        return self.const(np.array(x, np.int64))

    def weight(self, *shape, scale=0.3):
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def op(self, kind, *inputs, outputs=1, **attrs):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(h.make_node(kind, list(inputs), names, f"n{len(self.nodes)}", **attrs))
        return names[0] if outputs == 1 else names

    def input(self, name, array, shape):
        self.data[f"in:{name}"] = array
        self.inputs.append(h.make_tensor_value_info(name, T.INT64 if array.dtype == np.int64 else T.FLOAT, shape))
        return name

    def output(self, v, name, expected, shape):
        self.nodes.append(h.make_node("Identity", [v], [name], f"out_{name}"))
        self.data[f"out:{name}"] = expected.astype(np.float32)
        self.outputs.append(h.make_tensor_value_info(name, T.FLOAT, shape))

    def save(self, name):
        g = h.make_graph(self.nodes, "graph", self.inputs, self.outputs, self.constants)
        m = h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="tenon tests")
        onnx.checker.check_model(m)
        FOLDER.mkdir(exist_ok=True)
        onnx.save(m, FOLDER / f"{name}.onnx")
        np.savez_compressed(FOLDER / f"{name}.npz", **self.data)


# NumPy, in double
def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attend(q, k, v, mask=0.0, cap=None):
    """[batch, heads, steps, size] each."""
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    return softmax((scores if cap is None else cap * np.tanh(scores / cap)) + mask) @ v


def split(x, heads=HEADS):
    return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def join(x):
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


def layer_norm(x, scale, bias, epsilon=1e-5):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c * c).mean(-1, keepdims=True) + epsilon) * scale + bias


def rms_norm(x, scale, epsilon=1e-6):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * scale


def gelu(x):
    t = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + np.tanh(t))


def linear(g, x, w, b=None):
    y = g.op("MatMul", x, g.const(w))
    return y if b is None else g.op("Add", y, g.const(b))


def encoder_torch():
    """Post-norm, formulas spelled out, shapes computed, an additive mask from flags."""
    g, batch, steps = Graph(1), 2, 5
    table = g.weight(20, HIDDEN, scale=1)
    ids = g.rng.integers(0, 20, (batch, steps))
    flags = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int64)
    i, m = g.input("input_ids", ids, ["batch", "steps"]), g.input("attention_mask", flags, ["batch", "steps"])
    mask = g.op("Cast", g.op("Unsqueeze", m, g.i64(1, 2)), to=T.FLOAT)
    mask = g.op("Mul", g.op("Sub", g.f32(1), mask), g.f32(-10000))
    x, ref = g.op("Gather", g.const(table), i), table.astype(float)[ids]
    hidden = (1.0 - flags[:, None, None, :]) * -10000

    def heads(v):
        shape = g.op("Shape", v)
        dims = [g.op("Unsqueeze", g.op("Gather", shape, g.const(np.int64(k))), g.i64(0)) for k in (0, 1)]
        return g.op("Reshape", v, g.op("Concat", *dims, g.i64(HEADS), g.i64(SIZE), axis=0))

    def norm(v, scale, bias):
        c = g.op("Sub", v, g.op("ReduceMean", v, axes=[-1]))
        var = g.op("ReduceMean", g.op("Pow", c, g.f32(2)), axes=[-1])
        y = g.op("Div", c, g.op("Sqrt", g.op("Add", var, g.f32(1e-5))))
        return g.op("Add", g.op("Mul", y, g.const(scale)), g.const(bias))

    for _ in range(2):
        w = [(g.weight(HIDDEN, HIDDEN), g.weight(HIDDEN)) for _ in range(4)]
        up, down = (g.weight(HIDDEN, 24), g.weight(24)), (g.weight(24, HIDDEN), g.weight(HIDDEN))
        s = [(1 + g.weight(HIDDEN), g.weight(HIDDEN)) for _ in range(2)]
        q, k, v = (heads(linear(g, x, *w[n])) for n in range(3))
        scores = g.op("Div", g.op("MatMul", g.op("Transpose", q, perm=[0, 2, 1, 3]), g.op("Transpose", k, perm=[0, 2, 3, 1])), g.f32(np.sqrt(SIZE)))
        p = g.op("Softmax", g.op("Add", scores, mask), axis=-1)
        y = g.op("Transpose", g.op("MatMul", p, g.op("Transpose", v, perm=[0, 2, 1, 3])), perm=[0, 2, 1, 3])
        shape = g.op("Shape", y)
        dims = [g.op("Unsqueeze", g.op("Gather", shape, g.const(np.int64(n))), g.i64(0)) for n in (0, 1)]
        y = g.op("Reshape", y, g.op("Concat", *dims, g.i64(HIDDEN), axis=0))
        x = norm(g.op("Add", linear(g, y, *w[3]), x), *s[0])
        y = linear(g, x, *up)
        t = g.op("Tanh", g.op("Mul", g.op("Add", y, g.op("Mul", g.op("Pow", y, g.f32(3)), g.f32(0.044715))), g.f32(np.sqrt(2 / np.pi))))
        y = g.op("Mul", g.op("Mul", y, g.f32(0.5)), g.op("Add", t, g.f32(1)))
        x = norm(g.op("Add", linear(g, y, *down), x), *s[1])
        q, k, v = (split(ref @ w[n][0] + w[n][1]) for n in range(3))
        ref = layer_norm(join(attend(q, k, v, hidden)) @ w[3][0] + w[3][1] + ref, *s[0])
        ref = layer_norm(gelu(ref @ up[0] + up[1]) @ down[0] + down[1] + ref, *s[1])
    g.output(x, "y", ref, ["batch", "steps", HIDDEN])
    g.save("encoder_torch")


def encoder_keras():
    """Fixed shapes, rows as matrices, the scale on the queries, normalization as a factor and a shift, SiLU."""
    g, steps = Graph(2), 6
    data = g.weight(1, steps, HIDDEN, scale=1)
    x, ref = g.input("x", data, [1, steps, HIDDEN]), data.astype(float)
    for _ in range(2):
        w = [(g.weight(HIDDEN, HIDDEN), g.weight(HIDDEN)) for _ in range(4)]
        mlp, scale, bias = (g.weight(HIDDEN, HIDDEN), g.weight(HIDDEN)), 1 + g.weight(HIDDEN), g.weight(HIDDEN)
        rows = g.op("Reshape", x, g.i64(steps, HIDDEN))
        q, k, v = (g.op("Reshape", linear(g, rows, *w[n]), g.i64(1, steps, HEADS, SIZE)) for n in range(3))
        q = g.op("Mul", g.op("Transpose", q, perm=[0, 2, 1, 3]), g.f32(1 / np.sqrt(SIZE)))
        p = g.op("Softmax", g.op("MatMul", q, g.op("Transpose", k, perm=[0, 2, 3, 1])), axis=3)
        y = g.op("Transpose", g.op("MatMul", p, g.op("Transpose", v, perm=[0, 2, 1, 3])), perm=[0, 2, 1, 3])
        y = g.op("Reshape", linear(g, g.op("Reshape", y, g.i64(steps, HIDDEN)), *w[3]), g.i64(1, steps, HIDDEN))
        y = g.op("Add", x, y)
        mean = g.op("ReduceMean", y, axes=[2])
        d = g.op("Sub", y, mean)
        inverse = g.op("Reciprocal", g.op("Sqrt", g.op("Add", g.op("ReduceMean", g.op("Mul", d, d), axes=[2]), g.f32(1e-3))))
        factor = g.op("Mul", inverse, g.const(scale))
        n = g.op("Add", g.op("Mul", y, factor), g.op("Sub", g.const(bias), g.op("Mul", mean, factor)))
        z = linear(g, n, *mlp)
        x = g.op("Add", g.op("Mul", z, g.op("Sigmoid", z)), y)
        q, k, v = (split(ref @ w[m][0] + w[m][1]) for m in range(3))
        ref = join(attend(q, k, v)) @ w[3][0] + w[3][1] + ref
        z_ref = layer_norm(ref, scale, bias, 1e-3) @ mlp[0] + mlp[1]
        ref = z_ref / (1 + np.exp(-z_ref)) + ref
    g.output(x, "y", ref, [1, steps, HIDDEN])
    g.save("encoder_keras")


def decoder_rotary():
    """A cache, grouped queries, rotary embedding, RMS normalization, a gated MLP; batch, steps and past are dynamic."""
    g, batch, steps, past, kv = Graph(3), 2, 3, 4, 1
    data = g.weight(batch, steps, HIDDEN, scale=1)
    positions = np.tile(np.arange(past, past + steps), (batch, 1)).astype(np.int64)
    x, p = g.input("x", data, ["batch", "steps", HIDDEN]), g.input("position_ids", positions, ["batch", "steps"])
    frequencies = (1 / 100 ** (np.arange(SIZE // 2) / (SIZE // 2))).astype(np.float32)
    seen = np.zeros((batch, 1, steps, past + steps))
    seen[:, :, :, past:] = np.triu(np.full((steps, steps), -1e9), 1)
    layers = [[g.weight(batch, kv, past, SIZE, scale=1) for _ in range(2)] for _ in range(2)]
    caches = [[g.input(f"past.{n}.{kind}", v, ["batch", kv, "past", SIZE]) for kind, v in zip(("key", "value"), old)] for n, old in enumerate(layers)]
    size = [g.op("Gather", g.op("Shape", v), g.const(np.int64(axis))) for v, axis in ((caches[0][0], 2), (x, 1))]
    keys = g.op("Unsqueeze", g.op("Range", g.const(np.int64(0)), g.op("Add", *size), g.const(np.int64(1))), g.i64(0, 1, 2))
    visible = g.op("LessOrEqual", keys, g.op("Unsqueeze", p, g.i64(1, 3)))
    mask = g.op("Where", visible, g.f32(0), g.f32(-1e9))
    angles = g.op("Mul", g.op("Cast", g.op("Unsqueeze", p, g.i64(2)), to=T.FLOAT), g.const(frequencies))
    both = g.op("Concat", angles, angles, axis=-1)
    cosines, sines = (g.op("Unsqueeze", g.op(kind, both), g.i64(1)) for kind in ("Cos", "Sin"))
    a = np.concatenate([positions[..., None] * frequencies] * 2, -1)[:, None]

    def turn(v):
        low = g.op("Slice", v, g.i64(0), g.i64(SIZE // 2), g.i64(3))
        high = g.op("Slice", v, g.i64(SIZE // 2), g.i64(2**63 - 1), g.i64(3))
        return g.op("Add", g.op("Mul", v, cosines), g.op("Mul", g.op("Concat", g.op("Neg", high), low, axis=-1), sines))

    def turned(v):
        return v * np.cos(a) + np.concatenate([-v[..., SIZE // 2:], v[..., :SIZE // 2]], -1) * np.sin(a)

    def heads(v, count):
        return g.op("Transpose", g.op("Reshape", v, g.i64(0, 0, count, SIZE)), perm=[0, 2, 1, 3])

    def repeated(v):
        wide = g.op("Unsqueeze", v, g.i64(2))
        dims = g.op("Concat", g.op("Slice", g.op("Shape", wide), g.i64(0), g.i64(2)), g.i64(HEADS), g.op("Slice", g.op("Shape", wide), g.i64(3), g.i64(5)), axis=0)
        return g.op("Reshape", g.op("Expand", wide, dims), g.i64(0, HEADS, -1, SIZE))

    ref, presents = data.astype(float), []
    for layer in range(2):
        old, names = layers[layer], caches[layer]
        s = [1 + g.weight(HIDDEN) for _ in range(2)]
        wq, wk, wv, wo = g.weight(HIDDEN, HIDDEN), g.weight(HIDDEN, kv * SIZE), g.weight(HIDDEN, kv * SIZE), g.weight(HIDDEN, HIDDEN)
        gate, up, down = g.weight(HIDDEN, 20), g.weight(HIDDEN, 20), g.weight(20, HIDDEN)

        def norm(v, scale):
            inverse = g.op("Div", g.f32(1), g.op("Sqrt", g.op("Add", g.op("ReduceMean", g.op("Pow", v, g.f32(2)), axes=[-1]), g.f32(1e-6))))
            return g.op("Mul", g.const(scale), g.op("Mul", v, inverse))

        n = norm(x, s[0])
        q, k, v = heads(linear(g, n, wq), HEADS), heads(linear(g, n, wk), kv), heads(linear(g, n, wv), kv)
        k, v = g.op("Concat", names[0], turn(k), axis=2), g.op("Concat", names[1], v, axis=2)
        presents += [k, v]
        scores = g.op("Mul", g.op("MatMul", turn(q), g.op("Transpose", repeated(k), perm=[0, 1, 3, 2])), g.f32(1 / np.sqrt(SIZE)))
        y = g.op("MatMul", g.op("Softmax", g.op("Add", scores, mask), axis=-1), repeated(v))
        y = g.op("Reshape", g.op("Transpose", y, perm=[0, 2, 1, 3]), g.i64(0, 0, -1))
        x = g.op("Add", x, linear(g, y, wo))
        n = norm(x, s[1])
        z = linear(g, n, gate)
        x = g.op("Add", x, linear(g, g.op("Mul", g.op("Mul", z, g.op("Sigmoid", z)), linear(g, n, up)), down))
        n = rms_norm(ref, s[0])
        q, k, v = turned(split(n @ wq)), turned(split(n @ wk, kv)), split(n @ wv, kv)
        k, v = np.concatenate([old[0], k], 2), np.concatenate([old[1], v], 2)
        presents += [(k, v)]
        ref = ref + join(attend(q, k.repeat(HEADS // kv, 1), v.repeat(HEADS // kv, 1), seen)) @ wo
        n = rms_norm(ref, s[1])
        z = n @ gate
        ref = ref + (z / (1 + np.exp(-z)) * (n @ up)) @ down
    g.output(x, "y", ref, ["batch", "steps", HIDDEN])
    for layer in range(2):
        names, values = presents[3 * layer:3 * layer + 2], presents[3 * layer + 2]
        for kind, name, v in zip(("key", "value"), names, values):
            g.output(name, f"present.{layer}.{kind}", v, ["batch", kv, "total", SIZE])
    g.save("decoder_rotary")


def packed_causal():
    """Fixed shapes, steps first, queries, keys and values from one product, a soft cap, flags of a triangle."""
    g, steps = Graph(4), 7
    data = g.weight(steps, 1, HIDDEN, scale=1)
    x, ref = g.input("x", data, [steps, 1, HIDDEN]), data.astype(float).transpose(1, 0, 2)
    triangle = np.tril(np.ones((1, 1, steps, steps), bool))
    for _ in range(2):
        w, b, wo, bo = g.weight(HIDDEN, 3 * HIDDEN), g.weight(3 * HIDDEN), g.weight(HIDDEN, HIDDEN), g.weight(HIDDEN)
        scale, bias = 1 + g.weight(HIDDEN), g.weight(HIDDEN)
        n = g.op("LayerNormalization", x, g.const(scale), g.const(bias), axis=-1)
        packed = g.op("Reshape", linear(g, n, w, b), g.i64(steps, 1, 3, HIDDEN))
        packed = g.op("Squeeze", g.op("Transpose", g.op("Unsqueeze", packed, g.i64(0)), perm=[3, 1, 2, 0, 4]), g.i64(3))
        q, k, v = (g.op("Gather", packed, g.const(np.int64(n))) for n in range(3))
        q, k, v = (g.op("Reshape", g.op("Transpose", g.op("Reshape", t, g.i64(steps, HEADS, SIZE)), perm=[1, 0, 2]), g.i64(1, HEADS, steps, SIZE)) for t in (q, k, v))
        root = g.f32(SIZE**-0.25)
        scores = g.op("MatMul", g.op("Mul", q, root), g.op("Mul", g.op("Transpose", k, perm=[0, 1, 3, 2]), root))
        scores = g.op("Mul", g.op("Tanh", g.op("Div", scores, g.f32(2))), g.f32(2))
        scores = g.op("Where", g.const(triangle), scores, g.f32(-np.inf))
        y = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
        y = g.op("Reshape", g.op("Transpose", y, perm=[2, 0, 1, 3]), g.i64(steps, HIDDEN))
        x = g.op("Add", x, g.op("Reshape", g.op("Gemm", y, g.const(wo), g.const(bo)), g.i64(steps, 1, HIDDEN)))
        n = layer_norm(ref, scale, bias) @ w + b
        q, k, v = (split(n[..., m * HIDDEN:(m + 1) * HIDDEN]) for m in range(3))
        ref = ref + join(attend(q, k, v, np.where(triangle, 0, -np.inf), 2)) @ wo + bo
    g.output(x, "y", ref.transpose(1, 0, 2), [steps, 1, HIDDEN])
    g.save("packed_causal")


if __name__ == "__main__":
    encoder_torch()
    encoder_keras()
    decoder_rotary()
    packed_causal()
