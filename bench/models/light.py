"""Networks whose structure the onnx package ships, with constant weights; here they get seeded random ones."""
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

from builder import he

OPSET = 13
FOLDER = Path(onnx.__file__).parent / "backend/test/data/light"
NAMES = ["resnet50", "densenet121", "inception_v1", "inception_v2", "squeezenet", "shufflenet", "vgg19"]


class Uses:
    """Who reads a value, seen through the Unsqueeze that stands before some scales and shifts."""

    def __init__(self, graph):
        self.readers = {}
        for node in graph.node:
            for position, name in enumerate(node.input):
                self.readers.setdefault(name, []).append((node, position))

    def first(self, name):
        node, position = self.readers[name][0]
        return self.first(node.output[0]) if node.op_type == "Unsqueeze" else (node, position)

    def next_ops(self, node):
        return {reader.op_type for reader, _ in self.readers.get(node.output[0], [])}


def around(rng, centre, shape, spread=0.05):
    return rng.uniform(centre - spread, centre + spread, shape).astype(np.float32)


def weights(rng, shape, node, position, uses):
    """Values for one parameter, chosen so that activations neither vanish nor explode."""
    if node.op_type == "BatchNormalization":
        # He's factor counts on a ReLU; without one, or into a residual sum, activations would grow from block to block.
        following = uses.next_ops(node)
        scale = 0.5 if "Sum" in following else 0.7 if "Conv" in following else 1.0
        return around(rng, {1: scale, 4: 1.0}.get(position, 0.0), shape)
    if node.op_type == "Mul":
        return around(rng, 1.0, shape)
    if node.op_type in ("Conv", "Gemm") and position == 1:
        last = uses.next_ops(node) <= {"Softmax"}
        fan_in = int(np.prod(shape[1:]))
        return he(rng, shape, fan_in * (8 if last else 1))
    return around(rng, 0.0, shape)


def fill(model, seed):
    """Replaces each ConstantOfShape by an initializer."""
    graph = model.graph
    uses = Uses(graph)
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    fillers = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    for index, node in enumerate(fillers):
        shape = numpy_helper.to_array(tensors[node.input[0]])
        rng = np.random.default_rng([seed, index])
        values = weights(rng, tuple(shape), *uses.first(node.output[0]), uses)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        graph.node.remove(node)
    lift_constants(graph)
    drop_unused(graph)


def lift_constants(graph):
    """Constant nodes, which the version converter makes for axes, become initializers."""
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        tensor = graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.node.remove(node)


def drop_unused(graph):
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
    held = {tensor.name for tensor in graph.initializer}
    for value in [value for value in graph.input if value.name in held or value.name not in used]:
        graph.input.remove(value)


def make(name, seed):
    model = onnx.load(FOLDER / f"light_{name}.onnx")
    model = version_converter.convert_version(model, OPSET)
    fill(model, seed)
    model.ir_version = 8
    return model
