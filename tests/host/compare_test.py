# SPDX-License-Identifier: Apache-2.0
"""host compare names the first value in which two models depart."""
import json
import unittest

import numpy as np

import tenon
import wrong_models as wm


class Compare(wm.Case):
    def compare(self, *args, code=0):
        p = tenon.run("compare", *args, "--json", *wm.PLUGIN)
        self.assertEqual(p.returncode, code, p.stderr[-3000:] + p.stdout[-2000:])
        return json.loads(p.stdout)

    def layers(self, name, wrong=None, n=8, dims=(4, 16), final="Tanh"):
        """Layers of product, sum and Relu; one layer's weight may be another one."""
        rng = np.random.default_rng(3)
        nodes, last, constants = [], "x", {}
        for k in range(n):
            constants[f"w{k}"] = (rng.standard_normal((dims[1], dims[1])) / 4).astype(np.float32)
            constants[f"b{k}"] = rng.standard_normal(dims[1]).astype(np.float32)
            if k == wrong:
                constants[f"w{k}"][3, 5] += 0.5
            nodes += [wm.node("MatMul", [last, f"w{k}"], f"matmul{k}"), wm.node("Add", [f"matmul{k}_out", f"b{k}"], f"add{k}"), wm.node("Relu", [f"add{k}_out"], f"relu{k}")]
            last = f"relu{k}_out"
        nodes.append(wm.node(final, [last], "last"))
        path = self.folder / name
        wm.save(path, nodes, {"x": dims}, {"last_out": dims}, constants)
        return path

    def test_optimized_agrees_and_fused_nodes_are_matched_by_origin(self):
        a = self.layers("a.onnx")
        j = self.compare(a, a, "--pipeline-b", "O2")
        self.assertNotIn("first", j)
        matched = {v["a"] for v in j["values"] if v["verdict"] == "ok"}
        self.assertLessEqual({"relu0_out", "relu7_out", "last_out"}, matched)
        self.assertTrue(all(v["verdict"] == "ok" for v in j["values"]))

    def test_first_value_that_departs(self):
        a, b = self.layers("a.onnx"), self.layers("b.onnx", wrong=5)
        j = self.compare(a, b, code=1)
        self.assertEqual(j["first"]["a"], "matmul5_out")
        verdicts = {v["a"]: v["verdict"] for v in j["values"]}
        self.assertEqual((verdicts["relu4_out"], verdicts["matmul5_out"], verdicts["last_out"]), ("ok", "DEPARTS", "DEPARTS"))
        p = tenon.run("compare", a, b)
        self.error(p, 1, 'value "matmul5_out" is the first that departs', "elements differ; the worst is")

    def test_departure_through_the_optimizer(self):
        a, b = self.layers("a.onnx"), self.layers("b.onnx", wrong=5)
        self.assertIn(self.compare(a, b, "--pipeline-b", "O2", code=1)["first"]["a"], ("add5_out", "relu5_out", "matmul5_out"))

    def test_other_formats(self):
        a = self.layers("a.onnx")
        self.ok(self.pipeline([{"import": "onnx", "model": str(a)}, {"pipeline": "O2"}, {"export": "tenon", "model": str(self.folder / "a.tenon")}])[0])
        j = self.compare(a, self.folder / "a.tenon")
        self.assertGreaterEqual(len(j["values"]), 9)
        self.assertNotIn("first", j)

    def test_wrong_pass(self):
        wm.subs(self.folder / "m.onnx")
        wrong = self.folder / "wrong.json"
        wrong.write_text(json.dumps({"stages": [{"pass": "wrong/swap-operands", "options": {"k": 3}}]}))
        j = self.compare(self.folder / "m.onnx", self.folder / "m.onnx", "--pipeline-b", wrong, code=1)
        self.assertEqual(j["first"]["a"], "sub2_out")

    def test_inputs_from_a_file(self):
        a, b = self.layers("a.onnx"), self.layers("b.onnx", wrong=5)
        np.savez(self.folder / "x.npz", x=np.zeros((4, 16), np.float32))
        self.compare(a, b, "--inputs", self.folder / "x.npz", code=1)
        self.error(tenon.run("compare", a, b, "--inputs", self.folder / "none.npz"), 6)

    def test_memory_is_that_of_live_values(self):
        """Forty values of a megabyte each; a few live at a time."""
        wm.chain(self.folder / "m.onnx", *["Tanh", "Neg"] * 20, dims=(512, 512))
        j = self.compare(self.folder / "m.onnx", self.folder / "m.onnx")
        self.assertEqual(len(j["values"]), 40)
        self.assertLessEqual(max(j["peak-bytes"].values()), 4 << 20)

    def test_models_with_nothing_in_common(self):
        wm.chain(self.folder / "a.onnx", "Tanh")
        wm.save(self.folder / "b.onnx", [wm.node("Abs", ["p"], "q"), wm.node("Neg", ["p"], "r")], {"p": (3, 5)}, {"q_out": (3, 5), "r_out": (3, 5)})
        self.error(tenon.run("compare", self.folder / "a.onnx", self.folder / "b.onnx"), 2, "no value in common")


if __name__ == "__main__":
    unittest.main()
