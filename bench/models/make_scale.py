#!/usr/bin/env python3
"""Writes one made model: make_scale.py FAMILY NODES PATH. The same arguments give the same file.

chain: products, biases and activations in a row.   wide: branches of four nodes from one input, joined by a tree of sums.
foldable: arithmetic on constants and shapes, little of which is left.   convolutions: residual blocks of Conv, BatchNormalization, Relu.
transformer: encoder blocks as exporters spell them, with computed Reshape targets.   twins: every subexpression is there four times.
nested: If and Loop, each with a small graph inside.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Maker:
    """Nodes and weights of a graph under construction; weights of one key are there once."""

    def __init__(self, prefix=""):
        self.nodes, self.weights, self.kept, self.prefix = [], [], {}, prefix
        self.random = np.random.default_rng(1)

    def constant(self, array, key=None):
        if key is not None and key in self.kept:
            return self.kept[key]
        name = f"{self.prefix}w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        if key is not None:
            self.kept[key] = name
        return name

    def weight(self, *shape):
        return self.constant((self.random.standard_normal(shape) / max(1, shape[0]) ** 0.5).astype(np.float32))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64), ("ints", values))

    def scalar(self, value):
        return self.constant(np.array(value, np.float32), ("scalar", value))

    def __call__(self, op, *inputs, **attributes):
        name = f"{self.prefix}v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=f"{self.prefix}n{len(self.nodes)}", **attributes))
        return name


def chain(m, count):
    value = "x"
    while len(m.nodes) < count:
        value = m("MatMul", value, m.weight(8, 8))
        value = m("Add", value, m.weight(8))
        value = m(("Relu", "Tanh", "Sigmoid", "Elu")[len(m.nodes) % 4], value)
        value = m("Mul", value, m.weight(8))
    return value, ("N", 8)


def wide(m, count):
    ends = []
    while len(m.nodes) + len(ends) < count:
        value = m("Mul", m("Identity", "x"), m.weight(8))
        ends.append(m("Tanh", m("Add", value, m.weight(8))))
    while len(ends) > 1:
        pairs = [m("Add", a, b) for a, b in zip(ends[::2], ends[1::2])]
        ends = pairs + ends[len(pairs) * 2:]
    return ends[0], ("N", 8)


def foldable(m, count):
    value = "x"
    while len(m.nodes) < count:
        scale = m("Add", m("Mul", m.weight(8), m.scalar(0.5)), m.scalar(1.0))
        shape = m("Shape", value)
        rows = m("Unsqueeze", m("Gather", shape, m.constant(np.int64(0), "zero"), axis=0), m.ints(0))
        size = m("Unsqueeze", m("Mul", m("Gather", shape, m.constant(np.int64(1), "one"), axis=0), m.constant(np.int64(1), "times")), m.ints(0))
        value = m("Reshape", value, m("Concat", rows, size, axis=0))
        value = m("Cast", m("Identity", m("Mul", value, m("Sqrt", m("Abs", scale)))), to=TensorProto.FLOAT)
    return value, ("N", 8)


def convolutions(m, count):
    value = "x"
    while len(m.nodes) < count:
        skip = value
        for k in range(2):
            value = m("Conv", value, m.weight(4, 4, 3, 3) if k else m.weight(4, 4, 1, 1), kernel_shape=[3, 3] if k else [1, 1], pads=[k] * 4)
            value = m("BatchNormalization", value, m.weight(4), m.weight(4), m.weight(4), m.constant(np.abs(m.random.standard_normal(4)).astype(np.float32) + 1))
            if k == 0:
                value = m("Relu", value)
        value = m("Relu", m("Add", value, skip))
    return value, ("N", 4, 8, 8)


def norm(m, value):
    centred = m("Sub", value, m("ReduceMean", value, axes=[-1]))
    spread = m("Sqrt", m("Add", m("ReduceMean", m("Pow", centred, m.scalar(2.0)), axes=[-1]), m.scalar(1e-5)))
    return m("Add", m("Mul", m("Div", centred, spread), m.weight(8)), m.weight(8))


def heads(m, value, source):
    shape = m("Shape", source)
    sizes = [m("Unsqueeze", m("Gather", shape, m.constant(np.int64(k), f"index{k}"), axis=0), m.ints(0)) for k in range(2)]
    return m("Transpose", m("Reshape", value, m("Concat", *sizes, m.ints(2), m.ints(4), axis=0)), perm=[0, 2, 1, 3])


def transformer(m, count):
    value = "x"
    while len(m.nodes) < count:
        normed = norm(m, value)
        q, k, v = (heads(m, m("Add", m("MatMul", normed, m.weight(8, 8)), m.weight(8)), normed) for _ in range(3))
        scores = m("Div", m("MatMul", q, m("Transpose", k, perm=[0, 1, 3, 2])), m.scalar(2.0))
        mixed = m("Transpose", m("MatMul", m("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        value = m("Add", value, m("Add", m("MatMul", m("Reshape", mixed, m.ints(0, 0, 8)), m.weight(8, 8)), m.weight(8)))
        wide_part = m("Add", m("MatMul", norm(m, value), m.weight(8, 16)), m.weight(16))
        erf = m("Add", m("Erf", m("Div", wide_part, m.scalar(2.0**0.5))), m.scalar(1.0))
        gelu = m("Mul", m("Mul", wide_part, erf), m.scalar(0.5))
        value = m("Add", value, m("Add", m("MatMul", gelu, m.weight(16, 8)), m.weight(8)))
    return value, ("N", "T", 8)


def twins(m, count):
    value = "x"
    while len(m.nodes) < count:
        w, b = m.weight(8), m.weight(8)
        four = [m("Tanh", m("Add", m("Mul", value, w), b)) for _ in range(4)]
        value = m("Concat", *(m("Slice", x, m.ints(k * 2), m.ints(k * 2 + 2), m.ints(1)) for k, x in enumerate(four)), axis=1)
    return value, ("N", 8)


def body(value, number, op):
    """A graph of three nodes that reads an outer value."""
    inner = Maker(f"b{number}{op}")
    out = inner("Tanh", inner("Add", inner("Mul", value, inner.weight(8)), inner.weight(8)))
    return helper.make_graph(inner.nodes, "inner", [], [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)], inner.weights)


def loop_body(value, number):
    graph = body(value, number, "l")
    names = [f"l{number}{k}" for k in range(3)]
    graph.input.extend([helper.make_tensor_value_info(names[0], TensorProto.INT64, []), helper.make_tensor_value_info(names[1], TensorProto.BOOL, []),
                        helper.make_tensor_value_info(names[2], TensorProto.FLOAT, ["N", 8])])
    last = graph.output[0].name
    graph.node.append(helper.make_node("Add", [last, names[2]], [names[2] + "sum"]))
    graph.node.append(helper.make_node("Identity", [names[1]], [names[1] + "on"]))
    del graph.output[:]
    graph.output.extend([helper.make_tensor_value_info(names[1] + "on", TensorProto.BOOL, []),
                         helper.make_tensor_value_info(names[2] + "sum", TensorProto.FLOAT, ["N", 8])])
    return graph


def nested(m, count):
    """Of nine nodes one is an If that holds six, and of each seven one is a Loop that holds five."""
    value, made = "x", 0
    while made < count:
        positive = m("Greater", m("ReduceSum", value, keepdims=0), m.scalar(0.0))
        number = len(m.nodes)
        value = m("If", positive, then_branch=body(value, number, "t"), else_branch=body(value, number, "e"))
        value = m("Loop", m.constant(np.int64(3), "trips"), "", value, body=loop_body(value, number))
        value = m("Mul", value, m.weight(8))
        made += 16
    return value, ("N", 8)


FAMILIES = (chain, wide, foldable, convolutions, transformer, twins, nested)


def make(family, count, path):
    m = Maker()
    value, shape = {f.__name__: f for f in FAMILIES}[family](m, count)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))
    y = helper.make_tensor_value_info(value, TensorProto.FLOAT, None)
    graph = helper.make_graph(m.nodes, family, [x], [y], m.weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), sys.argv[3])
