"""MobileNetV2 and a DCGAN generator, written by hand."""
from builder import Builder

# expansion, channels, repeats, first stride (Sandler et al. 2018, table 2)
MOBILENET_BLOCKS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def conv_norm(b, x, inputs, outputs, kernel, stride=1, groups=1):
    return b.batch_norm(b.conv(x, inputs, outputs, kernel, stride, groups), outputs)


def relu6(b, x):
    return b.node("Clip", x, b.f32(0), b.f32(6))


def inverted_residual(b, x, inputs, outputs, expansion, stride):
    hidden = inputs * expansion
    y = x if expansion == 1 else relu6(b, conv_norm(b, x, inputs, hidden, 1))
    y = relu6(b, conv_norm(b, y, hidden, hidden, 3, stride, groups=hidden))
    residual = stride == 1 and inputs == outputs
    y = b.batch_norm(b.conv(y, hidden, outputs, 1), outputs, scale=0.5 if residual else 0.7)
    return b.node("Add", x, y) if residual else y


def mobilenet_v2(seed):
    b = Builder("mobilenetv2", seed, opset=13)
    x = b.input("input", "f32", ["batch", 3, 224, 224])
    x, channels = relu6(b, conv_norm(b, x, 3, 32, 3, stride=2)), 32
    for expansion, outputs, repeats, stride in MOBILENET_BLOCKS:
        for repeat in range(repeats):
            x = inverted_residual(b, x, channels, outputs, expansion, stride if repeat == 0 else 1)
            channels = outputs
    x = relu6(b, conv_norm(b, x, channels, 1280, 1))
    x = b.node("Flatten", b.node("GlobalAveragePool", x), axis=1)
    x = b.node("Gemm", x, b.weight(1000, 1280, fan_in=1280), b.bias(1000), transB=1)
    b.output(x, "logits", "f32", ["batch", 1000])
    return b.model(), {"input": ("normal", (1, 3, 224, 224))}


def transposed(b, x, inputs, outputs, stride, pad):
    # Each output pixel of a 4x4 transposed convolution sums (4 / stride)^2 products for each channel.
    weight = b.weight(inputs, outputs, 4, 4, fan_in=inputs * (4 // stride) ** 2)
    return b.node("ConvTranspose", x, weight, kernel_shape=[4, 4], strides=[stride] * 2, pads=[pad] * 4)


def dcgan_generator(seed):
    b = Builder("dcgan_generator", seed, opset=13)
    x = b.input("z", "f32", ["batch", 100, 1, 1])
    x = transposed(b, x, 100, 512, stride=1, pad=0)
    channels = 512
    for outputs in (256, 128, 64, 3):
        x = b.node("Relu", b.batch_norm(x, channels))
        x = transposed(b, x, channels, outputs, stride=2, pad=1)
        channels = outputs
    b.output(b.node("Tanh", x), "image", "f32", ["batch", 3, 64, 64])
    return b.model(), {"z": ("normal", (1, 100, 1, 1))}
