# SPDX-License-Identifier: Apache-2.0
"""Values of ONNX test data (.pb) as the .npz entries that the host reads: every element type, sequences, optionals and maps.

Element types that NumPy lacks are carried as the host expects them: bfloat16 as uint16, float8 as uint8, narrower ones as one byte each.
"""
import numpy as np
import onnx

INT4, UINT4, FLOAT4, UINT2, INT2 = 22, 21, 23, 25, 26
BFLOAT16 = 16
# TensorProto.data_type -> (dtype of the elements, field that holds them when there is no raw_data)
FORMS = {1: ("<f4", "float_data"), 2: ("u1", "int32_data"), 3: ("i1", "int32_data"), 4: ("<u2", "int32_data"), 5: ("<i2", "int32_data"), 6: ("<i4", "int32_data"),
         7: ("<i8", "int64_data"), 9: ("?", "int32_data"), 10: ("<f2", "int32_data"), 11: ("<f8", "double_data"), 12: ("<u4", "uint64_data"),
         13: ("<u8", "uint64_data"), 14: ("<c8", "float_data"), 15: ("<c16", "double_data"), 16: ("<u2", "int32_data"), 17: ("u1", "int32_data"),
         18: ("u1", "int32_data"), 19: ("u1", "int32_data"), 20: ("u1", "int32_data"), 24: ("u1", "int32_data")}
PACKED = {UINT4: 4, INT4: 4, FLOAT4: 4, UINT2: 2, INT2: 2}  # bits of an element
SIGNED = (INT4, INT2)


def unpacked(t):
    """Elements of less than a byte, the first in the lowest bits, as one byte each."""
    bits, count = PACKED[t.data_type], int(np.prod(t.dims, dtype=np.int64))
    data = np.frombuffer(t.raw_data, np.uint8) if t.raw_data else np.array(t.int32_data, np.int64).astype(np.uint8)
    parts = [data >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)]
    flat = np.stack(parts, axis=-1).reshape(-1)[:count].astype(np.int16)
    if t.data_type not in SIGNED:
        return flat.astype(np.uint8).reshape(t.dims)
    return np.where(flat >= 1 << bits - 1, flat - (1 << bits), flat).astype(np.int8).reshape(t.dims)


def typed_data(t, dtype, field):
    values = getattr(t, field)
    if field == "int32_data" and np.dtype(dtype).kind == "f":
        return np.array(values, np.uint16).view(dtype)
    if np.dtype(dtype).kind == "c":
        return np.array(values, "<f4" if dtype == "<c8" else "<f8").view(dtype)
    return np.array(values).astype(dtype)


def texts(t):
    """Text as NumPy's fixed-width elements: Unicode where it is valid, else bytes."""
    values = list(t.string_data)
    try:
        return np.array([v.decode() for v in values], dtype=str).reshape(t.dims)
    except UnicodeDecodeError:
        return np.array(values, dtype=bytes).reshape(t.dims)


def array(t):
    if t.data_type == onnx.TensorProto.STRING:
        return texts(t)
    if t.data_type in PACKED:
        return unpacked(t)
    dtype, field = FORMS[t.data_type]
    data = np.frombuffer(t.raw_data, dtype) if t.HasField("raw_data") else typed_data(t, dtype, field)
    return data.reshape(t.dims)


def sequence(name, s):
    """An item each; an empty sequence says so."""
    items = s.tensor_values or s.sequence_values or s.map_values or s.optional_values
    entries = {f"{name}/count": np.array(len(items), np.int64)}
    for k, item in enumerate(items):
        entries.update(entries_of(f"{name}/{k}", item))
    return entries


def optional(name, o):
    for kind in ("tensor_value", "sequence_value", "map_value", "optional_value"):
        if o.HasField(kind):
            return entries_of(name, getattr(o, kind))
    return {f"{name}/present": np.array(False)}


def mapping(name, m):
    if m.string_keys:
        keys = np.array([k.decode() for k in m.string_keys], dtype=str)
    else:
        keys = np.array(m.keys, np.int64)
    return {f"{name}/keys": keys, **entries_of(f"{name}/values", m.values)}


def entries_of(name, value):
    """A protobuf value as .npz entries."""
    if isinstance(value, onnx.SequenceProto):
        return sequence(name, value)
    if isinstance(value, onnx.OptionalProto):
        return optional(name, value)
    if isinstance(value, onnx.MapProto):
        return mapping(name, value)
    return {name: array(value)}


MESSAGES = {"tensor_type": onnx.TensorProto, "sequence_type": onnx.SequenceProto, "map_type": onnx.MapProto, "optional_type": onnx.OptionalProto}


def read(path, info):
    """Entries of a .pb file, read as the type that the model declares."""
    message = MESSAGES[info.type.WhichOneof("value")]()
    message.ParseFromString(path.read_bytes())
    return entries_of(info.name, message)
