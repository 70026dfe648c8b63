# SPDX-License-Identifier: Apache-2.0
"""Makes tests/models/tflite_quantized.npz: small quantized models of one operator each, with inputs and LiteRT's outputs.

Entries are CASE/model (the bytes of the .tflite file), CASE/in:NAME, CASE/out:NAME and CASE/runs, after how many runs on the same
inputs these are the outputs. Needs ai-edge-litert and flatbuffers from PyPI.
"""
import pathlib

import numpy as np
import tflite_recurrent  # noqa: F401  (adds its cases)
from tflite_model import ACTIVATIONS, CASES, Model, case, opened, reference, rng_of, schema, whole, zeros

FILE = pathlib.Path(__file__).parent / "tflite_quantized.npz"


def unary(code, dtype, scale_in, scale_out, zero_out=None, options=None, positive=False, version=1, **fields):
    def build(m, rng):
        zi, _, zo = zeros(dtype)
        zo = zo if zero_out is None else zero_out
        i = np.iinfo(dtype)
        x = np.arange(i.min, i.max + 1, dtype=np.int64) if np.dtype(dtype).itemsize == 1 else rng.integers(i.min, i.max + 1, 4096)
        if positive:
            x = np.maximum(x, zi)
        x = x.astype(dtype).reshape(1, -1)
        t = m.input(x, scale_in, zi)
        y = m.tensor(x.shape, dtype, scale_out, zo)
        m.op(code, [t], [y], options, version, **fields)
        return [y]
    return build


for d in ("int8", "uint8", "int16"):
    half = {"int8": -128, "uint8": 0, "int16": 0}[d]
    fine = d == "int16"
    CASES[f"logistic_{d}"] = unary("LOGISTIC", d, 0.0003 if fine else 0.047, 1 / 32768 if fine else 1 / 256, half)
    CASES[f"tanh_{d}"] = unary("TANH", d, 0.0003 if fine else 0.031, 1 / 32768 if fine else 1 / 128, {"uint8": 128}.get(d, 0))
    CASES[f"leaky_relu_{d}"] = unary("LEAKY_RELU", d, 0.05, 0.031, options="LeakyReluOptions", alpha=0.17)
    for a in ("RELU", "RELU6") + (("RELU_N1_TO_1",) if not fine else ()):
        CASES[f"{a.lower()}_{d}"] = unary(a, d, 0.0007 if fine else 0.05, 0.0005 if fine else 0.031)
    if d != "uint8":
        CASES[f"exp_{d}"] = unary("EXP", d, 0.0001 if fine else 0.021, 0.001 if fine else 0.11)
        CASES[f"abs_{d}"] = unary("ABS", d, 0.001 if fine else 0.05, 0.0007 if fine else 0.031)
        CASES[f"log_{d}"] = unary("LOG", d, 0.0007 if fine else 0.05, 0.0003 if fine else 0.031)
        CASES[f"rsqrt_{d}"] = unary("RSQRT", d, 0.0007 if fine else 0.05, 0.001 if fine else 0.027, positive=True)
    if not fine:
        CASES[f"hard_swish_{d}"] = unary("HARD_SWISH", d, 0.061, 0.043)
        CASES[f"hard_swish_coarse_{d}"] = unary("HARD_SWISH", d, 0.29, 0.27)
    if d == "int8":
        CASES["elu_int8"] = unary("ELU", d, 0.05, 0.031)
        for approximate in (False, True):
            CASES[f"gelu_{approximate}_int8".lower()] = unary("GELU", d, 0.05, 0.031, options="GeluOptions", approximate=approximate)
CASES["logistic_pot_int16"] = unary("LOGISTIC", "int16", 2.0**-12, 1 / 32768)
CASES["tanh_pot_int16"] = unary("TANH", "int16", 2.0**-12, 1 / 32768)
CASES["tanh_pot2_int16"] = unary("TANH", "int16", 2.0**-11, 1 / 32768)


def binary(code, dtype, options=None, activation="none", second=(5, 7, 13), bool_out=False, scales=(0.05, 0.021, 0.043), same=False, constant=False, **fields):
    def build(m, rng):
        za, zb, zo = zeros(dtype)
        sa, sb, so = scales
        if np.dtype(dtype) == np.int16 and so > 0.001:
            sa, sb, so = sa / 100, sb / 100, so / 100
        if same:
            sb, zb = sa, za
        x, y = whole(rng, (5, 7, 13), dtype), whole(rng, second, dtype)
        if code == "DIV":
            y[y == zb] += 1
        a = m.input(x, sa, za)
        b = m.const(y, sb, zb) if constant else m.input(y, sb, zb)
        out = m.tensor(x.shape, "bool") if bool_out else m.tensor(x.shape, dtype, so, zo)
        if options and "Compar" not in options and code != "SQUARED_DIFFERENCE" and not bool_out:
            fields["fusedActivationFunction"] = ACTIVATIONS[activation]
        m.op(code, [a, b], [out], options, 2, **fields)
        return [out]
    return build


for d in ("int8", "uint8", "int16"):
    for code, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
        extra = {} if code == "MUL" else {"potScaleInt16": False}
        CASES[f"{code.lower()}_{d}"] = binary(code, d, options, **extra)
        CASES[f"{code.lower()}_relu6_row_{d}"] = binary(code, d, options, "relu6", (13,), **extra)
        CASES[f"{code.lower()}_constant_{d}"] = binary(code, d, options, "relu", (1, 7, 1), constant=True, **extra)
    if d != "int16":
        for code in ("EQUAL", "LESS", "GREATER_EQUAL"):
            words = "".join(w.title() for w in code.split("_"))
            CASES[f"{code.lower()}_{d}"] = binary(code, d, words + "Options", bool_out=True)
CASES["add_pot_int16"] = binary("ADD", "int16", "AddOptions", scales=(2.0**-13, 2.0**-10, 2.0**-10), potScaleInt16=True)
CASES["div_uint8"] = binary("DIV", "uint8", "DivOptions")
CASES["squared_difference_int8"] = binary("SQUARED_DIFFERENCE", "int8", "SquaredDifferenceOptions", scales=(0.05, 0.021, 0.41))


def bias_of(rng, n, scale, dtype="int32"):
    return rng.integers(-3000, 3000, n).astype(dtype)


def image_product(code, dtype, per_channel, padding="SAME", activation="none", stride=1, dilation=1, channels=16, filters=24, kernel=3, bias="int32", hybrid=False, int4=False, batch=1, groups=1, multiplier=1, size=11):
    """CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV."""
    def build(m, rng):
        zi, zw, zo = zeros(dtype) if not hybrid else (0, 0, 0)
        wide = np.dtype(dtype) == np.uint8
        zw = zw if wide else 0
        depthwise = code == "DEPTHWISE_CONV_2D"
        n = channels * multiplier if depthwise else filters
        low, high = (0, 256) if wide else (-7, 8) if int4 else (-127, 128)
        shape = (1, kernel, kernel, n) if depthwise else (n, kernel, kernel, channels // groups)
        w = rng.integers(low, high, shape).astype("uint8" if wide else "int8")
        sw = rng.uniform(0.001, 0.01, n) if per_channel else [0.0071]
        if int4:
            sw = np.multiply(sw, 16)
        si, so = (1e-4, 0.0002) if dtype == "int16" else (0.0234, 0.61)
        if depthwise:
            so /= 3
        axis = 3 if depthwise else 0
        if hybrid:
            t = m.input(rng.normal(size=(batch, size, size, channels)).astype("float32"))
            b = m.const(rng.normal(size=n).astype("float32"))
        else:
            t = m.input(whole(rng, (batch, size, size, channels), dtype), si, zi)
            b = m.const(bias_of(rng, n, 1, bias), np.multiply(si, sw))
        if int4:
            flat = w.reshape(-1).astype("uint8") & 15
            flat = np.append(flat, np.zeros(flat.size % 2, "uint8"))
            weights = m.tensor(w.shape, None, sw, 0, axis, (flat[::2] | flat[1::2] << 4).astype("uint8"), type="INT4")
        else:
            weights = m.const(w, sw, zw, axis)
        extent = (kernel - 1) * dilation + 1
        out = -(-size // stride) if padding == "SAME" else (size - extent) // stride + 1
        fields = {"quantizedBiasType": schema.TensorType.INT32} if dtype == "int16" and bias == "int32" else {}
        fields |= dict(padding={"SAME": 0, "VALID": 1}[padding], strideW=stride, strideH=stride, fusedActivationFunction=ACTIVATIONS[activation])
        y_shape = (batch, out, out, n)
        if code == "TRANSPOSE_CONV":
            out = size * stride if padding == "SAME" else (size - 1) * stride + kernel
            y_shape = (batch, out, out, n)
        y = m.tensor(y_shape, "float32") if hybrid else m.tensor(y_shape, dtype, so, zo)
        if code == "TRANSPOSE_CONV":
            m.op(code, [m.const(np.int32(y_shape)), weights, t, b], [y], "TransposeConvOptions", 4, **fields)
        elif depthwise:
            m.op(code, [t, weights, b], [y], "DepthwiseConv2DOptions", 3, depthMultiplier=multiplier, dilationWFactor=dilation, dilationHFactor=dilation, **fields)
        else:
            m.op(code, [t, weights, b], [y], "Conv2DOptions", 3, dilationWFactor=dilation, dilationHFactor=dilation, **fields)
        return [y]
    return build


CONV, DEPTHWISE, TRANSPOSED = "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"
for prefix, code in (("conv", CONV), ("depthwise", DEPTHWISE)):
    CASES[f"{prefix}_int8"] = image_product(code, "int8", True)
    CASES[f"{prefix}_one_scale_int8"] = image_product(code, "int8", False, "VALID", "relu6")
    CASES[f"{prefix}_stride_int8"] = image_product(code, "int8", True, stride=2, activation="relu", size=12)
    CASES[f"{prefix}_dilation_int8"] = image_product(code, "int8", True, dilation=2)
    CASES[f"{prefix}_uint8"] = image_product(code, "uint8", False, activation="relu")
    CASES[f"{prefix}_int16"] = image_product(code, "int16", True, bias="int64")
    CASES[f"{prefix}_hybrid_int8"] = image_product(code, "int8", True, hybrid=True, batch=2)
    CASES[f"{prefix}_int4"] = image_product(code, "int8", True, int4=True)
CASES["conv_1x1_int8"] = image_product(CONV, "int8", True, kernel=1, size=17, channels=40)
CASES["conv_groups_int8"] = image_product(CONV, "int8", True, groups=4)
CASES["conv_bias32_int16"] = image_product(CONV, "int16", True, bias="int32")
CASES["conv_hybrid_one_scale_int8"] = image_product(CONV, "int8", False, hybrid=True, batch=2, activation="relu")
CASES["depthwise_multiplier_int8"] = image_product(DEPTHWISE, "int8", True, multiplier=2)
CASES["depthwise_multiplier_uint8"] = image_product(DEPTHWISE, "uint8", False, multiplier=2, channels=3)
for pad in ("SAME", "VALID"):
    CASES[f"transpose_conv_{pad.lower()}_int8"] = image_product(TRANSPOSED, "int8", True, pad, stride=2, size=7)
CASES["transpose_conv_uint8"] = image_product(TRANSPOSED, "uint8", False, stride=2, size=7)
CASES["transpose_conv_int16"] = image_product(TRANSPOSED, "int16", True, stride=2, size=7, bias="int64")


def dense(dtype, per_channel=False, activation="none", bias="int32", hybrid=False, asymmetric=False, int4=False, keep=False, rows=37, depth=64, units=32):
    def build(m, rng):
        zi, zw, zo = zeros(dtype)
        wide = np.dtype(dtype) == np.uint8
        low, high = (0, 256) if wide else (-7, 8) if int4 else (-127, 128)
        w = rng.integers(low, high, (units, depth)).astype("uint8" if wide else "int8")
        sw = rng.uniform(0.001, 0.01, units) if per_channel else [0.0071]
        if int4:
            sw = np.multiply(sw, 16)
        si, so = (1e-4, 0.0002) if dtype == "int16" else (0.0234, 0.51)
        shape = (3, rows, depth) if keep else (rows, depth)
        if hybrid:
            x = (rng.normal(size=shape) * np.exp(rng.normal(size=shape[:-1]))[..., None]).astype("float32")
            x[..., 1, :] = 0
            t, b = m.input(x), m.const(rng.normal(size=units).astype("float32"))
        else:
            t, b = m.input(whole(rng, shape, dtype), si, zi), m.const(bias_of(rng, units, 1, bias), np.multiply(si, sw))
        if int4:
            flat = w.reshape(-1).astype("uint8") & 15
            weights = m.tensor(w.shape, None, sw, 0, 0, (flat[::2] | flat[1::2] << 4).astype("uint8"), type="INT4")
        else:
            weights = m.const(w, sw, zw if wide else 0, 0)
        y = m.tensor(shape[:-1] + (units,), "float32") if hybrid else m.tensor(shape[:-1] + (units,), dtype, so, zo)
        m.op("FULLY_CONNECTED", [t, weights, b], [y], "FullyConnectedOptions", 9, fusedActivationFunction=ACTIVATIONS[activation], keepNumDims=keep, asymmetricQuantizeInputs=asymmetric)
        return [y]
    return build


CASES["dense_int8"] = dense("int8")
CASES["dense_per_channel_int8"] = dense("int8", True, "relu")
CASES["dense_uint8"] = dense("uint8", activation="relu6")
CASES["dense_int16"] = dense("int16", bias="int64")
CASES["dense_per_channel_int16"] = dense("int16", True, bias="int64")
CASES["dense_keep_int8"] = dense("int8", keep=True)
CASES["dense_one_row_int8"] = dense("int8", rows=1)
CASES["dense_int4"] = dense("int8", True, int4=True)
CASES["dense_hybrid"] = dense("int8", hybrid=True)
CASES["dense_hybrid_asymmetric"] = dense("int8", hybrid=True, asymmetric=True)
CASES["dense_hybrid_per_channel"] = dense("int8", True, "relu", hybrid=True)
CASES["dense_hybrid_int4"] = dense("int8", True, hybrid=True, int4=True)


@case
def dense_blocks_int4(m, rng):
    """A scale for each 32 weights along the depth."""
    x, w = m.input(rng.normal(size=(3, 64)).astype("float32")), rng.integers(-7, 8, (8, 64)).astype("uint8") & 15
    weights = m.tensor(w.shape, None, data=w.reshape(-1)[::2] | w.reshape(-1)[1::2] << 4, type="INT4")
    blocks = schema.BlockwiseQuantizationT()
    blocks.scales, blocks.zeroPoints, blocks.blockSize = m.tensor((8, 2), None, data=rng.uniform(0.01, 0.1, (8, 2)).astype("float16"), type="FLOAT16"), -1, 32
    q = m.graph.tensors[weights].quantization = schema.QuantizationParametersT()
    q.detailsType, q.details = schema.QuantizationDetails.BlockwiseQuantization, blocks
    y = m.tensor((3, 8), "float32")
    m.op("FULLY_CONNECTED", [x, weights, -1], [y], "FullyConnectedOptions", 12)
    return [y]


def matmul(dtype, adj_x=False, adj_y=False, hybrid=False, asymmetric=False):
    def build(m, rng):
        zi, zw, zo = zeros(dtype)
        a, b = ((5, 9, 32), (5, 32, 11)) if hybrid else ((2, 5, 9, 32), (2, 5, 32, 11))
        x = whole(rng, a[:-2] + (a[-1], a[-2]) if adj_x else a, dtype)
        y = whole(rng, b[:-2] + (b[-1], b[-2]) if adj_y else b, dtype)
        si, so = (1e-3, 0.03) if dtype == "int16" else (0.0234, 0.51)
        if hybrid:
            p, q = m.input(rng.normal(size=x.shape).astype("float32")), m.const(y, 0.0071, 0)
        else:
            p, q = m.input(x, si, zi), m.input(y, 0.001 if dtype == "int16" else 0.0071, zw)
        out = m.tensor(a[:-1] + b[-1:], "float32") if hybrid else m.tensor(a[:-1] + b[-1:], dtype, so, zo)
        m.op("BATCH_MATMUL", [p, q], [out], "BatchMatMulOptions", 4, adjX=adj_x, adjY=adj_y, asymmetricQuantizeInputs=asymmetric)
        return [out]
    return build


CASES["matmul_int8"] = matmul("int8")
CASES["matmul_adjoint_int8"] = matmul("int8", True, True)
CASES["matmul_int16"] = matmul("int16")
CASES["matmul_hybrid"] = matmul("int8", hybrid=True)
CASES["matmul_hybrid_asymmetric"] = matmul("int8", adj_y=True, hybrid=True, asymmetric=True)


def pool(code, dtype, padding, activation="none", kernel=(3, 2), stride=(2, 1)):
    def build(m, rng):
        z = zeros(dtype)[0]
        s = 0.0005 if dtype == "int16" else 0.047
        x = whole(rng, (2, 9, 8, 17), dtype)
        t = m.input(x, s, z)
        out = [-(-n // k) if padding == "SAME" else (n - f) // k + 1 for n, f, k in zip((9, 8), kernel, stride)]
        y = m.tensor((2, *out, 17), dtype, s, z)
        m.op(code, [t], [y], "Pool2DOptions", 2, padding={"SAME": 0, "VALID": 1}[padding], strideH=stride[0], strideW=stride[1], filterHeight=kernel[0], filterWidth=kernel[1], fusedActivationFunction=ACTIVATIONS[activation])
        return [y]
    return build


for d in ("int8", "uint8", "int16"):
    CASES[f"average_pool_valid_{d}"] = pool("AVERAGE_POOL_2D", d, "VALID")
    CASES[f"average_pool_same_{d}"] = pool("AVERAGE_POOL_2D", d, "SAME", "relu")
    CASES[f"max_pool_{d}"] = pool("MAX_POOL_2D", d, "SAME", "relu6")


for name in ("conv_int8", "conv_stride_int8", "depthwise_dilation_int8", "conv_hybrid_int8", "average_pool_same_int8", "average_pool_valid_uint8", "max_pool_int8"):
    CASES[f"{name}_dynamic"] = opened(CASES[name])


def reduction(code, dtype, axes, keep, scales=(0.047, 0.011)):
    def build(m, rng):
        zi, _, zo = zeros(dtype)
        shape = (3, 7, 5, 33)
        t = m.input(whole(rng, shape, dtype), scales[0], zi)
        out = [1 if i in axes else d for i, d in enumerate(shape)] if keep else [d for i, d in enumerate(shape) if i not in axes]
        y = m.tensor(out, dtype, scales[1], zo)
        m.op(code, [t, m.const(np.int32(axes))], [y], "ReducerOptions", 2, keepDims=keep)
        return [y]
    return build


for d in ("int8", "uint8", "int16"):
    CASES[f"mean_image_{d}"] = reduction("MEAN", d, [1, 2], True)
    CASES[f"mean_image_flat_{d}"] = reduction("MEAN", d, [1, 2], False)
    CASES[f"mean_last_{d}"] = reduction("MEAN", d, [3], True)
    CASES[f"sum_{d}"] = reduction("SUM", d, [2], False, (0.047, 0.2))


@case
def softmax_int8(m, rng, dtype="int8", beta=1.0, scale=0.11):
    x = whole(rng, (40, 11), dtype)
    y = m.tensor(x.shape, dtype, 1 / 256, {"int8": -128, "uint8": 0}[dtype])
    m.op("SOFTMAX", [m.input(x, scale, 7)], [y], "SoftmaxOptions", 2, beta=beta)
    return [y]


@case
def softmax_uint8(m, rng):
    return softmax_int8(m, rng, "uint8", 0.7, 0.05)


@case
def softmax_int16(m, rng):
    x = whole(rng, (40, 11), "int16")
    y = m.tensor(x.shape, "int16", 1 / 32768)
    m.op("SOFTMAX", [m.input(x, 0.0003)], [y], "SoftmaxOptions", 3, beta=1.0)
    return [y]


@case
def log_softmax_int8(m, rng):
    x = whole(rng, (40, 11), "int8")
    y = m.tensor(x.shape, "int8", 16 / 256, 127)
    m.op("LOG_SOFTMAX", [m.input(x, 0.11, 7)], [y], "LogSoftmaxOptions", 2)
    return [y]


def quantize(source, target, si, so, zi=None, zo=None):
    def build(m, rng):
        a = zeros(source)[0] if zi is None and source in ("int8", "uint8", "int16") else (zi or 0)
        b = zeros(target)[2] if zo is None and target in ("int8", "uint8", "int16") else (zo or 0)
        x = (rng.normal(size=1000) * 5).astype("float32") if source == "float32" else whole(rng, 1000, source)
        if source == "float32":
            x[:64] = (np.arange(64) - 32 + 0.5) * so
        t = m.input(x) if source == "float32" else m.input(x, si, a)
        y = m.tensor(x.shape, target, so, b)
        m.op("QUANTIZE", [t], [y], "QuantizeOptions", 3)
        return [y]
    return build


for source, target in (("float32", "int8"), ("float32", "uint8"), ("float32", "int16"), ("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"), ("int16", "int8"), ("int8", "int16"), ("int16", "int16"), ("int16", "int32"), ("int32", "int8"), ("int32", "int16")):
    CASES[f"quantize_{source}_{target}"] = quantize(source, target, {"int16": 0.0005, "int32": 1e-9}.get(source, 0.05), {"int16": 0.0007, "int32": 3e-5}.get(target, 0.043))


@case
def dequantize_int8(m, rng, dtype="int8"):
    x = whole(rng, 300, dtype)
    y = m.tensor(x.shape, "float32")
    m.op("DEQUANTIZE", [m.input(x, 0.0371, zeros(dtype)[0])], [y], "DequantizeOptions", 2)
    return [y]


@case
def dequantize_int16(m, rng):
    return dequantize_int8(m, rng, "int16")


@case
def fake_quant(m, rng):
    x = (rng.normal(size=500) * 4).astype("float32")
    y = m.tensor(x.shape, "float32")
    m.op("FAKE_QUANT", [m.input(x)], [y], "FakeQuantOptions", min=-5.3, max=6.1, numBits=8)
    return [y]


@case
def concatenation_uint8(m, rng):
    parts = [m.input(whole(rng, (3, n), "uint8"), s, z) for n, s, z in ((5, 0.05, 103), (4, 0.031, 20), (6, 0.043, 77))]
    y = m.tensor((3, 15), "uint8", 0.043, 77)
    m.op("CONCATENATION", parts, [y], "ConcatenationOptions", axis=1)
    return [y]


@case
def pad_int8(m, rng):
    x = whole(rng, (2, 3, 4), "int8")
    y = m.tensor((4, 4, 7), "int8", 0.05, -9)
    m.op("PAD", [m.input(x, 0.05, -9), m.const(np.int32([[1, 1], [0, 1], [3, 0]]))], [y], "PadOptions")
    return [y]


@case
def prelu_int8(m, rng, dtype="int8"):
    zi, za, zo = zeros(dtype)
    x = whole(rng, (2, 6, 5, 9), dtype)
    y = m.tensor(x.shape, dtype, 0.043, zo)
    m.op("PRELU", [m.input(x, 0.05, zi), m.const(whole(rng, (1, 1, 9), dtype), 0.007, za)], [y])
    return [y]


@case
def prelu_uint8(m, rng):
    return prelu_int8(m, rng, "uint8")


@case
def l2_normalization_int8(m, rng):
    x = whole(rng, (20, 16), "int8")
    y = m.tensor(x.shape, "int8", 1 / 128, 0)
    m.op("L2_NORMALIZATION", [m.input(x, 0.05, 3)], [y], "L2NormOptions", 2)
    return [y]


CASES["mean_image_int8_dynamic"] = opened(CASES["mean_image_int8"])


def resize(dtype, corners, half):
    def build(m, rng):
        z = zeros(dtype)[0]
        x = whole(rng, (2, 7, 9, 5), dtype)
        y = m.tensor((2, 20, 13, 5), dtype, 0.05, z)
        m.op("RESIZE_BILINEAR", [m.input(x, 0.05, z), m.const(np.int32([20, 13]))], [y], "ResizeBilinearOptions", 4, alignCorners=corners, halfPixelCenters=half)
        return [y]
    return build


for d in ("int8", "uint8", "int16"):
    CASES[f"resize_bilinear_{d}"] = resize(d, False, False)
    CASES[f"resize_bilinear_corners_{d}"] = resize(d, True, False)
    CASES[f"resize_bilinear_half_{d}"] = resize(d, False, True)


CASES["resize_bilinear_int8_dynamic"] = opened(CASES["resize_bilinear_int8"])


@case
def embedding_lookup_int8(m, rng):
    y = m.tensor((4, 6), "float32")
    m.op("EMBEDDING_LOOKUP", [m.input(np.int32([3, 0, 9, 3])), m.const(whole(rng, (10, 6), "int8"), 0.031)], [y], version=3)
    return [y]


def make(name):
    m = Model()
    data = m.finish(CASES[name](m, rng_of(name)))
    runs = getattr(CASES[name], "runs", 1)
    values = reference(data, m, runs)
    return {f"{name}/{k}": v for k, v in values.items()} | {f"{name}/model": np.frombuffer(data, np.uint8), f"{name}/runs": np.int64(runs)}


def main():
    entries = {}
    for name in sorted(CASES):
        entries.update(make(name))
    np.savez_compressed(FILE, **entries)


if __name__ == "__main__":
    main()
