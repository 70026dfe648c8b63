# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models on which the passes of plugins/wrong_passes go wrong, and what the tests of bisect, reduce and compare share."""
import json
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tenon

PLUGIN = ["--plugin", tenon.TEST_PLUGINS / "libwrong_passes.so"]


def save(path, nodes, inputs, outputs, constants=None):
    """inputs and outputs: {name: shape}; f32, a shape of None is left open."""
    def values(named):
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in named.items()]
    weights = [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", values(inputs), values(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="test")
    model.ir_version = 8
    onnx.save(model, str(path))


def node(op, inputs, name, **attrs):
    """Its output is called after it: sub0 -> sub0_out."""
    return helper.make_node(op, inputs, [name + "_out"], name=name, **attrs)


def subs(path, n=6, dims=("N", 4)):
    """n subtractions with something harmless between them; all operands differ."""
    nodes, last, constants = [], "x", {}
    for k in range(n):
        constants[f"c{k}"] = np.arange(4, dtype=np.float32) * 0.1 + 0.02 * (k + 1)
        nodes += [node("Sub", [last, f"c{k}"], f"sub{k}"), node("Tanh", [f"sub{k}_out"], f"tanh{k}")]
        last = f"tanh{k}_out"
    save(path, nodes, {"x": dims}, {last: dims}, constants)


def muls(path, n=6):
    nodes, last, constants = [], "x", {}
    for k in range(n):
        constants[f"m{k}"] = np.linspace(0.5, 1.5, 16, dtype=np.float32) + 0.1 * k
        nodes += [node("Mul", [last, f"m{k}"], f"mul{k}"), node("Tanh", [f"mul{k}_out"], f"tanh{k}")]
        last = f"tanh{k}_out"
    save(path, nodes, {"x": (8, 16)}, {last: (8, 16)}, constants)


def chain(path, *ops, dims=(3, 5)):
    """Operators with one input, one after the other: relu0, abs1, ..."""
    nodes, last = [], "x"
    for k, op in enumerate(ops):
        nodes.append(node(op, [last], f"{op.lower()}{k}"))
        last = nodes[-1].output[0]
    save(path, nodes, {"x": dims}, {last: dims})


def adds(path):
    save(path, [node("Abs", ["x"], "abs0"), node("Add", ["abs0_out", "y"], "add0"), node("Tanh", ["add0_out"], "tanh0")],
         {"x": (2, 3), "y": (2, 3)}, {"tanh0_out": (2, 3)})


class Case(tenon.Case):
    def write(self, stages, model="m.onnx", name="p.json", **top):
        path = self.folder / name
        path.write_text(json.dumps({"stages": [{"import": "onnx", "model": str(self.folder / model)}, *stages], **top}))
        return path

    def bisect(self, path, *args, found=True):
        """What is found, as JSON; the process ends with 1 when something is."""
        p = tenon.run("bisect", "--pipeline", path, "--json", *PLUGIN, *args)
        self.assertEqual(p.returncode, 1 if found else 0, p.stderr[-3000:] + p.stdout[-2000:])
        j = json.loads(p.stdout)
        self.assertEqual(j["found"], found)
        return j["culprit"] if found else j

    def reduce(self, path, *args):
        """What reduce says, and the exit code (negative: signal) of the reproducer, run without any other argument."""
        folder = self.folder / "reduced"
        p = tenon.run("reduce", "--pipeline", path, "-o", folder, "--json", *PLUGIN, *args)
        self.ok(p)
        again = subprocess.run([str(tenon.HOST), "--pipeline", str(folder / "pipeline.json")], capture_output=True, text=True, timeout=120)
        return json.loads(p.stdout), again, folder
