# SPDX-License-Identifier: Apache-2.0
"""Cases of com.microsoft."""
import numpy as np
from make_onnx_contrib import T, case, random

MS = "com.microsoft"
F = T.FLOAT


def ms(name, op, inputs, outputs=1, version=1, **more):
    case(f"ms_{name}", op, inputs, outputs, more.pop("domain", MS), version, **more)


def f32(*v):
    return np.array(v if len(v) > 1 else v[0], np.float32)


def q8(*shape, seed=0, kind=np.uint8):
    return np.random.default_rng(seed + sum(shape)).integers(0 if kind == np.uint8 else -128, 256 if kind == np.uint8 else 128, shape).astype(kind)


def gelu(x):
    from math import erf
    return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2))).astype(np.float32)


def normalization():
    x, s, g, b, c = random(2, 3, 8), random(2, 3, 8, seed=1), random(8), random(8, seed=1), random(8, seed=2)
    ms("skip_layer", "SkipLayerNormalization", [("x", x), ("s", s), ("g", g), ("b", b), ("c", c)], [F, None, None, F], epsilon=1e-5)
    ms("skip_layer_broadcast", "SkipLayerNormalization", [("x", x), ("s", s[:1]), ("g", g)], 1, epsilon=1e-5)
    ms("skip_simplified", "SkipSimplifiedLayerNormalization", [("x", x), ("s", s), ("g", g), ("c", c)], [F, None, None, F], epsilon=1e-5)
    ms("simplified", "SimplifiedLayerNormalization", [("x", x), ("g", g)], domain="", axis=-1, epsilon=1e-5, stash_type=1)
    ms("layer_before_17", "LayerNormalization", [("x", x), ("g", g), ("b", b)], domain="", onnx_opset=12, axis=-1, epsilon=1e-5)
    ids, seg = np.array([[1, 4, 2], [0, 3, 5]], np.int32), np.array([[0, 0, 1], [1, 1, 0]], np.int32)
    tables = [("w", random(6, 8)), ("p", random(5, 8)), ("t", random(2, 8))]
    mask = np.array([[1, 1, 0], [1, 1, 1]], np.int32)
    ms("embed", "EmbedLayerNormalization", [("i", ids), ("s", seg), *tables, ("g", g), ("b", b), ("m", mask)], [F, T.INT32, F], epsilon=1e-5, constants="wptgb")
    ms("embed_plain", "EmbedLayerNormalization", [("i", ids), ("s", None), *tables[:2], ("t", None), ("g", g), ("b", b)], [F, T.INT32], epsilon=1e-5, constants="wptgb")
    ms("embed_positions", "EmbedLayerNormalization", [("i", ids), ("s", seg), *tables, ("g", g), ("b", b), ("m", None), ("q", np.array([[2, 1, 0], [4, 3, 1]], np.int32))], [F, T.INT32], epsilon=1e-5, constants="wptgb")
    image, gg, bb = random(2, 3, 4, 8), random(8), random(8, seed=3)

    def group(v):
        r = v.reshape(2, 12, 4, 2)
        r = (r - r.mean((1, 3), keepdims=True)) / np.sqrt(r.var((1, 3), keepdims=True) + 1e-5)
        return r.reshape(v.shape) * gg + bb
    y = group(image)
    ms("group_norm_silu", "GroupNorm", [("x", image), ("g", gg), ("b", bb)], groups=4, epsilon=1e-5, activation=1, expected=[(y / (1 + np.exp(-y))).astype(np.float32)])
    skip = random(2, 8)
    total = image + skip[:, None, None, :] + bb
    ms("skip_group_norm", "SkipGroupNorm", [("x", image), ("g", gg), ("b", bb), ("s", skip), ("c", bb)], 2, groups=4, epsilon=1e-5, activation=0, expected=[group(total).astype(np.float32), total])


def activations():
    x, b = random(2, 3, 8), random(8)
    ms("fast_gelu", "FastGelu", [("x", x), ("b", b)])
    ms("fast_gelu_plain", "FastGelu", [("x", x)])
    ms("bias_gelu", "BiasGelu", [("x", x), ("b", b)])
    ms("gelu", "Gelu", [("x", x)])
    ms("quick_gelu", "QuickGelu", [("x", x)], alpha=1.5)
    ms("bias_split_gelu", "BiasSplitGelu", [("x", x), ("b", b)], expected=[((x + b)[..., :4] * gelu((x + b)[..., 4:])).astype(np.float32)])
    ms("bias_add", "BiasAdd", [("x", x), ("b", b), ("s", 2 * x)], expected=[x + b + 2 * x])


def fused():
    x, w, b, z = random(1, 3, 6, 6), random(4, 3, 3, 3), random(4), random(1, 4, 6, 6)
    for name, p in (("Relu", []), ("Tanh", []), ("Sigmoid", []), ("LeakyRelu", [0.2]), ("Clip", [-1.0, 1.5]), ("HardSigmoid", [0.3, 0.4])):
        more = {"activation_params": p} if p else {}
        ms(f"fused_conv_{name.lower()}", "FusedConv", [("x", x), ("w", w), ("b", b)], activation=name, auto_pad="SAME_UPPER", kernel_shape=[3, 3], **more)
    ms("fused_conv_sum", "FusedConv", [("x", x), ("w", w), ("b", None), ("z", z)], activation="Relu", pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    nhwc = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    out = np.zeros((1, 4, 4, 4), np.float32)
    two = random(4, 3, 2, 2)
    for i in range(4):
        for j in range(4):
            out[0, i, j] = np.einsum("chw,ochw->o", x[0, :, i:i + 2, j:j + 2], two) + b
    ms("nhwc_conv", "NhwcConv", [("x", nhwc[:, :5, :5]), ("w", np.ascontiguousarray(two.transpose(0, 2, 3, 1))), ("b", b)], dynamic=False, kernel_shape=[2, 2], expected=[out])
    a, m, c = random(3, 4), random(5, 4), random(5)
    ms("fused_gemm", "FusedGemm", [("a", a), ("m", m), ("c", c)], transB=1, alpha=0.5, beta=2.0, activation="LeakyRelu", activation_alpha=0.3)
    u, v = random(2, 3, 4, 5), random(2, 3, 4, 6)
    ms("fused_matmul_trans", "FusedMatMul", [("u", u), ("v", v)], transA=1, alpha=0.25)
    ms("fused_matmul_batch_a", "FusedMatMul", [("u", random(4, 2, 3, 5)), ("v", random(2, 3, 5, 6))], transBatchA=1)
    ms("fused_matmul_batch_both", "FusedMatMul", [("u", random(5, 2, 3, 4)), ("v", random(6, 2, 3, 5))], transBatchA=1, transA=1, transBatchB=1, transB=1)
    ms("transpose_matmul", "TransposeMatMul", [("u", u), ("v", random(2, 3, 6, 5))], transB=1)


def plain():
    x = random(3, 4)
    ms("pad", "Pad", [("x", x), ("p", np.array([1, 0, 2, 1])), ("v", f32([7.5]))], mode="constant")
    ms("pad_reflect", "Pad", [("x", x), ("p", np.array([[1, 0, 2, 1]]))], mode="reflect")
    ms("trilu", "Trilu", [("x", x), ("k", np.array(1))], upper=0)
    ms("inverse", "Inverse", [("x", random(2, 3, 3))])
    grid = np.random.default_rng(0).uniform(-1.2, 1.2, (1, 3, 4, 2)).astype(np.float32)
    for mode in ("bilinear", "nearest", "bicubic"):
        ms(f"grid_sample_{mode}", "GridSample", [("x", random(1, 2, 4, 5)), ("g", grid)], mode=mode, padding_mode="border", align_corners=1)
    for metric in ("euclidean", "sqeuclidean"):
        ms(f"cdist_{metric}", "CDist", [("a", random(3, 4)), ("b", random(5, 4))], metric=metric)
    ms("unique", "Unique", [("x", f32(2, 1, 1, 3, 2, 5))], [F, T.INT64, T.INT64])
    ms("range", "Range", [("s", f32([1.5])), ("l", f32([4.0])), ("d", f32([0.5]))])
    ms("range_i64", "Range", [("s", np.array(2)), ("l", np.array(6))], [T.INT64])
    ms("quantize_u16", "QuantizeLinear", [("x", x), ("s", scale(0.01)), ("z", np.array(300, np.uint16))], [T.UINT16])
    ms("quantize_axis", "QuantizeLinear", [("x", x), ("s", f32(0.1, 0.2, 0.05)), ("z", np.array([0, 5, -5], np.int8))], [T.INT8], axis=0)
    ms("dequantize_axis", "DequantizeLinear", [("x", q8(3, 4)), ("s", f32(0.1, 0.2, 0.05, 1)), ("z", np.array([0, 5, 9, 128], np.uint8))], axis=1)


def scale(v):
    return np.array(v, np.float32)


def zero(v, kind=np.uint8):
    return np.array(v, kind)


def qlinear():
    for kind, number, za, zb, zc in ((np.uint8, T.UINT8, 128, 100, 90), (np.int8, T.INT8, 3, -4, 5)):
        n = np.dtype(kind).name
        a, b = q8(2, 3, 4, kind=kind), q8(3, 4, kind=kind)
        ab = [("a", a), ("as", scale(0.02)), ("az", zero(za, kind)), ("b", b), ("bs", scale(0.03)), ("bz", zero(zb, kind))]
        ms(f"qlinear_add_{n}", "QLinearAdd", [*ab, ("cs", scale(0.05)), ("cz", zero(zc, kind))], [number])
        ms(f"qlinear_mul_{n}", "QLinearMul", [*ab, ("cs", scale(0.05)), ("cz", zero(zc, kind))], [number])
        y = [("ys", scale(0.043)), ("yz", zero(zc, kind))]
        ms(f"qlinear_leaky_relu_{n}", "QLinearLeakyRelu", [*ab[:3], *y], [number], alpha=0.2)
        ms(f"qlinear_sigmoid_{n}", "QLinearSigmoid", [*ab[:3], ("ys", scale(1 / 256)), ("yz", zero(0 if kind == np.uint8 else -128, kind))], [number])
        image = [("a", q8(1, 2, 6, 6, kind=kind)), *ab[1:3]]
        ms(f"qlinear_average_pool_{n}", "QLinearAveragePool", [*image, *y], [number], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        ms(f"qlinear_global_average_pool_{n}", "QLinearGlobalAveragePool", [*image, *y], [number])
        ms(f"qlinear_concat_{n}", "QLinearConcat", [*y, *ab[:3], ("b", q8(2, 1, 4, kind=kind)), *ab[4:]], [number], axis=1)
    a = [("a", q8(2, 3, 4)), ("as", scale(0.02)), ("az", zero(128))]
    ms("qlinear_average_pool_last", "QLinearAveragePool", [("a", q8(1, 6, 6, 3)), *a[1:], ("ys", scale(0.0217)), ("yz", zero(120))], [T.UINT8], kernel_shape=[2, 2], strides=[2, 2], channels_last=1, count_include_pad=1)
    ms("qlinear_global_average_pool_last", "QLinearGlobalAveragePool", [("a", q8(1, 6, 6, 3)), *a[1:], ("ys", scale(0.02)), ("yz", zero(120))], [T.UINT8], channels_last=1)
    for opset, axis in ((11, 1), (13, 1)):
        ms(f"qlinear_softmax_{opset}", "QLinearSoftmax", [*a, ("ys", scale(1 / 256)), ("yz", zero(0))], [T.UINT8], axis=axis, opset=opset)
    image, w = q8(1, 6, 6, 3), q8(4, 3, 3, 3, kind=np.int8)
    conv = [("xs", scale(0.02)), ("xz", zero(128)), ("w", w), ("ws", f32(0.01, 0.02, 0.03, 0.005)), ("wz", np.zeros(4, np.int8)), ("ys", scale(0.17)), ("yz", zero(100)), ("b", np.array([100, -50, 7, 0], np.int32))]
    ms("qlinear_conv_last", "QLinearConv", [("x", image), *conv], [T.UINT8], channels_last=1, pads=[1, 1, 1, 1], kernel_shape=[3, 3], constants=("w", "ws", "wz", "b"))
    ms("qlinear_conv", "QLinearConv", [("x", image.transpose(0, 3, 1, 2).copy()), *conv], [T.UINT8], auto_pad="SAME_UPPER", strides=[2, 2], kernel_shape=[3, 3], constants=("w", "ws", "wz", "b"))
    ms("nhwc_max_pool", "NhwcMaxPool", [("x", image)], [T.UINT8], kernel_shape=[2, 2], strides=[2, 2])
    ms("qlinear_reduce_mean", "QLinearReduceMean", [*a, ("ys", scale(0.02)), ("yz", zero(110))], [T.UINT8], axes=[1], keepdims=0, expected=[mean(a[0][1])])
    ms("qlinear_where", "QLinearWhere", [("c", np.array([[True], [False]])), ("x", q8(2, 4)), ("xs", scale(0.02)), ("xz", zero(100)), ("y", q8(2, 4, seed=1)), ("ys", scale(0.03)), ("yz", zero(110)),
                                         ("zs", scale(0.04)), ("zz", zero(120))], [T.UINT8])


def mean(a):
    v = ((a.astype(np.float32) - 128) * np.float32(0.02)).mean(1)
    return np.clip(np.rint(v / np.float32(0.02)) + 110, 0, 255).astype(np.uint8)


def products():
    a, b = q8(3, 8), q8(8, 5, kind=np.int8)
    bz = np.array([1, -2, 3, 0, 4], np.int8)
    ms("matmul_integer_to_float", "MatMulIntegerToFloat", [("a", a), ("b", b), ("as", scale(0.02)), ("bs", f32(0.1, 0.2, 0.3, 0.4, 0.5)), ("az", zero(128)), ("bz", bz), ("c", random(5))])
    ms("matmul_integer_to_float_plain", "MatMulIntegerToFloat", [("a", q8(2, 3, 8, kind=np.int8)), ("b", b), ("as", f32([0.02])), ("bs", f32([0.1]))])
    ms("dynamic_quantize_matmul", "DynamicQuantizeMatMul", [("a", random(2, 3, 8)), ("b", b), ("bs", f32([0.1])), ("bz", np.array([3], np.int8)), ("c", random(5))])
    ms("dynamic_quantize_matmul_columns", "DynamicQuantizeMatMul", [("a", random(3, 8)), ("b", b), ("bs", f32(0.1, 0.2, 0.3, 0.4, 0.5)), ("bz", bz)])
    common = [("a", q8(8, 3)), ("as", scale(0.02)), ("az", zero(128)), ("b", q8(5, 8, kind=np.int8)), ("bs", f32(0.1, 0.2, 0.3, 0.4, 0.5) / 10), ("bz", bz), ("c", np.array([10, -20, 300, 0, 5], np.int32))]
    ms("qgemm", "QGemm", [*common, ("ys", scale(0.5)), ("yz", zero(100))], [T.UINT8], transA=1, transB=1, alpha=1.5)
    ms("qgemm_float", "QGemm", common, transA=1, transB=1)
    ms("qgemm_plain", "QGemm", [("a", a), ("as", scale(0.02)), ("az", zero(128)), ("b", q8(8, 5)), ("bs", scale(0.03)), ("bz", zero(120)), ("c", None), ("ys", scale(0.2)), ("yz", zero(100))], [T.UINT8])
    w, r = q8(1, 6, 16, kind=np.int8), q8(1, 4, 16, kind=np.int8)
    x, bias = random(3, 2, 6), random(1, 32)

    def lstm(x, w, r):
        s = lambda v: 1 / (1 + np.exp(-v))
        h, c, ys = np.zeros((2, 4)), np.zeros((2, 4)), []
        for t in range(3):
            g = x[t] @ w[0] + h @ r[0] + bias[0, :16] + bias[0, 16:]
            i, o, f, k = g[:, :4], g[:, 4:8], g[:, 8:12], g[:, 12:]
            c = s(f) * c + s(i) * np.tanh(k)
            h = s(o) * np.tanh(c)
            ys.append(h)
        return [np.array(ys, np.float32)[:, None], h[None].astype(np.float32), c[None].astype(np.float32)]
    # ONNX Runtime quantizes the activations of each step anew; here they stay in float.
    ms("dynamic_quantize_lstm", "DynamicQuantizeLSTM", [("x", x), ("w", w), ("r", r), ("b", bias), ("l", None), ("h", None), ("c", None), ("p", None), ("ws", f32([0.005])), ("wz", np.array([2], np.int8)),
                                                        ("rs", f32([0.004])), ("rz", np.array([0], np.int8))], 3, hidden_size=4,
       expected=lstm(x, (w.astype(np.float64) - 2) * 0.005, r.astype(np.float64) * 0.004))


def blockwise():
    x = random(2, 3, 40)
    for bits, size, blob in ((4, 16, 8), (8, 16, 16), (4, 32, 16), (2, 16, 4)):
        n, blocks = 5, -(-40 // size)
        w, s = q8(n, blocks, blob), np.abs(random(n, blocks)) / 10
        packed = q8(n, -(-blocks * bits // 8))
        for z in (None, packed, random(n, blocks) + 2**(bits - 1)):
            name = "none" if z is None else "packed" if z.dtype == np.uint8 else "float"
            if bits != 4 and name == "float":
                continue
            inputs = [("x", x), ("w", w), ("s", s), ("z", z), ("i", None), ("b", random(n))]
            ms(f"matmul_nbits_{bits}_{size}_{name}", "MatMulNBits", inputs, constants=("w", "s", "z", "b"), K=40, N=n, bits=bits, block_size=size)
    ids = np.array([[2, 0], [3, 3]])
    s = np.abs(random(4, 2))
    ms("gather_block_u8", "GatherBlockQuantized", [("d", q8(4, 16)), ("i", ids), ("s", s), ("z", q8(4, 1))], constants=("d", "s", "z"), bits=4, block_size=16, gather_axis=0, quantize_axis=1)
    ms("gather_block_u8_middle", "GatherBlockQuantized", [("d", q8(4, 16)), ("i", ids), ("s", s)], constants=("d", "s"), bits=4, block_size=16, gather_axis=0, quantize_axis=1)
    ms("gather_block_8", "GatherBlockQuantized", [("d", q8(4, 32)), ("i", ids), ("s", s), ("z", q8(4, 2))], constants=("d", "s", "z"), bits=8, block_size=16, gather_axis=0, quantize_axis=1)


def attention():
    x, w, b = random(2, 4, 8), random(8, 24) / 3, random(24)
    base = [("x", x), ("w", w), ("b", b)]
    ends, both = np.array([3, 4], np.int32), np.array([3, 4, 1, 0], np.int32)
    flat, cube = np.array([[1, 1, 0, 1], [1, 1, 1, 1]], np.int32), np.tril(np.ones((2, 4, 4), np.int32))
    ms("attention", "Attention", base, num_heads=2)
    ms("attention_causal", "Attention", base, num_heads=2, unidirectional=1, scale=0.3)
    for name, m in (("ends", ends), ("ends_starts", both), ("mask", flat), ("mask3", cube)):
        ms(f"attention_{name}", "Attention", [*base, ("m", m)], num_heads=2, dynamic=name != "ends_starts", mask_filter_value=-1000.0)
    ms("attention_bias", "Attention", [*base, ("m", flat), ("p", None), ("r", random(1, 2, 4, 4))], num_heads=2)
    past, wide = random(2, 2, 2, 3, 4), np.concatenate([np.ones((2, 3), np.int32), flat], 1)
    ms("attention_past", "Attention", [*base, ("m", wide), ("p", past)], 2, num_heads=2, unidirectional=1)
    ms("attention_sizes", "Attention", [("x", x), ("w", random(8, 20) / 3), ("b", random(20))], num_heads=2, qkv_hidden_sizes=[8, 8, 4])
    quantized = [("x", q8(2, 4, 8)), ("w", q8(8, 24, kind=np.int8)), ("b", b), ("xs", scale(0.01)), ("ws", scale(0.005))]
    ms("qattention", "QAttention", [*quantized, ("m", ends), ("xz", zero(128)), ("wz", zero(2, np.int8))], num_heads=2)
    ms("qattention_causal", "QAttention", [*quantized, ("m", None), ("xz", zero(128)), ("wz", zero(0, np.int8)), ("p", past)], 2, num_heads=2, unidirectional=1)
    q, k, v = random(2, 3, 8), random(2, 5, 8), random(2, 5, 12)
    ms("mha", "MultiHeadAttention", [("q", q), ("k", k), ("v", v), ("b", random(28))], num_heads=2)
    ms("mha_padding", "MultiHeadAttention", [("q", q), ("k", k), ("v", v), ("b", None), ("m", np.array([[1, 1, 1, 0, 1], [1, 1, 1, 1, 1]], np.int32)), ("r", random(1, 2, 3, 5))], num_heads=2)
    ms("mha_packed", "MultiHeadAttention", [("q", random(2, 3, 2, 3, 4))], num_heads=2,
       expected=[reference(*[random(2, 3, 2, 3, 4)[:, :, :, i].transpose(0, 2, 1, 3) for i in range(3)])])
    ms("mha_packed_kv", "MultiHeadAttention", [("q", q), ("k", random(2, 5, 2, 2, 4))], num_heads=2,
       expected=[reference(q.reshape(2, 3, 2, 4).transpose(0, 2, 1, 3), *[random(2, 5, 2, 2, 4)[:, :, :, i].transpose(0, 2, 1, 3) for i in range(2)])])
    ms("mha_cross", "MultiHeadAttention", [("q", q), ("k", random(2, 2, 5, 4)), ("v", random(2, 2, 5, 4, seed=3))], num_heads=2)
    same = random(2, 3, 8, seed=5)
    ms("mha_past", "MultiHeadAttention", [("q", q), ("k", same), ("v", same), ("b", None), ("m", None), ("r", None), ("pk", random(2, 2, 4, 4)), ("pv", random(2, 2, 4, 4))], 3, num_heads=2, unidirectional=1)


def reference(q, k, v):
    s = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    e = np.exp(s - s.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True) @ v
    return y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], -1).astype(np.float32)


def group_query():
    cache = [("cos", np.cos(random(16, 8))), ("sin", np.sin(random(16, 8)))]
    q, k, v = random(2, 3, 64), random(2, 3, 32), random(2, 3, 32, seed=2)

    def step(name, lengths, total, past=None, more=(), queries=(q, k, v), **attrs):
        qkv = list(zip("qkv", queries)) if len(queries) == 3 else [("q", queries[0]), ("k", None), ("v", None)]
        pasts = [("pk", past), ("pv", None if past is None else -past)]
        ms(f"gqa_{name}", "GroupQueryAttention", [*qkv, *pasts, ("l", np.array(lengths, np.int32)), ("t", np.array([total], np.int32)), *more], 3, num_heads=4, kv_num_heads=2, **attrs)
    step("first", [2, 2], 3)
    step("first_rotary", [2, 2], 3, more=cache, do_rotary=1)
    step("packed", [2, 2], 3, more=cache, do_rotary=1, rotary_interleaved=1, queries=(random(2, 3, 128),), dynamic=False)
    past = random(2, 2, 5, 16)
    one = (random(2, 1, 64), random(2, 1, 32), random(2, 1, 32, seed=2))
    step("next", [5, 5], 6, past, queries=one, softcap=5.0, scale=0.4)
    step("next_rotary", [5, 5], 6, past, more=cache, queries=one, do_rotary=1)
    step("next_window", [5, 5], 6, past, queries=one, local_window_size=3)
    step("first_window", [2, 2], 3, local_window_size=2)
    step("several", [7], 8, past[:1], more=cache, do_rotary=1, queries=(q[:1], k[:1], v[:1]))
    # Rows filled to different lengths, and a buffer longer than what is filled: behind a row's end the cache holds anything.
    step("ragged", [5, 3], 6, past, more=cache, queries=one, do_rotary=1, compared=1)
    step("buffer", [3, 3], 4, past, more=cache, queries=one, do_rotary=1, compared=1)
    step("bias", [2, 2], 3, more=[("cos", None), ("sin", None), ("pos", None), ("bias", random(1, 4, 3, 3))])
    x = random(2, 3, 16)
    caches = [("c", np.cos(random(10, 2))), ("s", np.sin(random(10, 2)))]
    ms("rotary", "RotaryEmbedding", [("x", x), ("p", np.array([[0, 1, 2], [4, 2, 7]])), *caches], constants="cs")
    ms("rotary_offset", "RotaryEmbedding", [("x", x), ("p", np.array([3])), *caches], interleaved=1, constants="cs")
    ms("rotary_4d", "RotaryEmbedding", [("x", random(2, 4, 3, 4)), ("p", np.array([3])), *caches])
    ms("rotary_partial", "RotaryEmbedding", [("x", random(2, 3, 16)), ("p", np.array([[0, 1, 2], [4, 2, 7]])), *caches], num_heads=2, rotary_embedding_dim=4)


def tokens():
    x = np.array(["the cat, sat", "a dög", ""])
    for name, more in (("words", {"tokenexp": "[a-zA-Z0-9_]+"}), ("separators", {"separators": [",", " "]}), ("characters", {"separators": [""]}), ("long", {"tokenexp": r"\w+", "mincharnum": 2})):
        ms(f"tokenizer_{name}", "Tokenizer", [("x", x)], [T.STRING], mark=int(name == "words"), pad_value="#", **{"mincharnum": 1, **more})
    ms("tokenizer_matrix", "Tokenizer", [("x", x[:2].reshape(1, 2))], [T.STRING], mark=0, pad_value="", mincharnum=1, separators=["[ ,]+"])


def experts():
    e, h, i, n = 4, 8, 16, 5
    x, r = random(n, h), random(n, e)
    w1, b1, w2, b2 = random(e, i, h) / 3, random(e, i), random(e, h, i, seed=1) / 3, random(e, h)
    plain = [("x", x), ("r", r), ("w1", w1), ("b1", b1), ("w2", w2), ("b2", b2)]
    for act in ("relu", "gelu", "silu", "identity"):
        ms(f"moe_{act}", "MoE", plain, dynamic=False, activation_type=act, k=2, normalize_routing_weights=int(act == "silu"))
    wide = [("x", x.reshape(1, n, h)), ("r", r), ("w1", random(e, 2 * i, h) / 3), ("b1", random(e, 2 * i)), ("w2", w2), ("b2", None)]
    ms("moe_swiglu", "MoE", wide, dynamic=False, activation_type="swiglu", k=2, swiglu_fusion=1, activation_alpha=1.702, activation_beta=1.0, swiglu_limit=0.7, normalize_routing_weights=1)
    for bits in (4, 8):
        pack = 8 // bits
        q1, q2 = q8(e, 2 * i, 32 // pack), q8(e, 32, i // pack)
        s1, s2 = np.abs(random(e, 2 * i)) / 2**bits, np.abs(random(e, 32)) / 2**bits
        inputs = [("x", random(n, 32)), ("r", r), ("w1", q1), ("s1", s1), ("b1", random(e, 2 * i)), ("w2", q2), ("s2", s2), ("b2", random(e, 32))]
        ms(f"qmoe_{bits}", "QMoE", inputs, constants=("w1", "s1", "w2", "s2", "b1", "b2"), activation_type="swiglu", k=2, swiglu_fusion=1, expert_weight_bits=bits, normalize_routing_weights=1,
           activation_alpha=1.702, activation_beta=1.0, swiglu_limit=7.0)
        blocks = [("s1", np.abs(random(e, 2 * i, 2)) / 2**bits), ("s2", np.abs(random(e, 32, 1)) / 2**bits)]
        inputs[3], inputs[6] = blocks
        ms(f"qmoe_{bits}_blocks", "QMoE", inputs, constants=("w1", "s1", "w2", "s2", "b1", "b2"), activation_type="swiglu", k=2, swiglu_fusion=1, expert_weight_bits=bits, block_size=16,
           normalize_routing_weights=1, activation_alpha=1.702, activation_beta=1.0, swiglu_limit=7.0,
           expected=None if bits == 4 else [by_definition(*(v.astype(np.float64) for _, v in inputs))])


def by_definition(x, r, q1, s1, b1, q2, s2, b2):
    """Two experts for each token, 8-bit weights with blocks of 16; ONNX Runtime's kernel for these quantizes the activations too."""
    w1, w2 = (((q - 128).reshape(*q.shape[:2], -1, 16) * s[..., None]).reshape(q.shape) for q, s in ((q1, s1), (q2, s2)))
    y = np.zeros((len(x), w2.shape[1]))
    for t, token in enumerate(x):
        top = np.argsort(-r[t])[:2]
        share = np.exp(r[t, top]) / np.exp(r[t, top]).sum()
        for e, weight in zip(top, share):
            h = w1[e] @ token + b1[e]
            g, linear = np.minimum(h[::2], 7), np.clip(h[1::2], -7, 7)
            y[t] += weight * (w2[e] @ (g / (1 + np.exp(-1.702 * g)) * (linear + 1)) + b2[e])
    return y.astype(np.float32)


def make():
    for part in (experts, tokens, normalization, activations, fused, plain, qlinear, products, blockwise, attention, group_query):
        part()
