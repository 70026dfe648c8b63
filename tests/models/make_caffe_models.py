# SPDX-License-Identifier: Apache-2.0
"""Makes the small Caffe models of the tests in caffe/: NAME.prototxt, NAME.caffemodel and NAME.npz with entries in:BLOB and out:BLOB.

The references are plain numpy, written from what Caffe's layers compute and independent of the lowerings. Needs numpy and protoc
(Debian: protobuf-compiler). The results are in the repository; run this only to change them.
"""
import pathlib
import struct
import subprocess

import numpy as np

from caffe_layers import *  # noqa: F403 - the reference of each layer

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "caffe"
SCHEMA = HERE.parents[1] / "plugins" / "frontend-caffe" / "schema"
F = np.float32


# ---- the wire format, as much as blobs need
def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def chunk(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(field, value):
    return varint(field << 3) + varint(value)


def blob(a, form="new"):
    a = np.asarray(a)
    flat = a.astype("<f4").tobytes()
    shape = chunk(7, chunk(1, b"".join(varint(d) for d in a.shape)))
    if form == "new":
        return shape + chunk(5, flat)
    if form == "legacy":
        dims = (1,) * (4 - a.ndim) + a.shape
        return b"".join(number(k + 1, d) for k, d in enumerate(dims)) + chunk(5, flat)
    if form == "unpacked":
        return shape + b"".join(varint(5 << 3 | 5) + flat[i:i + 4] for i in range(0, len(flat), 4))
    if form == "double":
        return shape + chunk(8, a.astype("<f8").tobytes())
    if form == "half":
        return shape + number(10, 2) + chunk(12, a.astype("<f2").tobytes())
    raise ValueError(form)


def caffemodel(layers, version=2, form="new"):
    """layers: name -> list of arrays."""
    out = b""
    for name, blobs in layers.items():
        text = name.encode()
        if version == 2:
            out += chunk(100, chunk(1, text) + b"".join(chunk(7, blob(b, form)) for b in blobs))
        elif version == 1:
            out += chunk(2, chunk(4, text) + b"".join(chunk(6, blob(b, form)) for b in blobs))
        else:
            out += chunk(2, chunk(1, chunk(1, text) + chunk(2, b"conv") + b"".join(chunk(50, blob(b, form)) for b in blobs)))
    return out


def layer(kind, bottoms, tops, params="", name="l", extra=""):
    b = " ".join(f'bottom: "{x}"' for x in bottoms)
    t = " ".join(f'top: "{x}"' for x in tops)
    return f'layer {{ name: "{name}" type: "{kind}" {b} {t} {params} {extra} }}\n'


def source(name, shape):
    dims = " ".join(f"dim: {d}" for d in shape)
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'


def save(name, text, inputs, outputs, weights=None, **how):
    (OUT / f"{name}.prototxt").write_text(text)
    if weights is not None:
        data = weights if isinstance(weights, bytes) else caffemodel(weights, **how)
        (OUT / f"{name}.caffemodel").write_bytes(data)
    entries = {f"in:{k}": np.asarray(v, F) for k, v in inputs.items()}
    entries.update({f"out:{k}": np.asarray(v, F) for k, v in outputs.items()})
    np.savez(OUT / f"{name}.npz", **entries)


def case(name, kind, inputs, outputs, params="", blobs=None, **how):
    """One layer. inputs: list of arrays; outputs: list of arrays."""
    ins = {f"x{k}": a for k, a in enumerate(inputs)}
    outs = {f"y{k}": a for k, a in enumerate(outputs)}
    text = "".join(source(k, a.shape) for k, a in ins.items()) + layer(kind, ins, outs, params)
    save(name, text, ins, outs, {"l": blobs} if blobs is not None else None, **how)


R = np.random.default_rng(11)


def rand(*shape, scale=1.0):
    return (R.standard_normal(shape) * scale).astype(F)


def activations():
    x = rand(2, 3, 4, 5)
    case("absval", "AbsVal", [x], [np.abs(x)])
    case("bnll", "BNLL", [x * 20], [np.where(x > 0, x * 20 + np.log1p(np.exp(-np.abs(x) * 20)), np.log1p(np.exp(-np.abs(x) * 20)))])
    case("sigmoid", "Sigmoid", [x], [sigmoid(x)])
    case("tanh", "TanH", [x], [np.tanh(x)])
    case("relu", "ReLU", [x], [np.maximum(x, 0)])
    case("relu_slope", "ReLU", [x], [np.where(x > 0, x, F(0.3) * x)], "relu_param { negative_slope: 0.3 engine: CAFFE }")
    case("relu6", "ReLU6", [x * 5], [np.clip(x * 5, 0, 6)])
    case("clip", "Clip", [x], [np.clip(x, F(-0.4), F(0.9))], "clip_param { min: -0.4 max: 0.9 }")
    case("elu", "ELU", [x], [np.where(x > 0, x, F(0.7) * np.expm1(x))], "elu_param { alpha: 0.7 }")
    case("swish", "Swish", [x], [x * sigmoid(F(1.5) * x)], "swish_param { beta: 1.5 }")
    slope = rand(3)
    case("prelu", "PReLU", [x], [np.where(x > 0, x, x * slope[None, :, None, None])], blobs=[slope])
    case("prelu_shared", "PReLU", [x], [np.where(x > 0, x, x * F(0.2))], "prelu_param { channel_shared: true }", blobs=[np.array([0.2])])
    case("prelu_matrix", "PReLU", [x[:, :, 0, 0]], [np.where(x[:, :, 0, 0] > 0, x[:, :, 0, 0], x[:, :, 0, 0] * slope)], blobs=[slope])
    case("prelu_filler", "PReLU", [x], [np.where(x > 0, x, x * F(0.1))], 'prelu_param { filler { type: "constant" value: 0.1 } }')
    t = x.copy()
    t[0, 0, 0, :2] = F(0.5)
    case("threshold", "Threshold", [t], [(t > F(0.5)).astype(F)], "threshold_param { threshold: 0.5 }")
    case("power", "Power", [x], [(F(2) + F(0.3) * x) ** 3], "power_param { power: 3 scale: 0.3 shift: 2 }")
    case("power_root", "Power", [np.abs(x)], [np.sqrt(np.abs(x) + 1)], "power_param { power: 0.5 shift: 1 }")
    case("power_negative", "Power", [np.abs(x) + 1], [(np.abs(x) + 1.0) ** -1.5], "power_param { power: -1.5 }")
    case("power_none", "Power", [x], [x])
    case("power_constant", "Power", [x], [np.full_like(x, 2.0 ** 1.5)], "power_param { power: 1.5 scale: 0 shift: 2 }")
    case("power_zero", "Power", [x], [np.ones_like(x)], "power_param { power: 0 shift: -3 }")
    case("exp", "Exp", [x], [np.exp(0.5 * x + 0.25)], "exp_param { scale: 0.5 shift: 0.25 }")
    case("exp_base", "Exp", [x], [2.0 ** (3 * x - 1)], "exp_param { base: 2 scale: 3 shift: -1 }")
    case("log", "Log", [np.abs(x)], [np.log(2 * np.abs(x) + 1)], "log_param { scale: 2 shift: 1 }")
    case("log_base", "Log", [np.abs(x) + F(0.1)], [np.log10(np.abs(x) + 0.1)], "log_param { base: 10 }")
    case("dropout", "Dropout", [x], [x], "dropout_param { dropout_ratio: 0.4 }")
    case("dropout_scale", "Dropout", [x], [x * F(0.6)], "dropout_param { dropout_ratio: 0.4 scale_train: false }")
    case("split", "Split", [x], [x, x])


def elementwise():
    a, b, c = rand(2, 3, 4), rand(2, 3, 4), rand(2, 3, 4)
    case("eltwise_sum", "Eltwise", [a, b, c], [a + b + c])
    case("eltwise_coeff", "Eltwise", [a, b, c], [2 * a - b + F(0.5) * c], "eltwise_param { operation: SUM coeff: [2, -1, 0.5] }")
    case("eltwise_prod", "Eltwise", [a, b, c], [a * b * c], "eltwise_param { operation: PROD stable_prod_grad: false }")
    case("eltwise_max", "Eltwise", [a, b, c], [np.maximum(np.maximum(a, b), c)], "eltwise_param { operation: MAX }")
    x, s, t = rand(2, 3, 4, 5), rand(3), rand(3)
    case("scale", "Scale", [x], [x * s[:, None, None] + t[:, None, None]], "scale_param { bias_term: true }", blobs=[s, t])
    s2, t2 = rand(3, 4), rand(3, 4)
    case("scale_axes", "Scale", [x], [x * s2[..., None] + t2[..., None]], "scale_param { axis: 1 num_axes: 2 bias_term: true }", blobs=[s2, t2])
    s3 = rand(4, 5)
    case("scale_rest", "Scale", [x], [x * s3], "scale_param { axis: -2 num_axes: -1 }", blobs=[s3])
    case("scale_scalar", "Scale", [x], [x * F(1.7)], "scale_param { num_axes: 0 }", blobs=[np.array(1.7)])
    f = rand(2, 3)
    case("scale_two", "Scale", [x, f], [x * f[:, :, None, None]], "scale_param { axis: 0 }")
    case("scale_two_bias", "Scale", [x, s2], [x * s2[..., None] + t2[..., None]], "scale_param { bias_term: true }", blobs=[t2])
    case("bias", "Bias", [x], [x + t[:, None, None]], blobs=[t])
    case("bias_two", "Bias", [x, s3], [x + s3], "bias_param { axis: 2 }")
    g, y = rand(2, 3), rand(2, 3, 4, 5)
    case("axpy", "Axpy", [g.reshape(2, 3, 1, 1), x, y], [g[:, :, None, None] * x + y])


def convolutions():
    x = rand(2, 4, 7, 9)
    w, b = rand(6, 4, 3, 3, scale=0.3), rand(6)
    conv = "convolution_param { num_output: 6 kernel_size: 3 "
    case("conv", "Convolution", [x], [convolution(x, w, b)], conv + "}", blobs=[w, b])
    case("conv_legacy", "Convolution", [x], [convolution(x, w, b)], conv + "}", blobs=[w, b], form="legacy")
    case("conv_unpacked", "Convolution", [x], [convolution(x, w, b)], conv + "}", blobs=[w, b], form="unpacked")
    case("conv_double", "Convolution", [x], [convolution(x, w, b)], conv + "}", blobs=[w, b], form="double")
    wh, bh = w.astype(np.float16), b.astype(np.float16)
    case("conv_half", "Convolution", [x], [convolution(x, wh.astype(F), bh.astype(F))], conv + "}", blobs=[wh, bh], form="half")
    case("conv_floor", "Convolution", [x], [convolution(x, w, b, (2, 2), (1, 1))], conv + "stride: 2 pad: 1 }", blobs=[w, b])
    w2 = rand(6, 4, 2, 3, scale=0.3)
    case("conv_sides", "Convolution", [x], [convolution(x, w2, 0, (1, 2), (1, 0))],
         "convolution_param { num_output: 6 kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2 pad_h: 1 pad_w: 0 bias_term: false }", blobs=[w2])
    case("conv_dilated", "Convolution", [x], [convolution(x, w, b, (1, 1), (2, 2), (2, 2))], conv + "pad: 2 dilation: 2 }", blobs=[w, b])
    wg = rand(6, 2, 3, 3, scale=0.3)
    case("conv_group", "Convolution", [x], [convolution(x, wg, b, group=2)], conv + "group: 2 }", blobs=[wg, b])
    case("conv_two", "Convolution", [x, x[:, :, ::-1].copy()], [convolution(x, w, b), convolution(x[:, :, ::-1], w, b)], conv + "}", blobs=[w, b])
    v, wv = rand(1, 2, 5, 6, 4), rand(3, 2, 3, 2, 1, scale=0.4)
    case("conv_3d", "Convolution", [v], [convolution(v, wv, b[:3], (1, 2, 1), (1, 0, 0))],
         "convolution_param { num_output: 3 kernel_size: [3, 2, 1] stride: [1, 2, 1] pad: [1, 0, 0] }", blobs=[wv, b[:3]])
    s, ws = rand(2, 3, 8), rand(4, 3, 3)
    case("conv_1d", "Convolution", [s], [convolution(s, ws, b[:4])], "convolution_param { num_output: 4 kernel_size: 3 }", blobs=[ws, b[:4]])
    a, wa = rand(2, 3, 4, 6, 5), rand(2, 4, 3, 3)
    case("conv_axis", "Convolution", [a], [np.stack([convolution(a[i], wa, b[:2]) for i in range(2)])],
         "convolution_param { num_output: 2 kernel_size: 3 axis: 2 }", blobs=[wa, b[:2]])
    wd = rand(4, 6, 4, 4, scale=0.3)
    case("deconv", "Deconvolution", [x], [deconvolution(x, wd, b, (2, 2), (1, 1))], "convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 }", blobs=[wd, b])
    wdg = rand(4, 3, 3, 3, scale=0.3)
    case("deconv_group", "Deconvolution", [x], [deconvolution(x, wdg, 0, (2, 2), (0, 0), (2, 2), 2)],
         "convolution_param { num_output: 6 kernel_size: 3 stride: 2 dilation: 2 group: 2 bias_term: false }", blobs=[wdg])
    bil = np.tile(bilinear(4), (4, 1, 1, 1))
    case("deconv_bilinear", "Deconvolution", [x], [deconvolution(x, bil, 0, (2, 2), (1, 1), (1, 1), 4)],
         'convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 4 bias_term: false weight_filler { type: "bilinear" } }')
    wp = rand(4, 1, 3, 3)
    for kind in ("DepthwiseConvolution", "ConvolutionDepthwise", "DepthwiseConv"):
        case(kind.lower(), kind, [x], [convolution(x, wp, b[:4], (1, 1), (1, 1), group=4)], "convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 4 }", blobs=[wp, b[:4]])
    wc = rand(3, 2, 3, 2, 2)
    case("convolution3d", "Convolution3D", [v], [convolution(v, wc, b[:3], (1, 2, 2), (1, 1, 1))],
         "convolution3d_param { num_output: 3 kernel_size: 2 kernel_depth: 3 stride: 2 temporal_stride: 1 pad: 1 temporal_pad: 1 }", blobs=[wc, b[:3]])
    case("im2col", "Im2col", [x], [im2col(x, (3, 3), (2, 2), (1, 1))], "convolution_param { kernel_size: 3 stride: 2 pad: 1 }")


def pools():
    x = rand(2, 3, 7, 8)
    P = "pooling_param { pool: %s kernel_size: %d stride: %d pad: %d }"
    for method in ("MAX", "AVE"):
        for k, s, p in ((2, 2, 0), (3, 2, 0), (3, 2, 1), (2, 2, 1), (3, 1, 1), (5, 3, 2), (3, 3, 2)):
            case(f"pool_{method.lower()}_{k}{s}{p}", "Pooling", [x], [pooling(x, method, (k, k), (s, s), (p, p))[0]], P % (method, k, s, p))
        case(f"pool_{method.lower()}_global", "Pooling", [x], [pooling(x, method, (7, 8), (1, 1), (0, 0))[0]], f"pooling_param {{ pool: {method} global_pooling: true }}")
        case(f"pool_{method.lower()}_floor", "Pooling", [x], [pooling(x, method, (2, 2), (2, 2), (1, 1), up=False)[0]],
             f"pooling_param {{ pool: {method} kernel_size: 2 stride: 2 pad: 1 round_mode: FLOOR }}")
    case("pool_sides", "Pooling", [x], [pooling(x, "MAX", (3, 2), (2, 1), (1, 0))[0]],
         "pooling_param { kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0 }")
    case("pool_mask", "Pooling", [x], list(pooling(x, "MAX", (3, 3), (2, 2), (1, 1))), P % ("MAX", 3, 2, 1))
    small = rand(1, 2, 3, 2)
    for method in ("MAX", "AVE"):
        case(f"pool_{method.lower()}_small", "Pooling", [small], [pooling(small, method, (4, 3), (2, 2), (0, 0))[0]], f"pooling_param {{ pool: {method} kernel_h: 4 kernel_w: 3 stride: 2 }}")
    y = rand(1, 2, 6, 7)
    case("pool_gap", "Pooling", [y], [pooling(y, "MAX", (1, 1), (2, 2), (0, 0))[0]], P % ("MAX", 1, 2, 0))
    v = rand(1, 2, 5, 6, 7)
    case("pooling3d", "Pooling3D", [v], [pooling(v, "MAX", (3, 2, 2), (2, 2, 2), (0, 0, 0))[0]],
         "pooling3d_param { pool: MAX kernel_size: 2 kernel_depth: 3 stride: 2 temporal_stride: 2 }")
    case("pooling3d_ave", "Pooling3D", [v], [pooling(v, "AVE", (3, 2, 2), (2, 2, 2), (1, 1, 1))[0]],
         "pooling3d_param { pool: AVE kernel_size: 2 kernel_depth: 3 stride: 2 temporal_stride: 2 pad: 1 temporal_pad: 1 }")
    for method in ("MAX", "AVE"):
        case(f"spp_{method.lower()}", "SPP", [x], [spp(x, 3, method)], f"spp_param {{ pyramid_height: 3 pool: {method} }}")
    case("spp_one", "SPP", [x], [x.max((2, 3), keepdims=True)], "spp_param { pyramid_height: 1 }")
    pooled, mask = pooling(y, "MAX", (2, 2), (2, 2), (0, 0))
    case("upsample_mask", "Upsample", [pooled, mask % (6 * 8)], [unpool(pooled, mask % (6 * 8), 6, 8)], "upsample_param { scale: 2 }")
    case("upsample_mask_size", "Upsample", [pooled, mask], [unpool(pooled, mask, 6, 7)], "upsample_param { scale: 2 upsample_h: 6 upsample_w: 7 }")
    case("upsample", "Upsample", [y], [y.repeat(3, 2).repeat(3, 3)], "upsample_param { scale: 3 }")
    z = rand(1, 2, 6, 8)
    pooled, mask = pooling(z, "MAX", (2, 2), (2, 2), (0, 0))
    case("max_unpool", "MaxUnpool", [pooled, mask], [unpool(pooled, mask, 6, 8)], "pooling_param { kernel_size: 2 stride: 2 }")


def linear():
    x, w, b = rand(2, 3, 4, 5), rand(7, 60, scale=0.2), rand(7)
    ip = "inner_product_param { num_output: 7 "
    case("inner_product", "InnerProduct", [x], [x.reshape(2, 60) @ w.T + b], ip + "}", blobs=[w, b])
    case("inner_product_legacy", "InnerProduct", [x], [x.reshape(2, 60) @ w.T + b], ip + "}", blobs=[w, b], form="legacy")
    case("inner_product_transposed", "InnerProduct", [x], [x.reshape(2, 60) @ w.T], ip + "transpose: true bias_term: false }", blobs=[np.ascontiguousarray(w.T)])
    w2 = rand(7, 20)
    case("inner_product_axis", "InnerProduct", [x], [x.reshape(2, 3, 20) @ w2.T + b], ip + "axis: -2 }", blobs=[w2, b])
    w0 = rand(7, 120, scale=0.2)
    case("inner_product_all", "InnerProduct", [x], [w0 @ x.ravel() + b], ip + "axis: 0 }", blobs=[w0, b])
    i, e, eb = np.array([[1, 4, 0], [2, 2, 3]], F), rand(5, 4), rand(4)
    case("embed", "Embed", [i], [e[i.astype(int)] + eb], "embed_param { num_output: 4 input_dim: 5 }", blobs=[e, eb])
    case("embed_plain", "Embed", [i], [e[i.astype(int)]], "embed_param { num_output: 4 input_dim: 5 bias_term: false }", blobs=[e])


def norms():
    x, c = rand(2, 3, 4, 5), (slice(None), None, None)
    m, v = rand(3), np.abs(rand(3)) + F(0.5)
    case("batch_norm", "BatchNorm", [x], [(x - (m / 4)[c]) / np.sqrt((v / 4)[c] + 1e-3)], "batch_norm_param { eps: 1e-3 }", blobs=[m, v, np.array([4.0])])
    case("batch_norm_zero", "BatchNorm", [x], [x / np.sqrt(F(1e-5))], "batch_norm_param { use_global_stats: true }", blobs=[m, v, np.array([0.0])])
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    case("batch_norm_own", "BatchNorm", [x], [(x - mean) / np.sqrt(var + 1e-5)], "batch_norm_param { use_global_stats: false }", blobs=[m, v, np.array([1.0])])
    s, t = rand(3), rand(3)
    case("bn_segnet", "BN", [x], [x * s[c] + t[c]], "bn_param { bn_mode: INFERENCE }", blobs=[s.reshape(1, 3, 1, 1), t.reshape(1, 3, 1, 1)])
    case("bn_four", "BN", [x], [(x - m[c]) / np.sqrt(v[c] + 1e-5) * s[c] + t[c]], blobs=[s, t, m, v])
    case("cudnn_batch_norm", "CuDNNBatchNorm", [x], [(x - m[c]) / np.sqrt(v[c] + 1e-5) * s[c] + t[c]], blobs=[s, t, m, v])
    y = rand(2, 7, 5, 6)
    case("lrn", "LRN", [y], [lrn(y, 5, 0.3, 0.75, 2.0)], "lrn_param { local_size: 5 alpha: 0.3 beta: 0.75 k: 2 }")
    case("lrn_within", "LRN", [y], [lrn_within(y, 3, 0.8, 0.6)], "lrn_param { local_size: 3 alpha: 0.8 beta: 0.6 norm_region: WITHIN_CHANNEL }")
    d = x - x.mean((2, 3), keepdims=True)
    case("mvn", "MVN", [x], [d / (np.sqrt((d * d).mean((2, 3), keepdims=True)) + 0.1)], "mvn_param { eps: 0.1 }")
    case("mvn_mean", "MVN", [x], [d], "mvn_param { normalize_variance: false }")
    d = x - x.mean((1, 2, 3), keepdims=True)
    case("mvn_across", "MVN", [x], [d / (d.std((1, 2, 3), keepdims=True) + 1e-9)], "mvn_param { across_channels: true }")
    norm = lambda axes: np.sqrt((x.astype(float) ** 2).sum(axes, keepdims=True) + 0.5)
    case("normalize", "Normalize", [x], [x / norm((1, 2, 3)) * 3], "norm_param { eps: 0.5 }", blobs=[np.array(3.0)])
    case("normalize_channel", "Normalize", [x], [x / norm(1) * s[c]], "norm_param { across_spatial: false channel_shared: false eps: 0.5 }", blobs=[s])


def shapes():
    x, y = rand(2, 3, 4, 5), rand(2, 2, 4, 5)
    case("concat", "Concat", [x, y], [np.concatenate([x, y], 1)])
    case("concat_axis", "Concat", [x, x], [np.concatenate([x, x], 3)], "concat_param { axis: -1 }")
    case("concat_dim", "Concat", [x, x], [np.concatenate([x, x], 0)], "concat_param { concat_dim: 0 }")
    z = rand(2, 6, 4)
    case("slice", "Slice", [z], [z[:, :2], z[:, 2:4], z[:, 4:]])
    case("slice_points", "Slice", [z], [z[:, :1], z[:, 1:5], z[:, 5:]], "slice_param { slice_point: 1 slice_point: 5 }")
    case("slice_axis", "Slice", [z], [z[..., :3], z[..., 3:]], "slice_param { axis: -1 slice_point: 3 }")
    case("flatten", "Flatten", [x], [x.reshape(2, 60)])
    case("flatten_part", "Flatten", [x], [x.reshape(2, 12, 5)], "flatten_param { axis: 1 end_axis: 2 }")
    case("reshape", "Reshape", [x], [x.reshape(2, 12, 5)], "reshape_param { shape { dim: 0 dim: -1 dim: 5 } }")
    case("reshape_axes", "Reshape", [x], [x.reshape(2, 2, 6, 5)], "reshape_param { axis: 1 num_axes: 2 shape { dim: 2 dim: -1 } }")
    case("reshape_insert", "Reshape", [x], [x.reshape(2, 3, 4, 5, 1)], "reshape_param { axis: -1 shape { dim: 1 } }")
    case("reshape_copy", "Reshape", [x], [x.reshape(2, 3, 4, 5, 1)], "reshape_param { axis: -2 shape { dim: 0 dim: -1 } }")
    r = rand(1, 1, 2, 3)
    case("crop", "Crop", [x, r], [x[:, :, 1:3, 2:5]], "crop_param { offset: 1 offset: 2 }")
    case("crop_axis", "Crop", [x, rand(1, 2, 3, 4)], [x[:, 1:3, 1:4, 1:5]], "crop_param { axis: 1 offset: 1 }")
    case("crop_none", "Crop", [x, r], [x[:, :, :2, :3]])
    case("tile", "Tile", [z], [np.tile(z, (1, 1, 3))], "tile_param { axis: 2 tiles: 3 }")
    case("permute", "Permute", [x], [x.transpose(0, 2, 3, 1)], "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    case("permute_part", "Permute", [x], [x.transpose(1, 0, 2, 3)], "permute_param { order: 1 }")
    case("shuffle_channel", "ShuffleChannel", [z], [z.reshape(2, 3, 2, 4).swapaxes(1, 2).reshape(2, 6, 4)], "shuffle_channel_param { group: 3 }")
    q = rand(1, 8, 4, 6)
    case("reorg", "Reorg", [q], [reorg(q, 2)], "reorg_param { stride: 2 }")
    case("reorg_reverse", "Reorg", [q], [reorg(q, 2, True)], "reorg_param { stride: 2 reverse: true }")
    i = np.array([1, 0, 1], F)
    case("batch_reindex", "BatchReindex", [x, i], [x[i.astype(int)]])
    keep = np.array([1, 0, 1], F).reshape(3, 1, 1, 1)
    f, g = rand(3, 2, 2), rand(3, 4)
    case("filter", "Filter", [f, g, keep], [f[[0, 2]], g[[0, 2]]])


def reductions():
    x = rand(2, 3, 4)
    case("reduction_sum", "Reduction", [x], [x.sum()])
    case("reduction_asum", "Reduction", [x], [np.abs(x).sum(2) * F(0.5)], "reduction_param { operation: ASUM axis: 2 coeff: 0.5 }")
    case("reduction_sumsq", "Reduction", [x], [(x * x).sum((1, 2))], "reduction_param { operation: SUMSQ axis: 1 }")
    case("reduction_mean", "Reduction", [x], [x.mean(2) * 3], "reduction_param { operation: MEAN axis: -1 coeff: 3 }")
    case("softmax", "Softmax", [x], [softmax(x, 1)])
    case("softmax_axis", "Softmax", [x], [softmax(x, 2)], "softmax_param { axis: -1 }")
    t = np.round(rand(2, 3, 2, 2) * 2)  # with equal elements
    for k in (1, 3):
        for values in (False, True):
            case(f"argmax_{k}{'_values' if values else ''}", "ArgMax", [t], [argmax(t, None, k, values)], f"argmax_param {{ top_k: {k} out_max_val: {str(values).lower()} }}")
    case("argmax_axis", "ArgMax", [t], [argmax(t, 1, 2, False)], "argmax_param { axis: 1 top_k: 2 }")
    case("argmax_axis_values", "ArgMax", [t], [argmax(t, 2, 1, True)], "argmax_param { axis: -2 out_max_val: true }")


def recurrent():
    T, N, I, S, H = 4, 2, 3, 5, 3
    x, cont, static = rand(T, N, I), np.array([[0, 0], [1, 1], [1, 0], [1, 1]], F), rand(N, S)
    wx, b, ws, wh = rand(4 * H, I), rand(4 * H), rand(4 * H, S), rand(4 * H, H)
    h0, c0 = rand(1, N, H), rand(1, N, H)
    p = f"recurrent_param {{ num_output: {H} "
    zero = np.zeros((N, H))
    y, h, c = lstm(x, cont, zero, zero, wx, b, wh)
    case("lstm", "LSTM", [x, cont], [y], p + "}", blobs=[wx, b, wh])
    y, h, c = lstm(x, cont, zero, zero, wx, b, wh, static @ ws.T)
    case("lstm_static", "LSTM", [x, cont, static], [y], p + "}", blobs=[wx, b, ws, wh])
    ones = np.ones_like(cont)
    y, h, c = lstm(x, ones, h0[0], c0[0], wx, b, wh)
    case("lstm_exposed", "LSTM", [x, ones, h0, c0], [y, h[None], c[None]], p + "expose_hidden: true }", blobs=[wx, b, wh])
    rx, rb, rh, ro, rob = rand(H, I), rand(H), rand(H, H), rand(H, H), rand(H)
    y, h = rnn(x, cont, zero, rx, rb, rh, ro, rob)
    case("rnn", "RNN", [x, cont], [y], p + "}", blobs=[rx, rb, rh, ro, rob])
    y, h = rnn(x, ones, h0[0], rx, rb, rh, ro, rob)
    case("rnn_exposed", "RNN", [x, ones, h0], [y, h[None]], p + "expose_hidden: true }", blobs=[rx, rb, rh, ro, rob])
    gates, keep = rand(1, N, 4 * H), np.array([[1, 0]], F)
    c1, h1 = lstm_unit(gates[0], c0[0], keep[0][:, None])
    case("lstm_unit", "LSTMUnit", [c0, gates, keep], [c1[None], h1[None]])


def detection():
    feature, image = rand(1, 2, 3, 4), rand(1, 3, 30, 50)
    V = "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
    case("prior_box", "PriorBox", [feature, image], [prior_box(3, 4, 30, 50, [9], [16], [2, 3], True, False, [0.1, 0.1, 0.2, 0.2])],
         f"prior_box_param {{ min_size: 9.6 max_size: 16.4 aspect_ratio: 2 aspect_ratio: 3 aspect_ratio: 2 {V} }}")
    case("prior_box_step", "PriorBox", [feature, image], [prior_box(3, 4, 60, 80, [10, 20], [], [1.5], False, True, [0.1], 15, 20, 0.25)],
         "prior_box_param { min_size: 10 min_size: 20 aspect_ratio: 1.5 flip: false clip: true img_h: 60 img_w: 80 step_h: 15 step_w: 20 offset: 0.25 }")
    n, classes = 12, 3
    corner = np.sort(R.uniform(0, 1, (n, 2, 2)), axis=1).reshape(n, 4)
    prior = np.stack([corner.ravel(), np.tile([0.1, 0.1, 0.2, 0.2], n)])[None].astype(F)
    loc, conf = rand(2, n * 4), softmax(rand(2, n, classes) * 2, 2).astype(F).reshape(2, -1)
    base = f"detection_output_param {{ num_classes: {classes} background_label_id: 0 nms_param {{ nms_threshold: %s top_k: %d }} keep_top_k: %d confidence_threshold: %s code_type: %s %s }}"
    for name, code, encoded, shared, nms, top, keep, least in (
            ("center", "CENTER_SIZE", False, True, 0.45, 8, 10, 0.2), ("corner", "CORNER", False, True, 0.3, 400, 200, 0.1),
            ("corner_size", "CORNER_SIZE", False, True, 0.5, 5, 4, 0.05), ("encoded", "CENTER_SIZE", True, True, 0.45, 10, 6, 0.3),
            ("classes", "CENTER_SIZE", False, False, 0.45, 10, 50, 0.2), ("nothing", "CENTER_SIZE", False, True, 0.45, 10, 50, 0.999)):
        l = rand(2, n * classes * 4) if not shared else loc
        more = f"variance_encoded_in_target: {str(encoded).lower()} share_location: {str(shared).lower()}"
        case("detection_" + name, "DetectionOutput", [l, conf, prior], [detection_output(l, conf, prior, classes, code, encoded, shared, nms, top, keep, least)],
             base % (nms, top, keep, least, code, more))
    x = rand(2, 8, 6, 7)
    rois = np.array([[0, 0, 0, 9, 11], [1, 3, 2, 12, 8], [0, 5, 5, 5, 5]], F)
    case("roi_pooling", "ROIPooling", [x, rois], [roi_pooling(x, rois, 3, 2, 0.5)], "roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.5 }")
    case("roi_align", "ROIAlign", [x, rois], [roi_align(x, rois, 2, 3, 0.5, 2)], "roi_align_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 sampling_ratio: 2 }")
    case("psroi_pooling", "PSROIPooling", [x, rois], [psroi_pooling(x, rois, 2, 2, 0.5)], "psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 0.5 }")
    scores, offsets, info = R.uniform(0, 1, (1, 18, 4, 5)).astype(F), rand(1, 36, 4, 5, scale=0.2), np.array([[60, 75, 1]], F)
    rois, best = proposal(scores, offsets, info[0], 16, 16, 8, [0.5, 1, 2], [1, 2, 4], 60, 12, 0.6)
    case("proposal", "Proposal", [scores, offsets, info], [rois, best],
         "proposal_param { feat_stride: 16 base_size: 16 min_size: 8 ratio: 0.5 ratio: 1 ratio: 2 scale: 1 scale: 2 scale: 4 pre_nms_topn: 60 post_nms_topn: 12 nms_thresh: 0.6 }")
    rois, best = proposal(scores, offsets, info[0] * [8, 8, 1], 16, 16, 16, [0.5, 1, 2], [1, 2, 3], 6000, 300, 0.7)
    case("python_proposal", "Python", [scores, offsets, (info * np.array([8, 8, 1])).astype(F)], [rois, best],
         'python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "{\'feat_stride\': 16, \'scales\': [1, 2, 3]}" }')
    case("interp_zoom", "Interp", [x], [interp(x, 6 + 5 * 2, 7 + 6 * 2)], "interp_param { zoom_factor: 3 }")
    case("interp_shrink", "Interp", [x], [interp(x, 3, 4)], "interp_param { shrink_factor: 2 }")
    case("interp_size", "Interp", [x], [interp(x[:, :, 1:, 1:], 9, 4)], "interp_param { height: 9 width: 4 pad_beg: -1 }")
    case("interp_like", "Interp", [x, rand(1, 1, 3, 4)], [interp(x, 3, 4)])


def constants():
    p = rand(2, 3)
    text = source("x", (2, 3)) + layer("Parameter", [], ["p"], "parameter_param { shape { dim: 2 dim: 3 } }", "param") + layer("Eltwise", ["x", "p"], ["y"], name="add")
    x = rand(2, 3)
    save("parameter", text, {"x": x}, {"y": x + p}, {"param": [p]})
    text = source("x", (2, 3)) + layer("DummyData", [], ["d"], 'dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "constant" value: 1.5 } }', "dummy")
    save("dummy_data", text + layer("Eltwise", ["x", "d"], ["y"], "eltwise_param { operation: PROD }", "mul"), {"x": x}, {"y": x * F(1.5)})


def forms():
    """The older forms of the format, and what the network itself decides."""
    x, w, b = rand(2, 3, 6, 6), rand(4, 3, 3, 3, scale=0.3), rand(4)
    inputs = 'input: "data" input_dim: 2 input_dim: 3 input_dim: 6 input_dim: 6\n'
    y = np.maximum(convolution(x, w, b, (1, 1), (2, 2)), 0)
    pooled = pooling(y, "MAX", (2, 2), (2, 2), (1, 1))[0]
    v0 = inputs + """
layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "padded" }
layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 3 blobs_lr: 1. blobs_lr: 2. weight_decay: 1. weight_filler { type: "xavier" } } bottom: "padded" top: "conv1" }
layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
layers { layer { name: "pad2" type: "padding" pad: 1 } bottom: "conv1" top: "padded2" }
layers { layer { name: "pool1" type: "pool" pool: MAX kernelsize: 2 stride: 2 } bottom: "padded2" top: "pool1" }
"""
    save("form_v0", v0, {"data": x}, {"pool1": pooled}, {"conv1": [w, b]}, version=0, form="legacy")
    v1 = inputs + """
# comments are allowed; so are < > and commas
layers { name: 'conv1' type: CONVOLUTION bottom: "data" top: "conv1" blobs_lr: 1, blobs_lr: 2;
  convolution_param < num_output: 4 kernel_size: 3 pad: 2 > }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
layers: { name: "pool1" type: POOLING bottom: "conv1" top: "pool1" pooling_param { pool: MAX kernel_size: 0x2 stride: 2 pad: 1 } }
"""
    save("form_v1", v1, {"data": x}, {"pool1": pooled}, {"conv1": [w, b]}, version=1, form="legacy")
    text = ('input: "data" input_shape { dim: [2, 3, 6, 6] }\n'
            + layer("Convolution", ["data"], ["conv1"], "convolution_param { num_output: 4 kernel_size: 3 pad: 2 }", "conv1")
            + layer("ReLU", ["conv1"], ["conv1"], name="relu1") + layer("Pooling", ["conv1"], ["pool1"], "pooling_param { kernel_size: 2 stride: 2 pad: 1 }", "pool1"))
    save("form_input_shape", text, {"data": x}, {"pool1": pooled}, {"conv1": [w, b]})
    # one file with structure and weights, in each form
    for name, body in (("binary_v0", v0), ("binary_v1", v1), ("binary_v2", text)):
        encoded = subprocess.run(["protoc", f"-I{SCHEMA}", "--encode=caffe.NetParameter", "bvlc.proto"], input=body.encode(), stdout=subprocess.PIPE, check=True).stdout
        (OUT / f"{name}.caffemodel").write_bytes(with_blobs(encoded, name[-1], [w, b]))
        np.savez(OUT / f"{name}.npz", **{"in:data": x, "out:pool1": np.asarray(pooled, F)})
    shared = source("data", (2, 4)) + "".join(
        layer("InnerProduct", [i], [o], 'inner_product_param { num_output: 4 bias_term: false }', o, 'param { name: "w" lr_mult: 1 }') for i, o in (("data", "a"), ("a", "b")))
    ws, xs = rand(4, 4), rand(2, 4)
    save("shared_weights", shared, {"data": xs}, {"b": xs @ ws.T @ ws.T}, {"a": [ws]})
    phases = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { source: "x" batch_size: 64 backend: LMDB } }
layer { name: "data" type: "MemoryData" top: "data" top: "label" include { phase: TEST } memory_data_param { batch_size: 2 channels: 4 height: 1 width: 1 } }
layer { name: "drop" type: "Power" bottom: "data" top: "data" power_param { scale: 100 } exclude { phase: TEST } }
layer { name: "level" type: "Power" bottom: "data" top: "data" power_param { scale: 2 } include { min_level: 0 max_level: 3 } include { stage: "other" } }
layer { name: "stage" type: "Power" bottom: "data" top: "data" power_param { scale: 50 } include { phase: TEST stage: "deploy" } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" top: "prob" }
"""
    xd = rand(2, 4, 1, 1)
    save("phases", phases, {"data": xd}, {"prob": softmax(2 * xd.reshape(2, 4) @ ws.T + b, 1)}, {"ip": [ws, b]})


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if not byte & 128:
            return value, at


def with_blobs(net, version, blobs):
    """The encoded network with blobs in its layer of that name."""
    out, at = b"", 0
    while at < len(net):
        start = at
        tag, at = read_varint(net, at)
        if tag & 7 == 0:
            _, at = read_varint(net, at)
        else:
            n, at = read_varint(net, at)
            at += n
        body = net[at - n:at] if tag & 7 == 2 else b""
        if b"conv1" not in body or tag >> 3 not in (2, 100) or (b"CONV" not in body.upper()[:40] and version != "1") or b"relu" in body or b"pool" in body or b"pad" in body[:12]:
            out += net[start:at]
            continue
        if version == "0":
            tag0, p = read_varint(body, 0)
            while tag0 >> 3 != 1:  # bottoms and tops stand behind the inner layer or before it
                n0, p = read_varint(body, p)
                p += n0
                tag0, p = read_varint(body, p)
            n0, p = read_varint(body, p)
            inner = body[p:p + n0] + b"".join(chunk(50, blob(b, "legacy")) for b in blobs)
            body = chunk(1, inner) + body[p + n0:]
        else:
            body += b"".join(chunk(7 if version == "2" else 6, blob(b)) for b in blobs)
        out += chunk(tag >> 3, body)
    return out


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for make in (activations, elementwise, convolutions, pools, linear, norms, shapes, reductions, recurrent, detection, constants, forms):
        make()
    print(len(list(OUT.glob("*.npz"))), "models")
