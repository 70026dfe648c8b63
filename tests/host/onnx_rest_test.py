# SPDX-License-Identifier: Apache-2.0
"""ONNX operators that no case of onnx's own suites runs, against their definition in numpy."""
import math
import unittest

import numpy as np
from onnx import TensorProto, helper, save

import tenon


def max_roi_pool(x, rois, pooled, scale):
    """Girshick, "Fast R-CNN" (2015), section 2.1: whole pixels, both ends included."""
    y = np.zeros((len(rois), x.shape[1], *pooled), x.dtype)
    for r, (batch, *box) in enumerate(rois):
        x1, y1, x2, y2 = (math.floor(v * scale + 0.5) for v in box)
        size = max(y2 - y1 + 1, 1) / pooled[0], max(x2 - x1 + 1, 1) / pooled[1]
        for i in range(pooled[0]):
            for j in range(pooled[1]):
                rows = [min(max(v + y1, 0), x.shape[2]) for v in (math.floor(i * size[0]), math.ceil((i + 1) * size[0]))]
                columns = [min(max(v + x1, 0), x.shape[3]) for v in (math.floor(j * size[1]), math.ceil((j + 1) * size[1]))]
                window = x[int(batch), :, rows[0]:rows[1], columns[0]:columns[1]]
                y[r, :, i, j] = window.max(axis=(1, 2)) if window.size else 0
    return y


class Rest(tenon.Case):
    def check(self, op, inputs, expected, opset=13, **attributes):
        names = [f"x{i}" for i in range(len(inputs))]
        graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], op,
                                  [helper.make_tensor_value_info(n, TensorProto.FLOAT, [f"N{n}", *x.shape[1:]]) for n, x in zip(names, inputs)],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), str(self.folder / "m.onnx"))
        np.savez(self.folder / "io.npz", **{f"in:{n}": x for n, x in zip(names, inputs)}, **{"out:y": expected})
        for stages in ([{"execute": "reference"}], [{"pipeline": "O2"}, {"execute": "cpu"}]):
            stages[-1].update(inputs=str(self.folder / "io.npz"), expect=str(self.folder / "io.npz"), tolerance={"absolute": 1e-6, "relative": 1e-5})
            p, _ = self.pipeline([{"import": "onnx", "model": str(self.folder / "m.onnx")}, *stages])
            self.ok(p)

    def test_global_lp_pool(self):
        x = np.random.default_rng(1).standard_normal((2, 3, 4, 5)).astype(np.float32)
        for p in (1, 2, 3):
            self.check("GlobalLpPool", [x], (np.abs(x) ** p).sum((2, 3), keepdims=True) ** np.float32(1 / p), p=p)

    def test_max_roi_pool(self):
        x = np.random.default_rng(2).standard_normal((2, 3, 12, 16)).astype(np.float32)
        rois = np.float32([[0, 0, 0, 15, 11], [1, 4, 2, 9, 8], [0, 10, 6, 30, 20], [1, 5, 5, 5, 5]])
        self.check("MaxRoiPool", [x, rois], max_roi_pool(x, rois, (3, 2), 1.0), pooled_shape=[3, 2])
        self.check("MaxRoiPool", [x, rois], max_roi_pool(x, rois, (2, 2), 0.5), pooled_shape=[2, 2], spatial_scale=0.5)


if __name__ == "__main__":
    unittest.main()
