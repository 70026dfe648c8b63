# SPDX-License-Identifier: Apache-2.0
"""What verification runs graphs on: special numbers, other sizes, no elements, state, chance, and inputs that a graph can bear."""
import json
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tenon
import wrong_models as wm


class Verify(wm.Case):
    def verified(self, stages, code=0, **top):
        """The report's "verify" of the first pass."""
        p, report = self.pipeline([{"import": "onnx", "model": str(self.folder / "m.onnx")}, *stages], *wm.PLUGIN, **top)
        self.assertEqual(p.returncode, code, p.stderr[-3000:])
        return p, report["stages"][1].get("verify")

    def model(self, nodes, inputs, outputs, constants=()):
        """inputs and outputs: (name, type, shape)."""
        values = [[helper.make_tensor_value_info(*v) for v in vs] for vs in (inputs, outputs)]
        graph = helper.make_graph(nodes, "g", *values, [numpy_helper.from_array(np.asarray(v), n) for n, v in dict(constants).items()])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(self.folder / "m.onnx"))

    def test_special_numbers_for_exact_passes(self):
        wm.save(self.folder / "m.onnx", [wm.node("Sub", ["x", "x"], "sub0")], {"x": (4, 8)}, {"sub0_out": (4, 8)})
        p, _ = self.verified([{"pass": "wrong/drop-nan", "verify": True}], 1)
        self.assertIn("edge values", p.stderr)
        self.verified([{"pass": "wrong/drop-nan", "verify": {"edges": False}}])
        self.verified([{"pass": "wrong/drop-nan", "verify": {"tolerance": 1e-6}}])

    def test_other_sizes(self):
        pool = wm.node("MaxPool", ["x"], "pool0", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
        wm.save(self.folder / "m.onnx", [pool], {"x": ("N", 3, "H", "W")}, {"pool0_out": None})
        p, _ = self.verified([{"pass": "wrong/odd-sizes", "verify": True}], 1)
        self.assertIn("inputs of other sizes", p.stderr)
        self.verified([{"pass": "wrong/odd-sizes", "verify": {"dims": {"H": 4, "W": 8}}}])

    def test_all_sets_are_named(self):
        wm.muls(self.folder / "m.onnx")
        _, v = self.verified([{"pass": "wrong/corrupt-constant", "verify": {"sets": 3}}])
        self.assertEqual(v["sets"], ["made up", "made up, set 2", "made up, set 3"])
        wm.subs(self.folder / "m.onnx")
        _, v = self.verified([{"pass": "wrong/swap-operands", "options": {"k": 99}, "verify": True}])
        self.assertEqual(v["sets"], ["made up", "inputs of other sizes", "edge values", "inputs without elements"])
        self.assertEqual(v["tolerance"], "the same bits")

    def test_indices_stay_in_range(self):
        """Four rows would be wanted of two: the graph only runs on smaller indices."""
        sub = helper.make_node("Sub", ["row", "row"], ["y"], name="sub0")
        self.model([helper.make_node("Gather", ["table", "i"], ["row"], name="gather"), sub], [("i", TensorProto.INT64, (5,))], [("y", TensorProto.FLOAT, (5, 3))], {"table": np.ones((2, 3), np.float32)})
        _, v = self.verified([{"pass": "wrong/swap-operands", "options": {"k": 99}, "verify": True}])
        self.assertTrue(v["ok"])
        self.assertIn("mild", v["notes"][0])

    def test_graph_that_runs_on_nothing_made_up(self):
        reshape = helper.make_node("Reshape", ["x", "shape"], ["z"], name="reshape")
        self.model([reshape, helper.make_node("Sub", ["z", "z"], ["y"], name="sub0")], [("x", TensorProto.FLOAT, ("A", "B", "C")), ("shape", TensorProto.INT64, (2,))], [("y", TensorProto.FLOAT, None)])
        p, _ = self.verified([{"pass": "wrong/swap-operands", "verify": {"dims": {"A": 5, "B": 7, "C": 3}}}], 3)
        self.assertIn('give "inputs" or "dims"', p.stderr)

    def test_random_outputs_are_left_out(self):
        noise = helper.make_node("RandomNormal", [], ["noise"], name="noise", shape=[4, 8])
        add = helper.make_node("Add", ["x", "noise"], ["random"], name="add0")
        sub = helper.make_node("Sub", ["x", "c"], ["steady"], name="sub0")
        outputs = [("random", TensorProto.FLOAT, (4, 8)), ("steady", TensorProto.FLOAT, (4, 8))]
        self.model([noise, add, sub], [("x", TensorProto.FLOAT, (4, 8))], outputs, {"c": np.float32(2)})
        _, v = self.verified([{"pass": "wrong/swap-operands", "options": {"k": 9}, "verify": True}])
        self.assertEqual(list(v["outputs"]), ["steady"])
        self.assertIn("1 of 2 outputs are random and were not compared", v["notes"])
        self.verified([{"pass": "wrong/swap-operands", "options": {"k": 1}, "verify": True}], 1)

    def test_inputs_of_every_kind(self):
        sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None)
        text = helper.make_tensor_value_info("t", TensorProto.STRING, (3,))
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 2))
        nodes = [helper.make_node("SequenceLength", ["s"], ["n"], name="n"), helper.make_node("Identity", ["t"], ["u"], name="u"), helper.make_node("Sub", ["x", "x"], ["y"], name="sub0")]
        outputs = [helper.make_tensor_value_info("n", TensorProto.INT64, ()), helper.make_tensor_value_info("u", TensorProto.STRING, (3,)), helper.make_tensor_value_info("y", TensorProto.FLOAT, (2, 2))]
        graph = helper.make_graph(nodes, "g", [sequence, text, x], outputs)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), str(self.folder / "m.onnx"))
        _, v = self.verified([{"pass": "wrong/swap-operands", "verify": True, "options": {"k": 9}}])
        self.assertTrue(v["ok"])
        self.assertEqual(set(v["outputs"]), {"n", "u", "y"})

    def test_the_users_inputs_alone(self):
        wm.save(self.folder / "m.onnx", [wm.node("Sub", ["x", "x"], "sub0")], {"x": (4, 8)}, {"sub0_out": (4, 8)})
        np.savez(self.folder / "x.npz", x=np.ones((4, 8), np.float32))
        _, v = self.verified([{"pass": "wrong/drop-nan", "verify": {"inputs": str(self.folder / "x.npz")}}])
        self.assertEqual(v["sets"], [str(self.folder / "x.npz")])

    def test_missing_input_is_found_by_the_host(self):
        """The operator's inference, which counts on it, is not called."""
        wm.muls(self.folder / "m.onnx")
        p, _ = self.pipeline([{"import": "onnx", "model": str(self.folder / "m.onnx")}, "wrong/broken-graph"], *wm.PLUGIN)
        self.error(p, 5, "a node lacks an input that its operator cannot do without", "mul1", "wrong/broken-graph")

    def test_a_model_that_a_pass_shows_to_be_wrong(self):
        """The pass is not to blame: the node is as it was, only more is known of it."""
        sizes = helper.make_node("Cast", ["sizes"], ["shape"], to=TensorProto.INT64)
        self.model([sizes, helper.make_node("Reshape", ["x", "shape"], ["y"], name="reshape")], [("x", TensorProto.FLOAT, (2, 3))], [("y", TensorProto.FLOAT, None)], {"sizes": np.float32([4, 4])})
        p, _ = self.pipeline([{"import": "onnx", "model": str(self.folder / "m.onnx")}, {"pipeline": "O2"}])
        self.error(p, 3, "reshape")

    def test_sizes_of_their_own(self):
        """Open sizes that have no name: two of them must be alike, and another is larger than those."""
        nodes = [helper.make_node("MaxPool", ["x"], ["p"], kernel_shape=[128]), helper.make_node("ReduceMax", ["p"], ["r"], axes=[2], keepdims=0), helper.make_node("Transpose", ["state"], ["t"], perm=[1, 0]),
                 helper.make_node("Concat", ["r", "t"], ["c"], axis=1), wm.node("Sub", ["c", "c"], "sub0")]
        self.model(nodes, [("x", TensorProto.FLOAT, (None, 2, None)), ("state", TensorProto.FLOAT, (3, None))], [("sub0_out", TensorProto.FLOAT, (None, 5))], {})
        p, v = self.verified([{"pass": "wrong/swap-operands", "verify": True, "options": {"k": 9}}])
        self.assertTrue(v["ok"])
        self.assertEqual(v["sets"], ["made up", "inputs of other sizes", "edge values", "inputs without elements"])
        self.assertIn("mild", v["notes"][0])


if __name__ == "__main__":
    unittest.main()
