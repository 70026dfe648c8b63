"""Nodes left by each optimizer: all graphs of a model with what they nest, the nodes that only hold a constant left out."""
import json
import subprocess
from collections import Counter

from cold import spawn
from convert import commands


def nested(node):
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def count_graph(graph, counts):
    for node in graph.node:
        if node.op_type != "Constant":
            counts[node.op_type] += 1
        for inner in nested(node):
            count_graph(inner, counts)


def onnx_operators(path):
    """{operator: nodes}; a function of the model counts once, as a graph does."""
    import onnx

    model, counts = onnx.load(path, load_external_data=False), Counter()
    count_graph(model.graph, counts)
    for function in model.functions:
        count_graph(function, counts)
    return counts


def tenon_operators(host, path):
    answer = subprocess.run([host, "inspect", path, "--json"], check=True, capture_output=True, text=True)
    return Counter(json.loads(answer.stdout)["operators"])


def left(operators):
    return {"nodes": sum(operators.values()), "operators": dict(sorted(operators.items()))}


def run(name, model, host, folder):
    command, target = commands(model, host, folder, "ORT_ENABLE_EXTENDED")[name]
    target.unlink(missing_ok=True)
    result, _ = spawn(command)
    if "error" in result or not target.exists():
        return {"error": result.get("error", "no file")}
    operators = tenon_operators(host, target) if name == "tenon" else onnx_operators(target)
    for path in folder.glob(target.name + "*"):
        path.unlink()
    return left(operators)


def measure(model, host, folder):
    folder.mkdir(parents=True, exist_ok=True)
    names = (["tenon"] if host else []) + ["onnxsim", "onnxslim", "onnxruntime"]
    return {"nodes_before": sum(onnx_operators(model.path).values()), "engines": {name: run(name, model, host, folder) for name in names}}
