"""Time and peak memory of import alone, over models that grow in nodes or in bytes, beside ONNX Runtime and onnx."""
import json
import math
import sys
from pathlib import Path

from cold import best, spawn

NODES = (6250, 12500, 25000, 50000)
MEGABYTES = (64, 256, 1024)
LARGEST = 4  # of each format of the manifest
SESSION = """
import sys, onnxruntime
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
"""
LOAD = "import sys, onnx; onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1]))"


def save(path, nodes, weights, inputs=("N", 16)):
    import onnx
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, list(inputs))
    y = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "made", [x], [y], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def chain(count, path):
    """A chain of MatMul, Add, Relu, Slice and Concat, each with constants of its own."""
    import numpy as np
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(1)
    nodes, weights, value = [], [], "x"

    def constant(array):
        weights.append(numpy_helper.from_array(array, f"w{len(weights)}"))
        return weights[-1].name

    def step(op, inputs, **attributes):
        nodes.append(helper.make_node(op, inputs, [f"v{len(nodes)}"], name=f"n{len(nodes)}", **attributes))
        return nodes[-1].output[0]

    while len(nodes) < count:
        value = step("MatMul", [value, constant(rng.standard_normal((16, 16)).astype(np.float32))])
        value = step("Add", [value, constant(rng.standard_normal(16).astype(np.float32))])
        value = step("Relu", [value])
        half = step("Slice", [value, constant(np.array([0])), constant(np.array([8])), constant(np.array([1]))])
        value = step("Concat", [half, half], axis=1)
    save(path, nodes, weights)


def wide(megabytes, path):
    """16 products of large matrices: few nodes, many bytes."""
    import numpy as np
    from onnx import helper, numpy_helper

    size = int(math.sqrt(megabytes * 2**20 / 16 / 4))
    weights = [numpy_helper.from_array(np.full((size, size), 1 / size, np.float32), f"w{i}") for i in range(16)]
    nodes = [helper.make_node("MatMul", [f"v{i - 1}" if i else "x", f"w{i}"], [f"v{i}"]) for i in range(16)]
    save(path, nodes, weights, ("N", size))


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for maker, sizes, unit in ((chain, NODES, "nodes"), (wide, MEGABYTES, "MB")):
        for size in sizes:
            path = folder / f"made_{size}_{unit}.onnx"
            if not path.exists():
                maker(size, path)
            yield path.stem, path, None


def largest(manifest):
    """(name, file, Caffe's network file) of the largest models of each format."""
    if not manifest.exists():
        return
    entries = json.loads(manifest.read_text())["models"]
    for form in sorted({e["format"] for e in entries}):
        for e in sorted((e for e in entries if e["format"] == form), key=lambda e: -e["bytes"])[:LARGEST]:
            yield e["name"], manifest.parent / e["file"], manifest.parent / e["prototxt"] if "prototxt" in e else None


def commands(name, path, network, host, folder):
    result = {}
    if path.suffix == ".onnx":
        result |= {"onnxruntime": [sys.executable, "-c", SESSION, path], "onnx": [sys.executable, "-c", LOAD, path]}
    if host:
        stage = {"import": "auto", "model": str(path.resolve())} | ({"network": str(network.resolve())} if network else {})
        steps = folder / f"{name}.json"
        steps.write_text(json.dumps({"stages": [stage]}))
        result["tenon"] = [host, "--quiet", "--pipeline", steps]
    return result


def measure(host, work, manifest, rounds):
    folder = work / "import"
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for name, path, network in [*largest(manifest), *made(folder)]:
        print(f"{name}, import", file=sys.stderr, flush=True)
        todo = commands(name, path, network, host, folder)
        samples = {engine: [] for engine in todo}
        for _ in range(rounds):
            for engine, arguments in todo.items():
                samples[engine].append(spawn(arguments)[0])
        results.append({"model": name, "mb": path.stat().st_size / 2**20, "engines": {e: best(s) for e, s in samples.items()}})
    return results


def exponent(results, unit, engine, key):
    """Slope of a least-squares line through the logarithms of size and of time or memory, over the made models of that unit."""
    points = []
    for r in results:
        row = r["engines"].get(engine, {})
        if r["model"].startswith("made_") and r["model"].endswith(unit) and row.get(key):
            points.append((math.log(float(r["model"].split("_")[1])), math.log(row[key])))
    if len(points) < 2:
        return None
    mx, my = (sum(p[i] for p in points) / len(points) for i in (0, 1))
    return sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)
