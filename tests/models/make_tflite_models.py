# SPDX-License-Identifier: Apache-2.0
"""Makes tests/models/tflite_files.npz and tflite_models.npz: small models of one operator or a few, with inputs and the outputs of LiteRT's reference kernels
(numpy's, where LiteRT has no kernel).

Entries are CASE/model (the bytes of the .tflite file), CASE/in:NAME and CASE/out:NAME. Needs ai-edge-litert and flatbuffers from PyPI.
"""
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_model import TYPES, rng_of
from tflite_model import Model as Single

FILE = pathlib.Path(__file__).parent / "tflite_models.npz"
CASES = {}
TYPES.update({"float16": "FLOAT16", "float64": "FLOAT64", "uint32": "UINT32", "int16": "INT16", "complex64": "COMPLEX64", "uint16": "UINT16"})


class Model(Single):
    """Also several subgraphs, custom operators and the second table of options."""

    def subgraph(self, build):
        """build(model) -> outputs; gives the subgraph's index."""
        outer, self.graph = self.graph, schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs = [], [], []
        self.model.subgraphs.append(self.graph)
        index = len(self.model.subgraphs) - 1
        self.graph.outputs = build(self)
        self.graph = outer
        return index

    def argument(self, shape, dtype, signature=None):
        t = self.tensor(shape, dtype, signature=signature)
        self.graph.inputs.append(t)
        return t

    def op2(self, code, inputs, outputs, options, **fields):
        self.op(code, inputs, outputs)
        o = self.graph.operators[-1]
        o.builtinOptions2Type = getattr(schema.BuiltinOptions2, options)
        o.builtinOptions2 = getattr(schema, options + "T")()
        for k, v in fields.items():
            assert hasattr(o.builtinOptions2, k), k
            setattr(o.builtinOptions2, k, v)

    def custom(self, name, inputs, outputs, options):
        self.op("CUSTOM", inputs, outputs)
        self.model.operatorCodes[-1].customCode = name
        self.graph.operators[-1].customOptions = np.frombuffer(options, np.uint8)


def ints(*v):
    return np.array(v, np.int32)


def add(name, code, arrays, outputs, options=None, signatures=(), version=1, second=False, **fields):
    """One operator: arrays are inputs, ("const", array), or None; outputs are (shape, dtype)."""

    def build(m, rng):
        ins = []
        for k, a in enumerate(arrays):
            a = a(rng) if callable(a) else a
            signature = signatures[k] if k < len(signatures) else None
            ins.append(-1 if a is None else m.const(a[1]) if isinstance(a, tuple) else m.input(a, signature=signature))
        outs = [m.tensor(s, d) for s, d in outputs]
        (m.op2 if second else m.op)(code, ins, outs, options, **({} if second else {"version": version}), **fields)
        return outs

    assert name not in CASES, name
    CASES[name] = build


def normal(*shape):
    return lambda rng: rng.standard_normal(shape).astype(np.float32)


def positive(*shape):
    return lambda rng: (np.abs(rng.standard_normal(shape)) + 0.1).astype(np.float32)


def whole(*shape, low=-9, high=9, dtype=np.int32):
    return lambda rng: rng.integers(low, high, shape).astype(dtype)


def truth(*shape):
    return lambda rng: rng.integers(0, 2, shape).astype(bool)


def const(a):
    return ("const", np.asarray(a))


for op in ("ABS", "CEIL", "COS", "EXP", "FLOOR", "NEG", "ROUND", "SIN", "ELU", "HARD_SWISH", "LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "SQUARE", "SIGN", "ZEROS_LIKE"):
    add(op.lower(), op, [lambda rng: (4 * rng.standard_normal((2, 3, 5))).astype(np.float32)], [((2, 3, 5), "float32")])
for op in ("LOG", "SQRT", "RSQRT"):
    add(op.lower(), op, [positive(2, 3, 5)], [((2, 3, 5), "float32")])
add("abs_int32", "ABS", [whole(3, 4)], [((3, 4), "int32")], version=5)
add("neg_int64", "NEG", [whole(3, 4, dtype=np.int64)], [((3, 4), "int64")])
add("logical_not", "LOGICAL_NOT", [truth(3, 4)], [((3, 4), "bool")])
add("gelu", "GELU", [normal(3, 4)], [((3, 4), "float32")], "GeluOptions", approximate=False)
add("gelu_tanh", "GELU", [normal(3, 4)], [((3, 4), "float32")], "GeluOptions", approximate=True)
add("leaky_relu", "LEAKY_RELU", [normal(3, 4)], [((3, 4), "float32")], "LeakyReluOptions", alpha=0.3)
add("prelu", "PRELU", [normal(2, 3, 3, 4), ("const", np.array([[[0.1, 0.2, -0.3, 0.4]]], np.float32))], [((2, 3, 3, 4), "float32")])
for source, target in (("float32", "int32"), ("int32", "float32"), ("float32", "bool"), ("bool", "float32"), ("int32", "int64"), ("int32", "uint8"), ("float32", "complex64")):
    add(f"cast_{source}_{target}", "CAST", [{"float32": lambda rng: (4 * rng.standard_normal((3, 4))).astype(np.float32), "int32": whole(3, 4, low=0), "bool": truth(3, 4)}[source]],
        [((3, 4), target)], "CastOptions")
add("bitcast_float_int", "BITCAST", [normal(3, 4)], [((3, 4), "int32")])
add("bitcast_narrow", "BITCAST", [normal(3, 4)], [((3, 4, 2), "int16")])
add("bucketize", "BUCKETIZE", [normal(3, 4)], [((3, 4), "int32")], "BucketizeOptions", boundaries=[-1.0, 0.0, 0.5])

for op in ("ADD", "SUB", "MUL", "DIV"):
    options = op.capitalize() + "Options"
    add(op.lower(), op, [normal(2, 3, 4), positive(3, 1)], [((2, 3, 4), "float32")], options)
    add(op.lower() + "_relu6", op, [normal(3, 4), positive(3, 4)], [((3, 4), "float32")], options, fusedActivationFunction=3)
    add(op.lower() + "_int32", op, [whole(3, 4, low=-40, high=40), whole(4, low=1)], [((3, 4), "int32")], options)
add("add_relu_n1_to_1", "ADD", [normal(3, 4), normal(3, 4)], [((3, 4), "float32")], "AddOptions", fusedActivationFunction=2)
add("add_dynamic", "ADD", [normal(2, 4), normal(4)], [((2, 4), "float32")], "AddOptions", signatures=([-1, 4],))
for op in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD"):
    add(op.lower(), op, [normal(3, 4), normal(1, 4)], [((3, 4), "float32")])
add("atan2", "ATAN2", [normal(3, 4), normal(3, 4)], [((3, 4), "float32")])
add("pow", "POW", [positive(3, 4), normal(3, 4)], [((3, 4), "float32")])
for op in ("FLOOR_DIV", "FLOOR_MOD"):
    add(op.lower() + "_int32", op, [whole(3, 4), whole(3, 4, low=1)], [((3, 4), "int32")])
for op in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
    add(op.lower(), op, [whole(3, 4, low=0, high=3), whole(1, 4, low=0, high=3)], [((3, 4), "bool")])
add("logical_and", "LOGICAL_AND", [truth(3, 4), truth(3, 4)], [((3, 4), "bool")])
add("logical_or", "LOGICAL_OR", [truth(3, 4), truth(3, 4)], [((3, 4), "bool")])
add("bitwise_xor", "BITWISE_XOR", [whole(3, 4), whole(3, 4)], [((3, 4), "int32")])
add("right_shift", "RIGHT_SHIFT", [whole(3, 4, low=-1000, high=1000), whole(3, 4, low=0, high=5)], [((3, 4), "int32")])
add("add_n", "ADD_N", [normal(3, 4), normal(3, 4), normal(3, 4)], [((3, 4), "float32")])
add("select", "SELECT", [truth(3), normal(3, 4), normal(3, 4)], [((3, 4), "float32")])
add("select_v2", "SELECT_V2", [truth(3, 1), normal(3, 4), normal(1, 4)], [((3, 4), "float32")])

CONV = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}


def conv(name, code, options, x, w, out, bias=True, **fields):
    add(name, code, [normal(*x), lambda rng: ("const", rng.standard_normal(w).astype(np.float32)), (lambda rng: ("const", rng.standard_normal(out[-1]).astype(np.float32))) if bias else None],
        [(out, "float32")], options, **{**CONV, **fields})


conv("conv_2d_same", "CONV_2D", "Conv2DOptions", (1, 7, 6, 3), (4, 3, 2, 3), (1, 4, 3, 4), strideW=2, strideH=2, fusedActivationFunction=1)
conv("conv_2d_valid_dilated", "CONV_2D", "Conv2DOptions", (2, 9, 8, 2), (3, 3, 3, 2), (2, 5, 6, 3), padding=1, dilationHFactor=2)
conv("conv_2d_grouped", "CONV_2D", "Conv2DOptions", (1, 5, 5, 4), (6, 3, 3, 2), (1, 5, 5, 6))
conv("depthwise_conv_2d", "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", (1, 7, 6, 3), (1, 3, 3, 6), (1, 4, 3, 6), strideW=2, strideH=2, depthMultiplier=2, fusedActivationFunction=3)
CONV3 = {"strideW": 1, "strideH": 1, "strideD": 1, "dilationWFactor": 1, "dilationHFactor": 1, "dilationDFactor": 1}
add("conv_3d", "CONV_3D", [normal(1, 4, 5, 6, 2), lambda r: ("const", r.standard_normal((2, 3, 3, 2, 3)).astype(np.float32)), ("const", np.float32([1, 2, 3]))], [((1, 2, 5, 6, 3), "float32")],
    "Conv3DOptions", **{**CONV3, "strideD": 2})
add("conv_3d_transpose", "CONV_3D_TRANSPOSE", [const(ints(1, 4, 6, 6, 3)), lambda r: ("const", r.standard_normal((2, 3, 3, 3, 2)).astype(np.float32)), normal(1, 2, 3, 3, 2)], [((1, 4, 6, 6, 3), "float32")],
    "Conv3DOptions", **{**CONV3, "strideD": 2, "strideW": 2, "strideH": 2})


def transpose_conv(name, shape, w, x, padding, stride, bias=True):
    arrays = [const(ints(*shape)), lambda r: ("const", r.standard_normal(w).astype(np.float32)), normal(*x)]
    add(name, "TRANSPOSE_CONV", arrays + ([lambda r: ("const", r.standard_normal(shape[-1]).astype(np.float32))] if bias else []), [(shape, "float32")], "TransposeConvOptions",
        version=3 if bias else 1, padding=padding, strideW=stride, strideH=stride)


transpose_conv("transpose_conv_same", (1, 8, 6, 2), (2, 3, 3, 4), (1, 4, 3, 4), 0, 2)
transpose_conv("transpose_conv_odd", (1, 7, 5, 2), (2, 3, 3, 4), (1, 4, 3, 4), 0, 2, bias=False)
transpose_conv("transpose_conv_valid", (1, 9, 7, 2), (2, 3, 3, 4), (1, 4, 3, 4), 1, 2)
transpose_conv("transpose_conv_wide_stride", (1, 12, 9, 2), (2, 2, 2, 4), (1, 4, 3, 4), 0, 3)
transpose_conv("transpose_conv_even", (1, 8, 6, 1), (1, 4, 4, 3), (1, 4, 3, 3), 0, 2)

add("transpose_conv_computed", "TRANSPOSE_CONV", [lambda r: ints(1, 8, 6, 2), lambda r: ("const", r.standard_normal((2, 3, 3, 4)).astype(np.float32)), normal(1, 4, 3, 4)], [((1, 8, 6, 2), "float32")],
    "TransposeConvOptions", signatures=([4], None, [1, -1, -1, 4]), strideW=2, strideH=2)
for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
    add(op.lower(), op, [positive(1, 7, 6, 3)], [((1, 4, 3, 3), "float32")], "Pool2DOptions", strideW=2, strideH=2, filterWidth=3, filterHeight=2)
    add(op.lower() + "_valid", op, [positive(1, 7, 6, 3)], [((1, 3, 2, 3), "float32")], "Pool2DOptions", padding=1, strideW=2, strideH=2, filterWidth=3, filterHeight=2, fusedActivationFunction=1)

weights = lambda r: ("const", r.standard_normal((5, 6)).astype(np.float32))
add("fully_connected", "FULLY_CONNECTED", [normal(3, 6), weights, const(np.float32([1, 2, 3, 4, 5]))], [((3, 5), "float32")], "FullyConnectedOptions", fusedActivationFunction=1)
add("fully_connected_flat", "FULLY_CONNECTED", [normal(2, 3, 6), weights, None], [((6, 5), "float32")], "FullyConnectedOptions")
add("fully_connected_keep", "FULLY_CONNECTED", [normal(2, 3, 6), weights, None], [((2, 3, 5), "float32")], "FullyConnectedOptions", keepNumDims=True, version=5)
add("batch_matmul", "BATCH_MATMUL", [normal(2, 1, 3, 4), normal(3, 4, 5)], [((2, 3, 3, 5), "float32")], "BatchMatMulOptions")
add("batch_matmul_adjoint", "BATCH_MATMUL", [normal(2, 4, 3), normal(2, 5, 4)], [((2, 3, 5), "float32")], "BatchMatMulOptions", adjX=True, adjY=True)
add("embedding_lookup", "EMBEDDING_LOOKUP", [whole(4, low=0, high=5), normal(5, 3)], [((4, 3), "float32")])
for number, combiner in enumerate(("sum", "mean", "sqrtn")):
    add(f"embedding_lookup_sparse_{combiner}", "EMBEDDING_LOOKUP_SPARSE",
        [const(ints(1, 3, 0)), const(np.int32([[0, 0], [2, 0], [2, 1]])), const(ints(3, 2)), const(np.float32([1, 2, 4])), normal(4, 3)], [((3, 3), "float32")],
        "EmbeddingLookupSparseOptions", combiner=number)

for op, options in (("MEAN", "ReducerOptions"), ("SUM", "ReducerOptions"), ("REDUCE_PROD", "ReducerOptions"), ("REDUCE_MAX", "ReducerOptions"), ("REDUCE_MIN", "ReducerOptions")):
    add(op.lower(), op, [normal(2, 3, 4), const(ints(1, -1))], [((2,), "float32")], options)
    add(op.lower() + "_keep", op, [normal(2, 3, 4), const(np.int32(1))], [((2, 1, 4), "float32")], options, keepDims=True)
for op in ("REDUCE_ANY", "REDUCE_ALL"):
    add(op.lower(), op, [truth(3, 2), const(ints(1))], [((3,), "bool")], "ReducerOptions")
add("arg_max", "ARG_MAX", [normal(2, 3, 4), const(np.int32(1))], [((2, 4), "int32")], "ArgMaxOptions", outputType=2)
add("arg_min_int64", "ARG_MIN", [normal(2, 3, 4), const(np.int32(-1))], [((2, 3), "int64")], "ArgMinOptions", outputType=4)
for exclusive in (False, True):
    for reverse in (False, True):
        add(f"cumsum_{exclusive:d}{reverse:d}", "CUMSUM", [normal(2, 5), const(np.int32(1))], [((2, 5), "float32")], "CumsumOptions", exclusive=exclusive, reverse=reverse)
add("topk_v2", "TOPK_V2", [whole(3, 6, low=0, high=4), const(np.int32(3))], [((3, 3), "int32"), ((3, 3), "int32")])
add("unique", "UNIQUE", [const(ints(7, 3, 7, 1, 3, 9))], [((), "int32"), ((6,), "int32")], "UniqueOptions", idxOutType=2)
add("segment_sum", "SEGMENT_SUM", [normal(5, 3), const(ints(0, 0, 1, 1, 2))], [((3, 3), "float32")])
for op in ("PROD", "MAX", "SUM", "MIN"):
    add(f"unsorted_segment_{op.lower()}", f"UNSORTED_SEGMENT_{op}", [normal(5, 3), const(ints(2, 0, -1, 2, 1)), const(np.int32(3))], [((3, 3), "float32")])
add("unsorted_segment_sum_2d", "UNSORTED_SEGMENT_SUM", [normal(2, 3, 4), const(np.int32([[0, 1, 0], [2, 2, 1]])), const(np.int32(3))], [((3, 4), "float32")])

add("reshape", "RESHAPE", [normal(2, 3, 4), const(ints(4, -1))], [((4, 6), "float32")])
add("reshape_option", "RESHAPE", [normal(2, 3, 4)], [((3, 8), "float32")], "ReshapeOptions", newShape=[3, 8])
add("reshape_computed", "RESHAPE", [normal(2, 3, 4), lambda r: ints(6, 4)], [((6, 4), "float32")])
add("squeeze", "SQUEEZE", [normal(1, 3, 1, 4)], [((3, 1, 4), "float32")], "SqueezeOptions", squeezeDims=[0])
add("squeeze_all", "SQUEEZE", [normal(1, 3, 1, 4)], [((3, 4), "float32")], "SqueezeOptions")
add("expand_dims", "EXPAND_DIMS", [normal(3, 4), const(np.int32(-1))], [((3, 4, 1), "float32")])
add("transpose", "TRANSPOSE", [normal(2, 3, 4), const(ints(2, 0, 1))], [((4, 2, 3), "float32")])
add("shape_int64", "SHAPE", [normal(2, 3, 4)], [((3,), "int64")], "ShapeOptions", outType=4)
add("shape_dynamic", "SHAPE", [normal(2, 3, 4)], [((3,), "int32")], "ShapeOptions", signatures=([-1, 3, 4],), outType=2)
add("rank", "RANK", [normal(2, 3, 4)], [((), "int32")])
add("broadcast_to", "BROADCAST_TO", [normal(3, 1), const(ints(2, 3, 4))], [((2, 3, 4), "float32")], version=2)
add("broadcast_args", "BROADCAST_ARGS", [lambda r: ints(3, 1), lambda r: ints(2, 1, 4)], [((3,), "int32")])
add("tile", "TILE", [normal(2, 3), const(ints(2, 3))], [((4, 9), "float32")])
add("fill", "FILL", [const(ints(2, 3)), const(np.float32(1.5))], [((2, 3), "float32")])
add("range", "RANGE", [lambda r: np.int32(2), lambda r: np.int32(11), lambda r: np.int32(3)], [((3,), "int32")], "RangeOptions")
add("concatenation", "CONCATENATION", [normal(2, 3), normal(2, 1), normal(2, 2)], [((2, 6), "float32")], "ConcatenationOptions", axis=-1)
add("pack", "PACK", [normal(2, 3), normal(2, 3)], [((2, 2, 3), "float32")], "PackOptions", valuesCount=2, axis=1)
add("unpack", "UNPACK", [normal(2, 3)], [((2,), "float32")] * 3, "UnpackOptions", num=3, axis=-1)
add("split", "SPLIT", [const(np.int32(1)), normal(2, 6)], [((2, 2), "float32")] * 3, "SplitOptions", numSplits=3)
add("split_v", "SPLIT_V", [normal(2, 6), const(ints(1, -1, 2)), const(np.int32(1))], [((2, 1), "float32"), ((2, 3), "float32"), ((2, 2), "float32")], "SplitVOptions", numSplits=3)

add("slice", "SLICE", [normal(3, 4, 5), const(ints(1, 0, 2)), const(ints(2, -1, 1))], [((2, 4, 1), "float32")])
add("slice_computed", "SLICE", [normal(3, 4), lambda r: ints(1, 0), lambda r: ints(-1, 2)], [((2, 2), "float32")])


def strided(name, x, begin, end, strides, out, **masks):
    add("strided_slice_" + name, "STRIDED_SLICE", [normal(*x), const(ints(*begin)), const(ints(*end)), const(ints(*strides))], [(out, "float32")], "StridedSliceOptions", version=4, **masks)


strided("plain", (4, 5), (1, -4), (3, 5), (1, 2), (2, 2))
strided("masks", (4, 5), (1, 1), (3, 3), (1, 1), (3, 3), beginMask=1)
strided("reverse", (4, 5), (0, 4), (0, 0), (1, -2), (4, 2), beginMask=1, endMask=1)
strided("shrink", (4, 5, 3), (1, -1, 0), (2, 0, 3), (1, 1, 1), (3,), shrinkAxisMask=3)
strided("ellipsis", (2, 3, 4), (0, 1), (0, 3), (1, 1), (2, 3, 2), ellipsisMask=1)
strided("new_axis", (2, 3), (0, 0, 1), (0, 0, 3), (1, 1, 1), (1, 2, 2), newAxisMask=1, beginMask=2, endMask=2)
add("strided_slice_computed", "STRIDED_SLICE", [normal(4, 5), lambda r: ints(1, 0), lambda r: ints(2, 3), const(ints(1, 1))], [((3,), "float32")], "StridedSliceOptions", shrinkAxisMask=1)
add("reverse_v2", "REVERSE_V2", [normal(2, 3, 4), const(ints(1))], [((2, 3, 4), "float32")])
add("reverse_sequence", "REVERSE_SEQUENCE", [normal(3, 5), const(ints(2, 5, 3))], [((3, 5), "float32")], "ReverseSequenceOptions", seqDim=1, batchDim=0)
add("dynamic_update_slice", "DYNAMIC_UPDATE_SLICE", [normal(4, 5), normal(2, 3), lambda r: ints(3, 1)], [((4, 5), "float32")])

add("gather", "GATHER", [normal(3, 4, 2), const(np.int32([[1, 3], [0, 0]]))], [((3, 2, 2, 2), "float32")], "GatherOptions", axis=1)
add("gather_batched", "GATHER", [normal(2, 4, 3), const(np.int32([[1, 3], [0, 2]]))], [((2, 2, 3), "float32")], "GatherOptions", axis=1, batchDims=1)
add("gather_batched_far", "GATHER", [normal(2, 3, 4), const(np.int32([[1, 3], [0, 2]]))], [((2, 3, 2), "float32")], "GatherOptions", axis=2, batchDims=1)
add("gather_nd", "GATHER_ND", [normal(3, 4, 2), const(np.int32([[1, 3], [0, 2]]))], [((2, 2), "float32")])
add("scatter_nd", "SCATTER_ND", [const(np.int32([[1], [3], [1]])), normal(3, 2), const(ints(5, 2))], [((5, 2), "float32")])
add("sparse_to_dense", "SPARSE_TO_DENSE", [const(np.int32([[0, 1], [2, 0]])), const(ints(3, 2)), const(np.float32([5, 6])), const(np.float32(-1))], [((3, 2), "float32")], "SparseToDenseOptions")
add("sparse_to_dense_scalar", "SPARSE_TO_DENSE", [const(ints(1, 3)), const(ints(5)), const(np.float32(7)), const(np.float32(0))], [((5,), "float32")], "SparseToDenseOptions")
add("where", "WHERE", [truth(3, 4)], [((), "int64")])
add("one_hot", "ONE_HOT", [lambda r: ints(1, -1, 3, 7), const(np.int32(4)), const(np.float32(2)), const(np.float32(-1))], [((4, 4), "float32")], "OneHotOptions", axis=-1)
add("matrix_diag", "MATRIX_DIAG", [normal(2, 3)], [((2, 3, 3), "float32")])
add("matrix_set_diag", "MATRIX_SET_DIAG", [normal(2, 3, 4), normal(2, 3)], [((2, 3, 4), "float32")])
add("matrix_set_diag_tall", "MATRIX_SET_DIAG", [normal(4, 3), normal(3)], [((4, 3), "float32")])

add("pad", "PAD", [normal(2, 3), const(np.int32([[1, 0], [2, 3]]))], [((3, 8), "float32")])
add("padv2", "PADV2", [normal(2, 3), const(np.int32([[1, 0], [2, 3]])), const(np.float32(9))], [((3, 8), "float32")])
add("mirror_pad", "MIRROR_PAD", [normal(3, 4), const(np.int32([[1, 2], [3, 0]]))], [((6, 7), "float32")], "MirrorPadOptions", mode=0)
add("mirror_pad_symmetric", "MIRROR_PAD", [normal(3, 4), const(np.int32([[1, 2], [4, 0]]))], [((6, 8), "float32")], "MirrorPadOptions", mode=1)
add("depth_to_space", "DEPTH_TO_SPACE", [normal(1, 2, 3, 8)], [((1, 4, 6, 2), "float32")], "DepthToSpaceOptions", blockSize=2)
add("space_to_depth", "SPACE_TO_DEPTH", [normal(1, 4, 6, 2)], [((1, 2, 3, 8), "float32")], "SpaceToDepthOptions", blockSize=2)
add("space_to_batch_nd", "SPACE_TO_BATCH_ND", [normal(2, 3, 4, 2), const(ints(2, 2)), const(np.int32([[1, 0], [2, 0]]))], [((8, 2, 3, 2), "float32")])
add("batch_to_space_nd", "BATCH_TO_SPACE_ND", [normal(8, 2, 3, 2), const(ints(2, 2)), const(np.int32([[1, 0], [2, 1]]))], [((2, 3, 3, 2), "float32")])
add("space_to_batch_3d", "SPACE_TO_BATCH_ND", [normal(2, 4, 3), const(ints(2)), const(np.int32([[1, 1]]))], [((4, 3, 3), "float32")])
add("space_to_batch_dynamic", "SPACE_TO_BATCH_ND", [normal(2, 3, 4, 2), const(ints(2, 2)), lambda r: np.int32([[1, 0], [2, 0]])], [((8, 2, 3, 2), "float32")], signatures=([-1, -1, -1, 2],))
add("dilate", "DILATE", [normal(2, 3), const(ints(2, 3)), const(np.float32(-5))], [((3, 7), "float32")], None)

add("softmax", "SOFTMAX", [normal(2, 3, 4)], [((2, 3, 4), "float32")], "SoftmaxOptions", beta=0.5)
add("log_softmax", "LOG_SOFTMAX", [normal(2, 5)], [((2, 5), "float32")])
add("l2_normalization", "L2_NORMALIZATION", [normal(2, 5)], [((2, 5), "float32")], "L2NormOptions")
add("local_response_normalization", "LOCAL_RESPONSE_NORMALIZATION", [normal(1, 2, 3, 7)], [((1, 2, 3, 7), "float32")], "LocalResponseNormalizationOptions", radius=2, bias=1.5, alpha=0.7, beta=0.6)
for corners, half in ((0, 0), (1, 0), (0, 1)):
    for op, options in (("RESIZE_BILINEAR", "ResizeBilinearOptions"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")):
        for name, size in (("up", (7, 9)), ("down", (2, 3))):
            add(f"{op.lower()}_{name}_{corners}{half}", op, [normal(1, 4, 5, 2), const(ints(*size))], [((1, *size, 2), "float32")], options, version=3, alignCorners=bool(corners), halfPixelCenters=bool(half))

boxes = np.float32([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]])
scores = np.float32([0.9, 0.75, 0.6, 0.95, 0.5, 0.3])
nms = [lambda r: boxes, lambda r: scores, const(np.int32(4)), const(np.float32(0.5)), const(np.float32(0.4))]
add("non_max_suppression_v4", "NON_MAX_SUPPRESSION_V4", nms, [((4,), "int32"), ((), "int32")])
add("non_max_suppression_v5", "NON_MAX_SUPPRESSION_V5", nms + [const(np.float32(0))], [((4,), "int32"), ((4,), "float32"), ((), "int32")])
add("reduce_window", "REDUCE_WINDOW", [normal(5, 6), const(np.float32(-99)), const(np.int64([2, 3])), const(np.int64([2, 1])), const(np.int64([1, 2]))], [((2, 2), "float32")], "ReduceWindowOptions", second=True,
    reduceFunction=4)
add("rfft2d_parts", "RFFT2D", [normal(2, 4, 8), const(ints(4, 8))], [((2, 4, 5), "complex64")])


def case(f):
    CASES[f.__name__] = f
    return f


@case
def complex_chain(m, rng):
    x = m.input(rng.standard_normal((2, 4, 8)).astype(np.float32))
    z, y = m.tensor((2, 4, 5), "complex64"), m.tensor((8, 5), "complex64")
    outs = [m.tensor((8, 5), "float32") for _ in range(3)]
    m.op("RFFT2D", [x, m.const(ints(4, 8))], [z])
    m.op("RESHAPE", [z, m.const(ints(8, 5))], [y])
    for op, out in zip(("REAL", "IMAG", "COMPLEX_ABS"), outs):
        m.op(op, [y], [out])
    return outs


@case
def float16_weights(m, rng):
    """Weights in half precision, widened by DEQUANTIZE."""
    w = m.tensor((5, 6), "float32")
    m.op("DEQUANTIZE", [m.const(rng.standard_normal((5, 6)).astype(np.float16))], [w], version=3)
    y = m.tensor((3, 5), "float32")
    m.op("FULLY_CONNECTED", [m.input(rng.standard_normal((3, 6)).astype(np.float32)), w, -1], [y], "FullyConnectedOptions")
    return [y]


def sparse_weights(m, dense, metadata, order, block_map, values):
    t = m.const(values)
    tensor = m.graph.tensors[t]
    tensor.shape = list(dense.shape)
    s = tensor.sparsity = schema.SparsityParametersT()
    s.traversalOrder, s.blockMap, s.dimMetadata = order, block_map, []
    for format, size, segments, indices in metadata:
        d = schema.DimensionMetadataT()
        d.format, d.denseSize = format, size
        if format:
            d.arraySegmentsType = d.arrayIndicesType = schema.SparseIndexVector.Uint8Vector
            d.arraySegments, d.arrayIndices = schema.Uint8VectorT(), schema.Uint8VectorT()
            d.arraySegments.values, d.arrayIndices.values = segments, indices
        s.dimMetadata.append(d)
    return t


@case
def densify(m, rng):
    """Rows of a matrix in compressed form."""
    dense = np.float32([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 4]])
    t = sparse_weights(m, dense, [(0, 3, None, None), (1, 0, [0, 2, 2, 4], [1, 3, 0, 3])], [0, 1], None, np.float32([1, 2, 3, 4]))
    w, y = m.tensor((3, 4), "float32"), m.tensor((2, 3), "float32")
    m.op("DENSIFY", [t], [w])
    m.op("FULLY_CONNECTED", [m.input(rng.standard_normal((2, 4)).astype(np.float32)), w, -1], [y], "FullyConnectedOptions")
    return [y]


@case
def densify_blocks(m, rng):
    """Blocks of 2 x 2."""
    dense = np.zeros((4, 4), np.float32)
    t = sparse_weights(m, dense, [(0, 2, None, None), (1, 0, [0, 1, 3], [1, 0, 1]), (0, 2, None, None), (0, 2, None, None)], [0, 1, 2, 3], [0, 1], np.arange(1, 13, dtype=np.float32))
    w, y = m.tensor((4, 4), "float32"), m.tensor((2, 4), "float32")
    m.op("DENSIFY", [t], [w])
    m.op("FULLY_CONNECTED", [m.input(rng.standard_normal((2, 4)).astype(np.float32)), w, -1], [y], "FullyConnectedOptions")
    return [y]


def branch(code, shape=(3,), signature=None):
    def build(m):
        x = m.argument(shape, "float32", signature)
        y = m.tensor(shape, "float32", signature=signature)
        m.op(code, [x], [y])
        return [y]

    return build


def binary_body(code):
    def build(m):
        a, b, y = m.argument((), "float32"), m.argument((), "float32"), m.tensor((), "float32")
        m.op(code, [a, b], [y])
        return [y]

    return build


def hlo(name, arrays, outputs, options=None, expected=None, body=None, body_field="body_subgraph_index", **fields):
    """STABLEHLO_<name up to the first point>; `expected` computes what LiteRT has no kernel for."""

    def build(m, rng):
        ins = [a(rng) if callable(a) else a for a in arrays]
        ins = [m.const(a[1]) if isinstance(a, tuple) else m.input(a) for a in ins]
        outs = [m.tensor(s, d) for s, d in outputs]
        more = {} if body is None else {body_field: m.subgraph(body)}
        code = "STABLEHLO_" + name.split(".")[0].upper()
        m.op2(code, ins, outs, options, **fields, **more) if options else m.op(code, ins, outs)
        if expected:
            m.expected = [np.asarray(y).astype(d).reshape(s) for y, (s, d) in zip(expected(*m.data), outputs)]
        return outs

    CASES["stablehlo_" + name.replace(".", "_")] = build


F34 = [((3, 4), "float32")]
for op, function in (("logistic", lambda x: 1 / (1 + np.exp(-x))), ("abs", np.abs), ("cosine", np.cos), ("exponential", np.exp), ("floor", np.floor), ("negate", np.negative), ("tanh", np.tanh), ("cbrt", np.cbrt)):
    hlo(op, [normal(3, 4)], F34, expected=lambda x, f=function: [f(x)])
hlo("log", [positive(3, 4)], F34, expected=lambda x: [np.log(x)])
hlo("rsqrt", [positive(3, 4)], F34, expected=lambda x: [1 / np.sqrt(x)])
for op, function in (("add", np.add), ("multiply", np.multiply), ("maximum", np.maximum), ("minimum", np.minimum), ("subtract", np.subtract)):
    hlo(op, [normal(3, 4), normal(3, 4)], F34, expected=lambda x, y, f=function: [f(x, y)])
hlo("divide", [normal(3, 4), positive(3, 4)], F34, expected=lambda x, y: [x / y])
hlo("power", [positive(3, 4), normal(3, 4)], F34, expected=lambda x, y: [x ** y])
hlo("remainder", [normal(3, 4), positive(3, 4)], F34, expected=lambda x, y: [np.fmod(x, y)])
hlo("and", [truth(3, 4), truth(3, 4)], [((3, 4), "bool")], expected=lambda x, y: [x & y])
hlo("or", [truth(3, 4), truth(3, 4)], [((3, 4), "bool")], expected=lambda x, y: [x | y])
hlo("shift_left", [whole(3, 4), whole(3, 4, low=0, high=9)], [((3, 4), "int32")], expected=lambda x, y: [x << y])
hlo("clamp", [const(np.float32(-0.5)), normal(3, 4), const(np.float32(0.5))], F34, expected=lambda x: [np.clip(x, -0.5, 0.5)])
hlo("select", [truth(3, 4), normal(3, 4), normal(3, 4)], F34, expected=lambda c, x, y: [np.where(c, x, y)])
for number, function in enumerate((np.equal, np.not_equal, np.greater_equal, np.greater, np.less_equal, np.less)):
    hlo(f"compare.{number}", [whole(3, 4, low=0, high=3), whole(3, 4, low=0, high=3)], [((3, 4), "bool")], "StablehloCompareOptions", comparisonDirection=number, expected=lambda x, y, f=function: [f(x, y)])
hlo("convert", [whole(3, 4)], F34, expected=lambda x: [x])
hlo("reshape", [normal(2, 6)], F34, expected=lambda x: [x])
hlo("concatenate", [normal(3, 1), normal(3, 3)], F34, "StablehloConcatenateOptions", dimension=1, expected=lambda x, y: [np.concatenate([x, y], 1)])
hlo("transpose", [normal(4, 3)], F34, "StablehloTransposeOptions", permutation=[1, 0], expected=lambda x: [x.T])
hlo("broadcast_in_dim", [normal(3, 1)], [((2, 3, 4), "float32")], "StablehloBroadcastInDimOptions", broadcastDimensions=[1, 2], expected=lambda x: [np.broadcast_to(x, (2, 3, 4))])
hlo("broadcast_in_dim.swapped", [normal(4, 3)], [((2, 3, 4), "float32")], "StablehloBroadcastInDimOptions", broadcastDimensions=[2, 1], expected=lambda x: [np.broadcast_to(x.T, (2, 3, 4))])
hlo("slice", [normal(5, 9)], F34, "StablehloSliceOptions", startIndices=[1, 0], limitIndices=[4, 8], strides=[1, 2], expected=lambda x: [x[1:4, 0:8:2]])
hlo("dynamic_slice", [normal(5, 9), lambda r: np.int32(4), lambda r: np.int32(-3)], F34, "StablehloDynamicSliceOptions", sliceSizes=[3, 4], expected=lambda x, a, b: [x[2:5, 0:4]])
hlo("dynamic_update_slice", [lambda r: np.zeros((3, 4), np.float32), lambda r: np.ones((2, 2), np.float32), lambda r: np.int32(2), lambda r: np.int32(1)], F34,
    expected=lambda *a: [np.pad(np.ones((2, 2)), ((1, 0), (1, 1)))])
hlo("pad", [normal(2, 3), const(np.float32(7))], [((4, 5), "float32")], "StablehloPadOptions", edgePaddingLow=[1, -1], edgePaddingHigh=[0, 1], interiorPadding=[1, 1])
hlo("iota", [], [((3, 4), "int32")], "StablehloIotaOptions", iotaDimension=1, expected=lambda: [np.broadcast_to(np.arange(4), (3, 4))])
hlo("dot_general", [normal(2, 5, 3), normal(5, 2, 4)], [((2, 3, 4), "float32")], "StablehloDotGeneralOptions", lhsBatchingDimensions=[0], rhsBatchingDimensions=[1], lhsContractingDimensions=[1],
    rhsContractingDimensions=[0], expected=lambda x, y: [np.einsum("bkm,kbn->bmn", x, y)])


def plain_convolution(x, w):
    """[N, H, W, C] with weights [H, W, C, O], one row of padding above, stride 2 down."""
    x = np.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)))
    return [np.stack([np.stack([np.einsum("nhwc,hwco->no", x[:, i:i + 2, j:j + 3], w) for j in range(x.shape[2] - 2)], 1) for i in range(0, x.shape[1] - 1, 2)], 1)]


hlo("convolution", [normal(1, 5, 6, 2), normal(2, 3, 2, 4)], [((1, 3, 4, 4), "float32")], "StablehloConvolutionOptions", windowStrides=[2, 1], padding=[1, 0, 0, 0], inputBatchDimension=0, inputFeatureDimension=3,
    inputSpatialDimensions=[1, 2], kernelInputFeatureDimension=2, kernelOutputFeatureDimension=3, kernelSpatialDimensions=[0, 1], outputBatchDimension=0, outputFeatureDimension=3, outputSpatialDimensions=[1, 2],
    featureGroupCount=1, batchGroupCount=1, expected=plain_convolution)
hlo("reduce", [normal(3, 4, 2), const(np.float32(0))], [((3, 2), "float32")], "StablehloReduceOptions", dimensions=[1], body=binary_body("STABLEHLO_ADD"), body_field="bodySubgraphIndex", expected=lambda x: [x.sum(1)])
hlo("reduce.max", [normal(3, 4, 2), const(np.float32(-9))], [((4,), "float32")], "StablehloReduceOptions", dimensions=[0, 2], body=binary_body("MAXIMUM"), body_field="bodySubgraphIndex", expected=lambda x: [x.max((0, 2))])
for kind, start in (("ADD", 0), ("MAXIMUM", -99), ("MINIMUM", 99)):
    hlo(f"reduce_window.{kind.lower()}", [normal(2, 6, 5), const(np.float32(start))], [((2, 3, 3), "float32")], "StablehloReduceWindowOptions", windowDimensions=[1, 2, 3], windowStrides=[1, 2, 1], baseDilations=[1, 1, 1],
        windowDilations=[1, 1, 1], padding=[0] * 6, body=binary_body("STABLEHLO_" + kind), body_field="bodySubgraphIndex")


def comparator(m):
    a, b, y = m.argument((), "float32"), m.argument((), "float32"), m.tensor((), "bool")
    m.op2("STABLEHLO_COMPARE", [a, b], [y], "StablehloCompareOptions", comparisonDirection=5)
    return [y]


hlo("sort", [normal(3, 4)], F34, "StablehloSortOptions", dimension=1, isStable=True, body=comparator, body_field="comparatorSubgraphIndex", expected=lambda x: [np.sort(x, 1)])
hlo("gather", [normal(3, 4, 2), const(np.int32([[[0, 0], [1, 0], [2, 1]], [[0, 1], [1, 1], [0, 9]]]))], [((2, 3, 2, 2), "float32")], "StablehloGatherOptions", offsetDims=[2, 3], collapsedSliceDims=[0], startIndexMap=[1, 0],
    indexVectorDim=2, sliceSizes=[1, 2, 2])
hlo("scatter", [normal(3, 4, 2), const(np.int32([[[0, 2], [1, 0], [2, 1]], [[0, 1], [1, 0], [0, 2]]])), lambda r: r.standard_normal((2, 3, 2, 2)).astype(np.float32)], [((3, 4, 2), "float32")], "StablehloScatterOptions",
    updateWindowDims=[2, 3], insertedWindowDims=[0], scatterDimsToOperandDims=[1, 0], indexVectorDim=2, body=binary_body("STABLEHLO_ADD"), body_field="updateComputationSubgraphIndex")


def if_case(value):
    def build(m, rng):
        y = m.tensor((3,), "float32")
        ins = [m.input(np.array(value)), m.input(rng.standard_normal(3).astype(np.float32))]
        m.op("IF", ins, [y], "IfOptions", thenSubgraphIndex=m.subgraph(branch("NEG")), elseSubgraphIndex=m.subgraph(branch("EXP")))
        return [y]

    return build


CASES["if_true"], CASES["if_false"] = if_case(True), if_case(False)


def less_than(limit):
    def build(m):
        i, _ = m.argument((), "int32"), m.argument((2, 3), "float32", [-1, 3])
        y = m.tensor((), "bool")
        m.op("LESS", [i, m.const(np.int32(limit))], [y])
        return [y]

    return build


@case
def while_loop(m, rng):
    """Counts to 3 and doubles, at any batch size."""

    def body(m):
        i, x = m.argument((), "int32"), m.argument((2, 3), "float32", [-1, 3])
        j, y = m.tensor((), "int32"), m.tensor((2, 3), "float32", signature=[-1, 3])
        m.op("ADD", [i, m.const(np.int32(1))], [j], "AddOptions")
        m.op("ADD", [x, x], [y], "AddOptions")
        return [j, y]

    ins = [m.input(np.int32(0)), m.input(rng.standard_normal((2, 3)).astype(np.float32), signature=[-1, 3])]
    outs = [m.tensor((), "int32"), m.tensor((2, 3), "float32", signature=[-1, 3])]
    m.op("WHILE", ins, outs, "WhileOptions", condSubgraphIndex=m.subgraph(less_than(3)), bodySubgraphIndex=m.subgraph(body))
    return outs


@case
def while_growing(m, rng):
    """A state that grows in each round."""

    def body(m):
        i, x = m.argument((), "int32"), m.argument((2, 3), "float32", [-1, 3])
        j, y = m.tensor((), "int32"), m.tensor((4, 3), "float32", signature=[-1, 3])
        m.op("ADD", [i, m.const(np.int32(1))], [j], "AddOptions")
        m.op("CONCATENATION", [x, x], [y], "ConcatenationOptions", axis=0)
        return [j, y]

    ins = [m.input(np.int32(0)), m.input(rng.standard_normal((2, 3)).astype(np.float32), signature=[-1, 3])]
    outs = [m.tensor((), "int32"), m.tensor((2, 3), "float32", signature=[-1, 3])]
    m.op("WHILE", ins, outs, "WhileOptions", condSubgraphIndex=m.subgraph(less_than(2)), bodySubgraphIndex=m.subgraph(body))
    return outs


@case
def while_if(m, rng):
    """A condition inside a loop."""

    def body(m):
        i, x = m.argument((), "int32"), m.argument((2, 3), "float32")
        j, y, c = m.tensor((), "int32"), m.tensor((2, 3), "float32"), m.tensor((), "bool")
        m.op("ADD", [i, m.const(np.int32(1))], [j], "AddOptions")
        m.op("EQUAL", [i, m.const(np.int32(1))], [c])
        m.op("IF", [c, x], [y], "IfOptions", thenSubgraphIndex=m.subgraph(branch("NEG", (2, 3))), elseSubgraphIndex=m.subgraph(branch("TANH", (2, 3))))
        return [j, y]

    ins = [m.input(np.int32(0)), m.input(rng.standard_normal((2, 3)).astype(np.float32))]
    outs = [m.tensor((), "int32"), m.tensor((2, 3), "float32")]
    m.op("WHILE", ins, outs, "WhileOptions", condSubgraphIndex=m.subgraph(less_than(3)), bodySubgraphIndex=m.subgraph(body))
    return outs


@case
def stablehlo_while(m, rng):
    def body(m):
        i, x = m.argument((), "int32"), m.argument((2, 3), "float32")
        j, y = m.tensor((), "int32"), m.tensor((2, 3), "float32")
        m.op("ADD", [i, m.const(np.int32(1))], [j], "AddOptions")
        m.op("ADD", [x, x], [y], "AddOptions")
        return [j, y]

    x = rng.standard_normal((2, 3)).astype(np.float32)
    outs = [m.tensor((), "int32"), m.tensor((2, 3), "float32")]
    m.op2("STABLEHLO_WHILE", [m.input(np.int32(0)), m.input(x)], outs, "StablehloWhileOptions", condSubgraphIndex=m.subgraph(less_than(3)), bodySubgraphIndex=m.subgraph(body))
    m.expected = [np.int32(3), x * 8]
    return outs


@case
def call(m, rng):
    x, y = rng.standard_normal(3).astype(np.float32), m.tensor((3,), "float32")
    m.op("CALL", [m.input(x)], [y], "CallOptions", subgraph=m.subgraph(branch("EXP")))
    m.expected = [np.exp(x)]
    return [y]


@case
def stablehlo_composite(m, rng):
    import flatbuffers.flexbuffers as flex

    y = m.tensor((3,), "float32")
    m.op2("STABLEHLO_COMPOSITE", [m.input(rng.standard_normal(3).astype(np.float32))], [y], "StableHLOCompositeOptions", name="test.exp", decompositionSubgraphIndex=m.subgraph(branch("EXP")),
          compositeAttributes=np.frombuffer(bytes(flex.Dumps({"axis": 1})), np.uint8))
    return [y]


@case
def stablehlo_case(m, rng):
    y = m.tensor((3,), "float32")
    ins = [m.input(np.int32(1)), m.input(rng.standard_normal(3).astype(np.float32))]
    m.op2("STABLEHLO_CASE", ins, [y], "StablehloCaseOptions", branchSubgraphIndices=[m.subgraph(branch(c)) for c in ("NEG", "EXP", "TANH")])
    return [y]


def detection(regular):
    def build(m, rng):
        import flatbuffers.flexbuffers as flex

        options = flex.Dumps({"max_detections": 3, "max_classes_per_detection": 1, "detections_per_class": 2, "use_regular_nms": regular, "nms_score_threshold": 0.2, "nms_iou_threshold": 0.5,
                              "num_classes": 2, "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0})
        anchors = np.float32([[0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1], [0.5, 10.5, 1, 1], [0.5, 10.5, 1, 1], [0.5, 100.5, 1, 1]])
        code = np.float32([[[0, 0, 0, 0], [0, 1, 0, 0], [0, -1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]])
        score = np.float32([[[0, 0.9, 0.8], [0, 0.75, 0.72], [0, 0.6, 0.5], [0, 0.93, 0.95], [0, 0.5, 0.4], [0, 0.3, 0.2]]])
        outs = [m.tensor(s, "float32") for s in ((1, 3, 4), (1, 3), (1, 3), (1,))]
        m.custom("TFLite_Detection_PostProcess", [m.input(code), m.input(score), m.const(anchors)], outs, bytes(options))
        return outs

    return build


CASES["detection_fast"], CASES["detection_regular"] = detection(False), detection(True)


@case
def audio_spectrogram(m, rng):
    import flatbuffers.flexbuffers as flex

    y = m.tensor((1, 4, 9), "float32")
    m.custom("AudioSpectrogram", [m.input(rng.standard_normal((24, 1)).astype(np.float32))], [y], bytes(flex.Dumps({"window_size": 12, "stride": 4, "magnitude_squared": True})))
    frames = np.stack([m.data[0][4 * i:4 * i + 12, 0] for i in range(4)]) * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(12) / 12))
    m.expected = [(np.abs(np.fft.rfft(frames, 16)) ** 2).astype(np.float32)[None]]
    return [y]


def struct(*v):
    return np.array(v, np.int32).tobytes()


@case
def max_pooling_with_argmax(m, rng):
    y, i = m.tensor((1, 2, 3, 2), "float32"), m.tensor((1, 2, 3, 2), "float32")
    m.custom("MaxPoolingWithArgmax2D", [m.input(rng.standard_normal((1, 4, 6, 2)).astype(np.float32))], [y, i], struct(1, 2, 2, 2, 2, 0, 0, 0, 0, 0))
    w = m.data[0].reshape(1, 2, 2, 3, 2, 2).transpose(0, 1, 3, 5, 2, 4).reshape(1, 2, 3, 2, 4)
    m.expected = [w.max(-1), w.argmax(-1).astype(np.float32) + np.float32(0.1)]
    return [y, i]


@case
def max_unpooling(m, rng):
    y = m.tensor((1, 4, 6, 2), "float32")
    x, i = rng.standard_normal((1, 2, 3, 2)).astype(np.float32), rng.integers(0, 4, (1, 2, 3, 2))
    m.custom("MaxUnpooling2D", [m.input(x), m.input(i.astype(np.float32) + np.float32(0.1))], [y], struct(1, 2, 2, 2, 2, 0, 0, 0, 0, 0))
    w = (np.arange(4) == i[..., None]) * x[..., None]
    m.expected = [w.reshape(1, 2, 3, 2, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(1, 4, 6, 2).astype(np.float32)]
    return [y]


@case
def convolution_2d_transpose_bias(m, rng):
    x, w, b = rng.standard_normal((1, 3, 4, 2)).astype(np.float32), rng.standard_normal((3, 2, 2, 2)).astype(np.float32), np.float32([1, 2, 3])
    y = m.tensor((1, 6, 8, 3), "float32")
    m.custom("Convolution2DTransposeBias", [m.input(x), m.const(w), m.const(b)], [y], struct(1, 2, 2))
    m.expected = [(np.einsum("nhwi,oabi->nhawbo", x, w).reshape(1, 6, 8, 3) + b).astype(np.float32)]
    return [y]


def text(*words):
    """Strings as the file has them: how many, where each begins and the last ends, and the text."""
    ends = np.cumsum([4 * (len(words) + 2)] + [len(w) for w in words])
    return np.frombuffer(np.int32([len(words), *ends]).tobytes() + b"".join(words), np.uint8)


def strings(m, words):
    t = m.tensor((len(words),), "uint8", data=text(*words), type="STRING")
    return t


@case
def skip_gram(m, rng):
    y = m.tensor((), "uint8", type="STRING")
    m.op("SKIP_GRAM", [strings(m, [b"the quick brown fox"])], [y], "SkipGramOptions", ngramSize=2, maxSkipSize=1, includeAllNgrams=False)
    return [y]


@case
def lsh_projection(m, rng):
    y = m.tensor((3,), "int32")
    m.op("LSH_PROJECTION", [m.const(rng.standard_normal((3, 4)).astype(np.float32)), m.input(rng.integers(0, 99, (5,)).astype(np.int32)), m.const(np.float32([1, 2, 3, 4, 5]))], [y], "LSHProjectionOptions", type=1)
    return [y]


@case
def hashtable_lookup(m, rng):
    y, hits = m.tensor((4, 2), "float32"), m.tensor((4,), "uint8")
    m.op("HASHTABLE_LOOKUP", [m.input(ints(3, 9, -2, 7)), m.const(ints(-2, 3, 5, 9)), m.const(rng.standard_normal((4, 2)).astype(np.float32))], [y, hits])
    return [y, hits]


def pack(m):
    b = flatbuffers.Builder(1024)
    b.Finish(m.model.Pack(b), b"TFL3")
    return bytes(b.Output())


# The reference kernel leaves the last element of each window out, which neither its sibling nor TensorFlow does.
OPTIMIZED = {"local_response_normalization"}


def interpreter(data, name):
    """Reference kernels; the optimized ones for operators that have no other."""
    try:
        if name in OPTIMIZED:
            raise ValueError(name)
        return Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    except ValueError:
        return Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def reference(data, model, name):
    if hasattr(model, "expected"):
        names = [model.graph.tensors[k].name for k in model.graph.inputs], [model.graph.tensors[k].name for k in model.graph.outputs]
        return {f"in:{k}": x for k, x in zip(names[0], model.data)} | {f"out:{k}": y for k, y in zip(names[1], model.expected)}
    it = interpreter(data, name)
    for detail, x in zip(it.get_input_details(), model.data):
        if tuple(detail["shape"]) != x.shape:
            it.resize_tensor_input(detail["index"], x.shape)
    it.allocate_tensors()
    for detail, x in zip(it.get_input_details(), model.data):
        it.set_tensor(detail["index"], x)
    it.invoke()
    values = {f"in:{d['name']}": x for d, x in zip(it.get_input_details(), model.data)}
    for d in it.get_output_details():
        y = it.get_tensor(d["index"])
        values[f"out:{d['name']}"] = y.astype("S") if y.dtype == object else y
    return values


def make(name):
    m = Model()
    m.graph.outputs = CASES[name](m, rng_of(name))
    data = pack(m)
    return {f"{name}/{k}": v for k, v in reference(data, m, name).items()} | {f"{name}/model": np.frombuffer(data, np.uint8)}


FILES = {}


def file(f):
    """A file that shows something of the format; gives its bytes, and maybe arrays."""
    FILES[f.__name__] = f
    return f


def one_operator(code, names=("x", "y"), shape=(3,)):
    m = Model()
    x, y = m.argument(shape, "float32"), m.tensor(shape, "float32")
    m.graph.tensors[x].name, m.graph.tensors[y].name = names
    m.op(code, [x], [y])
    m.graph.outputs = [y]
    return m


@file
def signatures():
    """Two functions of two arguments."""

    def function(code, options):
        def build(m):
            a, b, y = m.argument((3,), "float32"), m.argument((3,), "float32"), m.tensor((3,), "float32")
            for t, name in ((a, code + "_a"), (b, code + "_b"), (y, code + "_y")):
                m.graph.tensors[t].name = name
            m.op(code, [a, b], [y], options)
            return [y]

        return build

    m = Model()
    m.graph.outputs = function("ADD", "AddOptions")(m)
    m.subgraph(function("MUL", "MulOptions"))
    m.model.signatureDefs = []
    for index, key in enumerate(("add", "mul")):
        s = schema.SignatureDefT()
        s.signatureKey, s.subgraphIndex, s.inputs, s.outputs = key, index, [], []
        for tensor, name, where in ((0, "left", s.inputs), (1, "right", s.inputs), (2, "result", s.outputs)):
            t = schema.TensorMapT()
            t.name, t.tensorIndex = name, tensor
            where.append(t)
        m.model.signatureDefs.append(s)
    m.model.description = "two functions"
    return {"model": pack(m)}


@file
def unknown_operators():
    """Operators of TensorFlow, of somebody, and of a newer format."""
    m = one_operator("ABS")
    for kind in ("FlexErf", "Mystery"):
        y = m.tensor((3,), "float32")
        m.custom(kind, m.graph.outputs, [y], b"\x01\x02\x03")
        m.graph.outputs = [y]
    y = m.tensor((3,), "float32")
    m.op("ABS", m.graph.outputs, [y])
    m.model.operatorCodes[-1].builtinCode = 999
    m.graph.outputs = [y]
    return {"model": pack(m)}


@file
def nameless():
    """Tensors without names, and a name that stands for two."""
    m = one_operator("NEG", ("", ""))
    twin = [m.tensor((3,), "float32") for _ in range(2)]
    for t in twin:
        m.graph.tensors[t].name = "twin"
    m.op("EXP", [0], [twin[0]])
    m.op("ABS", [0], [twin[1]])
    m.graph.outputs += twin
    x = np.float32([1, -2, 3])
    return {"model": pack(m), "in:input_0": x, "out:output_0": -x, "out:twin": np.exp(x), "out:twin_1": np.abs(x)}


@file
def odd_outputs():
    """A constant and an input as outputs, and an output listed twice."""
    m = one_operator("NEG")
    c = m.const(np.float32([7, 8]))
    m.graph.tensors[c].name = "seven"
    m.graph.outputs = [1, c, 0, 1]
    x = np.float32([1, -2, 3])
    return {"model": pack(m), "in:x": x, "out:y": -x, "out:seven": np.float32([7, 8]), "out:x_1": x, "out:y_1": -x}


@file
def backwards():
    """Operators in the wrong order."""
    m = one_operator("NEG")
    z = m.tensor((3,), "float32")
    m.graph.tensors[z].name = "z"
    m.op("EXP", [1], [z])
    m.graph.operators.reverse()
    m.graph.outputs = [z]
    x = np.float32([1, -2, 3])
    return {"model": pack(m), "in:x": x, "out:z": np.exp(-x)}


@file
def cycle():
    m = one_operator("NEG")
    y, z = m.tensor((3,), "float32"), m.tensor((3,), "float32")
    m.op("NEG", [z], [y])
    m.op("NEG", [y], [z])
    m.graph.outputs = [z]
    return {"model": pack(m)}


@file
def recursive():
    m = one_operator("NEG")
    m.op("IF", [m.const(np.array(True)), 0], [m.tensor((3,), "float32")], "IfOptions", thenSubgraphIndex=0, elseSubgraphIndex=0)
    m.graph.outputs = [3]
    return {"model": pack(m)}


def with_constant():
    m = one_operator("NEG")
    z = m.tensor((3,), "float32")
    m.graph.tensors[z].name = "z"
    m.op("ADD", [1, m.const(np.float32([10, 20, 30]))], [z], "AddOptions")
    m.graph.outputs = [z]
    x = np.float32([1, -2, 3])
    return m, {"in:x": x, "out:z": np.float32([10, 20, 30]) - x}


@file
def outside_the_flatbuffer():
    """A buffer behind the flatbuffer, as in files of more than 2 GB."""
    m, arrays = with_constant()
    data, b = m.model.buffers[-1].data.tobytes(), m.model.buffers[-1]
    b.data, b.offset, b.size = None, 1 << 20, len(data)
    b.offset = -(-len(pack(m)) // 16) * 16
    model = pack(m)
    return {"model": model + bytes(b.offset - len(model)) + data, **arrays}


def flex_options(op, **attributes):
    """What the options of a Flex operator are: a flexbuffer vector of its name and its NodeDef. Attributes are (field of AttrValue, number)."""
    import flatbuffers.flexbuffers as flex

    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    values = [field(5, field(1, name.encode()) + field(2, bytes([kind << 3, number]))) for name, (kind, number) in attributes.items()]
    b = flex.Builder()
    with b.Vector():
        b.String(op)
        b.String((field(1, b"node") + field(2, op.encode()) + b"".join(values)).decode("latin1"))
    return bytes(b.Finish())


MULTINOMIAL = {"T": (6, 1), "seed": (3, 7), "seed2": (3, 8), "output_dtype": (6, 3), "_internal": (5, 1)}


def flex_file(options):
    m = Model()
    logits, index = m.argument((2, 3), "float32"), m.tensor((2, 4), "int32")
    m.custom("FlexMultinomial", [logits, m.const(np.int32(4))], [index], options)
    m.graph.outputs = [index]
    return {"model": pack(m)}


@file
def flex_other_operator():
    return flex_file(flex_options("Erf", **MULTINOMIAL))


@file
def flex_unknown_attribute():
    return flex_file(flex_options("Multinomial", **MULTINOMIAL, shape=(3, 1)))


@file
def flex_damaged():
    return flex_file(flex_options("Multinomial", **MULTINOMIAL).replace(b"\x05seed2", b"\x7fseed2"))


@file
def random():
    """One output for each operator that draws."""
    m = Model()
    uniform, normal, index = (m.tensor((40, 50), t) for t in ("float32", "float32", "int64"))
    shape = m.const(np.int32([40, 50]))
    m.op("RANDOM_UNIFORM", [shape], [uniform], "RandomOptions", seed=1, seed2=2)
    m.op("RANDOM_STANDARD_NORMAL", [shape], [normal], "RandomOptions", seed=3, seed2=4)
    m.op("MULTINOMIAL", [m.const(np.log(np.tile(np.float32([1, 2, 1]), (40, 1)))), m.const(np.int32(50))], [index], "RandomOptions", seed=5, seed2=6)
    flex = m.tensor((40, 50), "int32")
    m.custom("FlexMultinomial", [m.const(np.log(np.tile(np.float32([1, 2, 1]), (40, 1)))), m.const(np.int32(50))], [flex], flex_options("Multinomial", **MULTINOMIAL))
    for t, name in ((uniform, "uniform"), (normal, "normal"), (index, "index"), (flex, "flex")):
        m.graph.tensors[t].name = name
    m.graph.outputs = [uniform, normal, index, flex]
    return {"model": pack(m)}


@file
def external_file():
    """A buffer in a file of its own."""
    m, arrays = with_constant()
    data, m.model.buffers[-1].data = m.model.buffers[-1].data.tobytes(), None
    group, b = schema.ExternalBufferGroupT(), schema.ExternalBufferT()
    group.name, b.id, b.group, b.offset, b.length = "weights.bin", 5, 0, 4, len(data)
    m.model.externalBufferGroups, m.model.externalBuffers = [group], [b]
    t = m.graph.tensors[-1]
    t.buffer, t.externalBuffer = 0, 5
    return {"model": pack(m), "weights.bin": b"\0\0\0\0" + data, **arrays}


def as_array(v):
    return np.frombuffer(v, np.uint8) if isinstance(v, bytes) else v


def main():
    entries = {}
    for name in sorted(CASES):
        try:
            entries.update(make(name))
        except (RuntimeError, ValueError) as e:
            raise SystemExit(f"{name}: {e}")
    np.savez_compressed(FILE, **entries)
    np.savez_compressed(FILE.with_name("tflite_files.npz"), **{f"{name}/{k}": as_array(v) for name in sorted(FILES) for k, v in FILES[name]().items()})


if __name__ == "__main__":
    main()
