# SPDX-License-Identifier: Apache-2.0
"""Cells of GRUs and RNNs in Scans become sequences: through O2 with every stage verified, the numbers are those of numpy."""
import unittest

import numpy as np
from onnx import TensorProto, helper

from structure_test import Structure as Base, sigmoid, weights

STEPS, BATCH, SIZE, HIDDEN = 5, 2, 3, 4
node = helper.make_node


class Recurrence(Base):
    def scan(self, step, inputs, constants, before=(), axis=0, backwards=False, width=SIZE):
        """The Scan of these nodes over x0 and h0, which make h1; its final state and its sequence."""
        kind = TensorProto.FLOAT
        body = helper.make_graph(
            [*step, node("Identity", ["h1"], ["y1"])], "step",
            [helper.make_tensor_value_info("h0", kind, [BATCH, HIDDEN]), helper.make_tensor_value_info("x0", kind, [BATCH, width])],
            [helper.make_tensor_value_info(name, kind, [BATCH, HIDDEN]) for name in ("h1", "y1")])
        attributes = {"scan_input_axes": [axis], "scan_output_axes": [axis]}
        if backwards:
            attributes |= {"scan_input_directions": [1], "scan_output_directions": [1]}
        scan = node("Scan", ["h", "g" if before else "x"], ["last", "y"], name="scan", num_scan_inputs=1, body=body, **attributes)
        return self.optimized([*before, scan], inputs, ["last", "y"], constants)

    def expect(self, cell, found, inputs, axis=0, backwards=False):
        x = np.moveaxis(inputs["x"], axis, 0)
        h, rows = inputs["h"], [None] * len(x)
        for t in reversed(range(len(x))) if backwards else range(len(x)):
            rows[t] = h = cell(x[t], h)
        self.check(found, {"last": h, "y": np.stack(rows, axis)})

    def inputs(self, axis=0):
        return {"x": weights(*((STEPS, BATCH, SIZE) if axis == 0 else (BATCH, STEPS, SIZE))), "h": weights(BATCH, HIDDEN)}

    def become(self, text, op):
        self.assertIn(f"tenon::{op}(", text)
        self.assertNotIn("tenon::Scan(", text)

    def test_gru_reset_after_the_product(self):
        """As PyTorch has it: gates r, z, n, each side with a bias of its own."""
        for axis, backwards in ((0, False), (1, True)):
            with self.subTest(axis=axis, backwards=backwards):
                w, b, r, rb = weights(SIZE, 3 * HIDDEN), weights(3 * HIDDEN), weights(HIDDEN, 3 * HIDDEN), weights(3 * HIDDEN)
                before = [node("MatMul", ["x", "w"], ["xw"]), node("Add", ["xw", "b"], ["g"])]
                step = [node("Gemm", ["h0", "r", "rb"], ["hr"]), node("Split", ["x0"], ["xr", "xz", "xn"], axis=1), node("Split", ["hr"], ["hrr", "hrz", "hrn"], axis=1),
                        node("Add", ["hrr", "xr"], ["sr"]), node("Sigmoid", ["sr"], ["reset"]), node("Add", ["xz", "hrz"], ["sz"]), node("Sigmoid", ["sz"], ["update"]),
                        node("Mul", ["hrn", "reset"], ["kept"]), node("Add", ["kept", "xn"], ["sn"]), node("Tanh", ["sn"], ["new"]),
                        node("Sub", ["h0", "new"], ["d"]), node("Mul", ["update", "d"], ["ud"]), node("Add", ["ud", "new"], ["h1"])]
                inputs = self.inputs(axis)
                found, text = self.scan(step, inputs, {"w": w, "b": b, "r": r, "rb": rb}, before, axis, backwards, 3 * HIDDEN)
                self.become(text, "GRU")
                self.assertIn("linear_before_reset = 1", text)

                def cell(x, h):
                    (xr, xz, xn), (hr, hz, hn) = np.split(x @ w + b, 3, 1), np.split(h @ r + rb, 3, 1)
                    z, n = sigmoid(xz + hz), np.tanh(xn + sigmoid(xr + hr) * hn)
                    return (1 - z) * n + z * h

                self.expect(cell, found, inputs, axis, backwards)

    def test_gru_reset_before_the_product(self):
        """As TensorFlow's first one: input and state side by side, one sigmoid for both gates; the update gate keeps the old state or makes the new one."""
        w, b, v, c = weights(SIZE + HIDDEN, 2 * HIDDEN), weights(2 * HIDDEN), weights(SIZE + HIDDEN, HIDDEN), weights(HIDDEN)
        for keeps in (True, False):
            with self.subTest(keeps=keeps):
                old, new = ("update", "rest") if keeps else ("rest", "update")
                step = [node("Concat", ["x0", "h0"], ["xh"], axis=1), node("MatMul", ["xh", "w"], ["m"]), node("Add", ["m", "b"], ["s"]), node("Sigmoid", ["s"], ["gates"]),
                        node("Split", ["gates"], ["reset", "update"], axis=1), node("Mul", ["reset", "h0"], ["rh"]), node("Concat", ["x0", "rh"], ["xrh"], axis=1),
                        node("MatMul", ["xrh", "v"], ["n0"]), node("Add", ["c", "n0"], ["n1"]), node("Tanh", ["n1"], ["n"]), node("Sub", ["one", "update"], ["rest"]),
                        node("Mul", [old, "h0"], ["kept"]), node("Mul", [new, "n"], ["fresh"]), node("Add", ["kept", "fresh"], ["h1"])]
                inputs = self.inputs()
                found, text = self.scan(step, inputs, {"w": w, "b": b, "v": v, "c": c, "one": np.float32(1)})
                self.become(text, "GRU")

                def cell(x, h):
                    r, z = np.split(sigmoid(np.concatenate([x, h], 1) @ w + b), 2, 1)
                    n = np.tanh(np.concatenate([x, r * h], 1) @ v + c)
                    return z * h + (1 - z) * n if keeps else (1 - z) * h + z * n

                self.expect(cell, found, inputs)

    def test_rnn(self):
        for activation, f in (("Tanh", np.tanh), ("Relu", lambda x: np.maximum(x, 0)), ("Sigmoid", sigmoid)):
            with self.subTest(activation):
                w, b, r = weights(SIZE, HIDDEN), weights(HIDDEN), weights(HIDDEN, HIDDEN)
                step = [node("MatMul", ["x0", "w"], ["xw"]), node("Gemm", ["h0", "r", "b"], ["hr"]), node("Add", ["xw", "hr"], ["s"]), node(activation, ["s"], ["h1"])]
                inputs = self.inputs()
                found, text = self.scan(step, inputs, {"w": w, "b": b, "r": r})
                self.become(text, "RNN")
                self.expect(lambda x, h: f(x @ w + h @ r + b), found, inputs)

    def test_a_clipped_state_stays(self):
        w, r = weights(SIZE, HIDDEN), weights(HIDDEN, HIDDEN)
        step = [node("MatMul", ["x0", "w"], ["xw"]), node("MatMul", ["h0", "r"], ["hr"]), node("Add", ["xw", "hr"], ["s"]), node("Tanh", ["s"], ["t"]), node("Min", ["t", "most"], ["h1"])]
        inputs = self.inputs()
        found, text = self.scan(step, inputs, {"w": w, "r": r, "most": np.float32(0.1)})
        self.assertNotIn("tenon::RNN(", text)
        self.expect(lambda x, h: np.minimum(np.tanh(x @ w + h @ r), np.float32(0.1)), found, inputs)


for inherited in [n for n in dir(Base) if n.startswith("test_")]:
    setattr(Recurrence, inherited, None)
del Base

if __name__ == "__main__":
    unittest.main()
