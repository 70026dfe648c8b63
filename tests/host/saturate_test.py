# SPDX-License-Identifier: Apache-2.0
"""Equality saturation on made-up graphs: the same results, never at a higher cost, and the same file each time."""
import random
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import tenon


class Maker:
    """Random graphs of movements, elementwise operators and products on small matrices."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.g = np.random.default_rng(seed)
        self.nodes, self.weights = [], {}
        self.shapes = {"x": [4, 6], "y": [4, 6]}

    def constant(self, a):
        name = f"c{len(self.weights)}"
        self.weights[name] = a
        return name

    def add(self, op, inputs, *shapes, **attributes):
        names = [f"v{len(self.shapes)}_{k}" for k in range(len(shapes))]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        self.shapes.update({n: list(s) for n, s in zip(names, shapes)})
        return names

    def step(self):
        a = self.r.choice(list(self.shapes))
        s = self.shapes[a]
        kind = self.r.choice(["transpose", "unary", "binary", "matmul", "matmul", "scale", "reshape", "concat", "split", "slice", "clip", "reduce"])
        if kind == "transpose":
            self.add("Transpose", [a], s[::-1], perm=[1, 0])
        elif kind == "unary":
            self.add(self.r.choice(["Relu", "Tanh", "Neg", "Abs", "Sigmoid"]), [a], s)
        elif kind == "binary":
            b = self.r.choice([n for n, t in self.shapes.items() if t == s])
            self.add(self.r.choice(["Add", "Mul", "Sub"]), [a, b], s)
        elif kind == "matmul":
            b = [n for n, t in self.shapes.items() if t[0] == s[1]]
            n = self.r.choice([2, 4, 6])
            w = self.r.choice(b) if b and self.r.random() < 0.4 else self.constant((self.g.standard_normal((s[1], n)) / 3).astype(np.float32))
            n = self.shapes[w][1] if w in self.shapes else n
            if n <= 64:
                self.add("MatMul", [a, w], [s[0], n])
        elif kind == "scale":
            self.add(self.r.choice(["Mul", "Add"]), [a, self.constant(np.float32(self.r.choice([0.5, 2.0, 0.3])))], s)
        elif kind == "reshape" and s[0] * s[1] % 2 == 0:
            t = [2, s[0] * s[1] // 2]
            self.add("Reshape", [a, self.constant(np.int64(t))], t)
        elif kind == "concat":
            b = self.r.choice([n for n, t in self.shapes.items() if t == s])
            if s[1] <= 32:
                self.add("Concat", [a, b], [s[0], 2 * s[1]], axis=1)
        elif kind == "split" and s[1] % 2 == 0:
            self.add("Split", [a, self.constant(np.int64([s[1] // 2] * 2))], [s[0], s[1] // 2], [s[0], s[1] // 2], axis=1)
        elif kind == "slice" and s[1] > 2:
            b, e = sorted(self.r.sample(range(s[1] + 1), 2))
            self.add("Slice", [a, self.constant(np.int64([b])), self.constant(np.int64([e])), self.constant(np.int64([1]))], [s[0], e - b])
        elif kind == "clip":
            self.add("Clip", [a, self.constant(np.float32(self.r.choice([-1, 0, 0.25]))), self.constant(np.float32(self.r.choice([0.5, 1, 6])))], s)
        elif kind == "reduce":
            self.add(self.r.choice(["ReduceMax", "ReduceMin"]), [a], [s[0], 1], axes=[1], keepdims=1)

    def model(self):
        for _ in range(self.r.randint(6, 24)):
            self.step()
        read = {i for n in self.nodes for i in n.input}
        outputs = [n for n in self.shapes if n not in read and n not in "xy"] or [self.nodes[-1].output[0]]
        infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [4, 6]) for n in "xy"]
        out = [helper.make_tensor_value_info(n, TensorProto.FLOAT, self.shapes[n]) for n in outputs]
        graph = helper.make_graph(self.nodes, "made", infos, out, [numpy_helper.from_array(w, n) for n, w in self.weights.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Saturate(tenon.Case):
    def execute(self, stages, backend="reference"):
        p, report = self.pipeline(stages + [{"execute": backend, "inputs": str(self.folder / "x.npz"), "outputs": str(self.folder / "y.npz")}])
        self.ok(p)
        return dict(np.load(self.folder / "y.npz")), report

    def stored(self, stages, name):
        p, _ = self.pipeline(stages + [{"export": "tenon", "model": str(self.folder / name)}])
        self.ok(p)
        return (self.folder / name).read_bytes()

    def test_made_up_graphs(self):
        cheaper = 0
        for seed in range(60):
            with self.subTest(seed=seed):
                save(Maker(seed).model(), str(self.folder / "m.onnx"))
                g = np.random.default_rng(seed)
                np.savez(self.folder / "x.npz", **{n: g.standard_normal((4, 6)).astype(np.float32) for n in "xy"})
                load = [{"import": "onnx", "model": str(self.folder / "m.onnx")}, {"pass": "infer-shapes"}]
                plain, _ = self.execute(load)
                for rules in ("exact", "reassociating"):
                    search = load + [{"pass": "saturate", "options": {"rules": rules, "node-limit": 4000}, "verify": True}]
                    found, report = self.execute(search)
                    self.assertEqual(plain.keys(), found.keys())
                    for k in plain:
                        if rules == "exact":
                            np.testing.assert_array_equal(plain[k], found[k])
                        else:
                            np.testing.assert_allclose(plain[k], found[k], rtol=2e-3, atol=2e-4)
                    m = next(s["metrics"] for s in report["stages"] if "cost-before" in s.get("metrics", {}))
                    self.assertLessEqual(m["cost-after"], m["cost-before"])
                    cheaper += m["cost-after"] < m["cost-before"]
                    self.assertEqual(m["time-limit-hit"], 0)
                once = self.stored(search, "a.tenon")
                self.assertEqual(once, self.stored(search, "b.tenon"))
                self.assertEqual(once, self.stored(search + search[-1:], "c.tenon"))
        self.assertGreater(cheaper, 60)

    def test_limits_are_reported(self):
        save(Maker(3).model(), str(self.folder / "m.onnx"))
        load = [{"import": "onnx", "model": str(self.folder / "m.onnx")}, {"pass": "infer-shapes"}]
        for options, hit in (({"node-limit": 1}, "node-limit-hit"), ({"iteration-limit": 1}, "iteration-limit-hit"), ({"time-limit": 1e-9}, "time-limit-hit")):
            p, report = self.pipeline(load + [{"pass": "saturate", "options": options}])
            self.ok(p)
            m = next(s["metrics"] for s in report["stages"] if "cost-before" in s.get("metrics", {}))
            self.assertEqual(m[hit], 1)


if __name__ == "__main__":
    unittest.main()
