# SPDX-License-Identifier: Apache-2.0
"""Builds small TFLite models, and runs LiteRT on them."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {"float32": "FLOAT32", "int8": "INT8", "uint8": "UINT8", "int16": "INT16", "int32": "INT32", "int64": "INT64", "bool": "BOOL"}
CASES = {}


class Model:
    """One subgraph, built tensor by tensor and operator by operator."""

    def __init__(self):
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs, self.model.operatorCodes = 3, [self.graph], []
        self.model.buffers = [schema.BufferT()]
        self.graph.tensors, self.graph.operators, self.graph.inputs = [], [], []
        self.data = []

    def subgraph(self):
        """A further subgraph, which gets what is added from now on; returns its index and the former one's object."""
        former, self.graph = self.graph, schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs.append(self.graph)
        return len(self.model.subgraphs) - 1, former

    def tensor(self, shape, dtype, scale=None, zero=0, axis=0, data=None, variable=False, type=None, signature=None):
        t = schema.TensorT()
        t.shape, t.name, t.isVariable, t.buffer = list(shape), f"t{len(self.graph.tensors)}", variable, 0
        t.shapeSignature = signature
        t.type = getattr(schema.TensorType, type or TYPES[np.dtype(dtype).name])
        if data is not None:
            b = schema.BufferT()
            b.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(b)
            t.buffer = len(self.model.buffers) - 1
        if scale is not None:
            q = schema.QuantizationParametersT()
            q.scale = [np.float32(s) for s in np.atleast_1d(scale)]
            q.zeroPoint = [int(z) for z in np.broadcast_to(zero, len(q.scale))]
            q.quantizedDimension = axis
            t.quantization = q
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def const(self, data, scale=None, zero=0, axis=0):
        return self.tensor(data.shape, data.dtype, scale, zero, axis, data)

    def input(self, x, scale=None, zero=0, signature=None):
        t = self.tensor(x.shape, x.dtype, scale, zero, signature=signature)
        self.graph.inputs.append(t)
        self.data.append(x)
        return t

    def op(self, code, inputs, outputs, options=None, version=1, intermediates=None, **fields):
        c = schema.OperatorCodeT()
        c.builtinCode = getattr(schema.BuiltinOperator, code)
        c.deprecatedBuiltinCode, c.version = min(c.builtinCode, 127), version
        self.model.operatorCodes.append(c)
        o = schema.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs = len(self.model.operatorCodes) - 1, inputs, outputs
        o.intermediates = intermediates
        if options:
            o.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            o.builtinOptions = getattr(schema, options + "T")()
            for k, v in fields.items():
                assert hasattr(o.builtinOptions, k), k
                setattr(o.builtinOptions, k, v)
        self.graph.operators.append(o)

    def finish(self, outputs):
        self.graph.outputs = outputs
        b = flatbuffers.Builder(1024)
        b.Finish(self.model.Pack(b), b"TFL3")
        return bytes(b.Output())


def opened(build):
    """The same model with batch, height and width left open in the file."""
    def dynamic(m, rng):
        outputs = build(m, rng)
        for t in m.graph.inputs + outputs:
            shape = m.graph.tensors[t].shape
            m.graph.tensors[t].shapeSignature = [-1] * 3 + list(shape[3:])
        return outputs
    return dynamic


def case(f):
    CASES[f.__name__] = f
    return f


def rng_of(name):
    return np.random.default_rng(sum(map(ord, name)))


def whole(rng, shape, dtype):
    i = np.iinfo(dtype)
    return rng.integers(i.min, i.max + 1, shape).astype(dtype)


def zeros(dtype):
    """Zero points of input, second input and output."""
    return {"int8": (3, -11, -7), "uint8": (103, 121, 77), "int16": (0, 0, 0)}[np.dtype(dtype).name]


ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}


def reference(data, model, runs):
    it = Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    it.allocate_tensors()
    for _ in range(runs):
        for detail, x in zip(it.get_input_details(), model.data):
            it.set_tensor(detail["index"], x)
        it.invoke()
    values = {f"in:{d['name']}": x for d, x in zip(it.get_input_details(), model.data)}
    return values | {f"out:{d['name']}": it.get_tensor(d["index"]) for d in it.get_output_details()}
