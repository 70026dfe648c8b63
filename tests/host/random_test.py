# SPDX-License-Identifier: Apache-2.0
"""Operators that draw random numbers: type and shape, the distribution's mean and spread, and the same numbers for the same seed."""
import unittest

import numpy as np
from onnx import TensorProto, helper, save

import tenon

SHAPE = [40, 50]
# operator -> (attributes, inputs, mean, standard deviation)
CASES = {
    "RandomNormal": (dict(shape=SHAPE, mean=2.0, scale=3.0), [], 2.0, 3.0),
    "RandomUniform": (dict(shape=SHAPE, low=-1.0, high=5.0), [], 2.0, 6 / 12**0.5),
    "RandomNormalLike": (dict(mean=-1.0, scale=0.5), [np.zeros(SHAPE, np.float32)], -1.0, 0.5),
    "RandomUniformLike": (dict(low=0.0, high=1.0), [np.zeros(SHAPE, np.float32)], 0.5, 1 / 12**0.5),
    "Bernoulli": (dict(), [np.full(SHAPE, 0.25, np.float32)], 0.25, (0.25 * 0.75) ** 0.5),
    "Multinomial": (dict(sample_size=50), [np.log(np.tile(np.float32([1, 2, 1]), (40, 1)))], 1.0, 0.5**0.5),
}


class Random(tenon.Case):
    def draw(self, op, seed, backend):
        attributes, inputs, _, _ = CASES[op]
        names = [f"x{i}" for i in range(len(inputs))]
        node = helper.make_node(op, names, ["y"], seed=seed, **attributes)
        kind = TensorProto.INT32 if op == "Multinomial" else TensorProto.FLOAT
        infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(x.shape)) for n, x in zip(names, inputs)]
        graph = helper.make_graph([node], "random", infos, [helper.make_tensor_value_info("y", kind, SHAPE)])
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), str(self.folder / "m.onnx"))
        np.savez(self.folder / "x.npz", unused=np.zeros(1), **dict(zip(names, inputs)))
        p, _ = self.pipeline([{"import": "onnx", "model": str(self.folder / "m.onnx")}, {"pipeline": "O2"},
                              {"execute": backend, "inputs": str(self.folder / "x.npz"), "outputs": str(self.folder / "y.npz")}])
        self.ok(p)
        return np.load(self.folder / "y.npz")["out:y"]

    def test_all(self):
        for op, (_, _, mean, deviation) in CASES.items():
            for backend in ("reference", "cpu"):
                with self.subTest(op, backend=backend):
                    y = self.draw(op, 1.0, backend)
                    self.assertEqual((list(y.shape), y.dtype), (SHAPE, np.int32 if op == "Multinomial" else np.float32))
                    # Six standard errors of 2000 draws.
                    self.assertLess(abs(y.mean() - mean), 6 * deviation / 2000**0.5)
                    self.assertLess(abs(y.std() - deviation), 0.15 * deviation)
                    np.testing.assert_array_equal(y, self.draw(op, 1.0, backend))
                    self.assertTrue(np.any(y != self.draw(op, 2.0, backend)))


if __name__ == "__main__":
    unittest.main()
