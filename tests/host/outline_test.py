# SPDX-License-Identifier: Apache-2.0
"""Repeated parts of made-up models: outlined, stored, run and inlined again, always with the same results."""
import random
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import tenon

UNARY = ["Relu", "Tanh", "Sigmoid", "Neg", "Abs", "Exp", "Softplus"]


class Maker:
    """A model of blocks: each is one of a few random recipes, with weights of its own or shared ones, on values made before."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.g = np.random.default_rng(seed)
        self.nodes, self.weights = [], {}
        self.values = ["x0", "x1"]
        self.shared = [self.weight() for _ in range(2)]
        self.recipes = [self.recipe() for _ in range(self.r.randint(1, 3))]

    def weight(self):
        name = f"w{len(self.weights)}"
        self.weights[name] = (self.g.standard_normal((6, 6)) / 4).astype(np.float32)
        return name

    def add(self, op, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"n{len(self.nodes)}", **attributes))
        return name

    def recipe(self):
        """Steps: (operator, positions of inputs counted back among the block's values, constant or not)."""
        steps = []
        for k in range(self.r.randint(4, 9)):
            kind = self.r.choice(["unary", "binary", "matmul", "shared", "concat"])
            at = lambda: self.r.randint(0, k)
            if kind == "unary":
                steps.append((self.r.choice(UNARY), [at()], None))
            elif kind == "binary":
                steps.append((self.r.choice(["Add", "Sub", "Mul"]), [at(), at()], None))
            else:
                steps.append(("MatMul", [at()], kind))
        return steps

    def block(self, recipe, x):
        inner = [x]
        for op, places, weight in recipe:
            inputs = [inner[p] for p in places]
            if weight:
                inputs.append(self.shared[0] if weight == "shared" else self.weight())
            y = self.add(op, inputs)
            inner.append(self.add("Tanh", [y]) if op in ("Exp", "Mul") else y)
        self.values += self.r.sample(inner, min(2, len(inner))) + [inner[-1]]
        return inner[-1]

    def model(self):
        x = "x0"
        for _ in range(self.r.randint(3, 12)):
            choice = self.r.random()
            if choice < 0.6:
                x = self.block(self.r.choice(self.recipes), x)
            elif choice < 0.8:
                x = self.block(self.r.choice(self.recipes), self.r.choice(self.values))
            else:
                x = self.add("Add", [x, self.r.choice(self.values)])
            x = self.add("Tanh", [x])
        outputs = [x] + self.r.sample([v for v in self.values if v[0] == "v" and v != x], 1)
        infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 6]) for n in ("x0", "x1")]
        out = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 6]) for n in dict.fromkeys(outputs)]
        weights = [numpy_helper.from_array(w, n) for n, w in self.weights.items()]
        graph = helper.make_graph(self.nodes, "blocks", infos, out, weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def layers(n, width=16):
    """A chain of equal layers with weights of their own."""
    g = np.random.default_rng(1)
    nodes, weights, x = [], [], "x"
    for k in range(n):
        for w in "abc":
            weights.append(numpy_helper.from_array((g.standard_normal((width, width)) / 8).astype(np.float32), f"{w}{k}"))
        nodes += [helper.make_node("MatMul", [x, f"a{k}"], [f"q{k}"]), helper.make_node("MatMul", [x, f"b{k}"], [f"k{k}"]),
                  helper.make_node("Transpose", [f"k{k}"], [f"t{k}"], perm=[1, 0]), helper.make_node("MatMul", [f"q{k}", f"t{k}"], [f"s{k}"]),
                  helper.make_node("Softmax", [f"s{k}"], [f"p{k}"], axis=-1), helper.make_node("MatMul", [f"p{k}", x], [f"o{k}"]),
                  helper.make_node("MatMul", [f"o{k}", f"c{k}"], [f"f{k}"]), helper.make_node("Add", [f"f{k}", x], [f"y{k}"])]
        x = f"y{k}"
    infos = [helper.make_tensor_value_info(v, TensorProto.FLOAT, [8, width]) for v in ("x", x)]
    graph = helper.make_graph(nodes, "layers", infos[:1], infos[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


class Outline(tenon.Case):
    def execute(self, stages, backend="reference"):
        p, report = self.pipeline(stages + [{"execute": backend, "inputs": str(self.folder / "x.npz"), "outputs": str(self.folder / "y.npz")}])
        self.ok(p)
        return dict(np.load(self.folder / "y.npz")), report

    def same(self, a, b):
        self.assertEqual(a.keys(), b.keys())
        for k in a:
            np.testing.assert_array_equal(a[k], b[k])

    def test_made_up_models(self):
        found = 0
        for seed in range(40):
            with self.subTest(seed=seed):
                save(Maker(seed).model(), str(self.folder / "m.onnx"))
                x = np.random.default_rng(seed)
                np.savez(self.folder / "x.npz", x0=x.standard_normal((3, 6)).astype(np.float32), x1=x.standard_normal((3, 6)).astype(np.float32))
                load = [{"import": "onnx", "model": str(self.folder / "m.onnx")}, {"pass": "merge-common"}]
                outline = load + [{"pass": "outline-repeats", "options": {"min-nodes": 3}, "verify": True}]
                plain, _ = self.execute(load)
                outlined, _ = self.execute(outline)
                self.same(plain, outlined)
                inlined, _ = self.execute(outline + [{"pass": "inline-calls", "verify": True}])
                self.same(plain, inlined)
                self.same(self.execute(load, "cpu")[0], self.execute(outline, "cpu")[0])
                found += self.stored_with_shared_graphs(outline)
        self.assertGreater(found, 15)

    def stored_with_shared_graphs(self, stages):
        """Does the stored model have any? Read again it runs the same, and written twice it is the same."""
        files = []
        for k in range(2):
            files.append(self.folder / f"m{k}.tenon")
            p, _ = self.pipeline(stages + [{"export": "tenon", "model": str(files[k])}])
            self.ok(p)
        self.assertEqual(files[0].read_bytes(), files[1].read_bytes())
        stored, _ = self.execute([{"import": "tenon", "model": str(files[0])}])
        self.same(stored, self.execute(stages)[0])
        return files[0].read_bytes()[10] == 2

    def test_layers(self):
        save(layers(24), str(self.folder / "m.onnx"))
        np.savez(self.folder / "x.npz", x=np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32))
        load = [{"import": "onnx", "model": str(self.folder / "m.onnx")}]
        plain, _ = self.execute(load, "cpu")
        outlined, report = self.execute(load + [{"pipeline": "outline"}], "cpu")
        self.same(plain, outlined)
        metrics = next(s["metrics"] for s in report["stages"] if "bodies" in s.get("metrics", {}))
        self.assertEqual((metrics["bodies"], metrics["calls"], metrics["nodes-before"], metrics["nodes-after"]), (1, 24, 192, 32))


if __name__ == "__main__":
    unittest.main()
