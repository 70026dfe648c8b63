# SPDX-License-Identifier: Apache-2.0
"""Cases of recurrent and stateful operators for make_tflite_quantized.py."""
import numpy as np
from tflite_model import CASES, case, schema, whole


def lstm(code="UNIDIRECTIONAL_SEQUENCE_LSTM", kind="float", cifg=False, peephole=False, projection=False, norm=False, clip=0.0, time_major=False, asymmetric=False):
    """An LSTM of 7 units over 5 steps of 6 numbers; kind is float, hybrid or integer."""
    def build(m, rng):
        batch, steps, depth, units = 3, 5, 6, 7
        out = 5 if projection else units
        sequence = code != "LSTM"
        integer = kind == "integer"
        sizes = ((steps, batch) if time_major else (batch, steps)) if sequence else (batch,)
        x = m.input(whole(rng, sizes + (depth,), "int8"), 0.0078, 5) if integer else m.input(rng.normal(size=sizes + (depth,)).astype("float32"))

        def matrix(*shape):
            if kind == "float":
                return m.const(rng.normal(size=shape).astype("float32") * 0.5)
            return m.const(rng.integers(-127, 128, shape).astype("int8"), rng.uniform(0.003, 0.008))

        def vector(n, scale=0.5, dtype="int16"):
            if kind == "float" or (kind == "hybrid" and dtype != "int16"):
                return m.const(rng.normal(size=n).astype("float32") * scale)
            return m.const(rng.integers(-127, 128, n).astype("int8" if kind == "hybrid" else dtype), 0.004) if dtype == "int16" else m.const(rng.integers(-3000, 3000, n).astype(dtype), 4e-5)

        def gates(make, drop):
            return [-1 if drop and k == 0 else make() for k in range(4)]
        inputs = [x] + gates(lambda: matrix(units, depth), cifg) + gates(lambda: matrix(units, out), cifg)
        holes = [vector(units) if peephole else -1 for _ in range(3)]
        if cifg:
            holes[0] = -1
        inputs += holes + gates(lambda: vector(units, 0.5, "int32"), cifg)
        inputs += [matrix(out, units), -1] if projection else [-1, -1]
        if integer:
            inputs += [m.tensor((batch, out), "int8", 0.0071, -3, variable=True), m.tensor((batch, units), "int16", 2.0**-12, variable=True)]
        else:
            inputs += [m.tensor((batch, out), "float32", variable=True), m.tensor((batch, units), "float32", variable=True)]
        inputs += [(m.const(rng.integers(2000, 12000, units).astype("int16"), 1e-4) if integer else m.const(rng.uniform(0.5, 1.5, units).astype("float32"))) if norm and not (cifg and k == 0) else -1 for k in range(4)]
        middle = None
        if integer:
            middle = [m.tensor((0,), "int16", 0.0006, 0) if norm else m.tensor((0,), "float32") for _ in range(4)] + [m.tensor((0,), "int8", 0.0075, 4)]
            if not projection:
                middle[4] = m.tensor((0,), "int8", 0.0071, -3)
        y = m.tensor(sizes + (out,), "int8", 0.0071, -3) if integer else m.tensor(sizes + (out,), "float32")
        fields = dict(fusedActivationFunction=4, cellClip=clip, projClip=0.4 if projection else 0.0, asymmetricQuantizeInputs=asymmetric)
        if sequence:
            m.op(code, inputs, [y], "UnidirectionalSequenceLSTMOptions", 3, middle, timeMajor=time_major, **fields)
        else:
            m.op(code, inputs, [y], "LSTMOptions", 4, middle, **fields)
        return [y]
    build.runs = 2
    return build


for k in ("float", "hybrid", "integer"):
    CASES[f"lstm_sequence_{k}"] = lstm(kind=k, clip=0.3)
    CASES[f"lstm_sequence_cifg_peephole_{k}"] = lstm(kind=k, cifg=True, peephole=True, time_major=True)
    CASES[f"lstm_sequence_projection_{k}"] = lstm(kind=k, projection=True)
    CASES[f"lstm_sequence_norm_{k}"] = lstm(kind=k, norm=True)
    CASES[f"lstm_step_{k}"] = lstm("LSTM", kind=k, peephole=True)
CASES["lstm_sequence_asymmetric_hybrid"] = lstm(kind="hybrid", asymmetric=True)


def bidirectional_lstm(merge):
    def build(m, rng):
        batch, steps, depth, units = 2, 5, 6, 4
        x = m.input(rng.normal(size=(steps, batch, depth)).astype("float32"))

        def f(*shape):
            return m.const(rng.normal(size=shape).astype("float32") * 0.5)
        one = []
        for _ in range(2):
            one += [f(units, depth) for _ in range(4)] + [f(units, units) for _ in range(4)] + [-1] * 3 + [f(units) for _ in range(4)] + [-1, -1]
        states = [m.tensor((batch, units), "float32", variable=True) for _ in range(4)]
        outputs = [m.tensor((steps, batch, 2 * units), "float32")] if merge else [m.tensor((steps, batch, units), "float32") for _ in range(2)]
        m.op("BIDIRECTIONAL_SEQUENCE_LSTM", [x] + one + states + [-1] * 9, outputs, "BidirectionalSequenceLSTMOptions", 1, fusedActivationFunction=4, mergeOutputs=merge, timeMajor=True)
        return outputs
    build.runs = 2
    return build


CASES["bidirectional_lstm"] = bidirectional_lstm(False)
CASES["bidirectional_lstm_merged"] = bidirectional_lstm(True)


def rnn(code, kind="float", merge=False, time_major=False):
    def build(m, rng):
        batch, steps, depth, units = 2, 5, 6, 4
        sizes = (batch,) if code == "RNN" else (steps, batch) if time_major else (batch, steps)
        x = m.input(rng.normal(size=sizes + (depth,)).astype("float32"))

        def matrix(*shape):
            if kind == "float":
                return m.const(rng.normal(size=shape).astype("float32") * 0.5)
            return m.const(rng.integers(-127, 128, shape).astype("int8"), 0.006)

        def direction():
            return [matrix(units, depth), matrix(units, units), m.const(rng.normal(size=units).astype("float32")), m.tensor((batch, units), "float32", variable=True)]
        if code != "BIDIRECTIONAL_SEQUENCE_RNN":
            y = m.tensor(sizes + (units,), "float32")
            fields = {} if code == "RNN" else {"timeMajor": time_major}
            m.op(code, [x] + direction(), [y], "RNNOptions" if code == "RNN" else "SequenceRNNOptions", 3, fusedActivationFunction=4, **fields)
            return [y]
        outputs = [m.tensor(sizes + (2 * units,), "float32")] if merge else [m.tensor(sizes + (units,), "float32") for _ in range(2)]
        m.op(code, [x] + direction() + direction() + [-1] * 3, outputs, "BidirectionalSequenceRNNOptions", 3, fusedActivationFunction=4, mergeOutputs=merge, timeMajor=time_major)
        return outputs
    build.runs = 2
    return build


for k in ("float", "hybrid"):
    CASES[f"rnn_{k}"] = rnn("RNN", k)
    CASES[f"rnn_sequence_{k}"] = rnn("UNIDIRECTIONAL_SEQUENCE_RNN", k)
    CASES[f"rnn_sequence_time_major_{k}"] = rnn("UNIDIRECTIONAL_SEQUENCE_RNN", k, time_major=True)
    CASES[f"bidirectional_rnn_{k}"] = rnn("BIDIRECTIONAL_SEQUENCE_RNN", k)
CASES["bidirectional_rnn_merged"] = rnn("BIDIRECTIONAL_SEQUENCE_RNN", merge=True)


def svdf(kind):
    def build(m, rng):
        batch, depth, filters, length, rank = 3, 6, 8, 4, 2
        integer = kind == "integer"
        shape = (filters, depth)
        if integer:
            x = m.input(whole(rng, (batch, depth), "int8"), 0.02, 5)
            feature, time = m.const(rng.integers(-127, 128, shape).astype("int8"), 0.006), m.const(rng.integers(-32767, 32768, (filters, length)).astype("int16"), 2e-5)
            bias = m.const(rng.integers(-20000, 20000, filters // rank).astype("int32"), 1e-8)
            state, y = m.tensor((batch, filters * length), "int16", 0.0004, variable=True), m.tensor((batch, filters // rank), "int8", 0.03, -20)
        else:
            x = m.input(rng.normal(size=(batch, depth)).astype("float32"))
            feature = m.const(rng.normal(size=shape).astype("float32")) if kind == "float" else m.const(rng.integers(-127, 128, shape).astype("int8"), 0.006)
            time = m.const(rng.normal(size=(filters, length)).astype("float32")) if kind == "float" else m.const(rng.integers(-127, 128, (filters, length)).astype("int8"), 0.006)
            bias = m.const(rng.normal(size=filters // rank).astype("float32"))
            state, y = m.tensor((batch, filters * length), "float32", variable=True), m.tensor((batch, filters // rank), "float32")
        m.op("SVDF", [x, feature, time, bias, state], [y], "SVDFOptions", 3, rank=rank, fusedActivationFunction=1)
        return [y]
    build.runs = 3
    return build


for k in ("float", "hybrid", "integer"):
    CASES[f"svdf_{k}"] = svdf(k)


@case
def variable(m, rng):
    """A counter: reads, adds the input, assigns, reads again; its first value comes from CALL_ONCE."""
    x = m.input(rng.normal(size=4).astype("float32"))
    init, main = m.subgraph()
    handle = m.tensor((1,), None, type="RESOURCE")
    m.op("VAR_HANDLE", [], [handle], "VarHandleOptions", container="", sharedName="counter")
    m.op("ASSIGN_VARIABLE", [handle, m.const(np.float32([1, 2, 3, 4]))], [], "AssignVariableOptions")
    m.graph = main
    handle, old, new, again, y = m.tensor((1,), None, type="RESOURCE"), *(m.tensor((4,), "float32") for _ in range(4))
    m.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=init)
    m.op("VAR_HANDLE", [], [handle], "VarHandleOptions", container="", sharedName="counter")
    m.op("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
    m.op("ADD", [old, x], [new], "AddOptions")
    m.op("ASSIGN_VARIABLE", [handle, new], [], "AssignVariableOptions")
    m.op("READ_VARIABLE", [handle], [again], "ReadVariableOptions")
    m.op("MUL", [again, old], [y], "MulOptions")
    return [y]


variable.runs = 3


def strings(words):
    """A constant string tensor: number of strings, offsets, bytes."""
    data = [w.encode() for w in words]
    at = 4 * (len(data) + 2)
    head = [len(data)] + [at + sum(map(len, data[:k])) for k in range(len(data) + 1)]
    return np.frombuffer(np.int32(head).tobytes() + b"".join(data), np.uint8)


@case
def hashtable(m, rng):
    """String keys to i64 numbers by a constant query."""
    init, main = m.subgraph()
    table = m.tensor((1,), None, type="RESOURCE")
    keys, values = m.tensor((3,), None, data=strings(["one", "two", "three"]), type="STRING"), m.const(np.int64([1, 2, 3]))
    m.op("HASHTABLE", [], [table], "HashtableOptions", tableId=7, keyDtype=schema.TensorType.STRING, valueDtype=schema.TensorType.INT64)
    m.op("HASHTABLE_IMPORT", [table, keys, values], [], "HashtableImportOptions")
    m.graph = main
    m.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=init)
    x = m.input(np.int64([10]))
    table, found, size, y = m.tensor((1,), None, type="RESOURCE"), m.tensor((4,), "int64"), m.tensor((1,), "int64"), m.tensor((4,), "int64")
    query = m.tensor((4,), None, data=strings(["two", "nine", "three", "one"]), type="STRING")
    m.op("HASHTABLE", [], [table], "HashtableOptions", tableId=7, keyDtype=schema.TensorType.STRING, valueDtype=schema.TensorType.INT64)
    m.op("HASHTABLE_FIND", [table, query, m.const(np.int64([-1]))], [found], "HashtableFindOptions")
    m.op("HASHTABLE_SIZE", [table], [size], "HashtableSizeOptions")
    m.op("ADD", [found, x], [y], "AddOptions", 4)
    return [y, size]
