# SPDX-License-Identifier: Apache-2.0
"""Operators of ai.onnx.ml and com.microsoft: models of one node each against their references, on the reference kernels, and optimized, written,
read again and run on the CPU backend. tests/models/onnx_contrib/make_onnx_contrib.py makes them."""
import concurrent.futures
import json
import os
import pathlib
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper

import tenon

FOLDER = tenon.MODELS / "onnx_contrib"
TOLERANCE = {"absolute": 1e-5, "relative": 1e-4}


def run_case(model):
    """Failures as text."""
    failures = []
    data = str(model.with_suffix(".npz"))
    with tempfile.TemporaryDirectory() as work:
        saved = str(pathlib.Path(work) / "model.tenon")
        for backend, between in (("reference", []), ("cpu", [{"pipeline": "O2"}, {"export": "tenon", "model": saved}, {"import": "tenon", "model": saved}])):
            stages = [{"import": "onnx", "model": str(model)}, *between, {"execute": backend, "inputs": data, "expect": data, "tolerance": TOLERANCE}]
            path = pathlib.Path(work) / "pipeline.json"
            path.write_text(json.dumps({"stages": stages}))
            p = tenon.run("--pipeline", path, timeout=120)
            if p.returncode:
                failures.append(f"{model.stem} on {backend}: exit {p.returncode}: {(p.stderr or p.stdout)[-600:]}")
    return failures


class References(tenon.Case):
    def test_all(self):
        models = sorted(FOLDER.glob("*.onnx"))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = [f for r in pool.map(run_case, models) for f in r]
        self.assertFalse(failures, f"{len(failures)} failures\n" + "\n".join(failures))

    def test_every_lowering_has_a_model(self):
        used = set()
        for m in FOLDER.glob("*.onnx"):
            model = onnx.load(str(m))
            used |= {f"{n.domain or 'onnx'}::{n.op_type}" for n in model.graph.node}
        for plugin in ("tenon.frontend-onnx-ml", "tenon.frontend-onnx-microsoft"):
            entries = json.loads(tenon.run("plugins", plugin, "--json").stdout)["entries"]
            lacking = {e["op"] for e in entries if e["kind"] == "lowering"} - used
            self.assertFalse(lacking - {"com.microsoft::SimplifiedLayerNormalization"}, "lowerings without a model")


class Refusals(tenon.Case):
    """What cannot be done is one clear error that says so."""

    def run_node(self, op, inputs, domain, version, outputs=1, **attrs):
        node = helper.make_node(op, list(inputs), [f"y{k}" for k in range(outputs)], domain=domain, **attrs)
        kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
        infos = [helper.make_tensor_value_info(n, kinds[a.dtype.name], a.shape) for n, a in inputs.items()]
        outs = [helper.make_tensor_value_info(f"y{k}", TensorProto.FLOAT, None) for k in range(outputs)]
        model = helper.make_model(helper.make_graph([node], "g", infos, outs), opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(domain, version)])
        path, data = self.folder / "m.onnx", self.folder / "x.npz"
        path.write_bytes(model.SerializeToString())
        np.savez(data, **{f"in:{n}": a for n, a in inputs.items()})
        p, _ = self.pipeline([{"import": "onnx", "model": str(path)}, {"execute": "reference", "inputs": str(data)}])
        return p

    def tree(self, **change):
        a = {"nodes_treeids": [0] * 3, "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0] * 3, "nodes_values": [0.5, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
             "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 2.0],
             "n_targets": 1}
        a.update(change)
        return self.run_node("TreeEnsembleRegressor", {"x": np.zeros((2, 1), np.float32)}, "ai.onnx.ml", 1, **a)

    def test_trees(self):
        self.ok(self.tree())
        two = {"nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], "target_nodeids": [2, 2]}
        self.error(self.tree(**two), 3, "cycle")
        self.error(self.tree(nodes_truenodeids=[7, 0, 0]), 3, "a node that is not there", "node 7")
        self.error(self.tree(nodes_featureids=[9, 0, 0]), 3, "too few features")
        self.error(self.tree(target_ids=[0, 5]), 3, "unknown target")
        self.error(self.tree(nodes_values=[0.5]), 3, "nodes_values")
        self.error(self.tree(nodes_modes=["BRANCH_ODD", "LEAF", "LEAF"]), 4, "BRANCH_ODD")

    def test_unsupported_features_are_named(self):
        x, w = np.zeros((1, 2, 4), np.float32), np.zeros((4, 12), np.float32)
        self.error(self.run_node("Attention", {"x": x, "w": w}, "com.microsoft", 1, num_heads=2, do_rotary=1), 4, "do_rotary")
        self.error(self.run_node("Attention", {"x": x, "w": w}, "com.microsoft", 1, num_heads=2, surprise=1), 4, "surprise")
        self.error(self.run_node("CDist", {"a": x[0], "b": x[0]}, "com.microsoft", 1, metric="cosine"), 4, "cosine")

    def test_svm_sizes(self):
        more = {"coefficients": [1.0, 2.0], "rho": [0.5], "n_supports": 2, "kernel_params": [0.1, 0.2, 3.0], "kernel_type": "RBF"}
        self.error(self.run_node("SVMRegressor", {"x": np.zeros((2, 3), np.float32)}, "ai.onnx.ml", 1, support_vectors=[1.0] * 5, **more), 3, "support vectors")

    def test_unknown_category(self):
        p = self.run_node("OneHotEncoder", {"x": np.array([1, 8])}, "ai.onnx.ml", 1, cats_int64s=[1, 2], zeros=0)
        self.error(p, 3, "none of the categories")


if __name__ == "__main__":
    unittest.main()
