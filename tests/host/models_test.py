# SPDX-License-Identifier: Apache-2.0
"""Real models from end to end: import, optimize with every stage verified, write, read back, run, compare with the reference."""
import json
import os
import sys
import unittest

import numpy as np

import tenon

STATES = {}  # model name -> (nodes before, nodes after), for the table that --table prints


def reference_of(npz):
    data = np.load(npz)
    inputs = {k[3:]: data[k] for k in data.files if k.startswith("in:")}
    outputs = {k[4:]: data[k] for k in data.files if k.startswith("out:")}
    return inputs, outputs


class EndToEnd(tenon.Case):
    def check(self, model, npz, limit, verify=True, backend="cpu"):
        """limit(name, reference array) -> largest allowed difference."""
        _, expected = reference_of(npz)
        out, again = self.folder / "out.npz", self.folder / "again.npz"
        saved = self.folder / "model.tenon"
        stages = [
            {"import": "auto", "model": str(model)}, {"pipeline": "O2"}, {"export": "tenon", "model": str(saved)},
            {"execute": backend, "inputs": str(npz), "outputs": str(out)},
        ]
        p, report = self.pipeline(stages, *(["--verify"] if verify else []))
        self.ok(p)
        got = dict(np.load(out))
        self.assertEqual({f"out:{k}" for k in expected}, set(got), "outputs by name")
        for name, y in expected.items():
            x = got[f"out:{name}"]
            self.assertEqual(x.shape, y.shape, name)
            self.assertEqual(x.dtype, y.dtype, name)
            if x.size and np.issubdtype(x.dtype, np.floating):
                worst = float(np.max(np.abs(x.astype(np.float64) - y.astype(np.float64))))
                self.assertLessEqual(worst, limit(name, y), f"{model.name} output {name}")
            else:
                np.testing.assert_array_equal(x, y)
        p, _ = self.pipeline([{"import": "tenon", "model": str(saved)}, {"execute": backend, "inputs": str(npz), "outputs": str(again)}])
        self.ok(p)
        for k, x in np.load(again).items():
            self.assertEqual(x.tobytes(), got[k].tobytes(), f"{model.name} {k}: the same bits after writing and reading")
        before = next(s["nodes-after"] for s in report["stages"] if s["kind"] == "import")
        after = report["stages"][-1]["nodes-after"]
        STATES[model.stem] = (before, after)

    def other_sizes(self, model, npz, sizes):
        """A dynamic model at other sizes agrees with its own unoptimized run on the reference kernels."""
        inputs, _ = reference_of(npz)
        rng = np.random.default_rng(3)
        for number, shapes in enumerate(sizes):
            x = self.folder / f"x{number}.npz"
            fresh = {}
            for name, a in inputs.items():
                shape = shapes.get(name, a.shape)
                if tuple(shape) == a.shape:
                    fresh[name] = a
                elif np.issubdtype(a.dtype, np.floating):
                    fresh[name] = rng.standard_normal(shape).astype(a.dtype)
                else:
                    fresh[name] = np.resize(a, shape)
            np.savez(x, **{f"in:{k}": v for k, v in fresh.items()})
            a, b = self.folder / "a.npz", self.folder / "b.npz"
            p, _ = self.pipeline([{"import": "auto", "model": str(model)}, {"execute": "reference", "inputs": str(x), "outputs": str(a)}])
            self.ok(p)
            p, _ = self.pipeline([{"import": "auto", "model": str(model)}, {"pipeline": "O2"}, {"execute": "cpu", "inputs": str(x), "outputs": str(b)}])
            self.ok(p)
            one, two = np.load(a), np.load(b)
            for k in one.files:
                self.assertEqual(one[k].shape, two[k].shape, k)
                peak = max(float(np.max(np.abs(one[k]))), 1e-30) if one[k].size else 0
                np.testing.assert_allclose(two[k], one[k], rtol=0, atol=1e-6 + 1e-3 * peak, err_msg=f"{model.name} {k} at {shapes}")


class OwnModels(EndToEnd):
    """The repository's small models."""


def add_own(name):
    def test(self):
        args = ["--plugin", str(tenon.TEST_PLUGINS / "libvendor_operator.so")] if name == "vendor" else []
        original = self.pipeline
        self.pipeline = lambda stages, *more, **top: original(stages, *args, *more, **top)
        model, npz = tenon.MODELS / f"{name}.onnx", tenon.MODELS / f"{name}.npz"
        self.check(model, npz, lambda _, y: 1e-6 + 1e-3 * float(np.max(np.abs(y))))
        self.check(model, npz, lambda _, y: 1e-6 + 1e-3 * float(np.max(np.abs(y))), verify=False, backend="reference")
        sizes = {"residual_cnn": [{"x": (1, 3, 8, 8)}, {"x": (5, 3, 8, 8)}], "attention": [{"x": (1, 9, 16)}, {"x": (3, 1, 16)}],
                 "lstm": [{"x": (1, 1, 5)}, {"x": (7, 3, 5)}], "shapes": [{"x": (1, 2, 4)}, {"x": (6, 2, 4)}]}
        if name in sizes:
            self.other_sizes(model, npz, sizes[name])

    setattr(OwnModels, f"test_{name}", test)


for path in sorted(tenon.MODELS.glob("*.onnx")):
    add_own(path.stem)


# Two other sizes for each dynamic model of the manifest: input name -> shape.
OTHER_SIZES = {
    "ppocrv4_det": [{"x": (1, 3, 64, 96)}, {"x": (2, 3, 128, 64)}],
    "ppocrv4_rec": [{"x": (1, 3, 48, 64)}, {"x": (2, 3, 48, 160)}],
    "ppocr_v2_cls": [{"x": (1, 3, 48, 96)}, {"x": (3, 3, 48, 192)}],
    "silero_vad": [{"input": (2, 576), "state": (2, 2, 128)}, {"input": (3, 576), "state": (2, 3, 128)}],
    "silero_vad_half": [{"input": (2, 576), "state": (2, 2, 128)}, {"input": (3, 576), "state": (2, 3, 128)}],
    "magika_v3_3": [{"bytes": (2, 2048)}, {"bytes": (3, 2048)}],
    "basic_pitch_nmp": [{"serving_default_input_2:0": (2, 43844, 1)}, {"serving_default_input_2:0": (3, 43844, 1)}],
    "dnsmos_p835_sig_bak_ovr": [{"input_1": (2, 144160)}, {"input_1": (3, 144160)}],
    "aecmos_1663829550": [{"input": (1, 3, 40, 160)}, {"input": (1, 3, 64, 160)}],
    "plcmos_v2": [{"degraded_audio": (1, 1, 80, 257)}, {"degraded_audio": (1, 1, 120, 257)}],
    "swift_f0": [{"audio": (1, 8000)}, {"audio": (1, 24000)}],
    "superres_pytorch": [{"input": (2, 1, 224, 224)}, {"input": (3, 1, 224, 224)}],
    "tiny_lfm2_decoder": [
        {"input_ids": (n, 1), "position_ids": (n, 1), "attention_mask": (n, 1), "past_conv.0": (n, 32, 4), "past_conv.2": (n, 32, 4),
         **{f"past_key_values.{k}.{part}": (n, 4, 1, 8) for k in (1, 3) for part in ("key", "value")}} for n in (2, 3)],
    "tract_bidi_lstm": [{"input": (1, 7)}, {"input": (2, 31)}],
    "made_gpt_tiny": [{"input_ids": (1, 5), "attention_mask": (1, 5)}, {"input_ids": (1, 20), "attention_mask": (1, 20)}],
    "made_dcgan_gen": [{"z": (1, 64, 1, 1)}, {"z": (3, 64, 1, 1)}],
    "q_dynamic_gpt_tiny": [{"input_ids": (1, 5), "attention_mask": (1, 5)}, {"input_ids": (1, 20), "attention_mask": (1, 20)}],
}


class Manifest(EndToEnd):
    """Models of the manifest, where it is there."""


def add_manifest(entry):
    name = entry["name"]
    model, npz = tenon.SHARED / entry["file"], tenon.SHARED / entry["reference"]

    def limit(_, y):
        if entry["quantized"]:
            return 1.5 * entry["ref"]["maxabs_diff_vs_ENABLE_ALL"]
        return 1e-6 + 1e-3 * float(np.max(np.abs(y)))

    def test(self):
        self.check(model, npz, limit)

    def test_sizes(self):
        self.other_sizes(model, npz, OTHER_SIZES[name])

    setattr(Manifest, f"test_{name}", test)
    if entry["dynamic_dims"]:
        setattr(Manifest, f"test_{name}_other_sizes", test_sizes)


if (tenon.SHARED / "manifest.json").exists():
    for e in json.loads((tenon.SHARED / "manifest.json").read_text())["models"]:
        if e["format"] == "onnx" and e.get("reference"):
            add_manifest(e)

if __name__ == "__main__":
    result = unittest.main(exit=False, argv=[a for a in sys.argv if a != "--table"]).result
    if "--table" in sys.argv:
        print("| model | nodes imported | after O2 |\n|---|---|---|")
        for name, (before, after) in sorted(STATES.items()):
            print(f"| {name} | {before} | {after} |")
    sys.exit(not result.wasSuccessful())
