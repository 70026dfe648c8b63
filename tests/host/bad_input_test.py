# SPDX-License-Identifier: Apache-2.0
"""Bad models, data and pipelines: one clear error with its exit code, no partial output, earlier outputs left alone."""
import json
import os
import random
import resource
import subprocess
import unittest

import numpy as np

import tenon

GOOD = tenon.MODELS / "residual_cnn.onnx"
DATA = tenon.MODELS / "residual_cnn.npz"


class BadModel(tenon.Case):
    def convert(self, path):
        out = self.folder / "out.tenon"
        out.write_bytes(b"earlier")
        p, _ = self.pipeline([{"import": "onnx", "model": str(path)}, {"export": "tenon", "model": str(out)}])
        if p.returncode:
            self.assertEqual(out.read_bytes(), b"earlier", "an earlier output stays")
            self.assertEqual([f.name for f in self.folder.iterdir() if "out.tenon" in f.name], ["out.tenon"], "nothing is left beside it")
            self.assertIn("error", p.stderr)
        return p

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def test_missing(self):
        self.error(self.convert(self.folder / "nothing.onnx"), 6, "nothing.onnx")

    def test_folder(self):
        self.error(self.convert(self.folder), 6)

    def test_empty(self):
        self.error(self.convert(self.write("empty.onnx", b"")), 3, "empty.onnx")

    def test_text(self):
        self.error(self.convert(self.write("text.onnx", b"this is no model at all\n" * 20)), 3, "text.onnx")

    def test_truncated(self):
        """Cut anywhere: an error or, where the cut leaves a valid file, a model; never a crash."""
        data = GOOD.read_bytes()
        for n in range(1, len(data), 97):
            p = self.convert(self.write("cut.onnx", data[:n]))
            self.assertIn(p.returncode, (0, 3, 4), p.stderr[-500:])

    def test_bit_flips(self):
        rng = random.Random(11)
        for source in ("residual_cnn", "control", "functions", "quantized"):
            data = (tenon.MODELS / f"{source}.onnx").read_bytes()
            for _ in range(25):
                b = bytearray(data)
                for _ in range(rng.randint(1, 3)):
                    b[rng.randrange(len(b))] ^= 1 << rng.randrange(8)
                p = self.convert(self.write("flip.onnx", bytes(b)))
                self.assertIn(p.returncode, (0, 3, 4, 6), p.stderr[-800:])

    def test_huge_claim(self):
        """A tensor of 2^40 elements in a file of a few bytes: refused within little memory."""
        def varint(n):
            out = b""
            while True:
                out += bytes([n & 127 | (128 if n > 127 else 0)])
                n >>= 7
                if not n:
                    return out

        def field(number, payload):
            return varint(number << 3 | 2) + varint(len(payload)) + payload
        tensor = varint(1 << 3) + varint(1 << 40) + varint(2 << 3) + varint(1) + field(8, b"w") + field(9, b"\0" * 8)
        graph = field(2, b"g") + field(5, tensor)
        path = self.write("huge.onnx", varint(1 << 3) + varint(8) + field(7, graph) + field(8, varint(2 << 3) + varint(17)))
        limit = 2 << 30
        p = subprocess.run([str(tenon.HOST), "inspect", str(path)], capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.error(p, 3, "huge.onnx")

    def test_external_data_stays_in_the_folder(self):
        model = (tenon.MODELS / "external.onnx").read_bytes()
        self.assertIn(b"external.bin", model)
        (self.folder / "data").mkdir()
        outside = self.write("outside.b", (tenon.MODELS / "external.bin").read_bytes())
        for name in (b"../outside.b", b"/etc/passwd0"):
            path = self.folder / "data" / "m.onnx"
            path.write_bytes(model.replace(b"external.bin", name))
            p = self.convert(path)
            self.error(p, 3, "m.onnx")
        link = self.folder / "data" / "external.bin"
        link.symlink_to(outside)
        (self.folder / "data" / "m.onnx").write_bytes(model)
        self.error(self.convert(self.folder / "data" / "m.onnx"), 3, "folder")

    def test_external_data_missing_or_short(self):
        path = self.write("m.onnx", (tenon.MODELS / "external.onnx").read_bytes())
        self.error(self.convert(path), 6, "external.bin")
        self.write("external.bin", (tenon.MODELS / "external.bin").read_bytes()[:100])
        self.error(self.convert(path), 3)

    def test_cycle(self):
        import onnx
        m = onnx.load(str(GOOD))
        m.graph.node[0].input[0] = m.graph.node[2].output[0]
        path = self.folder / "cycle.onnx"
        onnx.save(m, str(path))
        self.error(self.convert(path), 3, "cycle", "conv1")

    def test_wrong_channels_name_the_node(self):
        import onnx
        m = onnx.load(str(GOOD))
        m.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5
        path = self.folder / "channels.onnx"
        onnx.save(m, str(path))
        self.error(self.convert(path), 3, "conv1", "expected", "found")

    def test_unknown_attribute_is_not_dropped(self):
        import onnx
        m = onnx.load(str(GOOD))
        m.graph.node[0].attribute.append(onnx.helper.make_attribute("surprise", 3))
        path = self.folder / "attribute.onnx"
        onnx.save(m, str(path))
        p, _ = self.pipeline([{"import": "onnx", "model": str(path)}, {"execute": "reference", "inputs": str(DATA)}])
        self.error(p, 4, "surprise", "conv1")

    def test_unknown_operators_all_at_once(self):
        import onnx
        m = onnx.load(str(GOOD))
        m.graph.node[0].op_type = "NoSuchThing"
        m.graph.node[2].op_type = "NorThis"
        path = self.folder / "unknown.onnx"
        onnx.save(m, str(path))
        p, _ = self.pipeline([{"import": "onnx", "model": str(path)}, {"execute": "cpu", "inputs": str(DATA)}])
        self.error(p, 4, "NoSuchThing", "NorThis", "conv1", "relu1")
        p = tenon.run("check", path)
        self.error(p, 4)
        self.assertIn("NoSuchThing", p.stdout + p.stderr)
        self.assertEqual(self.convert(path).returncode, 0, "unknown operators do not stop an import")

    def test_damaged_tenon_file(self):
        out = self.folder / "m.tenon"
        p, _ = self.pipeline([{"import": "onnx", "model": str(GOOD)}, {"export": "tenon", "model": str(out)}])
        self.ok(p)
        data = out.read_bytes()
        rng = random.Random(5)
        for n in range(40):
            b = bytearray(data if n % 2 else data[: rng.randrange(len(data))])
            if b:
                b[rng.randrange(min(len(b), 3000))] ^= 1 << rng.randrange(8)
            out.write_bytes(bytes(b))
            p, _ = self.pipeline([{"import": "tenon", "model": str(out)}])
            self.assertIn(p.returncode, (0, 3), p.stderr[-500:])


class BadData(tenon.Case):
    def execute(self, arrays, **stage):
        x = self.folder / "x.npz"
        np.savez(x, **arrays)
        p, _ = self.pipeline([{"import": "onnx", "model": str(GOOD)}, {"execute": "cpu", "inputs": str(x), **stage}])
        return p

    def test_missing_input(self):
        self.error(self.execute({"wrong": np.zeros(3, np.float32)}), 2, "x")

    def test_wrong_shape(self):
        self.error(self.execute({"x": np.zeros((1, 4, 8, 8), np.float32)}), 2, "expected", "found", "4")

    def test_wrong_type(self):
        self.error(self.execute({"x": np.zeros((1, 3, 8, 8), np.int64)}), 2, "i64")

    def test_expectation_missed(self):
        good = dict(np.load(DATA))
        bad = self.folder / "bad.npz"
        worse = {k: v.copy() for k, v in good.items()}
        worse["out:y"][1, 2] += 1
        np.savez(bad, **worse)
        p = self.execute({"x": good["in:x"]}, expect=str(bad))
        self.assertEqual(p.returncode, 1)
        self.assertIn("y", p.stdout + p.stderr)
        self.assertIn("[1, 2]", p.stdout + p.stderr, "the worst element is named")

    def test_npz_garbage(self):
        x = self.folder / "x.npz"
        x.write_bytes(b"PK\x03\x04 nothing")
        p, _ = self.pipeline([{"import": "onnx", "model": str(GOOD)}, {"execute": "cpu", "inputs": str(x)}])
        self.assertIn(p.returncode, (2, 3, 6))


class BadPipeline(tenon.Case):
    def text(self, text):
        path = self.folder / "p.json"
        path.write_text(text)
        return tenon.run("--pipeline", path)

    def test_syntax(self):
        self.error(self.text('{"stages": [\n  {"import": "onnx",}\n]}'), 2, "p.json", ":2:")

    def test_unknown_key(self):
        self.error(self.text(json.dumps({"stages": [{"import": "onnx", "modle": str(GOOD)}]})), 2, "modle", "model")

    def test_unknown_pass(self):
        self.error(self.text(json.dumps({"stages": [{"import": "onnx", "model": str(GOOD)}, {"pass": "fuse-conf"}]})), 2, "fuse-conf", "fuse-conv")

    def test_unknown_option(self):
        self.error(self.text(json.dumps({"stages": [{"import": "onnx", "model": str(GOOD)}, {"pass": "fold-constants", "options": {"growth-limits": 1}}]})), 2, "growth-limits", "growth-limit")

    def test_wrong_option_type(self):
        self.error(self.text(json.dumps({"stages": [{"import": "onnx", "model": str(GOOD)}, {"pass": "fold-constants", "options": {"growth-limit": "much"}}]})), 2, "growth-limit")

    def test_missing_pipeline(self):
        self.error(tenon.run("--pipeline", self.folder / "no.json"), 6, "no.json")

    def test_empty(self):
        self.error(self.text(""), 2)

    def test_dry_run_writes_nothing(self):
        out = self.folder / "out.tenon"
        p, _ = self.pipeline([{"import": "onnx", "model": str(GOOD)}, {"export": "tenon", "model": str(out)}], "--dry-run")
        self.ok(p)
        self.assertFalse(out.exists())

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_unwritable(self):
        p, _ = self.pipeline([{"import": "onnx", "model": str(GOOD)}, {"export": "tenon", "model": "/proc/out.tenon"}])
        self.error(p, 6)


if __name__ == "__main__":
    unittest.main()
