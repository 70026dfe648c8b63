# SPDX-License-Identifier: Apache-2.0
"""host reduce leaves a few nodes that fail in the same way when they are run from the folder that it writes."""
import json
import unittest

import tenon
import wrong_models as wm


class Reduce(wm.Case):
    def reduced(self, stages, code, nodes, *args):
        j, again, folder = self.reduce(self.write(stages), *args)
        self.assertEqual(again.returncode, code, again.stderr[-2000:])
        self.assertLessEqual(j["nodes"], nodes, (folder / "pipeline.json").read_text())
        self.assertLess(j["nodes"], j["nodes-before"])
        self.assertIn("tenon --pipeline pipeline.json", (folder / "README.txt").read_text())
        return j, again, folder

    def test_miscompare(self):
        wm.subs(self.folder / "m.onnx", n=12)
        j, again, folder = self.reduced(["eliminate-identity", {"pass": "wrong/swap-operands", "options": {"k": 1}}, "merge-common"], 1, 1)
        self.assertEqual(j["passes"], ["wrong/swap-operands"])
        self.assertIn("the stage changed what output", again.stderr)
        p = tenon.run("inspect", folder / "model.tenon", "--json")
        self.assertEqual(json.loads(p.stdout)["nodes"]["lowered"], 1)

    def test_as_many_nodes_as_the_failure_needs(self):
        wm.subs(self.folder / "m.onnx", n=12)
        j, again, folder = self.reduced([{"pass": "wrong/swap-operands", "options": {"k": 3}}], 1, 3)
        self.assertEqual(j["nodes"], 3)

    def test_corrupt_constant(self):
        wm.muls(self.folder / "m.onnx", n=6)
        self.reduced([{"pass": "wrong/corrupt-constant", "options": {"node": "mul4"}}], 1, 1)

    def test_edge_values_are_kept(self):
        wm.save(self.folder / "m.onnx", [wm.node("Sub", ["x", "x"], "sub0"), wm.node("Add", ["sub0_out", "y"], "add0"), wm.node("Neg", ["add0_out"], "neg0")],
                {"x": (4, 8), "y": (4, 8)}, {"neg0_out": (4, 8)})
        self.reduced(["wrong/drop-nan"], 1, 1)

    def test_second_round_needs_one_round(self):
        wm.chain(self.folder / "m.onnx", "Tanh", "Neg", "Sigmoid")
        j, again, folder = self.reduced([{"repeat": ["wrong/second-round", "wrong/prepare"], "at-most": 4}], 1, 2)
        self.assertEqual(j["passes"], ["wrong/second-round"])

    def test_verifier(self):
        wm.muls(self.folder / "m.onnx", n=20)
        before = tenon.run("--pipeline", self.write(["wrong/broken-graph"]), *wm.PLUGIN)
        self.reduced(["wrong/broken-graph"], before.returncode, 2)

    def test_crash(self):
        wm.chain(self.folder / "m.onnx", *["Tanh", "Relu", "Sigmoid", "Relu", "Abs", "Tanh"] * 3)
        self.reduced(["eliminate-dead", "wrong/crash"], -11, 2)

    def test_endless(self):
        wm.adds(self.folder / "m.onnx")
        before = tenon.run("--pipeline", self.write(["wrong/endless"]), *wm.PLUGIN)
        self.reduced(["wrong/endless"], before.returncode, 1)

    def test_nothing_to_reduce(self):
        wm.subs(self.folder / "m.onnx")
        p = tenon.run("reduce", "--pipeline", self.write(["merge-common"]), "-o", self.folder / "r", *wm.PLUGIN)
        self.error(p, 2, "no pass breaks the model")
        self.assertFalse((self.folder / "r").exists())

    def test_failing_run_names_the_verbs(self):
        wm.subs(self.folder / "m.onnx")
        p = tenon.run("--pipeline", self.write(["wrong/swap-operands"]), "--verify", *wm.PLUGIN)
        self.error(p, 1, "host bisect", "host reduce")


if __name__ == "__main__":
    unittest.main()
