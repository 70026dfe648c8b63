# SPDX-License-Identifier: Apache-2.0
"""The SDK's patterns, through a plugin that marks what they match."""
import unittest

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

import tenon

PLUGIN = tenon.TEST_PLUGINS / "libpattern_pass.so"


class Patterns(tenon.Case):
    def operators(self, nodes, outputs, *, name="match-patterns"):
        """Operators after the pass, of a model of x: f32[2, 3] and these nodes."""
        constants = {"one": 1.0, "half": 0.500005, "third": 0.33, "zero": 0.0, "five": 5.0, "two": 2.0}
        graph = h.make_graph([h.make_node(op, i.split(), o.split(), **(a[0] if a else {})) for op, i, o, *a in nodes], "g",
                             [h.make_tensor_value_info(n, T.FLOAT, [2, 3]) for n in ("x", "w")],
                             [h.make_tensor_value_info(o, T.FLOAT, None) for o in outputs.split()],
                             [nh.from_array(np.float32(v), k) for k, v in constants.items()])
        path, saved = self.folder / "m.onnx", self.folder / "m.tenon"
        onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)
        p, _ = self.pipeline([{"import": "onnx", "model": str(path)}, {"pass": name}, {"export": "tenon", "model": str(saved)}], "--plugin", PLUGIN)
        if name != "match-patterns":
            return p
        self.ok(p)
        text = tenon.run("inspect", "--text", saved).stdout
        return sorted(line.split("tenon::")[1].split("(")[0] for line in text.splitlines() if " = tenon::" in line)

    def test_commutative_inputs_and_close_numbers(self):
        nodes = [("Exp", "x", "e"), ("Add", "one e", "s"), ("Mul", "half s", "y")]
        self.assertEqual(self.operators(nodes, "y"), ["Floor"])
        self.assertEqual(self.operators([("Exp", "x", "e"), ("Add", "e one", "s"), ("Mul", "s half", "y")], "y"), ["Floor"])
        self.assertEqual(self.operators([("Exp", "x", "e"), ("Add", "e one", "s"), ("Mul", "s third", "y")], "y"), ["Add", "Exp", "Mul"])

    def test_one_use(self):
        nodes = [("Exp", "x", "e"), ("Add", "one e", "s"), ("Mul", "half s", "y"), ("Neg", "e", "z")]
        self.assertEqual(self.operators(nodes, "y z"), ["Add", "Exp", "Mul", "Neg"])

    def test_alternatives_and_the_same_value_twice(self):
        self.assertEqual(self.operators([("Relu", "x", "r"), ("Sub", "x r", "y")], "y"), ["Ceil"])
        self.assertEqual(self.operators([("Clip", "x zero", "r"), ("Sub", "x r", "y")], "y"), ["Ceil"])
        self.assertEqual(self.operators([("Clip", "x zero one", "r"), ("Sub", "x r", "y")], "y"), ["Clip", "Sub"])
        self.assertEqual(self.operators([("Relu", "w", "r"), ("Sub", "x r", "y")], "y"), ["Relu", "Sub"])

    def test_any_number_of_inputs(self):
        nodes = [("Neg", "x", "a"), ("Neg", "w", "b"), ("Concat", "a b a", "y", {"axis": 1})]
        self.assertEqual(self.operators(nodes, "y"), ["Sign"])
        self.assertEqual(self.operators(nodes[:2] + [("Concat", "a b w", "y", {"axis": 1})], "y"), ["Concat", "Neg", "Neg"])
        self.assertEqual(self.operators(nodes[:2] + [("Concat", "a b", "y", {"axis": 0})], "y"), ["Concat", "Neg", "Neg"])

    def test_guards_and_names(self):
        self.assertEqual(self.operators([("Div", "x five", "y")], "y"), ["Round"])
        self.assertEqual(self.operators([("Div", "x two", "y")], "y"), ["Div"])
        self.assertEqual(self.operators([("Tanh", "x", "t"), ("Sin", "x", "s"), ("Max", "s t", "y")], "y"), ["Abs"])
        self.assertEqual(self.operators([("Tanh", "x", "t"), ("Sin", "w", "s"), ("Max", "s t", "y")], "y"), ["Maximum", "Sin", "Tanh"])

    def test_a_promise_is_checked(self):
        p = self.operators([("Relu", "x", "y")], "y", name="break-promise")
        self.error(p, 5, "does not lower the nodes", "two-for-one")


if __name__ == "__main__":
    unittest.main()
