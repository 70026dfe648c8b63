"""Time, peak memory and nodes left of a conversion, against the offline optimizers of ONNX."""
import json
import sys
from pathlib import Path

from cold import best, spawn

OFFLINE = """
import sys, onnxruntime
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, sys.argv[3])
options.optimized_model_filepath = sys.argv[2]
onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
"""


def pipeline(model, target, path):
    stages = [{"import": "onnx", "model": str(model.path.resolve())}, {"pipeline": "O2"},
              {"export": "tenon", "model": str(target.resolve())}]
    path.write_text(json.dumps({"stages": stages}))
    return path


def commands(model, host, folder, level="ORT_ENABLE_ALL"):
    """name: (command, file that it writes); the level is ONNX Runtime's"""
    source, python = model.path, sys.executable
    targets = {name: folder / f"{model.name}.{name}.onnx" for name in ("onnxsim", "onnxslim", "onnxruntime")}
    result = {
        "onnxsim": [python, "-m", "onnxsim", source, targets["onnxsim"]],
        "onnxslim": [python, "-m", "onnxslim", source, targets["onnxslim"]],
        "onnxruntime": [python, "-c", OFFLINE, source, targets["onnxruntime"], level],
    }
    if host:
        targets["tenon"] = folder / f"{model.name}.tenon"
        steps = pipeline(model, targets["tenon"], folder / f"{model.name}.json")
        report = folder / f"{model.name}.report.json"
        result["tenon"] = [host, "--pipeline", steps, "--report", report]
    return {name: (arguments, targets[name]) for name, arguments in result.items()}


def onnx_nodes(path):
    import onnx

    return len(onnx.load(path, load_external_data=False).graph.node)


def tenon_nodes(report):
    """The count after the last stage that states one."""
    for stage in reversed(json.loads(report.read_text()).get("stages", [])):
        if "nodes-after" in stage:
            return stage["nodes-after"]
    return None


def nodes_left(name, target):
    if name == "tenon":
        return tenon_nodes(target.with_suffix(".report.json"))
    return onnx_nodes(target)


def measure(model, host, folder, rounds):
    folder.mkdir(parents=True, exist_ok=True)
    todo = commands(model, host, folder)
    samples = {name: [] for name in todo}
    for _ in range(rounds):
        for name, (arguments, target) in todo.items():
            target.unlink(missing_ok=True)
            samples[name].append(spawn(arguments)[0])
    rows = {name: best(results) for name, results in samples.items()}
    for name, (_, target) in todo.items():
        if target.exists() and "error" not in rows[name]:
            rows[name]["nodes"] = nodes_left(name, target)
            rows[name]["mb"] = target.stat().st_size / 2**20
        if name != "tenon":
            target.unlink(missing_ok=True)
    return {"nodes_before": onnx_nodes(model.path), "engines": rows}
