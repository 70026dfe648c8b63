# SPDX-License-Identifier: Apache-2.0
"""Writes the operator tests of the installed `onnx` package as folders: make_onnx_suite.py FOLDER

The form is that of libonnx-testdata (node/NAME/model.onnx and test_data_set_N/{input,output}_K.pb), so onnx_node_test.py runs both. A case
with a tolerance of its own has it in tolerance.json.
"""
import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import numpy_helper

DEFAULT = {"rtol": 1e-3, "atol": 1e-7}
GROUPS = ("simple", "pytorch-converted", "pytorch-operator")


def message(value, info):
    """The value as the message that its declared type asks for."""
    kind = info.type.WhichOneof("value")
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    return value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value), info.name)


def write_case(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    tolerance = {"rtol": case.rtol, "atol": case.atol}
    if tolerance != DEFAULT:
        (folder / "tolerance.json").write_text(json.dumps(tolerance))
    for n, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{n}"
        data.mkdir(exist_ok=True)
        for prefix, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for k, (value, info) in enumerate(zip(values, infos)):
                (data / f"{prefix}_{k}.pb").write_bytes(message(value, info).SerializeToString())


def copy_group(name, out):
    """Folders that the package carries as they are."""
    source = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / name
    if source.is_dir():
        shutil.copytree(source, out / name, dirs_exist_ok=True)


def main():
    from onnx.backend.test.case.model import collect_testcases as model_cases
    from onnx.backend.test.case.node import collect_testcases as node_cases

    out = pathlib.Path(sys.argv[1])
    for case in [*node_cases(None), *model_cases()]:
        if case.model is not None and case.data_sets is not None:
            write_case(case, out / case.kind / case.name)
    for name in GROUPS:
        copy_group(name, out)
    print(f"onnx {onnx.__version__}, opset {onnx.defs.onnx_opset_version()}: {len(list(out.glob('*/*/model.onnx')))} cases")


if __name__ == "__main__":
    main()
