"""A small ONNX graph builder with seeded weights."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {"f32": TensorProto.FLOAT, "i64": TensorProto.INT64}


def he(rng, shape, fan_in):
    """Normal weights whose products keep the second moment through a ReLU."""
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= np.float32(np.sqrt(2 / fan_in))
    return values


class Builder:
    def __init__(self, name, seed, opset):
        self.name, self.opset = name, opset
        self.rng = np.random.default_rng(seed)
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []
        self.names = {}

    def unique(self, name):
        self.names[name] = self.names.get(name, -1) + 1
        return f"{name}_{self.names[name]}"

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))
        return name

    def output(self, value, name, kind, shape):
        self.nodes.append(helper.make_node("Identity", [value], [name], f"Identity_{name}"))
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))

    def constant(self, values, name="const"):
        name = self.unique(name)
        self.initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def f32(self, value):
        return self.constant(np.float32(value))

    def i64(self, *values):
        return self.constant(np.array(values, np.int64))

    def weight(self, *shape, fan_in):
        return self.constant(he(self.rng, shape, fan_in), "weight")

    def bias(self, size):
        return self.constant(self.rng.normal(0, 0.02, size).astype(np.float32), "bias")

    def near(self, centre, size, spread=0.05):
        values = self.rng.uniform(centre - spread, centre + spread, size)
        return self.constant(values.astype(np.float32), "statistic")

    def node(self, op, *inputs, outputs=1, **attributes):
        name = self.unique(op)
        results = [name] if outputs == 1 else [f"{name}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), results, name, **attributes))
        return results[0] if outputs == 1 else results

    def conv(self, x, inputs, outputs, kernel, stride=1, groups=1):
        weight = self.weight(outputs, inputs // groups, kernel, kernel, fan_in=inputs // groups * kernel**2)
        return self.node("Conv", x, weight, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[kernel // 2] * 4, group=groups)

    def batch_norm(self, x, channels, scale=1.0):
        return self.node("BatchNormalization", x, self.near(scale, channels), self.near(0, channels),
                         self.near(0, channels), self.near(1, channels), epsilon=1e-5)

    def linear(self, x, inputs, outputs):
        """MatMul and Add, as a linear layer on a 3-D tensor is exported."""
        y = self.node("MatMul", x, self.weight(inputs, outputs, fan_in=2 * inputs))
        return self.node("Add", self.bias(outputs), y)

    def layer_norm(self, x, channels):
        return self.node("LayerNormalization", x, self.near(1, channels), self.near(0, channels),
                         axis=-1, epsilon=1e-5)

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.initializers)
        return helper.make_model(graph, producer_name="tenon bench", ir_version=8,
                                 opset_imports=[helper.make_opsetid("", self.opset)])
