/* SPDX-License-Identifier: Apache-2.0
 * abi.h - the C ABI between the Tenon host and its plugins. C11 and C++17; needs nothing but the C library's headers.
 *
 * Rules that keep it stable:
 *  R1 A struct is either FROZEN (never changes inside major 1) or SIZED (first field uint32_t struct_size, append-only).
 *  R2 Nobody compares struct_size for equality. A reader copies min(theirs, mine) into a zeroed struct; zero/NULL = "not there".
 *  R3 Fixed-width integers only: no enum, bool, long, size_t or bitfield; no implicit padding; every struct is a multiple of
 *     8 bytes, so an appended field can never hide in old tail padding.
 *  R4 Strings are (data, len) UTF-8, need not end in NUL, and are borrowed for the call unless said otherwise.
 *  R5 Who allocates frees: host objects through the host's table, plugin objects through the plugin's own table.
 *  R6 Nothing throws or longjmps across any function here (noexcept is part of the type in C++17). NULL tenon_error* = success.
 *  R7 Thread class of each function: [init] one thread, before or after all else; [graph] the caller owns that graph
 *     exclusively; [any] any thread, concurrently; [inst] any thread but one call at a time for each instance.             */
#ifndef TENON_ABI_H
#define TENON_ABI_H
#include <stddef.h>
#include <stdint.h>

#define TENON_ABI_MAJOR 1 /* part of the entry symbol's name: a new major is a new symbol beside the old one */
#define TENON_ABI_MINOR 0 /* grows with: new fields at the end, new interface ids, new constants */

#if defined(_WIN32)
#define TENON_EXPORT __declspec(dllexport)
#define TENON_CALL __cdecl
#else
#define TENON_EXPORT __attribute__((visibility("default")))
#define TENON_CALL
#endif
#ifdef __cplusplus
#define TENON_NX noexcept
extern "C" {
#else
#define TENON_NX
#endif
/* A function slot in a table: TENON_FN(tenon_error*, run, (tenon_ctx* c, tenon_graph* g)); */
#define TENON_FN(ret, name, args) ret(TENON_CALL* name) args TENON_NX
/* Is a member of a SIZED struct there? Works for data and function members. */
#define TENON_HAS(p, m) ((p) && (uint64_t)((const char*)(&(p)->m + 1) - (const char*)(p)) <= (p)->struct_size && (p)->m)
/* The same for descriptors, whose size is in their header. */
#define TENON_DESC_HAS(p, m) ((p) && (uint64_t)((const char*)(&(p)->m + 1) - (const char*)(p)) <= (p)->h.struct_size && (p)->m)

/* ---- 1. Basic types ------------------------------------------------------------------------------------------------ */
typedef struct tenon_ctx tenon_ctx;         /* host: one call in progress (options, cancel flag, log, which plugin)          */
typedef struct tenon_error tenon_error;     /* host: an error; made and freed only through tenon_core_api                    */
typedef struct tenon_graph tenon_graph;     /* host: a graph or nested graph                                                */
typedef struct tenon_buffer tenon_buffer;   /* host: refcounted bytes (heap, mapped file, plugin memory, slice)              */
typedef struct tenon_exec tenon_exec;       /* host: one node prepared for running (see tenon_exec_api)                      */
typedef uint64_t tenon_node;  /* low 32 bits slot, high 32 generation; 0 = none. A stale id is TENON_E_STALE, never a crash   */
typedef uint64_t tenon_value; /* same                                                                                       */
typedef uint32_t tenon_op;    /* interned (domain, name, version); compare as an integer; never 0                            */

typedef struct tenon_str { const char* data; uint64_t len; } tenon_str; /* FROZEN */

/* FROZEN. Element type and container of a value. `bits` 1..7 are packed sub-byte types, low bits first, each row-major
 * tensor padded to whole bytes at its end only. */
typedef struct tenon_dtype { uint8_t code, bits; uint16_t lanes; uint32_t flags; } tenon_dtype;
#define TENON_DT_NONE 0    /* not known */
#define TENON_DT_INT 1     /* two's complement, bits 2 4 8 16 32 64 */
#define TENON_DT_UINT 2    /* bits 2 4 8 16 32 64 */
#define TENON_DT_FLOAT 3   /* IEEE, bits 16 32 64 */
#define TENON_DT_BFLOAT 4  /* bits 16 */
#define TENON_DT_COMPLEX 5 /* bits 64 128: two floats, real part first */
#define TENON_DT_BOOL 6    /* bits 8: 0 or 1 */
#define TENON_DT_MINIFLOAT 7 /* 8-bit and narrower floats; which one: flags & 0xff, TENON_MF_* */
#define TENON_DT_STRING 8  /* data is tenon_str[], bits 128 */
#define TENON_MF_E4M3FN 1u
#define TENON_MF_E4M3FNUZ 2u
#define TENON_MF_E5M2 3u
#define TENON_MF_E5M2FNUZ 4u
#define TENON_MF_E8M0 5u
#define TENON_MF_E2M1 6u
/* containers, in flags: optional(sequence(T)) sets both. A map's key type is `lanes`: 1 = int64, 2 = string */
#define TENON_DTF_SEQUENCE 0x100u
#define TENON_DTF_OPTIONAL 0x200u
#define TENON_DTF_MAP 0x400u

/* dimensions: >= 0 a number; TENON_DIM_UNKNOWN; <= -2 a symbol, named through tenon_ir_api.symbol_name */
#define TENON_DIM_UNKNOWN (-1)
#define TENON_RANK_UNKNOWN (-1)

typedef struct tenon_attr { /* FROZEN, used in arrays; a new kind of attribute is a new type code */
  tenon_str name;
  uint32_t type; /* TENON_AT_* */
  uint32_t reserved;
  uint64_t count; /* 1 for scalars; array length otherwise */
  union {
    int64_t i; double f; const int64_t* ints; const double* floats; const tenon_str* strs;
    tenon_value tensor; tenon_graph* graph; tenon_graph* const* graphs; const tenon_value* tensors; const void* raw;
  } v; /* all members 8 bytes on 64-bit targets */
} tenon_attr;
#define TENON_AT_INT 1u
#define TENON_AT_FLOAT 2u
#define TENON_AT_STR 3u /* v.strs, count 1 */
#define TENON_AT_INTS 4u
#define TENON_AT_FLOATS 5u
#define TENON_AT_STRS 6u
#define TENON_AT_TENSOR 7u  /* v.tensor is a constant value of the same model */
#define TENON_AT_GRAPH 8u   /* v.graph is a nested graph of this node, or a shared one that several nodes hold */
#define TENON_AT_GRAPHS 9u
#define TENON_AT_TENSORS 10u
#define TENON_AT_RAW 11u    /* count bytes, vendor-defined */

#define TENON_OK 0
#define TENON_E_INTERNAL 1
#define TENON_E_INVALID 2     /* malformed model or argument */
#define TENON_E_UNSUPPORTED 3 /* well-formed, but not handled */
#define TENON_E_NOT_FOUND 4
#define TENON_E_NO_MEMORY 5
#define TENON_E_CANCELLED 6
#define TENON_E_STALE 7
#define TENON_E_ABI 8
#define TENON_E_IO 9
#define TENON_E_EXCEPTION 10  /* a C++ exception or a panic was caught at the boundary */
#define TENON_E_CRASH 11      /* set by the host: an isolated worker died */
#define TENON_E_CONFIG 12     /* a wrong option or pipeline */
#define TENON_E_MISMATCH 13   /* ran, but a check failed */

/* SIZED, passed by pointer. One value at run time: a dense row-major tensor, a sequence or an optional. */
typedef struct tenon_tensor {
  uint32_t struct_size;
  int32_t rank;       /* TENON_RANK_UNKNOWN: shape not known, or an empty optional */
  void* data;         /* NULL: contents not known. Sequence: array of dim[0] `const tenon_tensor*`. Map: array of two, keys and values. String: tenon_str[] */
  uint64_t bytes;     /* readable bytes at data */
  const int64_t* dim; /* [rank] */
  tenon_dtype type;
  tenon_buffer* buffer; /* storage to share, NULL for temporaries */
} tenon_tensor;

/* ---- 2. Host: a FROZEN door, then SIZED interface tables fetched by id ("name/revision") ------------------------------ */
typedef struct tenon_host { /* FROZEN for major 1 */
  uint32_t abi_major, abi_minor;
  void* self; /* one for each (host, plugin): lets the host tag logs and errors with the plugin */
  TENON_FN(const void*, get_interface, (const struct tenon_host* h, const char* id)); /* [any]; NULL = not offered */
} tenon_host;

#define TENON_IID_CORE "tenon.core/1"
typedef struct tenon_core_api { /* SIZED, host-owned; all [any] */
  uint32_t struct_size, reserved;
  /* errors: message is copied; c may be NULL inside the entry function. Never returns NULL */
  TENON_FN(tenon_error*, error_new, (tenon_ctx* c, int32_t code, tenon_str message));
  /* adds one detail. Known keys: "file", "position", "node", "operator", "value", "expected", "found", "hint"; others are shown as they are */
  TENON_FN(void, error_detail, (tenon_error* e, tenon_str key, tenon_str text));
  TENON_FN(void, error_locate, (tenon_error* e, tenon_graph* g, tenon_node n)); /* adds node name, operator and origins */
  TENON_FN(int32_t, error_get, (const tenon_error* e, tenon_str* message_out)); /* returns the code */
  TENON_FN(void, error_free, (tenon_error* e));
  /* levels: 0 trace, 1 debug, 2 info, 3 warning (also listed in the report), 4 error */
  TENON_FN(int32_t, log_enabled, (tenon_ctx* c, int32_t level));
  TENON_FN(void, log, (tenon_ctx* c, int32_t level, tenon_str message));
  /* returns 1 when the user asked to cancel; then return error_new(TENON_E_CANCELLED) soon. total 0 = unknown */
  TENON_FN(int32_t, progress, (tenon_ctx* c, uint64_t done, uint64_t total, tenon_str what));
  /* options of this stage: checked against the manifest's JSON schema and filled with its defaults before the call */
  TENON_FN(void, options_json, (tenon_ctx* c, tenon_str* out)); /* canonical JSON text */
  TENON_FN(int32_t, opt_i64, (tenon_ctx* c, const char* json_pointer, int64_t* out)); /* 1 = found; booleans are 0 and 1 */
  TENON_FN(int32_t, opt_f64, (tenon_ctx* c, const char* json_pointer, double* out));
  TENON_FN(int32_t, opt_str, (tenon_ctx* c, const char* json_pointer, tenon_str* out));
  TENON_FN(void, metric, (tenon_ctx* c, tenon_str key, double value)); /* shows in the run report; same key adds up */
} tenon_core_api;

#define TENON_IID_BUFFER "tenon.buffer/1"
typedef struct tenon_buffer_api { /* SIZED; all [any]; sizes are uint64_t: no 2 GB limit anywhere */
  uint32_t struct_size, reserved;
  TENON_FN(tenon_error*, alloc, (tenon_ctx* c, uint64_t size, tenon_buffer** out)); /* zeroed, 64-byte aligned */
  /* zero-copy plugin memory: release(user) is called once, from any thread, when the last reference drops */
  TENON_FN(tenon_error*, wrap, (tenon_ctx* c, const void* data, uint64_t size, void(TENON_CALL* release)(void* user) TENON_NX, void* user, tenon_buffer** out));
  TENON_FN(tenon_error*, slice, (tenon_ctx* c, tenon_buffer* b, uint64_t offset, uint64_t size, tenon_buffer** out)); /* shares storage */
  TENON_FN(void, ref, (tenon_buffer* b));
  TENON_FN(void, unref, (tenon_buffer* b));
  TENON_FN(uint64_t, size, (const tenon_buffer* b));
  TENON_FN(const void*, data, (const tenon_buffer* b));  /* mapped files are paged in lazily; valid while a reference is held */
  TENON_FN(void*, writable, (tenon_buffer* b));          /* NULL unless made by alloc and referenced once */
} tenon_buffer_api;

#define TENON_IID_IR "tenon.ir/1"
#define TENON_ROW_NONE 0xffffffffu
#define TENON_VF_CONSTANT 1u
#define TENON_VF_INPUT 2u        /* input of its graph */
#define TENON_VF_OUTPUT 4u       /* output of its graph (or of a nested one that lists it) */
#define TENON_VF_CAPTURED 8u     /* in a view: belongs to an enclosing graph */
#define TENON_NF_SUBGRAPHS 1u
#define TENON_NF_SIDE_EFFECTS 2u
#define TENON_NF_NONDETERMINISTIC 4u
typedef struct tenon_view { /* SIZED, host-owned columns of one graph: walk a whole graph without a call for each element */
  uint32_t struct_size, reserved;
  uint64_t epoch;            /* the edit count when made. A snapshot: edits do not move it; it lives until the next view() of this graph */
  uint64_t n_nodes, n_values;
  const tenon_node* node;    /* [n_nodes] topological order; "row" below = index into this or into value[] */
  const tenon_op* op;        /* [n_nodes] */
  const uint64_t* in_off;    /* [n_nodes+1] into in_val */
  const uint32_t* in_val;    /* value rows; TENON_ROW_NONE = absent optional input */
  const uint64_t* out_off;   /* [n_nodes+1] into out_val */
  const uint32_t* out_val;   /* value rows; TENON_ROW_NONE = absent optional output */
  const tenon_value* value;  /* [n_values] every value that a node of this graph reads or makes, and its inputs and outputs */
  const uint32_t* producer;  /* [n_values] node row; TENON_ROW_NONE for inputs, constants and captured values */
  const uint64_t* use_off;   /* [n_values+1] into use_node; uses inside nested graphs appear as a use by the node that holds them */
  const uint32_t* use_node;
  const tenon_dtype* dtype;  /* [n_values] */
  const int32_t* rank;       /* [n_values] */
  const uint64_t* dim_off;   /* [n_values+1] into dim */
  const int64_t* dim;
  const uint8_t* vflags;     /* [n_values] TENON_VF_* */
  const uint8_t* nflags;     /* [n_nodes] TENON_NF_* */
} tenon_view;

typedef struct tenon_value_info { /* SIZED; filled by value_info, borrowed until the next edit */
  uint32_t struct_size; int32_t rank;
  const int64_t* dim;
  tenon_dtype type;
  tenon_str name;
  tenon_node producer;  /* 0 for inputs and constants */
  uint32_t output_index; /* which output of the producer */
  uint32_t flags;       /* TENON_VF_* */
  uint64_t n_uses;      /* by nodes, plus one for each time it is a graph output or a tensor attribute */
  tenon_graph* graph;   /* where it lives */
} tenon_value_info;

typedef struct tenon_node_desc { /* SIZED; passed as an array of pointers, so its size may differ from the host's */
  uint32_t struct_size; tenon_op op;
  tenon_str name;
  const tenon_value* in; uint64_t n_in;      /* 0 = absent optional */
  const tenon_attr* attr; uint64_t n_attr;
  const tenon_str* out_name; uint64_t n_out; /* out_name may be NULL; an entry with data NULL gets a made-up name */
  const tenon_node* origin; uint64_t n_origin; /* nodes this one replaces or comes from: it takes their origins; none = its own name */
  tenon_node before;                         /* 0 = at the end; else placed before that node in the order */
  const uint8_t* out_absent;                 /* [n_out] 1 = optional output that nobody wants; NULL = all present */
} tenon_node_desc;

/* operators on dimensions for dim_op */
#define TENON_DIM_ADD 1
#define TENON_DIM_SUB 2
#define TENON_DIM_MUL 3
#define TENON_DIM_FLOORDIV 4
#define TENON_DIM_CEILDIV 5
#define TENON_DIM_MIN 6
#define TENON_DIM_MAX 7

typedef struct tenon_ir_api { /* SIZED; all [graph] except where marked */
  uint32_t struct_size, reserved;
  /* operators [any]. The IR's own domain is "tenon"; a foreign one is the framework's ("onnx", "tflite", "com.microsoft", ...) */
  TENON_FN(tenon_op, op_intern, (tenon_str domain, tenon_str name, int32_t version));
  TENON_FN(void, op_name, (tenon_op op, tenon_str* domain, tenon_str* name, int32_t* version));
  /* reading */
  TENON_FN(tenon_error*, view, (tenon_ctx* c, tenon_graph* g, const tenon_view** out));
  TENON_FN(uint64_t, epoch, (const tenon_graph* g));
  TENON_FN(int32_t, alive, (tenon_graph* g, tenon_node n));
  TENON_FN(int32_t, value_alive, (tenon_graph* g, tenon_value v));
  /* current state of one node; arrays are borrowed until the next edit of the model. TENON_E_STALE if n was erased */
  TENON_FN(tenon_error*, node_io, (tenon_graph* g, tenon_node n, const tenon_value** in, uint64_t* n_in, const tenon_value** out, uint64_t* n_out));
  TENON_FN(tenon_error*, node_op, (tenon_graph* g, tenon_node n, tenon_op* op, tenon_str* name, tenon_graph** graph));
  TENON_FN(tenon_error*, node_attrs, (tenon_graph* g, tenon_node n, const tenon_attr** attrs, uint64_t* count));
  TENON_FN(tenon_error*, node_origins, (tenon_graph* g, tenon_node n, const tenon_str** names, uint64_t* count));
  TENON_FN(tenon_error*, value_info, (tenon_graph* g, tenon_value v, tenon_value_info* out));
  TENON_FN(tenon_error*, value_uses, (tenon_graph* g, tenon_value v, const tenon_node** nodes, uint64_t* count)); /* distinct nodes, in any nested graph */
  /* dense row-major bytes of a constant; the buffer is borrowed */
  TENON_FN(tenon_error*, constant, (tenon_graph* g, tenon_value v, tenon_buffer** buffer, uint64_t* offset, uint64_t* bytes));
  TENON_FN(tenon_error*, graph_io, (tenon_graph* g, const tenon_value** in, uint64_t* n_in, const tenon_value** out, uint64_t* n_out));
  TENON_FN(tenon_error*, graph_output_name, (tenon_graph* g, uint64_t index, tenon_str* name));
  TENON_FN(tenon_graph*, parent, (tenon_graph* g, tenon_node* holder)); /* NULL for the main graph; shared graphs: the main graph and their first holder; holder 0 until a node has it as attribute */
  TENON_FN(tenon_error*, captures, (tenon_ctx* c, tenon_graph* g, const tenon_value** values, uint64_t* count)); /* outer values used in g or deeper, no constants */
  /* symbols [any for one model]: canonical expressions over named symbols, so that equal dimensions have equal numbers */
  TENON_FN(int64_t, symbol, (tenon_graph* g, tenon_str name)); /* -> a dimension */
  TENON_FN(void, symbol_name, (tenon_graph* g, int64_t dim, tenon_str* text));
  TENON_FN(int64_t, dim_op, (tenon_graph* g, int32_t op, int64_t a, int64_t b)); /* TENON_DIM_*; unknown in, unknown out */
  /* editing, in bulk where it matters: a frontend makes a graph of 100k nodes with a few calls */
  TENON_FN(tenon_error*, add_inputs, (tenon_ctx* c, tenon_graph* g, uint64_t n, const tenon_str* names, const tenon_dtype* types, const int32_t* ranks, const int64_t* dims, tenon_value* out)); /* appended to the inputs; dims of all, flattened */
  /* element type string: the bytes are uint64_t offsets[count + 1] into the text behind them (the first is 0), then the text (UTF-8) */
  TENON_FN(tenon_error*, add_constant, (tenon_ctx* c, tenon_graph* g, tenon_str name, tenon_dtype t, int32_t rank, const int64_t* dims, tenon_buffer* b, uint64_t offset, tenon_value* out)); /* takes its own reference on b */
  TENON_FN(tenon_error*, add_nodes, (tenon_ctx* c, tenon_graph* g, uint64_t n, const tenon_node_desc* const* d, tenon_node* nodes, tenon_value* outs)); /* outs: all outputs, flattened, absent = 0 */
  TENON_FN(tenon_error*, add_subgraph, (tenon_ctx* c, tenon_graph* g, tenon_str name, tenon_graph** out)); /* owned by g's model; pass it as an attribute */
  TENON_FN(tenon_error*, set_inputs, (tenon_ctx* c, tenon_graph* g, tenon_node n, const tenon_value* in, uint64_t n_in)); /* all inputs anew */
  TENON_FN(tenon_error*, set_op, (tenon_ctx* c, tenon_graph* g, tenon_node n, tenon_op op));
  TENON_FN(tenon_error*, set_attrs, (tenon_ctx* c, tenon_graph* g, tenon_node n, const tenon_attr* a, uint64_t count)); /* merged by name; type 0 removes */
  TENON_FN(tenon_error*, set_type, (tenon_ctx* c, tenon_graph* g, tenon_value v, tenon_dtype t, int32_t rank, const int64_t* dims));
  TENON_FN(tenon_error*, set_outputs, (tenon_ctx* c, tenon_graph* g, const tenon_value* out, const tenon_str* names, uint64_t n)); /* names NULL: the values' own */
  TENON_FN(tenon_error*, set_name, (tenon_ctx* c, tenon_graph* g, tenon_node n, tenon_value v, tenon_str name)); /* one of n, v is 0 */
  TENON_FN(tenon_error*, add_origins, (tenon_ctx* c, tenon_graph* g, tenon_node n, const tenon_node* from, uint64_t count));
  /* every use of from[i], also as graph output, becomes to[i]; names of graph outputs stay */
  TENON_FN(tenon_error*, replace_uses, (tenon_ctx* c, tenon_graph* g, uint64_t n, const tenon_value* from, const tenon_value* to));
  TENON_FN(tenon_error*, erase_nodes, (tenon_ctx* c, tenon_graph* g, uint64_t n, const tenon_node* nodes)); /* TENON_E_INVALID if an output still has uses */
  TENON_FN(tenon_error*, erase_constants, (tenon_ctx* c, tenon_graph* g, uint64_t n, const tenon_value* values)); /* same */
  /* moves all nodes of nested graph `from` (copies those of a shared one that others hold) into g before `at`; its inputs become `in`; outs[i] is the value of its output i */
  TENON_FN(tenon_error*, inline_graph, (tenon_ctx* c, tenon_graph* g, tenon_graph* from, tenon_node at, const tenon_value* in, uint64_t n_in, tenon_value* outs, uint64_t n_outs));
  /* quantization of a value: real = scale * (q - zero_point), for each slice along axis (-1 = one for the whole tensor) */
  TENON_FN(tenon_error*, set_quantization, (tenon_ctx* c, tenon_graph* g, tenon_value v, int32_t axis, const float* scale, const int64_t* zero_point, uint64_t count));
  TENON_FN(tenon_error*, quantization, (tenon_graph* g, tenon_value v, int32_t* axis, const float** scale, const int64_t** zero_point, uint64_t* count)); /* count 0 = none */
  /* what the file says about itself; shown by inspect: "producer", "opset onnx", ... */
  TENON_FN(tenon_error*, set_metadata, (tenon_ctx* c, tenon_graph* g, tenon_str key, tenon_str text));
} tenon_ir_api;

/* ---- 3. One node, ready to use: what infer, verify, match, prepare and run are given ------------------------------------ */
typedef struct tenon_node_info { /* SIZED, made by the host or by a backend; [inst] */
  uint32_t struct_size, n_in, n_out, n_attr;
  tenon_op op; uint32_t running; /* 1 inside a kernel's run() */
  const tenon_attr* attr;
  const tenon_tensor* const* in; /* NULL = absent. Type and shape as far as known; data only when the contents are known */
  tenon_tensor* const* out;      /* NULL = not wanted. infer: to be set; match, prepare: inferred; run: allocated, or data NULL where the shape depends on data */
  void* self;
  /* infer: the host copies dims. rank TENON_RANK_UNKNOWN: shape not known */
  TENON_FN(tenon_error*, set_out, (const struct tenon_node_info* i, uint32_t k, tenon_dtype t, int32_t rank, const int64_t* dims));
  /* elements of a small integer input as dimensions (numbers, symbols, TENON_DIM_UNKNOWN), row-major; 0 = nothing known. A negative
   * number is no dimension and shows as TENON_DIM_UNKNOWN: where one has a meaning, read it from the input's data */
  TENON_FN(int32_t, shape_value, (const struct tenon_node_info* i, uint32_t k, const int64_t** dims, uint64_t* count));
  TENON_FN(tenon_error*, set_out_shape_value, (const struct tenon_node_info* i, uint32_t k, const int64_t* dims, uint64_t count));
  TENON_FN(int64_t, dim_op, (const struct tenon_node_info* i, int32_t op, int64_t a, int64_t b)); /* as tenon_ir_api.dim_op */
  TENON_FN(int64_t, fresh_symbol, (const struct tenon_node_info* i)); /* infer: a new symbol for a size that only data decides */
  TENON_FN(const tenon_tensor*, attr_tensor, (const struct tenon_node_info* i, tenon_value v)); /* contents of a tensor attribute */
  /* nested graph: given the types of its inputs, those of its outputs (borrowed until the next call) */
  TENON_FN(tenon_error*, infer_graph, (const struct tenon_node_info* i, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out));
  /* run() only. alloc_out: a dense output of now known shape. alias_out: output k shares the storage of t */
  TENON_FN(tenon_error*, alloc_out, (const struct tenon_node_info* i, uint32_t k, tenon_dtype t, int32_t rank, const int64_t* dims, void** data));
  TENON_FN(tenon_error*, alias_out, (const struct tenon_node_info* i, uint32_t k, const tenon_tensor* t));
  TENON_FN(tenon_error*, string_out, (const struct tenon_node_info* i, uint32_t k, uint64_t index, tenon_str s)); /* element of a string output; copied */
  TENON_FN(tenon_error*, sequence_out, (const struct tenon_node_info* i, uint32_t k, tenon_dtype t, const tenon_tensor* const* items, uint64_t count)); /* host keeps what it needs of them */
  TENON_FN(tenon_error*, call_graph, (const struct tenon_node_info* i, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out)); /* outputs stay valid until run() returns */
  TENON_FN(tenon_error*, parallel_for, (const struct tenon_node_info* i, int64_t n, int64_t grain, void(TENON_CALL* body)(void* user, int64_t begin, int64_t end) TENON_NX, void* user)); /* on the executor's threads */
  /* run() only. A variable is storage that outlives a run: one for each name in a program, empty when the program is made.
   * variable: *t is NULL until the first set_variable, and valid until the next one of that name. set_variable copies t */
  TENON_FN(tenon_error*, variable, (const struct tenon_node_info* i, tenon_str name, const tenon_tensor** t));
  TENON_FN(tenon_error*, set_variable, (const struct tenon_node_info* i, tenon_str name, const tenon_tensor* t));
} tenon_node_info;

/* ---- 4. Plugin: descriptors of the seven doors. Identity, options schema and provides live in the manifest (section 6) --- */
#define TENON_KIND_FRONTEND 1u
#define TENON_KIND_LOWERING 2u
#define TENON_KIND_OPERATOR 3u
#define TENON_KIND_PASS 4u
#define TENON_KIND_KERNEL 5u
#define TENON_KIND_BACKEND 6u
#define TENON_KIND_EXPORTER 7u /* a host skips kinds it does not know and says so at debug level */
typedef struct tenon_desc { /* header of every descriptor; SIZED by the outer struct */
  uint32_t struct_size, kind;
  const char* id; /* as in the manifest's "provides" */
} tenon_desc;

typedef struct tenon_source { /* SIZED; what a frontend reads. The host opens and maps files, the plugin never has to */
  uint32_t struct_size, reserved;
  tenon_str path, extension; /* extension with its dot, lower case */
  const uint8_t* head; uint64_t head_len; /* first bytes (<= 64 KiB), for probe */
  uint64_t size; tenon_buffer* bytes;     /* whole file, mapped */
  void* self;
  /* external data: relative names only; the host refuses .., absolute paths and links that leave the model's folder */
  TENON_FN(tenon_error*, sibling, (tenon_ctx* c, const struct tenon_source* s, tenon_str relative, tenon_buffer** out));
} tenon_source;

typedef struct tenon_frontend { tenon_desc h;
  TENON_FN(tenon_error*, probe, (tenon_ctx* c, const tenon_source* s, int32_t* score)); /* [any] 0 no .. 100 sure (magic and version checked); cheap */
  TENON_FN(tenon_error*, load, (tenon_ctx* c, const tenon_source* s, tenon_graph* empty)); /* [graph] parses only: foreign operators as they stand */
} tenon_frontend;

typedef struct tenon_lowering { tenon_desc h;
  const char* domain; const char* name; int32_t since, reserved; /* the newest one with since <= the node's operator version is used */
  TENON_FN(tenon_error*, lower, (tenon_ctx* c, tenon_graph* g, tenon_node n)); /* [graph] replaces n by IR operators, or returns TENON_E_UNSUPPORTED */
} tenon_lowering;

typedef struct tenon_pass_result { uint32_t struct_size; int32_t changed; uint64_t matched, rewritten; } tenon_pass_result;
typedef struct tenon_pass { tenon_desc h;
  TENON_FN(tenon_error*, run, (tenon_ctx* c, tenon_graph* g, tenon_pass_result* r)); /* [graph] the main graph; on error the host drops all edits of the stage */
} tenon_pass;

typedef struct tenon_kernel { tenon_desc h;
  const char* domain; const char* name; int32_t since, until; /* until 0 = open */
  const char* target;          /* "cpu", "acme.npu"; "" = reference kernel of an operator */
  int32_t priority, reserved;  /* tie-break only, after the pipeline's "prefer" list and match() */
  TENON_FN(tenon_error*, match, (tenon_ctx* c, const tenon_node_info* n, int32_t* cost)); /* [any] cost < 0: cannot; smaller is better; NULL = cost 100 */
  TENON_FN(tenon_error*, prepare, (tenon_ctx* c, const tenon_node_info* n, void** state, uint64_t* scratch_bytes)); /* [any] pack weights, pick tiles; may be NULL */
  TENON_FN(tenon_error*, run, (tenon_ctx* c, const tenon_node_info* n, void* state, void* scratch)); /* [inst] */
  TENON_FN(void, release, (void* state)); /* [any] plugin frees what prepare made; may be NULL */
} tenon_kernel;

#define TENON_OF_SIDE_EFFECTS 1
#define TENON_OF_NONDETERMINISTIC 2
#define TENON_OF_IN_PLACE 4 /* output 0 may overwrite the first input of the same shape and type: element i needs only element i */
#define TENON_OF_VIEW 8     /* output 0 has the bytes of input 0 in the same order: executors may alias instead of copying */
typedef struct tenon_operator { tenon_desc h;
  const char* domain; const char* name; int32_t since, flags; /* TENON_OF_* */
  /* "(X: T(float), W: T, B?: T) -> (Y: T) {group?: int, strides?: ints}": ? optional, * variadic and last. A type is a set (any num
   * float int uint bool string index) or a type (f32, i64, ...), joined by |; an upper-case name is a variable bound to one
   * element type. Attribute kinds: int float string ints floats strings tensor graph graphs tensors raw. Checked by the verifier. */
  const char* signature;
  TENON_FN(tenon_error*, infer, (tenon_ctx* c, const tenon_node_info* n));  /* [any] shapes and types, symbolic dims allowed; exact whenever inputs' shapes and contents are known, but for sizes only the kernel can know */
  TENON_FN(tenon_error*, verify, (tenon_ctx* c, const tenon_node_info* n)); /* [any] more than the signature says; may be NULL */
  const tenon_kernel* reference; /* plain kernel: oracle of tests, constant folder, kernel of last resort; may be NULL */
  TENON_FN(tenon_error*, expand, (tenon_ctx* c, tenon_graph* g, tenon_node n)); /* [graph] rewrites into simpler operators; may be NULL */
} tenon_operator;

typedef struct tenon_backend { tenon_desc h;
  /* [graph] group[row] = 0 not taken, k > 0 = member of partition k; NULL = takes every node */
  TENON_FN(tenon_error*, partition, (tenon_ctx* c, tenon_graph* g, const tenon_view* v, int32_t* group));
  TENON_FN(tenon_error*, compile, (tenon_ctx* c, tenon_graph* g, void** program)); /* [any] program is plugin-owned; g stays unchanged and alive while the program is */
  /* outputs are the program's and borrowed until the next run or release */
  TENON_FN(tenon_error*, run, (tenon_ctx* c, void* program, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out)); /* [inst] */
  /* JSON for the report: {"nodes":[{"name","operator","kernel","origins":[..],"ms"}...],"arena_bytes",...}; borrowed until the next call */
  TENON_FN(tenon_error*, describe, (tenon_ctx* c, void* program, tenon_str* json));
  TENON_FN(void, release, (void* program));
} tenon_backend;

typedef struct tenon_sink { /* SIZED; where an exporter writes. The host writes beside and renames when all went well */
  uint32_t struct_size, reserved;
  void* self;
  tenon_str path; /* final name of the main file */
  TENON_FN(tenon_error*, write, (const struct tenon_sink* s, const void* data, uint64_t size));
  TENON_FN(tenon_error*, sibling, (tenon_ctx* c, const struct tenon_sink* s, tenon_str relative, const struct tenon_sink** out));
} tenon_sink;
typedef struct tenon_exporter { tenon_desc h;
  TENON_FN(tenon_error*, save, (tenon_ctx* c, tenon_graph* g, const tenon_sink* to)); /* [graph] reads only */
} tenon_exporter;

/* ---- 5. Services for passes and backends -------------------------------------------------------------------------------- */
#define TENON_IID_REGISTRY "tenon.registry/1"
typedef struct tenon_registry_api { /* SIZED; all [any] */
  uint32_t struct_size, reserved;
  TENON_FN(const tenon_operator*, find_operator, (tenon_op op)); /* NULL = nobody defines it */
  /* kernels of a target for this operator, best first by prefer, then priority, then id */
  TENON_FN(void, find_kernels, (tenon_op op, const char* target, const tenon_kernel* const** kernels, uint64_t* count));
} tenon_registry_api;

#define TENON_IID_EXEC "tenon.exec/1"
typedef struct tenon_exec_callbacks { /* SIZED, caller-owned; NULL members: nested graphs unsupported, loops run inline */
  uint32_t struct_size, reserved;
  void* user;
  TENON_FN(tenon_error*, call_graph, (void* user, tenon_ctx* c, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out));
  TENON_FN(void, parallel_for, (void* user, int64_t n, int64_t grain, void(TENON_CALL* body)(void* user, int64_t begin, int64_t end) TENON_NX, void* body_user));
} tenon_exec_callbacks;
typedef struct tenon_exec_api { /* SIZED */
  uint32_t struct_size, reserved;
  TENON_FN(tenon_error*, infer, (tenon_ctx* c, tenon_graph* g)); /* [graph] types and shapes of every value, nested graphs included */
  TENON_FN(tenon_error*, clone, (tenon_ctx* c, tenon_graph* g, tenon_graph** out)); /* [graph] a model of its own that shares buffers; value and node ids stay the same */
  TENON_FN(void, free_graph, (tenon_graph* g)); /* of a clone's main graph */
  /* [graph] runs the reference kernel on constants; outs[k] are new constants of g. TENON_E_UNSUPPORTED when it cannot, or max_bytes is passed */
  TENON_FN(tenon_error*, evaluate, (tenon_ctx* c, tenon_graph* g, tenon_node n, uint64_t max_bytes, tenon_value* outs, uint64_t n_outs));
  /* one node prepared for running by hand; kernel NULL = the reference kernel. The graph outlives it */
  TENON_FN(tenon_error*, exec_new, (tenon_ctx* c, tenon_graph* g, tenon_node n, const tenon_kernel* kernel, const tenon_exec_callbacks* cb, tenon_exec** out));
  /* [inst] out[k]: caller's tensors with data; or data NULL, then the host infers the shape, allocates and owns it until the next
   * run. Entries may be replaced (aliases): read out[k] afterwards. NULL entry = not wanted */
  TENON_FN(tenon_error*, exec_run, (tenon_ctx* c, tenon_exec* e, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor** out, uint32_t n_out));
  TENON_FN(void, exec_free, (tenon_exec* e));
  TENON_FN(const tenon_kernel*, exec_kernel, (const tenon_exec* e));
} tenon_exec_api;

/* ---- 6. Entry and manifest ----------------------------------------------------------------------------------------------- */
typedef struct tenon_plugin { /* SIZED, static const inside the plugin; valid while the process lives (libraries are never unloaded) */
  uint32_t struct_size, reserved;
  uint32_t built_major, built_minor; /* headers it was compiled with: information only, never a reason to refuse */
  const tenon_desc* const* desc; uint64_t n_desc; /* NULL entries are skipped */
  TENON_FN(tenon_error*, start, (tenon_ctx* c)); /* [init] may be NULL */
  TENON_FN(void, stop, (void));                  /* [init] may be NULL; join threads, free globals */
} tenon_plugin;

/* The one exported symbol. Cheap: no devices, no files, no threads (that is start()). May be called again. [init] */
typedef tenon_error*(TENON_CALL* tenon_plugin_entry_fn)(const tenon_host* host, const tenon_plugin** out) TENON_NX;
TENON_EXPORT tenon_error* TENON_CALL tenon_plugin_entry_v1(const tenon_host* host, const tenon_plugin** out) TENON_NX;

/* A manifest is JSON text inside the binary, found by scanning the file, without loading it. A binary may hold many fragments,
 * each beside the code that it describes: one {"id","version","vendor","license",...} and any number of
 * {"kind","id",...} which the host gathers as its "provides". */
#if defined(_MSC_VER)
#pragma section(".tnman", read)
#define TENON_IN_MANIFEST_SECTION __declspec(allocate(".tnman"))
#elif defined(__APPLE__)
#define TENON_IN_MANIFEST_SECTION __attribute__((used, section("__TEXT,__tnman")))
#else
#define TENON_IN_MANIFEST_SECTION __attribute__((used, aligned(8), section(".tnman")))
#endif
#define TENON_CAT2_(a, b) a##b
#define TENON_CAT_(a, b) TENON_CAT2_(a, b)
/* One fragment; json_literal is a string literal of at most 64 KiB. */
#define TENON_MANIFEST(json_literal)                                                                                \
  TENON_IN_MANIFEST_SECTION static const struct { char magic[16]; uint64_t len; char text[sizeof(json_literal)]; }  \
  TENON_CAT_(tenon_manifest_, __COUNTER__) = {                                                                      \
      {'\x7f', 'T', 'N', 'M', 'A', 'N', 'I', 'F', 'E', 'S', 'T', '\x01', '\r', '\n', '\x1a', '\0'},                 \
      sizeof(json_literal) - 1, json_literal}

/* Puts a pointer to a descriptor into the plugin's table, from any of its source files, without a central list. */
#if !defined(_WIN32) && !defined(__APPLE__)
#define TENON_REGISTER(desc_ptr) \
  __attribute__((used, section("tenon_desc"))) static const tenon_desc* const TENON_CAT_(tenon_desc_, __COUNTER__) = (desc_ptr)
extern const tenon_desc* const __start_tenon_desc[] __attribute__((visibility("hidden")));
extern const tenon_desc* const __stop_tenon_desc[] __attribute__((visibility("hidden")));
#endif

#ifdef __cplusplus
} /* extern "C" */
#if UINTPTR_MAX == UINT64_MAX
static_assert(sizeof(tenon_str) == 16 && sizeof(tenon_dtype) == 8 && sizeof(tenon_attr) == 40, "FROZEN (64-bit)");
static_assert(offsetof(tenon_host, get_interface) == 16 && sizeof(tenon_host) == 24, "FROZEN (64-bit)");
static_assert(sizeof(tenon_tensor) % 8 == 0 && sizeof(tenon_node_info) % 8 == 0 && sizeof(tenon_node_desc) % 8 == 0, "R3");
#endif
#endif
#endif /* TENON_ABI_H */
