"""A transformer encoder, a GPT decoder step and an LSTM, in the operators that PyTorch's exporter writes."""
import numpy as np

from builder import Builder


def heads(b, x, count, size, keys=False):
    """[batch, seq, count * size] to [batch, count, seq, size], keys to [batch, count, size, seq]."""
    x = b.node("Reshape", x, b.i64(0, -1, count, size))
    return b.node("Transpose", x, perm=[0, 2, 3, 1] if keys else [0, 2, 1, 3])


def attend(b, q, k, v, size, mask=None):
    scores = b.node("Div", b.node("MatMul", q, k), b.f32(np.sqrt(size)))
    if mask is not None:
        scores = b.node("Add", scores, mask)
    y = b.node("MatMul", b.node("Softmax", scores, axis=-1), v)
    return b.node("Transpose", y, perm=[0, 2, 1, 3])


def gelu_erf(b, x):
    y = b.node("Erf", b.node("Div", x, b.f32(np.sqrt(2))))
    y = b.node("Mul", x, b.node("Add", y, b.f32(1)))
    return b.node("Mul", y, b.f32(0.5))


def gelu_tanh(b, x):
    inner = b.node("Mul", b.node("Pow", x, b.f32(3)), b.f32(0.044715))
    inner = b.node("Mul", b.node("Add", x, inner), b.f32(np.sqrt(2 / np.pi)))
    y = b.node("Add", b.node("Tanh", inner), b.f32(1))
    return b.node("Mul", b.node("Mul", x, b.f32(0.5)), y)


def transformer_encoder(seed, layers=4, hidden=256, count=4, length=128, vocabulary=8192):
    size = hidden // count
    b = Builder("transformer_encoder", seed, opset=17)
    ids = b.input("input_ids", "i64", [1, length])
    x = b.node("Gather", b.weight(vocabulary, hidden, fan_in=2), ids, axis=0)
    x = b.node("Add", x, b.weight(1, length, hidden, fan_in=2))
    x = b.layer_norm(x, hidden)
    for _ in range(layers):
        q, v = (heads(b, b.linear(x, hidden, hidden), count, size) for _ in range(2))
        k = heads(b, b.linear(x, hidden, hidden), count, size, keys=True)
        y = b.node("Reshape", attend(b, q, k, v, size), b.i64(0, -1, hidden))
        x = b.layer_norm(b.node("Add", b.linear(y, hidden, hidden), x), hidden)
        y = b.linear(gelu_erf(b, b.linear(x, hidden, 4 * hidden)), 4 * hidden, hidden)
        x = b.layer_norm(b.node("Add", y, x), hidden)
    b.output(x, "last_hidden_state", "f32", [1, length, hidden])
    return b.model(), {"input_ids": (vocabulary, (1, length))}


def decoder_mask(b, mask):
    """[batch, total] of 0 and 1 to what is added to the scores, [batch, 1, 1, total]."""
    x = b.node("Cast", b.node("Unsqueeze", mask, b.i64(1, 2)), to=1)
    return b.node("Mul", b.node("Sub", b.f32(1), x), b.f32(np.finfo(np.float32).min))


def position_ids(b, past, ids):
    """past .. past + seq, from the shapes of the inputs."""
    start = b.node("Gather", b.node("Shape", past), b.constant(np.int64(2)), axis=0)
    count = b.node("Gather", b.node("Shape", ids), b.constant(np.int64(1)), axis=0)
    positions = b.node("Range", start, b.node("Add", start, count), b.constant(np.int64(1)))
    return b.node("Unsqueeze", positions, b.i64(0))


def gpt_layer(b, x, index, hidden, count, mask):
    size = hidden // count
    past_shape = ["batch", count, "past", size]
    past_k = b.input(f"past_key_values.{index}.key", "f32", past_shape)
    past_v = b.input(f"past_key_values.{index}.value", "f32", past_shape)
    qkv = b.linear(b.layer_norm(x, hidden), hidden, 3 * hidden)
    q, k, v = b.node("Split", qkv, b.i64(hidden, hidden, hidden), outputs=3, axis=2)
    q, k, v = (heads(b, part, count, size) for part in (q, k, v))
    k, v = b.node("Concat", past_k, k, axis=2), b.node("Concat", past_v, v, axis=2)
    y = attend(b, q, b.node("Transpose", k, perm=[0, 1, 3, 2]), v, size, mask)
    y = b.node("Reshape", y, b.i64(0, -1, hidden))
    x = b.node("Add", x, b.linear(y, hidden, hidden))
    y = b.linear(gelu_tanh(b, b.linear(b.layer_norm(x, hidden), hidden, 4 * hidden)), 4 * hidden, hidden)
    return b.node("Add", x, y), k, v


def gpt_decoder_step(seed, layers=6, hidden=512, count=8, past=127, vocabulary=8192, context=1024):
    b = Builder("gpt_decoder_step", seed, opset=17)
    ids = b.input("input_ids", "i64", ["batch", 1])
    mask = decoder_mask(b, b.input("attention_mask", "i64", ["batch", "total"]))
    positions = position_ids(b, "past_key_values.0.key", ids)
    x = b.node("Gather", b.weight(vocabulary, hidden, fan_in=2), ids, axis=0)
    x = b.node("Add", x, b.node("Gather", b.weight(context, hidden, fan_in=20), positions, axis=0))
    data = {"input_ids": (vocabulary, (1, 1)), "attention_mask": ("ones", (1, past + 1))}
    presents = []
    for index in range(layers):
        x, k, v = gpt_layer(b, x, index, hidden, count, mask)
        presents += [(k, f"present.{index}.key"), (v, f"present.{index}.value")]
        for kind in ("key", "value"):
            data[f"past_key_values.{index}.{kind}"] = ("normal", (1, count, past, hidden // count))
    logits = b.node("MatMul", b.layer_norm(x, hidden), b.weight(hidden, vocabulary, fan_in=2 * hidden))
    b.output(logits, "logits", "f32", ["batch", 1, vocabulary])
    for value, name in presents:
        b.output(value, name, "f32", ["batch", count, "total", hidden // count])
    return b.model(), data


def lstm(seed, layers=2, inputs=128, hidden=256, length=50):
    b = Builder("lstm", seed, opset=14)
    x = b.input("input", "f32", ["seq", "batch", inputs])
    h0 = b.input("h0", "f32", [layers, "batch", hidden])
    c0 = b.input("c0", "f32", [layers, "batch", hidden])
    last_h, last_c = [], []
    for layer in range(layers):
        width = inputs if layer == 0 else hidden
        states = [b.node("Slice", s, b.i64(layer), b.i64(layer + 1), b.i64(0)) for s in (h0, c0)]
        w = b.weight(1, 4 * hidden, width, fan_in=2 * width)
        r = b.weight(1, 4 * hidden, hidden, fan_in=2 * hidden)
        bias = b.constant(b.rng.normal(0, 0.05, (1, 8 * hidden)).astype(np.float32), "bias")
        y, h, c = b.node("LSTM", x, w, r, bias, "", *states, outputs=3, hidden_size=hidden)
        x = b.node("Squeeze", y, b.i64(1))
        last_h.append(h)
        last_c.append(c)
    b.output(x, "output", "f32", ["seq", "batch", hidden])
    b.output(b.node("Concat", *last_h, axis=0), "hn", "f32", [layers, "batch", hidden])
    b.output(b.node("Concat", *last_c, axis=0), "cn", "f32", [layers, "batch", hidden])
    state = ("normal", (layers, 1, hidden))
    return b.model(), {"input": ("normal", (length, 1, inputs)), "h0": state, "c0": state}
