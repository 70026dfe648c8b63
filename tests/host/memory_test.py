# SPDX-License-Identifier: Apache-2.0
"""The CPU backend's arena is as small as the buffers that are alive together, and no two of them overlap."""
import csv
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import tenon

INTERVALS = tenon.ROOT.parent / "shared" / "reference" / "minimalloc"
CAPACITY = 1048576
PLAN_ARENA = tenon.BUILD / "tests" / "plan_arena"


def programs(program):
    yield program
    for nested in program.get("nested", []):
        yield from programs(nested)


def overlap(buffers):
    """Two (from, to, offset, bytes), both ends of the steps included, that share a step and a byte; None when there are none."""
    for k, (a_from, a_to, a, a_bytes) in enumerate(buffers):
        for b_from, b_to, b, b_bytes in buffers[:k]:
            if a_from <= b_to and b_from <= a_to and a < b + b_bytes and b < a + a_bytes:
                return (a_from, a_to, a, a_bytes), (b_from, b_to, b, b_bytes)
    return None


class Arena(tenon.Case):
    def check(self, program, tight=True):
        for p in programs(program):
            buffers = [(b["from"], b["to"], b["offset"], b["bytes"]) for b in p["arena"]]
            self.assertIsNone(overlap(buffers))
            for begin, end, offset, size in buffers:
                self.assertLessEqual(0, begin)
                self.assertLessEqual(begin, end)
                self.assertLessEqual(end, len(p["nodes"]))
                self.assertLessEqual(offset + size, p["arena_bytes"])
            steps = {b[0] for b in buffers}
            most = max((sum((size + 63) // 64 * 64 for begin, end, _, size in buffers if begin <= s <= end) for s in steps), default=0)
            self.assertEqual(most, p["arena_lower_bound"])
            if tight:
                self.assertEqual(p["arena_bytes"], p["arena_lower_bound"])

    def run_model(self, model, npz, threads, **options):
        inputs = {"inputs": str(npz)} if npz else {}
        p, report = self.pipeline([{"import": "auto", "model": str(model), **options}, {"pipeline": "O2"},
                                   {"execute": "cpu", **inputs, "options": {"threads": threads}}])
        self.ok(p)
        return report["stages"][-1]["program"]

    def test_checker(self):
        self.assertIsNone(overlap([(0, 3, 0, 64), (4, 5, 0, 64), (0, 5, 64, 64)]))
        self.assertIsNotNone(overlap([(0, 4, 0, 64), (4, 5, 32, 64)]))

    def test_own_models(self):
        checked = 0
        for model in sorted(tenon.MODELS.rglob("*.onnx")):
            npz = model.with_suffix(".npz")
            if not npz.exists() or not any(k.startswith("in:") for k in np.load(npz).files):
                continue
            with self.subTest(model.name):
                p, report = self.pipeline([{"import": "auto", "model": str(model)}, {"pipeline": "O2"}, {"execute": "cpu", "inputs": str(npz)}])
                if p.returncode == 0:
                    self.check(report["stages"][-1]["program"])
                    checked += 1
        self.assertGreater(checked, 0, "no model of the repository was run")

    def branches_model(self, joined):
        """Four branches, each large inside and small at its end, perhaps added up; the file has the large values of all of them first."""
        rng = np.random.default_rng(0)
        weights, wide, narrow = [], [], []
        for k in range(4):
            weights += [numpy_helper.from_array(rng.standard_normal(shape, dtype=np.float32), name) for shape, name in (((4, 1024), f"V{k}"), ((1024, 4), f"W{k}"))]
            wide.append(helper.make_node("MatMul", ["x", f"V{k}"], [f"wide{k}"]))
            narrow.append(helper.make_node("MatMul", [f"wide{k}", f"W{k}"], [f"narrow{k}"]))
        total = [helper.make_node("Sum", [f"narrow{k}" for k in range(4)], ["sum"])] if joined else []
        x, *y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [256, 4]) for name in ["x"] + (["sum"] if joined else [f"narrow{k}" for k in range(4)]))
        model = helper.make_model(helper.make_graph(wide + narrow + total, "branches", [x], y, weights), opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        path = self.folder / "branches.onnx"
        path.write_bytes(model.SerializeToString())
        inputs = {"x": rng.standard_normal((256, 4), dtype=np.float32)}
        w = {t.name: numpy_helper.to_array(t) for t in weights}
        expected = {f"narrow{k}": inputs["x"] @ w[f"V{k}"] @ w[f"W{k}"] for k in range(4)}
        return path, inputs, {"sum": sum(expected.values())} if joined else expected

    def test_order(self):
        """Branches are run one after the other, so that only one of their large values is alive."""
        for joined in (False, True):
            with self.subTest(joined=joined):
                path, inputs, expected = self.branches_model(joined)
                np.savez(self.folder / "in.npz", **inputs)
                p, report = self.pipeline([{"import": "auto", "model": str(path)}, {"execute": "cpu", "inputs": str(self.folder / "in.npz"), "outputs": str(self.folder / "out.npz")}])
                self.ok(p)
                program = report["stages"][-1]["program"]
                self.check(program)
                self.assertLess(program["arena_bytes"], 1.1 * 256 * 1024 * 4)
                found = np.load(self.folder / "out.npz")
                for name, y in expected.items():
                    np.testing.assert_allclose(found["out:" + name], y, rtol=1e-4, atol=1e-3)

    @unittest.skipUnless((tenon.SHARED / "manifest.json").exists(), "needs the shared models")
    def test_manifest(self):
        """Arena divided by lower bound is 1.000 on every model, with one thread and with two; on made-up inputs where none are at hand."""
        for entry in json.loads((tenon.SHARED / "manifest.json").read_text())["models"]:
            named = entry.get("reference") and entry["name"] != "tflm_keyword_scrambled"  # whose reference does not name the inputs
            options = {"network": str(tenon.SHARED / entry["prototxt"])} if entry.get("prototxt") else {}
            for threads in (1, 2):
                with self.subTest(entry["name"], threads=threads):
                    self.check(self.run_model(tenon.SHARED / entry["file"], tenon.SHARED / entry["reference"] if named else None, threads, **options))


@unittest.skipUnless(PLAN_ARENA.exists(), "plan_arena is not built")
class Files(unittest.TestCase):
    def solve(self, path, capacity):
        before = os.times().children_user
        p = subprocess.run([PLAN_ARENA, "--capacity", str(capacity), path], capture_output=True, text=True, timeout=300)
        self.assertEqual(p.returncode, 0, f"{path.name}: {p.stdout[:120]}{p.stderr}")
        plan = json.loads(p.stdout)
        with open(path) as file:
            rows = [(int(r["lower"]), int(r["upper"]) - 1, o, int(r["size"])) for r, o in zip(csv.DictReader(file), plan["offsets"], strict=True)]
        self.assertIsNone(overlap(rows))
        self.assertLessEqual(max(o + size for _, _, o, size in rows), capacity)
        return os.times().children_user - before

    @unittest.skipUnless(INTERVALS.exists(), "needs the shared files of intervals")
    def test_hard_files(self):
        for path in sorted(INTERVALS.glob("*.csv")):
            with self.subTest(path.name):
                self.assertLess(self.solve(path, CAPACITY), 10, "seconds of processor time")

    def test_bad_files(self):
        for text in ("", "a,b\n", "id,lower,upper,size\n0,3,3,1\n", "id,lower,upper,size\nx\n"):
            path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "bad.csv"
            path.write_text(text)
            p = subprocess.run([PLAN_ARENA, path], capture_output=True, text=True)
            self.assertEqual(p.returncode, 2)
            self.assertIn("is no file of id,lower,upper,size", p.stderr)


if __name__ == "__main__":
    unittest.main()
