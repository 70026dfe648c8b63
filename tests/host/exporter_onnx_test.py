# SPDX-License-Identifier: Apache-2.0
"""exporter-onnx: models are written as ONNX, accepted by onnx.checker, read back, and give the same results."""
import json
import os
import pathlib
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnx.numpy_helper

import onnx_node_test
import tenon
import tflite_test

OPSET = 17  # the newest that Debian's onnx knows
# Every how many cases of ONNX's own suite; TENON_EXPORT_SUITE=1 runs all of them.
STRIDE = int(os.environ.get("TENON_EXPORT_SUITE", "8"))
# Cases of the suite, by the start of their names, that opset 17 cannot say.
CANNOT = ("test_gradient_of",)
# The loop's state is an optional that its body gives as a sequence: the checker wants one of the two, the host knows both to be right.
UNCHECKED = ("test_loop16_seq_none",)


def node_types(model):
    types = []

    def walk(graph):
        for n in graph.node:
            types.append(n.op_type)
            for a in n.attribute:
                if a.HasField("g"):
                    walk(a.g)

    walk(model.graph)
    return types


class ExportCase(tenon.Case):
    def export(self, model, *args, pipeline="O2", name="out.onnx", **options):
        target = self.folder / name
        stages = [{"import": "auto", "model": str(model)}] + ([{"pipeline": pipeline}] if pipeline else [])
        p, report = self.pipeline(stages + [{"export": "onnx", "model": str(target), "options": {"opset": OPSET, **options}}], *args)
        return target, p, report

    def exported(self, model, *args, **options):
        target, p, _ = self.export(model, *args, **options)
        self.ok(p)
        onnx.checker.check_model(str(target), full_check=True)
        return target

    def run_model(self, model, npz, *args, backend="reference", pipeline=None):
        out = self.folder / "y.npz"
        stages = [{"import": "auto", "model": str(model)}] + ([{"pipeline": pipeline}] if pipeline else [])
        p, _ = self.pipeline(stages + [{"execute": backend, "inputs": str(npz), "outputs": str(out)}], *args)
        self.ok(p)
        return dict(np.load(out))

    def same(self, got, wanted, what):
        for k, y in wanted.items():
            self.assertIn(k, got, what)
            self.assertEqual(got[k].shape, y.shape, f"{what} {k}")
            self.assertEqual(got[k].dtype, y.dtype, f"{what} {k}")
            if y.size and np.issubdtype(y.dtype, np.floating):
                np.testing.assert_allclose(got[k], y, rtol=0, atol=1e-6 + 1e-3 * float(np.max(np.abs(y[np.isfinite(y)]), initial=0)), err_msg=f"{what} {k}")
            else:
                np.testing.assert_array_equal(got[k], y, f"{what} {k}")


class RoundTrip(ExportCase):
    def test_own_models(self):
        for path in sorted(tenon.MODELS.glob("*.onnx")):
            if path.stem == "vendor":
                continue
            npz = path.with_suffix(".npz")
            expected = {k: v for k, v in np.load(npz).items() if k.startswith("out:")}
            for opset, pipeline in ((13, "O2"), (15, "O1"), (OPSET, None), (OPSET, "O2")):
                with self.subTest(path.stem, opset=opset, pipeline=pipeline):
                    target = self.exported(path, pipeline=pipeline, opset=opset)
                    self.same(self.run_model(target, npz), expected, path.stem)

    def test_newest_opsets(self):
        """Beyond what the installed checker knows: written, read back, run."""
        for path in sorted(tenon.MODELS.glob("*.onnx")):
            if path.stem == "vendor":
                continue
            npz = path.with_suffix(".npz")
            expected = {k: v for k, v in np.load(npz).items() if k.startswith("out:")}
            for opset in (18, 21, 28):
                with self.subTest(path.stem, opset=opset):
                    target, p, _ = self.export(path, opset=opset)
                    self.ok(p)
                    self.assertEqual([o.version for o in onnx.load(str(target)).opset_import if o.domain == ""], [opset])
                    self.same(self.run_model(target, npz), expected, path.stem)

    def test_microsoft(self):
        fused = set()
        for path in sorted(tenon.MODELS.glob("*.onnx")):
            if path.stem == "vendor":
                continue
            npz = path.with_suffix(".npz")
            target, p, _ = self.export(path, fused="microsoft")
            self.ok(p)
            fused |= {n.op_type for n in onnx.load(str(target)).graph.node if n.domain == "com.microsoft"}
            self.same(self.run_model(target, npz), {k: v for k, v in np.load(npz).items() if k.startswith("out:")}, path.stem)
        self.assertIn("FusedConv", fused)

    def contrib(self, folder, pattern, **options):
        """Models of a folder with inputs and outputs, there and back; the operators of each that was written."""
        written = {}
        for path in sorted((tenon.MODELS / folder).glob(pattern)):
            npz = path.with_suffix(".npz")
            with self.subTest(path.stem):
                target, p, _ = self.export(path, **options)
                self.ok(p)
                written[path.stem] = [f"{n.domain}::{n.op_type}" for n in onnx.load(str(target)).graph.node]
                self.same(self.run_model(target, npz), {k: v for k, v in np.load(npz).items() if k.startswith("out:")}, path.stem)
        return written

    def test_classical_models(self):
        """Support vector machines and maps, as operators of ai.onnx.ml."""
        for pattern, op, least in (("ml_svm_*.onnx", "SVM", 8), ("ml_cast_map_*.onnx", "CastMap", 3)):
            written = self.contrib("onnx_contrib", pattern)
            self.assertGreaterEqual(len(written), least)
            for name, ops in written.items():
                self.assertTrue(any(o.startswith(f"ai.onnx.ml::{op}") for o in ops), name)

    def test_tokenizer(self):
        for name, ops in self.contrib("onnx_contrib", "ms_tokenizer_*.onnx", fused="microsoft").items():
            self.assertIn("com.microsoft::Tokenizer", ops, name)
        _, p, _ = self.export(tenon.MODELS / "onnx_contrib" / "ms_tokenizer_words.onnx")
        self.error(p, p.returncode, "tenon::Tokenizer: 1 node (tokenizer)", "fused")
        self.assertNotEqual(p.returncode, 0)

    def test_skip_normalization(self):
        """As one node of com.microsoft, or as what it stands for."""
        written = self.contrib("transformers", "encoder_torch.onnx", fused="microsoft", pipeline="O2")
        self.assertEqual(written["encoder_torch"].count("com.microsoft::SkipLayerNormalization"), 4)
        written = self.contrib("transformers", "encoder_torch.onnx", fused="expand", pipeline="O2")
        self.assertEqual(written["encoder_torch"].count("::LayerNormalization"), 4)

    def test_tflite(self):
        """TFLite's operators, quantized ones to the bit."""
        for file in ("tflite_models.npz", "tflite_quantized.npz"):
            cases = tflite_test.cases(tenon.MODELS / file)
            done = 0
            for name, case in list(cases.items())[:: 3 * STRIDE]:
                with self.subTest(name):
                    model, npz = self.folder / "model.tflite", self.folder / "in.npz"
                    model.write_bytes(case["model"].tobytes())
                    np.savez(npz, **{k: v for k, v in case.items() if k != "model"})
                    target, p, _ = self.export(model, opset=21)
                    if p.returncode == 2 and "cannot say" in p.stderr:
                        continue
                    self.ok(p)
                    wanted = self.run_model(model, npz, pipeline="O2")
                    got = self.run_model(target, npz)
                    self.same(got, wanted, name)
                    done += 1
            self.assertGreater(done, len(cases) / (3 * STRIDE) * 0.5, file)


class Options(ExportCase):
    model, npz = tenon.MODELS / "residual_cnn.onnx", tenon.MODELS / "residual_cnn.npz"

    def test_interface(self):
        before, after = onnx.load(str(self.model)).graph, onnx.load(str(self.exported(self.model))).graph
        self.assertEqual([v.name for v in before.input if v.name not in {t.name for t in before.initializer}], [v.name for v in after.input])
        self.assertEqual([v.name for v in before.output], [v.name for v in after.output])
        named = [d.dim_param for v in after.input for d in v.type.tensor_type.shape.dim if d.dim_param]
        self.assertTrue(named, "a symbolic dimension keeps its name")
        self.assertEqual(len({n.name for n in after.node}), len(after.node))

    def test_origins(self):
        graph = onnx.load(str(self.exported(self.model))).graph
        notes = [json.loads(n.doc_string.split(": ", 1)[1]) for n in graph.node if n.doc_string]
        self.assertTrue(any(len(o) > 1 for o in notes), "fused nodes say where they come from")

    def test_external_data(self):
        target = self.exported(self.model, **{"external-data-above": 0})
        data = self.folder / "out.onnx.data"
        outside = [t for t in onnx.load(str(target), load_external_data=False).graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
        self.assertTrue(outside)
        self.assertTrue(all(int(e.value) % 64 == 0 for t in outside for e in t.external_data if e.key == "offset"))
        self.assertGreaterEqual(data.stat().st_size, sum(len(t.raw_data) for t in onnx.load(str(self.exported(self.model, name="whole.onnx"))).graph.initializer) // 2)
        self.same(self.run_model(target, self.npz), {k: v for k, v in np.load(self.npz).items() if k.startswith("out:")}, "external")

    def test_deterministic(self):
        self.assertEqual(self.exported(self.model, name="a.onnx").read_bytes(), self.exported(self.model, name="b.onnx").read_bytes())

    def test_wrong_options(self):
        for options in ({"opset": 12}, {"opset": 99}, {"fused": "some"}, {"unknown": 1}):
            _, p, _ = self.export(self.model, **options)
            self.assertNotEqual(p.returncode, 0, options)
            self.assertIn(next(iter(options)), p.stderr)
        target, p, _ = self.export(self.model, **{"output-shapes": {"nobody": "1,3", "y": "1,10"}})
        self.error(p, 2, "output-shapes", "'nobody'", "no output of the graph")
        self.assertFalse(target.exists())


class Converted(ExportCase):
    def test_command(self):
        target = self.folder / "made.onnx"
        p = tenon.run("convert", Options.model, "-o", target, "--export-option", f"opset={OPSET}", "-q")
        self.ok(p)
        onnx.checker.check_model(str(target), full_check=True)
        self.ok(tenon.run("convert", target, "-o", self.folder / "made.tenon", "-q"))
        p = tenon.run("convert", target, "-o", self.folder / "made.unknown")
        self.error(p, p.returncode, "no exporter writes files with this ending", ".onnx")
        self.assertNotEqual(p.returncode, 0)


def model_of(nodes, inputs, outputs, opset=OPSET, initializers=()):
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "g", [value(*i) for i in inputs], [value(*o) for o in outputs], list(initializers))
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


class Errors(ExportCase):
    def test_gathered(self):
        """All that an old opset cannot say, at once."""
        f = onnx.TensorProto.FLOAT
        nodes = [onnx.helper.make_node("Trilu", ["x"], ["a"], name="first"), onnx.helper.make_node("Trilu", ["a"], ["b"], name="second"),
                 onnx.helper.make_node("GridSample", ["image", "grid"], ["c"], name="third")]
        m = model_of(nodes, [("x", f, [3, 3]), ("image", f, [1, 1, 4, 4]), ("grid", f, [1, 2, 2, 2])], [("b", f, [3, 3]), ("c", f, None)])
        path = self.folder / "m.onnx"
        onnx.save(m, str(path))
        target, p, _ = self.export(path, pipeline=None, opset=13)
        self.assertNotEqual(p.returncode, 0)
        for text in ("opset 13 cannot say", "tenon::Trilu: 2 nodes (first, second)", "tenon::GridSample: 1 node (third)", "opset"):
            self.assertIn(text, p.stderr)
        self.assertFalse(target.exists(), "nothing is left behind")

    def test_names_that_clash(self):
        """An output that is an input, one that is a constant, and one value as two outputs."""
        f = onnx.TensorProto.FLOAT
        c = onnx.numpy_helper.from_array(np.array([1, 2], np.float32), "c")
        nodes = [onnx.helper.make_node("Relu", ["x"], ["y"]), onnx.helper.make_node("Identity", ["y"], ["z"]), onnx.helper.make_node("Identity", ["c"], ["k"])]
        m = model_of(nodes, [("x", f, ["N"])], [("y", f, ["N"]), ("z", f, ["N"]), ("k", f, [2])], initializers=[c])
        path, npz = self.folder / "m.onnx", self.folder / "x.npz"
        onnx.save(m, str(path))
        np.savez(npz, **{"in:x": np.array([-1, 2, 3], np.float32)})
        got = self.run_model(self.exported(path), npz)
        np.testing.assert_array_equal(got["out:y"], [0, 2, 3])
        np.testing.assert_array_equal(got["out:z"], [0, 2, 3])
        np.testing.assert_array_equal(got["out:k"], [1, 2])


def run_case(folder, opset, dynamic, work):
    """Empty, or what went wrong."""
    model, known = onnx.load(str(folder / "model.onnx")), onnx_node_test.known_case(folder.name, dynamic)
    sets = list(onnx_node_test.data_sets(folder, model, work))
    limits = onnx_node_test.tolerance(folder, model)
    path, again = onnx_node_test.changed(folder / "model.onnx", model, known.get("check"), dynamic, work), work / "again.onnx"
    stages = [{"import": "onnx", "model": str(path)}, {"export": "onnx", "model": str(again), "options": {"opset": opset}}]
    (work / "p.json").write_text(json.dumps({"stages": stages}))
    p = tenon.run("--pipeline", work / "p.json", timeout=120)
    if p.returncode:
        return "" if known else "export: " + " ".join(p.stderr.split())[:400]
    if opset <= OPSET and "has no shape in the file" not in p.stderr and folder.name not in UNCHECKED:
        try:
            onnx.checker.check_model(str(again), full_check=not dynamic)
        except Exception as e:
            return "checker: " + " ".join(str(e).split())[:300]
    if known and not {"rtol", "atol"} & set(known):
        return ""  # the host itself does not pass, or results are random
    return onnx_node_test.run_on(["reference"], again, sets, limits, work)


def suite_case(folder, opset, dynamic):
    with tempfile.TemporaryDirectory() as work:
        return folder.name, run_case(folder, opset, dynamic, pathlib.Path(work))


class Suite(unittest.TestCase):
    """ONNX's own operator tests, exported and imported again."""

    def run_suite(self, opset, dynamic, stride):
        folders = onnx_node_test.cases(onnx_node_test.DATA, [])[::stride]
        self.assertTrue(folders, "libonnx-testdata is not installed")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = dict(pool.map(lambda f: suite_case(f, opset, dynamic), folders))
        unsaid = [n for n, m in results.items() if "cannot say" in m]
        wrong = [f"{n}: {m}" for n, m in results.items() if m and n not in unsaid]
        print(f"{len(results)} cases at opset {opset}{' with symbolic shapes' * dynamic}: {len(results) - len(wrong) - len(unsaid)} agree, {len(unsaid)} cannot be said", file=sys.stderr)
        if wrong:
            self.fail(f"{len(wrong)} of {len(results)} cases:\n" + "\n".join(wrong))
        return {n: results[n] for n in unsaid}

    def test_declared(self):
        unsaid = self.run_suite(OPSET, False, STRIDE)
        wrong = [f"{n}: {m}" for n, m in unsaid.items() if not any(n.startswith(c) for c in CANNOT)]
        if wrong:
            self.fail("\n".join(wrong))

    def test_symbolic(self):
        self.run_suite(21, True, 2 * STRIDE)

    def test_oldest(self):
        self.run_suite(13, False, 2 * STRIDE)

    def test_newest(self):
        self.run_suite(28, False, 2 * STRIDE)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
