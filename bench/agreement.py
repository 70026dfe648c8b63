"""Compares what the engines computed: the largest difference relative to the output's largest magnitude."""
import contextlib
import dataclasses
import itertools

import numpy as np

from engine import Engine, EngineError, names_for

CUT_LIMIT = 1_500_000_000  # bytes; a larger model is not rewritten
SATURATING = {"Softmax", "LogSoftmax", "Sigmoid"}
PLAIN = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"}


def load(path):
    with np.load(path) as file:
        return {key[4:]: file[key] for key in file.files if key.startswith("out:")}


def difference(a, b):
    """NaN where the outputs cannot be compared; for whole numbers and flags the share that differs."""
    if a.shape != b.shape or a.size == 0:
        return 0.0 if a.shape == b.shape else float("nan")
    if a.dtype.kind not in "f" or b.dtype.kind not in "f":
        return float(np.mean(a != b))
    a, b = a.astype(np.float64), b.astype(np.float64)
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return float("inf")
    infinite = np.isinf(a) | np.isinf(b)
    if not np.array_equal(a[infinite], b[infinite]):
        return float("inf")
    a, b = (np.nan_to_num(x[~infinite]) for x in (a, b))
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return float(np.abs(a - b).max(initial=0) / scale) if scale else 0.0


def pair(a, b):
    """Outputs are matched by name, and by position where an engine has names of its own."""
    if len(a) != len(b):
        return float("nan")
    keys = list(a) if set(a) == set(b) else None
    couples = [(a[key], b[key]) for key in keys] if keys else zip(a.values(), b.values())
    return max((difference(x, y) for x, y in couples), default=0.0)


def pairs(results):
    return {f"{a}:{b}": pair(results[a], results[b]) for a, b in itertools.combinations(results, 2)}


def saturating_maker(makers, output):
    """The Softmax or Sigmoid behind an output, seen through what only reshapes."""
    node = makers.get(output)
    while node is not None and node.op_type in PLAIN:
        node = makers.get(node.input[0])
    return node if node is not None and node.op_type in SATURATING else None


def logits_of(proto):
    """{output: what enters its Softmax or Sigmoid}"""
    makers = {name: node for node in proto.graph.node for name in node.output}
    found = {value.name: saturating_maker(makers, value.name) for value in proto.graph.output}
    return {output: node.input[0] for output, node in found.items() if node is not None}


def before_softmax(model, folder):
    """The model with its last Softmax or Sigmoid cut off, or None where it ends in none."""
    if model.path.suffix != ".onnx" or model.path.stat().st_size > CUT_LIMIT:
        return None
    import onnx

    proto = onnx.load(model.path)
    logits = logits_of(proto)
    if not logits:
        return None
    values = [onnx.helper.make_tensor_value_info(logits[value.name], value.type.tensor_type.elem_type, None)
              if value.name in logits else value for value in proto.graph.output]
    del proto.graph.output[:]
    proto.graph.output.extend({value.name: value for value in values}.values())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model.name}.onnx"
    onnx.save(proto, path)
    return dataclasses.replace(model, path=path)


def results_of(model, host, folder):
    """Each engine's outputs after one run."""
    results = {}
    for name in names_for(model.path, host):
        path = folder / f"{model.name}.{name}.logits.npz"
        with contextlib.suppress(EngineError), Engine(name, host, model, 1) as engine:
            engine.run(1)
            engine.save_outputs(path)
            results[name] = load(path)
    return results


def compare(model, host, folder, files):
    """Pairs of engines, the reference where there is one, and the logits where a softmax ends the model."""
    results = {name: load(path) for name, path in files.items() if path.exists()}
    if model.reference:
        results["reference"] = load(model.inputs)
    report = {"outputs": pairs(results)}
    cut = before_softmax(model, folder / "logits")
    if cut:
        report["logits"] = pairs(results_of(cut, host, folder))
        cut.path.unlink()
    return report
