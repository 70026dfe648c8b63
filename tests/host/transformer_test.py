# SPDX-License-Identifier: Apache-2.0
"""Transformers in the spellings of several exporters: attention is one node, nothing is left around it, and the results are those of NumPy."""
import collections
import re
import unittest

import numpy as np

import tenon

FOLDER = tenon.MODELS / "transformers"
MANIFEST = tenon.SHARED / "manifest.json"


class Transformers(tenon.Case):
    def optimized(self, model, *stages, pipeline="O2"):
        """Operators of the optimized model by name, with their counts."""
        saved = self.folder / "model.tenon"
        p, _ = self.pipeline([{"import": "auto", "model": str(model)}, {"pipeline": pipeline}, {"export": "tenon", "model": str(saved)}, *stages], "--verify")
        self.ok(p)
        return self.operators(saved)

    def operators(self, model):
        self.text = tenon.run("inspect", "--text", model).stdout
        return collections.Counter(re.findall(r"= tenon::(\w+)\(", self.text))

    def agree(self, name, backend):
        npz, out = FOLDER / f"{name}.npz", self.folder / "out.npz"
        counts = self.optimized(FOLDER / f"{name}.onnx", {"execute": backend, "inputs": str(npz), "outputs": str(out)})
        expected, got = np.load(npz), np.load(out)
        for key in (k for k in expected.files if k.startswith("out:")):
            self.assertEqual(got[key].shape, expected[key].shape, key)
            np.testing.assert_allclose(got[key], expected[key], rtol=0, atol=1e-6 + 1e-5 * float(np.max(np.abs(expected[key]))), err_msg=f"{name} {key} on {backend}")
        return counts

    def check(self, name, **expected):
        """Exactly these counts; 0 for the operators that fusion leaves none of."""
        for backend in ("cpu", "reference"):
            counts = self.agree(name, backend)
        for op in ("Softmax", "Transpose", "LayerNormalization", "ReduceMean", "Erf", "Tanh", "Sqrt", "Reshape"):
            expected.setdefault(op, 0)
        self.assertEqual({op: counts[op] for op in expected}, expected, dict(counts))
        return counts

    def test_encoder_with_computed_shapes(self):
        counts = self.check("encoder_torch", Attention=2, SkipLayerNormalization=4, Gemm=8, Split=2)
        self.assertLessEqual(sum(counts.values()), 21)

    def test_encoder_of_matrices(self):
        counts = self.check("encoder_keras", Attention=2, SkipLayerNormalization=2, Gemm=6, Split=2)
        self.assertLessEqual(sum(counts.values()), 14)

    def test_decoder_with_cache_and_rotary_embedding(self):
        counts = self.check("decoder_rotary", Attention=2, RotaryEmbedding=4, SkipRMSNormalization=3, RMSNormalization=1, Swish=2, Split=2)
        self.assertLessEqual(sum(counts.values()), 42)
        self.assertEqual(len(re.findall(r"%present\.\d\.value: f32\[batch, 1, past \+ steps, 8\]\) = tenon::Attention", self.text)), 2)

    def test_packed_queries_keys_and_values_under_a_triangle(self):
        counts = self.check("packed_causal", Attention=2, Split=2, Gemm=4, LayerNormalization=1, SkipLayerNormalization=1, Reshape=6)
        self.assertLessEqual(sum(counts.values()), 17)
        self.assertEqual(self.text.count("is_causal = 1"), 2)

    def test_other_sizes_of_the_decoder(self):
        """No past, one step, many steps; against the imported model as it stands."""
        data, rng = np.load(FOLDER / "decoder_rotary.npz"), np.random.default_rng(5)
        for batch, steps, past in ((1, 1, 0), (2, 1, 9), (1, 20, 0), (3, 9, 31)):
            x = {"in:x": rng.standard_normal((batch, steps, 16)), "in:position_ids": np.tile(np.arange(past, past + steps), (batch, 1))}
            for key in (k for k in data.files if k.startswith("in:past")):
                x[key] = rng.standard_normal((batch, 1, past, 8))
            x = {k: v.astype(data[k].dtype) for k, v in x.items()}
            inputs, one, two = (self.folder / f"{n}.npz" for n in ("x", "one", "two"))
            np.savez(inputs, **x)
            model = {"import": "onnx", "model": str(FOLDER / "decoder_rotary.onnx")}
            self.ok(self.pipeline([model, {"execute": "reference", "inputs": str(inputs), "outputs": str(one)}])[0])
            self.ok(self.pipeline([model, {"pipeline": "O2"}, {"execute": "cpu", "inputs": str(inputs), "outputs": str(two)}])[0])
            a, b = np.load(one), np.load(two)
            for key in a.files:
                self.assertEqual(a[key].shape, b[key].shape, key)
                np.testing.assert_allclose(b[key], a[key], rtol=0, atol=1e-5 + 1e-5 * float(np.max(np.abs(a[key]), initial=0)), err_msg=f"{key} at {(batch, steps, past)}")


@unittest.skipUnless(MANIFEST.exists(), "the manifest's models are not here")
class Manifest(Transformers):
    """Fewer nodes than ONNX Runtime leaves at its extended level; see bench."""

    # model: (attention nodes, most nodes)
    MOST = {"onnx/made_vit_tiny.onnx": (3, 31), "onnx/made_gpt_tiny.onnx": (2, 30), "onnx/q_dynamic_gpt_tiny.onnx": (2, 44), "tflite/made_transformer_float.tflite": (2, 27)}

    def test_counts(self):
        for name, (attentions, most) in self.MOST.items():
            with self.subTest(name):
                counts = self.optimized(tenon.SHARED / name)
                self.assertEqual(counts["Attention"], attentions)
                self.assertLessEqual(sum(counts.values()), most, dict(counts))


for inherited in [n for n in dir(Transformers) if n.startswith("test_")]:
    setattr(Manifest, inherited, None)

if __name__ == "__main__":
    unittest.main()
