# SPDX-License-Identifier: Apache-2.0
"""What changed from one opset to the next, sequences and optionals in files, and parts of the format that few models use."""
import unittest

import numpy as np
import onnx
from onnx import helper as h
from onnx import TensorProto as T

import tenon

BACKENDS = ("reference", "cpu")
F = np.float32


def tensor_info(name, array):
    return h.make_tensor_value_info(name, onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype], array.shape)


def untyped(names):
    return [onnx.ValueInfoProto(name=n) for n in names]


def field(number, text):
    """A text field of a message that the installed onnx does not know."""
    return bytes([number << 3 | 2, len(text)]) + text.encode()


class Versions(tenon.Case):
    def run_model(self, graph, feeds, expect, opset, functions=()):
        """Runs on both backends and compares; feeds and expect are arrays by entry. Returns the process."""
        m = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), h.make_opsetid("own", 1)], functions=list(functions))
        m.ir_version = 8
        (self.folder / "m.onnx").write_bytes(m.SerializeToString())
        data = str(self.folder / "x.npz")
        np.savez(data, **{f"in:{k}": v for k, v in feeds.items()}, **{f"out:{k}": v for k, v in expect.items()})
        stages = [{"import": "onnx", "model": str(self.folder / "m.onnx")}]
        stages += [{"execute": b, "inputs": data, "expect": data, "outputs": str(self.folder / f"{b}.npz"), "tolerance": {"absolute": 1e-6, "relative": 1e-5}} for b in BACKENDS]
        return self.pipeline(stages)[0]

    def run_nodes(self, nodes, feeds, expect, opset, functions=(), sparse=()):
        g = h.make_graph(nodes, "g", [tensor_info(n, a) for n, a in feeds.items()], untyped(expect), sparse_initializer=list(sparse))
        return self.run_model(g, feeds, expect, opset, functions)

    def check(self, op, opset, inputs, expect, **attrs):
        feeds = {f"x{k}": np.asarray(a) for k, a in enumerate(inputs) if a is not None}
        outs = {f"y{k}": np.asarray(a) for k, a in enumerate(expect)}
        node = h.make_node(op, [f"x{k}" if a is not None else "" for k, a in enumerate(inputs)], list(outs), **attrs)
        p = self.run_nodes([node], feeds, outs, opset)
        self.ok(p)
        self.assertNotIn("not compared", p.stderr)

    def test_negative_index_of_one_hot(self):
        inputs = np.array([-1, 1, 5]), np.array([3]), np.array([0, 1], F)
        self.check("OneHot", 9, inputs, [np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], F)])
        self.check("OneHot", 11, inputs, [np.array([[0, 0, 1], [0, 1, 0], [0, 0, 0]], F)])

    def test_upsample_of_opset_6(self):
        x = np.arange(4, dtype=F).reshape(1, 1, 2, 2)
        self.check("Upsample", 6, [x], [x.repeat(2, 2).repeat(3, 3)], height_scale=2.0, width_scale=3.0, mode="nearest")

    def test_broadcast_of_opset_6(self):
        a, b = np.arange(24, dtype=F).reshape(2, 3, 4), np.array([1, 2, 3], F)
        self.check("Add", 6, [a, b], [a + b.reshape(3, 1)], axis=1, broadcast=1)

    def test_softmax_flattens_before_13(self):
        x = np.arange(8, dtype=F).reshape(2, 2, 2)
        e = np.exp(x - x.max((1, 2), keepdims=True))
        self.check("Softmax", 12, [x], [e / e.sum((1, 2), keepdims=True)], axis=1)
        e = np.exp(x - x.max(1, keepdims=True))
        self.check("Softmax", 13, [x], [e / e.sum(1, keepdims=True)], axis=1)

    def test_lp_pool_rounds_up(self):
        x = np.arange(16, dtype=F).reshape(1, 1, 4, 4)
        y = np.sqrt(np.array([[0 + 1 + 16 + 25, 9 + 49], [144 + 169, 225]], F)).reshape(1, 1, 2, 2)
        self.check("LpPool", 18, [x], [y], kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)

    def test_odd_row_of_a_given_output_shape(self):
        x, w = np.ones((1, 1, 3), F), np.array([[[1, 2, 3]]], F)
        full = np.array([1, 2, 4, 2, 4, 2, 3], F)
        self.check("ConvTranspose", 11, [x, w], [full[1:].reshape(1, 1, 6)], strides=[2], output_shape=[6])
        self.check("ConvTranspose", 11, [x, w], [full[:6].reshape(1, 1, 6)], strides=[2], output_shape=[6], auto_pad="SAME_UPPER")

    def test_batched_scan_with_lengths(self):
        body = h.make_graph([h.make_node("Add", ["s", "v"], ["t"]), h.make_node("Identity", ["t"], ["u"])], "body",
                            [h.make_tensor_value_info("s", T.FLOAT, [1]), h.make_tensor_value_info("v", T.FLOAT, [1])], untyped(["t", "u"]))
        lengths, start = np.array([3, 2]), np.zeros((2, 1), F)
        x = np.array([[1, 2, 3], [10, 20, 30]], F).reshape(2, 3, 1)
        attrs = {"body": body, "num_scan_inputs": 1}
        self.check("Scan", 8, [lengths, start, x], [np.array([[6], [30]], F), np.array([[[1], [3], [6]], [[10], [30], [0]]], F)], **attrs)
        self.check("Scan", 8, [None, start, x], [np.array([[6], [60]], F), np.array([[[3], [5], [6]], [[30], [50], [60]]], F)], directions=[1], **attrs)

    def test_training_statistics(self):
        x = np.arange(12, dtype=F).reshape(2, 3, 2)
        ones, mean, var = np.ones(3, F), x.mean((0, 2)), x.var((0, 2))
        y = (x - mean.reshape(3, 1)) / np.sqrt(var.reshape(3, 1) + 1e-5)
        self.check("BatchNormalization", 15, [x, ones, ones * 0, ones, ones], [y, ones * 0.9 + mean * F(0.1), ones * 0.9 + var * F(0.1)], training_mode=1)

    def test_experimental_operators(self):
        x = np.arange(24, dtype=F).reshape(1, 2, 3, 4)
        self.check("ImageScaler", 6, [x], [x * 2 + np.array([1, -1], F).reshape(2, 1, 1)], scale=2.0, bias=[1.0, -1.0])
        self.check("Crop", 6, [x], [x[:, :, 1:2, 1:3]], border=[1, 1, 1, 1])
        self.check("Affine", 6, [x], [x * 2 + 1], alpha=2.0, beta=1.0)
        self.check("ParametricSoftplus", 6, [x], [2 * np.log1p(np.exp(x / 2))], alpha=2.0, beta=0.5)
        self.check("ScaledTanh", 6, [x], [2 * np.tanh(x / 2)], alpha=2.0, beta=0.5)

    def test_large_integers(self):
        big = np.array([2**40 + 1, -(2**62) - 3])
        self.check("Add", 14, [big, np.array([1, 1])], [big + 1])
        self.check("Mul", 14, [np.array([2**31 + 1]), np.array([2**31 - 1])], [np.array([2**62 - 1])])
        self.check("Cast", 13, [big], [big], to=T.INT64)
        self.check("ReduceMax", 13, [big], [np.array([2**40 + 1])])

    def test_sparse_initializer(self):
        values = h.make_tensor("w", T.FLOAT, [2], [5, 7])
        w = h.make_sparse_tensor(values, h.make_tensor("i", T.INT64, [2, 2], [0, 2, 1, 0]), [2, 3])
        x = np.ones((2, 3), F)
        self.ok(self.run_nodes([h.make_node("Add", ["x", "w"], ["y"])], {"x": x}, {"y": x + np.array([[0, 0, 5], [7, 0, 0]], F)}, 13, sparse=[w]))

    def test_overloads_of_a_function(self):
        def function(overload, op):
            f = h.make_function("own", "f", ["a"], ["b"], [h.make_node(op, ["a"], ["b"])], [h.make_opsetid("", 13)])
            f.MergeFromString(field(13, overload))
            return f

        first, second = h.make_node("f", ["x"], ["y"], domain="own"), h.make_node("f", ["x"], ["z"], domain="own")
        first.MergeFromString(field(8, "one"))
        second.MergeFromString(field(8, "two"))
        x = np.array([1, -2], F)
        self.ok(self.run_nodes([first, second], {"x": x}, {"y": -x, "z": np.abs(x)}, 13, functions=[function("one", "Neg"), function("two", "Abs")]))

    def test_sequences_and_optionals_in_files(self):
        seq = h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, None))
        infos = [h.make_value_info("s", seq), h.make_value_info("o", h.make_optional_type_proto(seq)), h.make_tensor_value_info("v", T.FLOAT, [2])]
        nodes = [h.make_node("SequenceInsert", ["s", "v"], ["y"]), h.make_node("OptionalHasElement", ["o"], ["has"]), h.make_node("Identity", ["o"], ["same"])]
        v = np.array([1, 2], F)
        cases = [({"s/count": np.array(0), "v": v}, {"y/0": v, "has": np.array(False), "same/present": np.array(False)}),
                 ({"s/0": v, "v": v, "o/count": np.array(0)}, {"y/0": v, "y/1": v, "has": np.array(True), "same/count": np.array(0)}),
                 ({"s/0": v, "v": v, "o/0": v}, {"y/0": v, "y/1": v, "has": np.array(True), "same/0": v})]
        for feeds, expect in cases:
            g = h.make_graph(nodes, "g", infos, untyped(["y", "has", "same"]))
            p = self.run_model(g, feeds, expect, 18)
            self.ok(p)
            self.assertNotIn("not compared", p.stderr)
            for b in BACKENDS:
                with np.load(self.folder / f"{b}.npz") as written:
                    self.assertEqual(sorted(written.files), sorted(f"out:{k}" for k in expect))

    def test_wrong_sequences_in_files(self):
        seq = h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, None))
        g = h.make_graph([h.make_node("SequenceLength", ["s"], ["n"])], "g", [h.make_value_info("s", seq)], untyped(["n"]))
        v = np.zeros(2, F)
        self.error(self.run_model(g, {"s/0": v, "s/count": np.array(2)}, {"n": np.array(2)}, 17), 2, "not as many items")
        self.error(self.run_model(g, {"s/0": np.zeros(2, np.int32)}, {"n": np.array(1)}, 17), 2, "s/0", "wrong element type")

    def test_sequence_expected_to_be_empty(self):
        seq = h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, None))
        g = h.make_graph([h.make_node("Identity", ["s"], ["y"])], "g", [h.make_value_info("s", seq)], untyped(["y"]))
        self.error(self.run_model(g, {"s/0": np.zeros(2, F)}, {"y/count": np.array(0)}, 17), 1, "y")

    def test_unknown_attribute(self):
        node = h.make_node("Relu", ["x"], ["y"], slope=0.5)
        x = np.ones(2, F)
        self.error(self.run_nodes([node], {"x": x}, {"y": x}, 14), 4, "slope")


if __name__ == "__main__":
    unittest.main()
