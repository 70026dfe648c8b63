# SPDX-License-Identifier: Apache-2.0
"""Makes the models of one node each (domains ai.onnx.ml and com.microsoft) with inputs and expected outputs. Expected outputs are ONNX Runtime's,
or where it has no CPU kernel, or departs from the specification, a formula's here. Needs onnx and onnxruntime from PyPI."""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper

FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
KINDS = {np.dtype(k): v for k, v in {"float32": T.FLOAT, "float64": T.DOUBLE, "int64": T.INT64, "int32": T.INT32, "uint8": T.UINT8, "int8": T.INT8, "bool": T.BOOL,
                                     "float16": T.FLOAT16, "uint16": T.UINT16, "int16": T.INT16}.items()}


def kind(a):
    return T.STRING if a.dtype.kind in "OU" else KINDS[a.dtype]


def entries(name, v):
    """Entries of an .npz for a value: sequences and maps item by item."""
    if isinstance(v, dict):
        values = list(v.values())
        return {f"{name}/keys": np.array(list(v)), f"{name}/values": np.array(values) if isinstance(values[0], str) else np.array(values, np.float32)}
    if isinstance(v, list):
        return {k: x for i, item in enumerate(v) for k, x in entries(f"{name}/{i}", item).items()}
    return {name: v.astype(str) if v.dtype.kind == "O" else v}


def dims_of(name, a, dynamic):
    return [f"{name}_{i}" if dynamic else n for i, n in enumerate(a.shape)]


def case(name, op, inputs, outputs, domain, version, constants=(), expected=None, dynamic=True, onnx_opset=17, types=None, compared=None, **attrs):
    """inputs: (name, array or None) in order; those in `constants` become initializers. outputs: number of outputs, or a list of their types,
    None for one that is left out. expected: arrays instead of ONNX Runtime's. compared: only that many outputs."""
    given = [(n, a) for n, a in inputs if a is not None]
    outs = [f"y{k}" for k in range(outputs)] if isinstance(outputs, int) else [f"y{k}" if o is not None else "" for k, o in enumerate(outputs)]
    node = helper.make_node(op, [n if a is not None else "" for n, a in inputs], outs, domain=domain, name=op.lower(), **attrs)
    types = types or {}
    graph_inputs = [helper.make_value_info(n, types[n]) if n in types else helper.make_tensor_value_info(n, kind(a), dims_of(n, a, dynamic)) for n, a in given if n not in constants]
    inits = [onnx.numpy_helper.from_array(np.asarray(a, object) if a.dtype.kind == "U" else a, n) for n, a in given if n in constants]
    shown = [o for o in outs if o]
    kinds = [o for o in outputs if o is not None] if isinstance(outputs, list) else [T.FLOAT] * outputs
    infos = [helper.make_value_info(o, k) if hasattr(k, "SerializeToString") else helper.make_tensor_value_info(o, k, None) for o, k in zip(shown, kinds)]
    graph = helper.make_graph([node], name, graph_inputs, infos, inits)
    opsets = [helper.make_opsetid("", onnx_opset)] + ([helper.make_opsetid(domain, version)] if domain else [])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="make_onnx_contrib")
    arrays = {n: a for n, a in given if n not in constants}
    if expected is None:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        expected = session.run(None, {n: np.asarray(a, object) if not isinstance(a, dict) and a.dtype.kind == "U" else a for n, a in arrays.items()})
    data = {}
    for n, a in arrays.items():
        data.update(entries(f"in:{n}", a))
    for n, y in zip(shown[:compared], expected):
        data.update(entries(f"out:{n}", y))
    onnx.save(model, FOLDER / f"{name}.onnx")
    np.savez_compressed(FOLDER / f"{name}.npz", **data)


def random(*shape, seed=0, kind=np.float32):
    return np.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(kind)


if __name__ == "__main__":
    import importlib

    ort.set_default_logger_severity(4)
    for old in FOLDER.glob("*.onnx"):
        old.unlink()
        old.with_suffix(".npz").unlink(missing_ok=True)
    sys.modules["make_onnx_contrib"] = sys.modules["__main__"]
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    for part in ("cases_ml", "cases_microsoft"):
        importlib.import_module(part).make()
    total = sum(p.stat().st_size for p in FOLDER.iterdir())
    print(f"{len(list(FOLDER.glob('*.onnx')))} models, {total // 1024} KiB")
