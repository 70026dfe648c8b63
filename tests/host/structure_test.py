# SPDX-License-Identifier: Apache-2.0
"""Passes on structure from end to end: models written the long way, through O2 with every stage verified, lose what they should and keep their numbers."""
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import tenon

RNG = np.random.default_rng(7)


def weights(*shape):
    return RNG.standard_normal(shape, dtype=np.float32) * 0.5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Structure(tenon.Case):
    def optimized(self, nodes, inputs, outputs, constants, opset=17):
        """What the model gives after O2, and its operators then."""
        graph = helper.make_graph(
            nodes, "g",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name, x in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(np.asarray(x), name) for name, x in constants.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        source, data, result, saved = (self.folder / name for name in ("m.onnx", "in.npz", "out.npz", "m.tenon"))
        source.write_bytes(model.SerializeToString())
        np.savez(data, **{f"in:{name}": x for name, x in inputs.items()})
        process, _ = self.pipeline([
            {"import": "onnx", "model": str(source)}, {"pipeline": "O2"}, {"export": "tenon", "model": str(saved)},
            {"execute": "cpu", "inputs": str(data), "outputs": str(result)}], "--verify")
        self.ok(process)
        shown = tenon.run("inspect", saved, "--text")
        self.ok(shown)
        return dict(np.load(result)), shown.stdout

    def check(self, found, expected):
        for name, y in expected.items():
            np.testing.assert_allclose(found[f"out:{name}"], y, rtol=2e-5, atol=2e-5, err_msg=name)

    def lstm_scan(self, backwards):
        """A Scan over an LSTM cell with gates in the order f, g, o, i."""
        steps, batch, size, hidden = 5, 2, 3, 4
        x, h, c = weights(steps, batch, size), weights(batch, hidden), weights(batch, hidden)
        w, r, b, rb = weights(size, 4 * hidden), weights(hidden, 4 * hidden), weights(4 * hidden), weights(4 * hidden)
        node = helper.make_node
        step = helper.make_graph([
            node("MatMul", ["h0", "r"], ["hr"]), node("Add", ["hr", "rb"], ["hrb"]), node("Add", ["g0", "hrb"], ["s"]),
            node("Split", ["s"], ["f", "g", "o", "i"], axis=1),
            node("Sigmoid", ["f"], ["sf"]), node("Sigmoid", ["i"], ["si"]), node("Sigmoid", ["o"], ["so"]), node("Tanh", ["g"], ["tg"]),
            node("Mul", ["c0", "sf"], ["fc"]), node("Mul", ["tg", "si"], ["ig"]), node("Add", ["ig", "fc"], ["c1"]),
            node("Tanh", ["c1"], ["tc"]), node("Mul", ["tc", "so"], ["h1"]), node("Identity", ["h1"], ["y1"])], "step",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, n]) for name, n in (("h0", hidden), ("c0", hidden), ("g0", 4 * hidden))],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, hidden]) for name in ("h1", "c1", "y1")])
        directions = {"scan_input_directions": [1], "scan_output_directions": [1]} if backwards else {}
        nodes = [node("MatMul", ["x", "w"], ["xw"]), node("Add", ["xw", "b"], ["xg"]),
                 node("Scan", ["h", "c", "xg"], ["hn", "cn", "y"], body=step, num_scan_inputs=1, **directions)]
        found, text = self.optimized(nodes, {"x": x, "h": h, "c": c}, ["hn", "cn", "y"], {"w": w, "r": r, "b": b, "rb": rb})
        self.assertIn("tenon::LSTM", text)
        self.assertNotIn("tenon::Scan", text)
        y = np.zeros((steps, batch, hidden), np.float32)
        for t in reversed(range(steps)) if backwards else range(steps):
            f, g, o, i = np.split(x[t] @ w + b + h @ r + rb, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = y[t] = sigmoid(o) * np.tanh(c)
        self.check(found, {"hn": h, "cn": c, "y": y})

    def test_scan_over_an_lstm_cell(self):
        self.lstm_scan(False)

    def test_scan_over_an_lstm_cell_backwards(self):
        self.lstm_scan(True)

    def test_einsum(self):
        shapes = {"bij,bjk->bik": ((2, 3, 4), (2, 4, 5)), "bij,jkl->bikl": ((2, 3, 4), (4, 2, 3)), "bji,bjk->kbi": ((2, 4, 3), (2, 4, 5)),
                  "bhqd,bkhd->bhqk": ((2, 3, 4, 5), (2, 6, 3, 5)), "ij,ij->": ((3, 4), (3, 4)), "abc,abc->ac": ((2, 3, 4), (2, 3, 4)),
                  "abc,ad->bd": ((2, 3, 4), (2, 5)), "ijk->ki": ((2, 3, 4),)}
        for equation, operands in shapes.items():
            with self.subTest(equation):
                inputs = {f"x{k}": weights(*shape) for k, shape in enumerate(operands)}
                found, text = self.optimized([helper.make_node("Einsum", list(inputs), ["y"], equation=equation)], inputs, ["y"], {})
                self.assertNotIn("tenon::Einsum", text)
                self.check(found, {"y": np.einsum(equation, *inputs.values())})

    def test_dilated_convolution(self):
        x, w, b = weights(1, 10, 12, 3), weights(4, 3, 3, 3), weights(4)
        node = helper.make_node
        nodes = [
            node("Pad", ["x", "pads"], ["p"]), node("Reshape", ["p", "s1"], ["r1"]), node("Transpose", ["r1"], ["t1"], perm=[2, 4, 0, 1, 3, 5]),
            node("Reshape", ["t1", "s2"], ["r2"]), node("Transpose", ["r2"], ["t2"], perm=[0, 3, 1, 2]), node("Conv", ["t2", "w"], ["k"]),
            node("Transpose", ["k"], ["t3"], perm=[0, 2, 3, 1]), node("Reshape", ["t3", "s3"], ["r3"]),
            node("Transpose", ["r3"], ["t4"], perm=[2, 3, 0, 4, 1, 5]), node("Reshape", ["t4", "s4"], ["r4"]), node("Add", ["r4", "b"], ["y"])]
        constants = {"pads": [0, 2, 2, 0, 0, 2, 2, 0], "s1": [1, 7, 2, 8, 2, 3], "s2": [4, 7, 8, 3], "s3": [2, 2, 1, 5, 6, 4], "s4": [1, 10, 12, 4], "w": w, "b": b}
        constants = {k: np.asarray(v, np.int64) if isinstance(v, list) else v for k, v in constants.items()}
        found, text = self.optimized(nodes, {"x": x}, ["y"], constants)
        self.assertIn("dilations = [2, 2]", text)
        self.assertNotIn("tenon::Reshape", text)
        padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
        y = sum(padded[:, 2 * i:2 * i + 10, 2 * j:2 * j + 12] @ w[:, :, i, j].T for i in range(3) for j in range(3)) + b
        self.check(found, {"y": y})

    def test_strides_go_up(self):
        x, w3, w1 = weights(1, 2, 11, 12), weights(3, 2, 3, 3), weights(4, 3, 1, 1)
        node = helper.make_node
        nodes = [node("Conv", ["x", "w3"], ["a"], pads=[1, 1, 1, 1]), node("Relu", ["a"], ["b"]), node("Conv", ["b", "w1"], ["y"], strides=[2, 2])]
        found, text = self.optimized(nodes, {"x": x}, ["y"], {"w3": w3, "w1": w1})
        self.assertRegex(text, r"f32\[1, 3, 6, 6\] = tenon::Conv")
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        a = sum(np.einsum("nchw,oc->nohw", padded[:, :, i:i + 11, j:j + 12], w3[:, :, i, j]) for i in range(3) for j in range(3))
        self.check(found, {"y": np.einsum("nchw,oc->nohw", np.maximum(a, 0)[:, :, ::2, ::2], w1[:, :, 0, 0])})

    def test_separable_window(self):
        x, column, row = weights(1, 2, 9, 10), weights(2, 5, 1), weights(2, 1, 5)
        w = (column * row)[:, None]
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], group=2, pads=[2, 1, 2, 1], strides=[2, 1])]
        found, text = self.optimized(nodes, {"x": x}, ["y"], {"w": w})
        self.assertEqual(text.count("tenon::Conv"), 2, text)
        padded = np.pad(x, ((0, 0), (0, 0), (2, 2), (1, 1)))
        self.check(found, {"y": sum(padded[:, :, i:i + 9:2, j:j + 8] * w[None, :, 0, i, j, None, None] for i in range(5) for j in range(5))})

    def test_repeated_pixels(self):
        x = weights(1, 3, 4, 2)
        node = helper.make_node
        nodes = [node("Reshape", ["x", "s1"], ["a"]), node("Tile", ["a", "n1"], ["b"]), node("Reshape", ["b", "s2"], ["c"]), node("Tile", ["c", "n2"], ["d"]),
                 node("Reshape", ["d", "s3"], ["y"])]
        constants = {"s1": [1, 3, 1, 4, 2], "n1": [1, 1, 2, 1, 1], "s2": [1, 6, 4, 1, 2], "n2": [1, 1, 1, 3, 1], "s3": [1, 6, 12, 2]}
        found, text = self.optimized(nodes, {"x": x}, ["y"], {k: np.asarray(v, np.int64) for k, v in constants.items()})
        self.assertEqual(text.count(" = tenon::"), 1, text)
        self.assertIn("tenon::Resize", text)
        self.check(found, {"y": x.repeat(2, axis=1).repeat(3, axis=2)})

    def test_rows_of_a_matrix_instead_of_a_transpose(self):
        x, w = weights(2, 3, 4, 5), weights(60, 7)
        node = helper.make_node
        nodes = [node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]), node("Reshape", ["t", "s"], ["r"]), node("MatMul", ["r", "w"], ["y"])]
        found, text = self.optimized(nodes, {"x": x}, ["y"], {"s": np.array([-1, 60]), "w": w})
        self.assertNotIn("tenon::Transpose", text)
        self.check(found, {"y": x.transpose(0, 2, 3, 1).reshape(2, 60) @ w})


if __name__ == "__main__":
    unittest.main()
