# SPDX-License-Identifier: Apache-2.0
"""host bisect names exactly the pass, the round, the rewrite and the node, on passes that are wrong on purpose."""
import json
import unittest

import tenon
import wrong_models as wm


class Bisect(wm.Case):
    def test_one_wrong_rewrite_among_right_ones(self):
        wm.subs(self.folder / "m.onnx")
        path = self.write(["eliminate-identity", {"pass": "wrong/swap-operands", "options": {"k": 4}}, "merge-common", "eliminate-dead"])
        c = self.bisect(path)
        self.assertEqual((c["pass"], c["run"]), ("wrong/swap-operands", 2))
        r = c["rewrite"]
        self.assertEqual((r["number"], r["of"], r["rule"], r["node"], r["operator"]), (4, 6, "swap", "sub3", "tenon::Sub"))
        self.assertEqual(r["origins"], ["sub3"])
        self.assertEqual((r["removed"], r["added"]), (["sub3: Sub"], ["touched sub3: Sub"]))
        self.assertIn("tanh5_out", c["error"].get("value", "") + json.dumps(c["error"]))

    def test_every_position_of_the_wrong_rewrite(self):
        wm.subs(self.folder / "m.onnx", n=9)
        for k in (1, 2, 5, 9):
            c = self.bisect(self.write([{"pass": "wrong/swap-operands", "options": {"k": k}}]))
            self.assertEqual((c["rewrite"]["number"], c["rewrite"]["node"]), (k, f"sub{k - 1}"))

    def test_text_for_people(self):
        wm.subs(self.folder / "m.onnx")
        p = tenon.run("bisect", "--pipeline", self.write(["wrong/swap-operands"]), *wm.PLUGIN)
        self.error(p, 1, "pass wrong/swap-operands breaks the model", "host reduce")
        for text in ("the first pass that breaks it is wrong/swap-operands", "rewrite 3 of 6, rule swap, at node sub2 (tenon::Sub)", "elements differ; the worst is"):
            self.assertIn(text, p.stdout)

    def test_few_runs_of_graphs(self):
        wm.subs(self.folder / "m.onnx", n=64)
        path = self.write([*["wrong/swap-operands"] * 1, "merge-common"])
        p = tenon.run("bisect", "--pipeline", path, "--json", *wm.PLUGIN)
        self.assertLess(json.loads(p.stdout)["graph-runs"], 30)

    def test_nan_is_dropped(self):
        wm.save(self.folder / "m.onnx", [wm.node("Sub", ["x", "x"], "sub0"), wm.node("Add", ["sub0_out", "y"], "add0")], {"x": (4, 8), "y": (4, 8)}, {"add0_out": (4, 8)})
        c = self.bisect(self.write(["wrong/drop-nan"]))
        self.assertEqual((c["rewrite"]["number"], c["rewrite"]["rule"], c["rewrite"]["node"]), (1, "cancel", "sub0"))
        self.assertIn("edge values", json.dumps(c["error"]))

    def test_wrong_for_odd_sizes_only(self):
        pool = wm.node("MaxPool", ["x"], "pool0", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
        wm.save(self.folder / "m.onnx", [pool], {"x": ("N", 3, "H", "W")}, {"pool0_out": None})
        c = self.bisect(self.write(["wrong/odd-sizes"]))
        self.assertEqual((c["pass"], c["rewrite"]["node"]), ("wrong/odd-sizes", "pool0"))
        self.bisect(self.write(["wrong/odd-sizes"]), "--dim", "H=6", "--dim", "W=4", found=False)

    def test_wrong_in_the_second_round(self):
        wm.chain(self.folder / "m.onnx", "Tanh", "Neg", "Sigmoid")
        c = self.bisect(self.write([{"repeat": ["wrong/second-round", "wrong/prepare"], "at-most": 4}]))
        self.assertEqual((c["pass"], c["round"], c["run"]), ("wrong/second-round", 2, 3))
        self.assertEqual((c["rewrite"]["number"], c["rewrite"]["rule"], c["rewrite"]["node"]), (1, "abs", "neg1"))

    def test_corrupt_constant_by_a_pass_that_walks_by_itself(self):
        wm.muls(self.folder / "m.onnx")
        c = self.bisect(self.write([{"pass": "wrong/corrupt-constant", "options": {"node": "mul4"}}]))
        self.assertEqual((c["rewrite"]["number"], c["rewrite"]["of"], c["rewrite"]["node"]), (5, 6, "mul4"))

    def test_tolerance_decides(self):
        wm.muls(self.folder / "m.onnx")
        path = self.write([{"pass": "wrong/corrupt-constant", "options": {"node": "mul4"}}])
        self.bisect(path, "--absolute", "0.1", found=False)
        self.assertEqual(self.bisect(path, "--absolute", "0", "--relative", "0")["rewrite"]["node"], "mul4")

    def test_graph_that_the_verifier_refuses(self):
        wm.muls(self.folder / "m.onnx")
        c = self.bisect(self.write(["eliminate-dead", "wrong/broken-graph"]))
        self.assertEqual((c["pass"], c["rewrite"]["number"], c["rewrite"]["rule"], c["rewrite"]["node"]), ("wrong/broken-graph", 1, "forget", "mul1"))

    def test_crash(self):
        wm.chain(self.folder / "m.onnx", "Relu", "Tanh", "Relu", "Abs", "Relu")
        c = self.bisect(self.write(["wrong/crash"]))
        self.assertEqual((c["pass"], c["error"]["code"]), ("wrong/crash", "plugin-crash"))
        self.assertIn("signal 11", c["error"]["message"])
        self.assertEqual((c["rewrite"]["rule"], c["rewrite"]["node"]), ("crash", "abs3"))

    def test_rewrites_without_an_end(self):
        wm.adds(self.folder / "m.onnx")
        c = self.bisect(self.write(["wrong/endless"]))
        self.assertIn("does not come to an end", c["error"]["message"])
        self.assertIn(c["rewrite"]["rule"], ("to-sub", "to-add"))

    def test_pass_that_hangs(self):
        wm.adds(self.folder / "m.onnx")
        c = self.bisect(self.write(["wrong/hang"]), "--seconds", "2")
        self.assertIn("did not come to an end within 2 s", c["error"]["message"])
        self.assertIn("does not count", c["as-a-whole"])

    def test_pass_that_is_not_deterministic(self):
        wm.chain(self.folder / "m.onnx", "Neg")
        c = self.bisect(self.write(["wrong/not-deterministic"]))
        self.assertIn("not deterministic", c["error"]["message"])

    def test_nothing_is_wrong(self):
        wm.subs(self.folder / "m.onnx")
        j = self.bisect(self.write([{"pipeline": "O2"}]), found=False)
        self.assertEqual(j["inputs"][:2], ["made up", "inputs of other sizes"])
        self.ok(tenon.run("bisect", self.folder / "m.onnx"))

    def test_wrong_use(self):
        self.error(tenon.run("bisect"), 2, "give --pipeline FILE, or a model")
        self.error(tenon.run("bisect", "--pipeline", self.folder / "none.json"), 6)


if __name__ == "__main__":
    unittest.main()
