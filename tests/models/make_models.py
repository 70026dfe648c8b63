# SPDX-License-Identifier: Apache-2.0
"""Makes the small models that the tests use, with inputs and reference outputs of ONNX Runtime (pip install onnx onnxruntime numpy).

Each NAME.onnx comes with NAME.npz: entries in:INPUT and out:OUTPUT. The results are in the repository; run this only to change them.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

HERE = pathlib.Path(__file__).resolve().parent
RNG = np.random.default_rng(7)


def randn(*shape, scale=1.0):
    return (RNG.standard_normal(shape) * scale).astype(np.float32)


def const(name, array):
    return nh.from_array(np.asarray(array), name)


def value(name, kind, shape):
    return h.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, weights=(), opset=17, functions=(), extra=()):
    graph = h.make_graph(list(nodes), "graph", list(inputs), list(outputs), list(weights))
    opsets = [h.make_opsetid("", opset), *extra]
    return h.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions), producer_name="tenon tests")


def residual_cnn():
    """Conv + BatchNormalization + Relu, a residual sum, pooling, Gemm; dynamic batch."""
    n = [
        h.make_node("Conv", ["x", "w1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        h.make_node("BatchNormalization", ["c1", "s", "b", "m", "v"], ["n1"], "bn1"),
        h.make_node("Relu", ["n1"], ["r1"], "relu1"),
        h.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        h.make_node("Add", ["c2", "r1"], ["a"], "residual"),
        h.make_node("Relu", ["a"], ["r2"], "relu2"),
        h.make_node("MaxPool", ["r2"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        h.make_node("GlobalAveragePool", ["p"], ["g"], "mean"),
        h.make_node("Flatten", ["g"], ["f"], "flat"),
        h.make_node("Gemm", ["f", "w3", "b3"], ["y"], "head", transB=1),
    ]
    w = [const("w1", randn(8, 3, 3, 3, scale=0.3)), const("s", 1 + randn(8, scale=0.1)), const("b", randn(8)), const("m", randn(8)),
         const("v", np.abs(randn(8)) + 0.5), const("w2", randn(8, 8, 3, 3, scale=0.2)), const("b2", randn(8)), const("w3", randn(5, 8)), const("b3", randn(5))]
    return model(n, [value("x", T.FLOAT, ["N", 3, 8, 8])], [value("y", T.FLOAT, ["N", 5])], w), {"x": randn(2, 3, 8, 8)}


def attention():
    """One transformer block as exporters write it: LayerNormalization and GELU decomposed, dynamic sequence."""
    d, heads = 16, 2
    n, w = [], []

    def norm(x, y, k):
        w.extend([const(f"g{k}", 1 + randn(d, scale=0.1)), const(f"o{k}", randn(d, scale=0.1))])
        n.extend([
            h.make_node("ReduceMean", [x], [f"mean{k}"], axes=[-1]), h.make_node("Sub", [x, f"mean{k}"], [f"dev{k}"]),
            h.make_node("Pow", [f"dev{k}", "two"], [f"sq{k}"]), h.make_node("ReduceMean", [f"sq{k}"], [f"var{k}"], axes=[-1]),
            h.make_node("Add", [f"var{k}", "eps"], [f"ve{k}"]), h.make_node("Sqrt", [f"ve{k}"], [f"sd{k}"]),
            h.make_node("Div", [f"dev{k}", f"sd{k}"], [f"nn{k}"]), h.make_node("Mul", [f"nn{k}", f"g{k}"], [f"ng{k}"]),
            h.make_node("Add", [f"ng{k}", f"o{k}"], [y])])

    w.extend([const("two", np.float32(2)), const("eps", np.float32(1e-5)), const("half", np.float32(0.5)), const("one", np.float32(1)),
              const("root2", np.float32(np.sqrt(2))), const("scale", np.float32(np.sqrt(d // heads))), const("split", np.array([0, 0, heads, d // heads], np.int64)),
              const("join", np.array([0, 0, d], np.int64))])
    norm("x", "h", 0)
    for p in "qkv":
        w.extend([const(f"w{p}", randn(d, d, scale=0.25)), const(f"b{p}", randn(d, scale=0.1))])
        n.extend([h.make_node("MatMul", ["h", f"w{p}"], [f"{p}m"]), h.make_node("Add", [f"{p}m", f"b{p}"], [f"{p}a"]),
                  h.make_node("Reshape", [f"{p}a", "split"], [f"{p}r"]), h.make_node("Transpose", [f"{p}r"], [f"{p}t"], perm=[0, 2, 3, 1] if p == "k" else [0, 2, 1, 3])])
    n.extend([
        h.make_node("MatMul", ["qt", "kt"], ["s0"]), h.make_node("Div", ["s0", "scale"], ["s1"]), h.make_node("Softmax", ["s1"], ["s2"], axis=-1),
        h.make_node("MatMul", ["s2", "vt"], ["c0"]), h.make_node("Transpose", ["c0"], ["c1"], perm=[0, 2, 1, 3]), h.make_node("Reshape", ["c1", "join"], ["c2"]),
        h.make_node("MatMul", ["c2", "wo"], ["c3"]), h.make_node("Add", ["x", "c3"], ["r"])])
    w.extend([const("wo", randn(d, d, scale=0.25)), const("wu", randn(d, 4 * d, scale=0.25)), const("wd", randn(4 * d, d, scale=0.1))])
    norm("r", "h2", 1)
    n.extend([
        h.make_node("MatMul", ["h2", "wu"], ["u"]), h.make_node("Div", ["u", "root2"], ["e0"]), h.make_node("Erf", ["e0"], ["e1"]), h.make_node("Add", ["e1", "one"], ["e2"]),
        h.make_node("Mul", ["u", "e2"], ["e3"]), h.make_node("Mul", ["e3", "half"], ["e4"]), h.make_node("MatMul", ["e4", "wd"], ["dn"]), h.make_node("Add", ["r", "dn"], ["y"])])
    return model(n, [value("x", T.FLOAT, ["N", "seq", d])], [value("y", T.FLOAT, ["N", "seq", d])], w), {"x": randn(2, 5, d)}


def control():
    """If, Loop with a captured value and a scanned output, Scan."""
    then = h.make_graph([h.make_node("Mul", ["x", "k"], ["t"])], "then", [], [value("t", T.FLOAT, None)])
    other = h.make_graph([h.make_node("Sub", ["x", "k"], ["e"])], "else", [], [value("e", T.FLOAT, None)])
    body = h.make_graph(
        [h.make_node("Add", ["acc", "z"], ["acc2"]), h.make_node("Identity", ["go"], ["go2"]), h.make_node("Mul", ["acc2", "k"], ["each"])], "body",
        [value("i", T.INT64, []), value("go", T.BOOL, []), value("acc", T.FLOAT, [4])],
        [value("go2", T.BOOL, []), value("acc2", T.FLOAT, [4]), value("each", T.FLOAT, [4])])
    scan = h.make_graph([h.make_node("Add", ["st", "row"], ["st2"]), h.make_node("Neg", ["st2"], ["neg"])], "scan",
                        [value("st", T.FLOAT, [4]), value("row", T.FLOAT, [4])], [value("st2", T.FLOAT, [4]), value("neg", T.FLOAT, [4])])
    n = [
        h.make_node("ReduceSum", ["x"], ["sum"], keepdims=0), h.make_node("Greater", ["sum", "zero"], ["cond"]),
        h.make_node("If", ["cond"], ["z"], "choose", then_branch=then, else_branch=other),
        h.make_node("Loop", ["trip", "", "z"], ["last", "all"], "loop", body=body),
        h.make_node("Scan", ["last", "all"], ["fin", "negs"], "scan", body=scan, num_scan_inputs=1),
    ]
    w = [const("k", np.float32(1.5)), const("zero", np.float32(0)), const("trip", np.int64(3))]
    return model(n, [value("x", T.FLOAT, [4])], [value("fin", T.FLOAT, [4]), value("negs", T.FLOAT, ["n", 4])], w), {"x": randn(4)}


def lstm():
    """Bidirectional LSTM and a GRU."""
    w = [const("w", randn(2, 24, 5, scale=0.4)), const("r", randn(2, 24, 6, scale=0.4)), const("b", randn(2, 48, scale=0.2)), const("gw", randn(1, 9, 12, scale=0.4)),
         const("gr", randn(1, 9, 3, scale=0.4)), const("shape", np.array([0, 0, -1], np.int64))]
    n = [
        h.make_node("LSTM", ["x", "w", "r", "b"], ["y", "h", "c"], "lstm", hidden_size=6, direction="bidirectional"),
        h.make_node("Transpose", ["y"], ["yt"], perm=[0, 2, 1, 3]), h.make_node("Reshape", ["yt", "shape"], ["yr"]),
        h.make_node("GRU", ["yr", "gw", "gr"], ["", "g"], "gru", hidden_size=3),
    ]
    return model(n, [value("x", T.FLOAT, ["seq", "N", 5])], [value("g", T.FLOAT, [1, "N", 3]), value("h", T.FLOAT, [2, "N", 6]), value("c", T.FLOAT, [2, "N", 6])], w), {"x": randn(4, 2, 5)}


def quantized():
    """QDQ convolution, per-channel weights, and a dynamically quantized MatMul."""
    w = [const("sx", np.float32(0.05)), const("zx", np.uint8(120)), const("wq", RNG.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)), const("sw", np.abs(randn(4, scale=0.02)) + 0.005),
         const("zw", np.zeros(4, np.int8)), const("sy", np.float32(0.1)), const("zy", np.uint8(128)), const("mq", RNG.integers(0, 255, (4, 6)).astype(np.uint8)), const("mz", np.uint8(121)), const("ms", np.float32(0.01))]
    n = [
        h.make_node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]), h.make_node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
        h.make_node("DequantizeLinear", ["wq", "sw", "zw"], ["wd"], axis=0), h.make_node("Conv", ["xd", "wd"], ["c"]), h.make_node("Relu", ["c"], ["cr"]),
        h.make_node("QuantizeLinear", ["cr", "sy", "zy"], ["cq"]), h.make_node("DequantizeLinear", ["cq", "sy", "zy"], ["cd"]),
        h.make_node("GlobalAveragePool", ["cd"], ["g"]), h.make_node("Flatten", ["g"], ["f"]), h.make_node("DynamicQuantizeLinear", ["f"], ["fq", "fs", "fz"]),
        h.make_node("MatMulInteger", ["fq", "mq", "fz", "mz"], ["mi"]), h.make_node("Cast", ["mi"], ["mf"], to=T.FLOAT), h.make_node("Mul", ["fs", "ms"], ["fm"]), h.make_node("Mul", ["mf", "fm"], ["y"]),
    ]
    return model(n, [value("x", T.FLOAT, [1, 3, 6, 6])], [value("y", T.FLOAT, [1, 6])], w), {"x": randn(1, 3, 6, 6, scale=2)}


def shapes():
    """A shape subgraph as PyTorch writes it, strided and negative slices, integers beyond 2^32."""
    w = [const("zero", np.int64(0)), const("ax0", np.array([0], np.int64)), const("minus", np.array([-1], np.int64)), const("big", np.array([2**40 + 1], np.int64)),
         const("st", np.array([-1, 0], np.int64)), const("en", np.array([-100, 6], np.int64)), const("axes", np.array([0, -1], np.int64)), const("step", np.array([-1, 2], np.int64))]
    n = [
        h.make_node("Shape", ["x"], ["s"]), h.make_node("Gather", ["s", "zero"], ["b"]), h.make_node("Unsqueeze", ["b", "ax0"], ["bu"]), h.make_node("Concat", ["bu", "minus"], ["target"], axis=0),
        h.make_node("Reshape", ["x", "target"], ["flat"]), h.make_node("Slice", ["flat", "st", "en", "axes", "step"], ["sl"]), h.make_node("Cast", ["b"], ["bi"], to=T.INT64),
        h.make_node("Mul", ["big", "bi"], ["exact"]), h.make_node("NonZero", ["sl"], ["nz"]),
    ]
    x = randn(3, 2, 4)
    x[1] = 0
    return model(n, [value("x", T.FLOAT, ["N", 2, 4])], [value("sl", T.FLOAT, None), value("exact", T.INT64, [1]), value("nz", T.INT64, [2, "k"])], w), {"x": x}


def functions():
    """A local function that calls another, with an attribute passed down; nodes not in order."""
    domain = "tests.local"
    inner = h.make_function(domain, "Shift", ["a"], ["b"], [h.make_node("Constant", [], ["k"]), h.make_node("Add", ["a", "k"], ["b"])], [h.make_opsetid("", 17)], ["by"])
    ref = onnx.AttributeProto(name="value_float", ref_attr_name="by", type=onnx.AttributeProto.FLOAT)
    inner.node[0].attribute.append(ref)
    outer = h.make_function(domain, "ShiftTwice", ["a"], ["b"], [h.make_node("Shift", ["a"], ["m"], domain=domain, by=1.5), h.make_node("Shift", ["m"], ["b"], domain=domain, by=-0.25)],
                            [h.make_opsetid("", 17), h.make_opsetid(domain, 1)])
    n = [h.make_node("Relu", ["t"], ["y"], "last"), h.make_node("ShiftTwice", ["x"], ["t"], "call", domain=domain)]
    return model(n, [value("x", T.FLOAT, ["N"])], [value("y", T.FLOAT, ["N"])], functions=[inner, outer], extra=[h.make_opsetid(domain, 1)]), {"x": randn(6)}


def sorted_copy(m):
    """ONNX Runtime wants nodes in order."""
    c = onnx.ModelProto()
    c.CopyFrom(m)
    if c.graph.node and c.graph.node[0].name == "last":
        nodes = list(c.graph.node)[::-1]
        del c.graph.node[:]
        c.graph.node.extend(nodes)
    return c


def vendor():
    """A node of a vendor's domain that only a vendor's plugin knows."""
    n = [h.make_node("ScaledTanh", ["x"], ["t"], "acme", domain="com.acme", scale=2.5), h.make_node("Relu", ["t"], ["y"], "relu")]
    x = randn(3, 4)
    return model(n, [value("x", T.FLOAT, [3, 4])], [value("y", T.FLOAT, [3, 4])], extra=[h.make_opsetid("com.acme", 1)]), {"x": x}, {"y": np.maximum(2.5 * np.tanh(x), 0)}


def main():
    for make in (residual_cnn, attention, control, lstm, quantized, shapes, functions, vendor):
        m, inputs, *given = make()
        onnx.save(m, HERE / f"{make.__name__}.onnx")
        if given:
            outputs = given[0]
        else:
            s = onnxruntime.SessionOptions()
            s.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            session = onnxruntime.InferenceSession(sorted_copy(m).SerializeToString(), s, providers=["CPUExecutionProvider"])
            outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs)))
        np.savez(HERE / f"{make.__name__}.npz", **{f"in:{k}": v for k, v in inputs.items()}, **{f"out:{k}": v for k, v in outputs.items()})
    # Weights in a file beside the model.
    m, inputs = residual_cnn()
    onnx.save(m, HERE / "external.onnx", save_as_external_data=True, location="external.bin", size_threshold=0, convert_attribute=False)
    session = onnxruntime.InferenceSession(str(HERE / "external.onnx"), providers=["CPUExecutionProvider"])
    np.savez(HERE / "external.npz", **{"in:x": inputs["x"], "out:y": session.run(None, inputs)[0]})


if __name__ == "__main__":
    sys.exit(main())
