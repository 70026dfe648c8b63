#!/usr/bin/env python3
"""Trains a small CNN on scikit-learn's digits and writes digits.onnx and test.npz beside this file.

Needs numpy, scikit-learn, onnx and onnxruntime. Takes half a minute on one core.
"""
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7
EPOCHS = 60
BATCH = 32
LEARNING_RATE = 2e-3
OPSET = 17


class Conv:
    """3x3 convolution, stride 1, padding 1, no bias: a BatchNorm follows."""

    def __init__(self, rng, inputs, outputs):
        scale = np.sqrt(2 / (inputs * 9))
        self.params = {"weight": rng.normal(0, scale, (outputs, inputs, 3, 3))}

    @staticmethod
    def columns(x):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * 9)

    @classmethod
    def apply(cls, columns, shape, weight):
        n, _, h, w = shape
        y = columns @ weight.reshape(len(weight), -1).T
        return y.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def forward(self, x, training):
        self.shape, self.cols = x.shape, self.columns(x)
        return self.apply(self.cols, x.shape, self.params["weight"])

    def backward(self, dy):
        weight = self.params["weight"]
        rows = dy.transpose(0, 2, 3, 1).reshape(-1, len(weight))
        self.grads = {"weight": (rows.T @ self.cols).reshape(weight.shape)}
        flipped = weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
        return self.apply(self.columns(dy), dy.shape, flipped)


class BatchNorm:
    EPSILON, MOMENTUM = 1e-5, 0.9

    def __init__(self, channels):
        self.params = {"scale": np.ones(channels), "bias": np.zeros(channels)}
        self.mean, self.var = np.zeros(channels), np.ones(channels)

    def forward(self, x, training):
        if training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
            self.mean = self.MOMENTUM * self.mean + (1 - self.MOMENTUM) * mean
            self.var = self.MOMENTUM * self.var + (1 - self.MOMENTUM) * var
        else:
            mean, var = self.mean, self.var
        self.deviation = np.sqrt(var + self.EPSILON)[:, None, None]
        self.normal = (x - mean[:, None, None]) / self.deviation
        return self.normal * self.params["scale"][:, None, None] + self.params["bias"][:, None, None]

    def backward(self, dy):
        axes = (0, 2, 3)
        self.grads = {"scale": (dy * self.normal).sum(axes), "bias": dy.sum(axes)}
        centred = dy - dy.mean(axes, keepdims=True)
        along = (dy * self.normal).mean(axes, keepdims=True)
        return self.params["scale"][:, None, None] * (centred - self.normal * along) / self.deviation


class Relu:
    params = {}

    def forward(self, x, training):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


class MaxPool:
    """2x2 windows, stride 2."""

    params = {}

    def forward(self, x, training):
        n, c, h, w = x.shape
        windows = x.reshape(n, c, h // 2, 2, w // 2, 2)
        y = windows.max((3, 5), keepdims=True)
        self.mask = windows == y
        return y.reshape(n, c, h // 2, w // 2)

    def backward(self, dy):
        n, c, h, w = dy.shape
        share = self.mask / self.mask.sum((3, 5), keepdims=True)
        return (share * dy[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)


class GlobalAveragePool:
    params = {}

    def forward(self, x, training):
        self.shape = x.shape
        return x.mean((2, 3))

    def backward(self, dy):
        return np.broadcast_to(dy[:, :, None, None], self.shape) / np.prod(self.shape[2:])


class Gemm:
    def __init__(self, rng, inputs, outputs):
        weight = rng.normal(0, np.sqrt(1 / inputs), (outputs, inputs))
        self.params = {"weight": weight, "bias": np.zeros(outputs)}

    def forward(self, x, training):
        self.x = x
        return x @ self.params["weight"].T + self.params["bias"]

    def backward(self, dy):
        self.grads = {"weight": dy.T @ self.x, "bias": dy.sum(0)}
        return dy @ self.params["weight"]


class Adam:
    def __init__(self, layers, rate):
        self.layers = [layer for layer in layers if layer.params]
        self.rate, self.step = rate, 0
        self.moments = {}

    def update(self, decay):
        self.step += 1
        for layer in self.layers:
            for name, grad in layer.grads.items():
                first, second = self.moments.get((id(layer), name), (0.0, 0.0))
                first, second = 0.9 * first + 0.1 * grad, 0.999 * second + 0.001 * grad**2
                self.moments[id(layer), name] = first, second
                unbiased = first / (1 - 0.9**self.step), second / (1 - 0.999**self.step)
                layer.params[name] -= self.rate * decay * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)


def forward(layers, x, training=False):
    for layer in layers:
        x = layer.forward(x, training)
    return x


def shifted(rng, images):
    """Each image moved by up to one pixel, so that 1437 images teach more."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    offsets = rng.integers(0, 3, (len(images), 2))
    return np.stack([p[:, y : y + 8, x : x + 8] for p, (y, x) in zip(padded, offsets)])


def train(layers, images, labels, rng):
    optimizer = Adam(layers, LEARNING_RATE)
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        losses = []
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            scores = forward(layers, shifted(rng, images[batch]), training=True)
            scores = np.exp(scores - scores.max(1, keepdims=True))
            probability = scores / scores.sum(1, keepdims=True)
            picked = np.arange(len(batch)), labels[batch]
            losses.append(-np.log(probability[picked]).mean())
            probability[picked] -= 1
            gradient = probability / len(batch)
            for layer in reversed(layers):
                gradient = layer.backward(gradient)
            optimizer.update(decay=0.5 * (1 + np.cos(np.pi * epoch / EPOCHS)))
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", flush=True)


def conv_block(index, conv, norm, source):
    """Conv, BatchNormalization and Relu as ONNX nodes, and their weights."""
    name = f"block{index}"
    tensors = {
        f"{name}.conv.weight": conv.params["weight"],
        f"{name}.norm.scale": norm.params["scale"],
        f"{name}.norm.bias": norm.params["bias"],
        f"{name}.norm.mean": norm.mean,
        f"{name}.norm.var": norm.var,
    }
    weight, *statistics = tensors
    nodes = [
        helper.make_node("Conv", [source, weight], [f"{name}.conv"], f"{name}/Conv",
                         kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]),
        helper.make_node("BatchNormalization", [f"{name}.conv", *statistics], [f"{name}.norm"],
                         f"{name}/BatchNormalization", epsilon=BatchNorm.EPSILON),
        helper.make_node("Relu", [f"{name}.norm"], [f"{name}.relu"], f"{name}/Relu"),
    ]
    return nodes, tensors


def export(layers, path):
    conv1, norm1, _, _, conv2, norm2, _, _, gemm = layers
    nodes, tensors = conv_block(1, conv1, norm1, "image")
    nodes.append(helper.make_node("MaxPool", ["block1.relu"], ["pool"], "MaxPool",
                                  kernel_shape=[2, 2], strides=[2, 2]))
    more_nodes, more_tensors = conv_block(2, conv2, norm2, "pool")
    nodes += more_nodes
    nodes += [
        helper.make_node("GlobalAveragePool", ["block2.relu"], ["average"], "GlobalAveragePool"),
        helper.make_node("Flatten", ["average"], ["features"], "Flatten", axis=1),
        helper.make_node("Gemm", ["features", "gemm.weight", "gemm.bias"], ["scores"], "Gemm", transB=1),
    ]
    tensors |= more_tensors
    tensors |= {f"gemm.{name}": value for name, value in gemm.params.items()}
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, producer_name="tenon digits example", ir_version=8,
                              opset_imports=[helper.make_opsetid("", OPSET)])
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    folder = Path(__file__).resolve().parent
    digits = load_digits()
    images = (digits.images / 16)[:, None]
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits.target, test_size=360, stratify=digits.target, random_state=SEED)

    rng = np.random.default_rng(SEED)
    layers = [Conv(rng, 1, 24), BatchNorm(24), Relu(), MaxPool(),
              Conv(rng, 24, 64), BatchNorm(64), Relu(), GlobalAveragePool(), Gemm(rng, 64, 10)]
    train(layers, train_x, train_y, rng)
    export(layers, folder / "digits.onnx")

    session = onnxruntime.InferenceSession(folder / "digits.onnx", providers=["CPUExecutionProvider"])
    test_x = test_x.astype(np.float32)
    (scores,) = session.run(["scores"], {"image": test_x})
    np.testing.assert_allclose(scores, forward(layers, test_x), rtol=1e-3, atol=1e-3)
    np.savez_compressed(folder / "test.npz", **{
        "in:image": test_x, "labels": test_y.astype(np.int64), "out:scores": scores})
    print(f"test accuracy {np.mean(scores.argmax(1) == test_y):.4f} of {len(test_y)} images")


if __name__ == "__main__":
    main()
