# SPDX-License-Identifier: Apache-2.0
"""What Caffe's layers compute, in plain numpy and float64: slow, and written to be read beside Caffe's documentation."""
import itertools
import math

import numpy as np

F = np.float32


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(float)))


def softmax(x, axis):
    e = np.exp(x.astype(float) - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def padded(x, pad, value=0.0):
    return np.pad(x.astype(float), [(0, 0), (0, 0), *[(p, p) for p in pad]], constant_values=value)


def convolution(x, w, b, stride=None, pad=None, dilation=None, group=1):
    n = x.ndim - 2
    stride, pad, dilation = stride or (1,) * n, pad or (0,) * n, dilation or (1,) * n
    kernel = w.shape[2:]
    size = [(x.shape[2 + k] + 2 * pad[k] - (dilation[k] * (kernel[k] - 1) + 1)) // stride[k] + 1 for k in range(n)]
    xp, y = padded(x, pad), np.zeros((x.shape[0], w.shape[0], *size))
    each_in, each_out = x.shape[1] // group, w.shape[0] // group
    for o in range(w.shape[0]):
        g = o // each_out
        for at in itertools.product(*map(range, size)):
            window = tuple(slice(at[k] * stride[k], at[k] * stride[k] + dilation[k] * (kernel[k] - 1) + 1, dilation[k]) for k in range(n))
            part = xp[(slice(None), slice(g * each_in, (g + 1) * each_in), *window)]
            y[(slice(None), o, *at)] = (part * w[o].astype(float)).reshape(x.shape[0], -1).sum(1)
    return y + np.reshape(b, (-1,) + (1,) * n) if np.size(b) > 1 else y


def deconvolution(x, w, b, stride, pad, dilation=(1, 1), group=1):
    """Each input element adds its weighted kernel to the output; then the padding is cut off."""
    kernel, size = w.shape[2:], x.shape[2:]
    full = [stride[k] * (size[k] - 1) + dilation[k] * (kernel[k] - 1) + 1 for k in range(2)]
    each_in, each_out = x.shape[1] // group, w.shape[1]
    y = np.zeros((x.shape[0], each_out * group, *full))
    for n, c, i, j in itertools.product(*map(range, x.shape)):
        g = c // each_in
        rows = slice(i * stride[0], i * stride[0] + dilation[0] * (kernel[0] - 1) + 1, dilation[0])
        columns = slice(j * stride[1], j * stride[1] + dilation[1] * (kernel[1] - 1) + 1, dilation[1])
        y[n, g * each_out:(g + 1) * each_out, rows, columns] += float(x[n, c, i, j]) * w[c]
    y = y[:, :, pad[0]:full[0] - pad[0], pad[1]:full[1] - pad[1]]
    return y + np.reshape(b, (-1, 1, 1)) if np.size(b) > 1 else y


def bilinear(k):
    f = math.ceil(k / 2)
    c = (2 * f - 1 - f % 2) / (2 * f)
    side = np.array([1 - abs(i / f - c) for i in range(k)])
    return np.outer(side, side)[None]


def im2col(x, kernel, stride, pad):
    xp = padded(x, pad)
    size = [(x.shape[2 + k] + 2 * pad[k] - kernel[k]) // stride[k] + 1 for k in range(2)]
    y = np.zeros((x.shape[0], x.shape[1] * kernel[0] * kernel[1], *size))
    for c, i, j in itertools.product(range(x.shape[1]), range(kernel[0]), range(kernel[1])):
        y[:, (c * kernel[0] + i) * kernel[1] + j] = xp[:, c, i:i + stride[0] * size[0]:stride[0], j:j + stride[1] * size[1]:stride[1]][:, :size[0], :size[1]]
    return y


def pooling(x, method, kernel, stride, pad, up=True):
    """(y, mask); the mask is for two spatial axes."""
    n, sizes, plane = len(kernel), [], x.shape[2:]
    for k in range(n):
        extra = plane[k] + 2 * pad[k] - kernel[k]
        out = (math.ceil(extra / stride[k]) if up else extra // stride[k]) + 1
        if any(pad) and (out - 1) * stride[k] >= plane[k] + pad[k]:
            out -= 1
        sizes.append(out)
    y, mask = np.zeros((*x.shape[:2], *sizes)), np.zeros((*x.shape[:2], *sizes))
    for at in itertools.product(*map(range, sizes)):
        start = [at[k] * stride[k] - pad[k] for k in range(n)]
        end = [min(start[k] + kernel[k], plane[k] + pad[k]) for k in range(n)]
        divisor = np.prod([end[k] - start[k] for k in range(n)])
        window = tuple(slice(max(start[k], 0), min(end[k], plane[k])) for k in range(n))
        part = x[(slice(None), slice(None), *window)].astype(float)
        flat = part.reshape(*x.shape[:2], -1)
        if method == "AVE":
            y[(slice(None), slice(None), *at)] = flat.sum(2) / divisor
        elif flat.shape[2] == 0:
            y[(slice(None), slice(None), *at)] = -np.finfo(F).max
        else:
            y[(slice(None), slice(None), *at)] = flat.max(2)
            if n == 2:
                best = flat.argmax(2)
                mask[(slice(None), slice(None), *at)] = (window[0].start + best // part.shape[3]) * plane[1] + window[1].start + best % part.shape[3]
    return y.astype(F), mask.astype(F)


def spp(x, height, method):
    parts = []
    for level in range(height):
        bins = 2 ** level
        kernel = [math.ceil(s / bins) for s in x.shape[2:]]
        pad = [(k * bins - s + 1) // 2 for k, s in zip(kernel, x.shape[2:])]
        parts.append(pooling(x, method, kernel, kernel, pad)[0].reshape(x.shape[0], -1))
    return np.concatenate(parts, 1)


def unpool(x, mask, height, width):
    y = np.zeros((*x.shape[:2], height * width), F)
    for n, c in itertools.product(range(x.shape[0]), range(x.shape[1])):
        for v, at in zip(x[n, c].ravel(), mask[n, c].ravel().astype(int)):
            y[n, c, at] = v
    return y.reshape(*x.shape[:2], height, width)


def lrn(x, size, alpha, beta, k):
    y, half = np.zeros(x.shape), size // 2
    for c in range(x.shape[1]):
        squares = (x[:, max(0, c - half):c + half + 1].astype(float) ** 2).sum(1)
        y[:, c] = x[:, c] / (k + alpha / size * squares) ** beta
    return y


def lrn_within(x, size, alpha, beta):
    p = (size - 1) // 2
    return x / (1 + alpha * pooling(x * x, "AVE", (size, size), (1, 1), (p, p))[0]) ** beta


def reorg(x, s, reverse=False):
    """Darknet's reorg_cpu with the width, height and channels of its input."""
    batch, c, h, w = x.shape
    flat, y, out_c = x.ravel(), np.zeros(x.size, F), c // (s * s)
    for b, k, j, i in itertools.product(range(batch), range(c), range(h), range(w)):
        inner = i + w * (j + h * (k + c * b))
        c2, offset = k % out_c, k // out_c
        outer = i * s + offset % s + w * s * (j * s + offset // s + h * s * (c2 + out_c * b))
        if reverse:
            y[outer] = flat[inner]
        else:
            y[inner] = flat[outer]
    return y.reshape(batch, c // (s * s), h * s, w * s) if reverse else y.reshape(batch, c * s * s, h // s, w // s)


def argmax(x, axis, k, values):
    """Pairs (value, index) in falling order; of equal values the larger index comes first."""
    def best(v):
        return sorted(((float(a), i) for i, a in enumerate(v)), reverse=True)[:k]
    if axis is None:
        rows = [best(sample.ravel()) for sample in x]
        parts = [[[i for _, i in r]] + ([[v for v, _ in r]] if values else []) for r in rows]
        return np.array(parts).reshape(len(rows), 2 if values else 1, k, *(1,) * (x.ndim - 3))
    moved = np.moveaxis(x, axis, -1)
    flat = np.array([[p[0] if values else p[1] for p in best(v)] for v in moved.reshape(-1, moved.shape[-1])])
    return np.moveaxis(flat.reshape(*moved.shape[:-1], k), -1, axis)


def lstm_unit(gates, c, cont):
    i, f, o, g = np.split(gates.astype(float), 4, 1)
    c = cont * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return c, sigmoid(o) * np.tanh(c)


def lstm(x, cont, h, c, wx, b, wh, static=0):
    out = []
    for t in range(len(x)):
        keep = cont[t][:, None]
        c, h = lstm_unit(x[t] @ wx.T + b + static + (keep * h) @ wh.T, c, keep)
        out.append(h)
    return np.stack(out), h, c


def rnn(x, cont, h, wx, b, wh, wo, bo):
    out = []
    for t in range(len(x)):
        h = np.tanh(x[t] @ wx.T + b + (cont[t][:, None] * h) @ wh.T)
        out.append(np.tanh(h @ wo.T + bo))
    return np.stack(out), h


def prior_box(height, width, image_h, image_w, least, most, ratios, flip, clip, variance, step_h=0, step_w=0, offset=0.5):
    all_ratios = [1.0]
    for r in ratios:
        if min(abs(r - a) for a in all_ratios) > 1e-6:
            all_ratios += [r, 1 / r] if flip else [r]
    step_h, step_w = step_h or image_h / height, step_w or image_w / width
    boxes = []
    for i, j in itertools.product(range(height), range(width)):
        y, x = (i + offset) * step_h, (j + offset) * step_w
        for k, size in enumerate(least):
            sides = [(size, size)]
            if most:
                sides.append((math.sqrt(size * most[k]),) * 2)
            sides += [(size * math.sqrt(r), size / math.sqrt(r)) for r in all_ratios if abs(r - 1) > 1e-6]
            boxes += [((x - w / 2) / image_w, (y - h / 2) / image_h, (x + w / 2) / image_w, (y + h / 2) / image_h) for w, h in sides]
    boxes = np.array(boxes)
    if clip:
        boxes = np.clip(boxes, 0, 1)
    return np.stack([boxes.ravel(), np.tile(variance * (4 // len(variance)), len(boxes))])[None]


def overlap(a, b, one=0):
    w = min(a[2], b[2]) - max(a[0], b[0]) + one
    h = min(a[3], b[3]) - max(a[1], b[1]) + one
    if w <= 0 or h <= 0:
        return 0
    area = lambda r: (r[2] - r[0] + one) * (r[3] - r[1] + one)
    return w * h / (area(a) + area(b) - w * h)


def decode(p, v, l, code, encoded):
    v = [1] * 4 if encoded else v
    w, h = p[2] - p[0], p[3] - p[1]
    if code == "CORNER":
        return [p[k] + v[k] * l[k] for k in range(4)]
    if code == "CORNER_SIZE":
        return [p[k] + v[k] * l[k] * (w, h)[k % 2] for k in range(4)]
    x, y = v[0] * l[0] * w + (p[0] + p[2]) / 2, v[1] * l[1] * h + (p[1] + p[3]) / 2
    bw, bh = math.exp(v[2] * l[2]) * w, math.exp(v[3] * l[3]) * h
    return [x - bw / 2, y - bh / 2, x + bw / 2, y + bh / 2]


def detection_output(loc, conf, prior, classes, code, encoded, shared, nms, top_k, keep_top_k, least):
    n = prior.shape[2] // 4
    boxes, variances = prior[0].astype(float).reshape(2, n, 4)
    rows = []
    for image in range(len(loc)):
        found = []
        for c in range(1, classes):
            l = loc[image].astype(float).reshape(n, -1, 4)[:, 0 if shared else c]
            scores = conf[image].reshape(n, classes)[:, c]
            order = sorted((i for i in range(n) if scores[i] > least), key=lambda i: -scores[i])[:top_k]
            kept = []
            for i in order:
                box = decode(boxes[i], variances[i], l[i], code, encoded)
                if all(overlap(box, k[1]) <= nms for k in kept):
                    kept.append((scores[i], box))
            found += [(c, s, b) for s, b in kept]
        if len(found) > keep_top_k:
            found = sorted(sorted(found, key=lambda f: -f[1])[:keep_top_k], key=lambda f: f[0])
        rows += [[image, c, s, *b] for c, s, b in found]
    if not rows:
        rows = [[image] + [-1] * 6 for image in range(len(loc))]
    return np.array(rows).reshape(1, 1, -1, 7)


def c_round(v):
    return math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1)


def roi_pooling(x, rois, ph, pw, scale):
    y = np.zeros((len(rois), x.shape[1], ph, pw))
    for r, roi in enumerate(rois):
        x0, y0, x1, y1 = (c_round(v * scale) for v in roi[1:])
        w, h = max(x1 - x0 + 1, 1), max(y1 - y0 + 1, 1)
        clip = lambda v, top: min(max(v, 0), top)
        for i, j in itertools.product(range(ph), range(pw)):
            rows = slice(clip(math.floor(i * h / ph) + y0, x.shape[2]), clip(math.ceil((i + 1) * h / ph) + y0, x.shape[2]))
            columns = slice(clip(math.floor(j * w / pw) + x0, x.shape[3]), clip(math.ceil((j + 1) * w / pw) + x0, x.shape[3]))
            part = x[int(roi[0]), :, rows, columns]
            y[r, :, i, j] = part.max((1, 2)) if part.size else 0
    return y


def sample(plane, y, x):
    h, w = plane.shape
    if y < -1 or y > h or x < -1 or x > w:
        return 0
    y, x = max(y, 0), max(x, 0)
    y0, x0 = min(int(y), h - 1), min(int(x), w - 1)
    y1, x1 = min(y0 + 1, h - 1), min(x0 + 1, w - 1)
    dy, dx = (y - y0 if y0 < h - 1 else 0), (x - x0 if x0 < w - 1 else 0)
    return (1 - dy) * (1 - dx) * plane[y0, x0] + (1 - dy) * dx * plane[y0, x1] + dy * (1 - dx) * plane[y1, x0] + dy * dx * plane[y1, x1]


def roi_align(x, rois, ph, pw, scale, ratio):
    y = np.zeros((len(rois), x.shape[1], ph, pw))
    for r, roi in enumerate(rois):
        x0, y0, x1, y1 = roi[1:] * scale
        ch, cw = max(y1 - y0, 1) / ph, max(x1 - x0, 1) / pw
        for c, i, j in itertools.product(range(x.shape[1]), range(ph), range(pw)):
            points = [sample(x[int(roi[0]), c], y0 + (i + (a + 0.5) / ratio) * ch, x0 + (j + (b + 0.5) / ratio) * cw) for a in range(ratio) for b in range(ratio)]
            y[r, c, i, j] = np.mean(points)
    return y


def psroi_pooling(x, rois, channels, group, scale):
    y = np.zeros((len(rois), channels, group, group))
    for r, roi in enumerate(rois):
        x0, y0 = c_round(roi[1]) * scale, c_round(roi[2]) * scale
        x1, y1 = (c_round(roi[3]) + 1) * scale, (c_round(roi[4]) + 1) * scale
        cw, ch = max(x1 - x0, 0.1) / group, max(y1 - y0, 0.1) / group
        clip = lambda v, top: min(max(v, 0), top)
        for c, i, j in itertools.product(range(channels), range(group), range(group)):
            rows = slice(clip(math.floor(i * ch + y0), x.shape[2]), clip(math.ceil((i + 1) * ch + y0), x.shape[2]))
            columns = slice(clip(math.floor(j * cw + x0), x.shape[3]), clip(math.ceil((j + 1) * cw + x0), x.shape[3]))
            part = x[int(roi[0]), (c * group + i) * group + j, rows, columns]
            y[r, c, i, j] = part.mean() if part.size else 0
    return y


def proposal(scores, offsets, info, stride, base, least, ratios, scales, before, after, nms):
    anchors = []
    for ratio in ratios:
        w = round(math.sqrt(base * base / ratio))
        h = round(w * ratio)
        for s in scales:
            c = (base - 1) / 2
            anchors.append((c - (w * s - 1) / 2, c - (h * s - 1) / 2, c + (w * s - 1) / 2, c + (h * s - 1) / 2))
    n, found = len(anchors), []
    for i, j, a in itertools.product(range(scores.shape[2]), range(scores.shape[3]), range(n)):
        x0, y0, x1, y1 = np.add(anchors[a], [j * stride, i * stride] * 2)
        dx, dy, dw, dh = offsets[0, 4 * a:4 * a + 4, i, j].astype(float)
        w, h = x1 - x0 + 1, y1 - y0 + 1
        cx, cy, pw, ph = dx * w + x0 + w / 2, dy * h + y0 + h / 2, math.exp(dw) * w, math.exp(dh) * h
        box = [min(max(v, 0), top - 1) for v, top in zip((cx - pw / 2, cy - ph / 2, cx + pw / 2, cy + ph / 2), (info[1], info[0]) * 2)]
        if box[2] - box[0] + 1 >= least * info[2] and box[3] - box[1] + 1 >= least * info[2]:
            found.append((scores[0, n + a, i, j], box))
    found = sorted(found, key=lambda f: -f[0])[:before]
    kept = []
    for s, box in found:
        if len(kept) < after and all(overlap(box, k[1], 1) <= nms for k in kept):
            kept.append((s, box))
    return np.array([[0, *b] for _, b in kept]), np.array([[s] for s, _ in kept])


def interp(x, height, width):
    """Bilinear with the corners aligned."""
    y = np.zeros((*x.shape[:2], height, width))
    for i, j in itertools.product(range(height), range(width)):
        fy = i * (x.shape[2] - 1) / (height - 1) if height > 1 else 0
        fx = j * (x.shape[3] - 1) / (width - 1) if width > 1 else 0
        y0, x0 = int(fy), int(fx)
        y1, x1 = min(y0 + 1, x.shape[2] - 1), min(x0 + 1, x.shape[3] - 1)
        dy, dx = fy - y0, fx - x0
        y[:, :, i, j] = (1 - dy) * ((1 - dx) * x[:, :, y0, x0] + dx * x[:, :, y0, x1]) + dy * ((1 - dx) * x[:, :, y1, x0] + dx * x[:, :, y1, x1])
    return y
