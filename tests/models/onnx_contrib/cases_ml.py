# SPDX-License-Identifier: Apache-2.0
"""Cases of ai.onnx.ml."""
import numpy as np
from make_onnx_contrib import T, case, helper, random

ML = "ai.onnx.ml"
X = np.array([[1, -2, 0.5], [0.3, 0.2, -0.1], [-1, 2, 0.7], [0, 0, 0]], np.float32)
TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
LABEL = [T.INT64, T.FLOAT]
TEXT_LABEL = [T.STRING, T.FLOAT]
WORDS = ["a", "b", "c"]


def text(*words):
    return np.array(words)


def ml(name, op, inputs, outputs=1, version=1, **more):
    case(f"ml_{name}", op, inputs, outputs, ML, version, **more)


def linear():
    for t in TRANSFORMS:
        coefficients = [0.1, 0.2, 0.3, 0.25, 0.3, 0.2, 0.4, 0.1, 0]
        ml(f"linear_classifier_{t.lower()}", "LinearClassifier", [("x", np.abs(X) / 3)], LABEL, coefficients=coefficients, intercepts=[0.05, 0.1, 0.15], classlabels_ints=[3, 4, 5], post_transform=t, multi_class=1)
        ml(f"linear_regressor_{t.lower()}", "LinearRegressor", [("x", np.abs(X) / 3)], coefficients=coefficients[:6], intercepts=[0.05, 0.1], targets=2, post_transform=t)
        if t != "PROBIT":
            ml(f"linear_classifier_one_score_{t.lower()}", "LinearClassifier", [("x", X)], LABEL, coefficients=[0.1, 0.2, 0.3], intercepts=[0.05], classlabels_ints=[5, 9], post_transform=t)
    ml("linear_classifier_strings", "LinearClassifier", [("x", (X * 10).astype(np.int64))], TEXT_LABEL, coefficients=[0.1, 0.2, 0.3] * 3, intercepts=[0.0, 0.1, -0.1], classlabels_strings=WORDS)
    ml("linear_classifier_vector", "LinearClassifier", [("x", X[0])], LABEL, coefficients=[0.1, 0.2, 0.3, -0.1, 0.3, 0.2], intercepts=[0.0, 0.1], classlabels_ints=[3, 4])
    ml("linear_regressor_one", "LinearRegressor", [("x", X)], coefficients=[0.1, 0.2, 0.3], targets=1, post_transform="LOGISTIC")


def scale():
    for norm in ("MAX", "L1", "L2"):
        ml(f"normalizer_{norm.lower()}", "Normalizer", [("x", np.concatenate([X, -np.abs(X)]))], norm=norm)
    ml("normalizer_i64_vector", "Normalizer", [("x", np.array([3, -4, 1]))], norm="L2")
    ml("binarizer", "Binarizer", [("x", X)], threshold=0.3)
    ml("imputer_nan", "Imputer", [("x", np.where(X < 0, np.nan, X).astype(np.float32))], imputed_value_floats=[1.0, 2.0, 3.0], replaced_value_float=float("nan"))
    ml("imputer_value", "Imputer", [("x", X)], imputed_value_floats=[9.0], replaced_value_float=0.5)
    ml("imputer_i64", "Imputer", [("x", (X * 10).astype(np.int64))], [T.INT64], imputed_value_int64s=[7, 8, 2**40 + 1], replaced_value_int64=0)
    ml("scaler", "Scaler", [("x", X)], offset=[1.0, 2.0, 3.0], scale=[0.5, 0.25, 2.0])
    ml("scaler_i64", "Scaler", [("x", (X * 10).astype(np.int64))], offset=[1.0], scale=[0.5])
    ml("feature_vectorizer", "FeatureVectorizer", [("x", X), ("z", -X)], inputdimensions=[2, 5], dynamic=False)
    ml("feature_vectorizer_i64", "FeatureVectorizer", [("x", np.array([1, 2, 3])), ("z", np.array([4, 5, 6]))], inputdimensions=[3, 3], dynamic=False)
    ml("array_feature_extractor", "ArrayFeatureExtractor", [("x", X), ("i", np.array([2, 0, 2]))])
    ml("array_feature_extractor_vector", "ArrayFeatureExtractor", [("x", text("p", "q", "r")), ("i", np.array([[2, 0]]))], [T.STRING])


def encode():
    ml("one_hot_f32", "OneHotEncoder", [("x", np.array([[1, 2.7], [9, 3]], np.float32))], cats_int64s=[1, 2, 3], zeros=1)
    ml("one_hot_strings", "OneHotEncoder", [("x", text("b", "a", "b"))], cats_strings=WORDS, zeros=0)
    ml("category_mapper_to_int", "CategoryMapper", [("x", text("a", "z", "b"))], [T.INT64], cats_int64s=[1, 2, 3], cats_strings=WORDS, default_int64=-7)
    ml("category_mapper_to_string", "CategoryMapper", [("x", np.array([[1, 3, 9]]))], [T.STRING], cats_int64s=[1, 2, 3], cats_strings=WORDS)
    ml("label_encoder_1", "LabelEncoder", [("x", text("a", "z", "b"))], [T.INT64], classes_strings=WORDS)
    ml("label_encoder_1_back", "LabelEncoder", [("x", np.array([0, 2, 9]))], [T.STRING], classes_strings=WORDS, default_string="none")
    ml("label_encoder_2", "LabelEncoder", [("x", np.array([0, 2, 9]))], [T.FLOAT], 2, keys_int64s=[0, 2, 0], values_floats=[1.0, 2.0, 3.0], default_float=0.5)
    ml("label_encoder_2_strings", "LabelEncoder", [("x", text("b", "q"))], [T.STRING], 2, keys_strings=WORDS, values_strings=["x", "y", "z"])
    ml("label_encoder_4_nan", "LabelEncoder", [("x", np.array([0, np.nan, 9], np.float32))], [T.STRING], 4, keys_floats=[0.0, float("nan")], values_strings=["zero", "nan"])
    tensor = helper.make_tensor
    ml("label_encoder_4_tensor", "LabelEncoder", [("x", text("b", "q", "c"))], [T.INT16], 4, keys_tensor=tensor("k", T.STRING, [3], [w.encode() for w in WORDS]),
       values_tensor=tensor("v", T.INT16, [3], [5, 6, 7]), default_tensor=tensor("d", T.INT16, [1], [-3]))
    ml("label_encoder_4_f64", "LabelEncoder", [("x", np.array([1.5, 2, 7]))], [T.DOUBLE], 4, keys_tensor=tensor("k", T.DOUBLE, [2], [1.5, 2.0]),
       values_tensor=tensor("v", T.DOUBLE, [2], [0.1, 0.2]), default_tensor=tensor("d", T.DOUBLE, [1], [-1.0]))


def svm():
    vectors = random(5, 3, seed=1).ravel().tolist()
    common = {"support_vectors": vectors, "kernel_params": [0.5, 0.1, 2.0]}
    for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        ml(f"svm_classifier_{kernel.lower()}", "SVMClassifier", [("x", X)], LABEL, kernel_type=kernel, coefficients=random(2, 5).ravel().tolist(), vectors_per_class=[2, 1, 2],
           rho=[0.05, -0.1, 0.2], classlabels_ints=[3, 4, 5], **common)
        ml(f"svm_classifier_proba_{kernel.lower()}", "SVMClassifier", [("x", X)], TEXT_LABEL, kernel_type=kernel, coefficients=random(2, 5).ravel().tolist(), vectors_per_class=[2, 1, 2],
           rho=[0.05, -0.1, 0.2], prob_a=[-1.0, -2.0, -1.5], prob_b=[0.1, 0.0, -0.1], classlabels_strings=WORDS, **common)
        ml(f"svm_regressor_{kernel.lower()}", "SVMRegressor", [("x", X)], kernel_type=kernel, coefficients=random(5).tolist(), n_supports=5, rho=[0.3], **common)
    for t in TRANSFORMS:
        two = {"kernel_type": "RBF", "coefficients": random(5, seed=4).tolist(), "vectors_per_class": [3, 2], "rho": [0.05], "classlabels_ints": [5, 9], "post_transform": t}
        if t != "PROBIT":
            ml(f"svm_classifier_two_{t.lower()}", "SVMClassifier", [("x", X)], LABEL, **two, **common)
        ml(f"svm_classifier_two_proba_{t.lower()}", "SVMClassifier", [("x", X)], LABEL, **two, prob_a=[-2.0], prob_b=[0.1], **common)
        if t != "PROBIT":
            ml(f"svm_classifier_linear_{t.lower()}", "SVMClassifier", [("x", X)], LABEL, kernel_type="LINEAR", coefficients=random(3, 3, seed=2).ravel().tolist(), kernel_params=[0.5, 0.1, 2.0],
               rho=[0.05] * 3, classlabels_ints=[3, 4, 5], post_transform=t)
    ml("svm_regressor_one_class", "SVMRegressor", [("x", X)], kernel_type="RBF", coefficients=random(5).tolist(), n_supports=5, rho=[-0.2], one_class=1, **common)
    ml("svm_regressor_linear_form", "SVMRegressor", [("x", X)], kernel_type="LINEAR", coefficients=[0.1, 0.2, 0.3], kernel_params=[0.0, 0.0, 0.0], rho=[0.5], n_supports=0)


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def forest(prefix, ids, trees=6, seed=0, low=-1.0, missing=False, dtype=np.float32):
    """Attributes of complete trees of depth 2 over three features, leaves with a weight for each id."""
    rng = np.random.default_rng(seed)
    a = {k: [] for k in ("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_truenodeids", "nodes_falsenodeids", "nodes_missing_value_tracks_true")}
    w = {f"{prefix}_{k}": [] for k in ("treeids", "nodeids", "ids", "weights")}
    for t in range(trees):
        for n in range(7):
            leaf = n >= 3
            row = (t, n, 0 if leaf else int(rng.integers(3)), 0.0 if leaf else float(rng.choice(X[:, 0])), "LEAF" if leaf else MODES[(t + n) % 6], 0 if leaf else 2 * n + 1, 0 if leaf else 2 * n + 2, int(rng.integers(2)))
            for k, v in zip(a, row):
                a[k].append(v)
            for i in ids if leaf else ():
                for k, v in zip(w, (t, n, i, float(np.float32(rng.uniform(low, 1) / trees)))):
                    w[k].append(v)
    if not missing:
        del a["nodes_missing_value_tracks_true"]
    if dtype == np.float64:
        for d, k in ((a, "nodes_values"), (w, f"{prefix}_weights")):
            d[f"{k}_as_tensor"] = helper.make_tensor(k, T.DOUBLE, [len(d[k])], d.pop(k))
    return {**a, **w}


def trees():
    holes = X.copy()
    holes[0, 1] = holes[3, 0] = holes[2, 2] = np.nan
    for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
        ml(f"tree_regressor_{aggregate.lower()}", "TreeEnsembleRegressor", [("x", X)], n_targets=1, aggregate_function=aggregate, base_values=[0.25], **forest("target", [0]))
        ml(f"tree_regressor_two_{aggregate.lower()}", "TreeEnsembleRegressor", [("x", X)], n_targets=2, aggregate_function=aggregate, base_values=[0.25, 0.5], **forest("target", [1, 0], seed=1))
    for t in TRANSFORMS:
        ml(f"tree_regressor_{t.lower()}", "TreeEnsembleRegressor", [("x", X)], n_targets=2, post_transform=t, base_values=[0.4, 0.5], **forest("target", [0, 1], low=0, seed=2, trees=2))
        ml(f"tree_regressor_one_{t.lower()}", "TreeEnsembleRegressor", [("x", X)], n_targets=1, post_transform=t, **forest("target", [0], low=0, seed=2))
        ml(f"tree_classifier_{t.lower()}", "TreeEnsembleClassifier", [("x", X)], LABEL, post_transform=t, classlabels_int64s=[5, 9, 7], **forest("class", [0, 1, 2], seed=3, low=0.1))
        if t != "PROBIT":
            for low, name in ((0.0, "probabilities"), (-1.0, "margins")):
                ml(f"tree_classifier_binary_{name}_{t.lower()}", "TreeEnsembleClassifier", [("x", X)], LABEL, post_transform=t, classlabels_int64s=[5, 9], base_values=[0.1], **forest("class", [0], seed=4, low=low))
                ml(f"tree_classifier_second_{name}_{t.lower()}", "TreeEnsembleClassifier", [("x", X)], LABEL, post_transform=t, classlabels_int64s=[5, 9], **forest("class", [1], seed=5, low=low))
    ml("tree_classifier_strings", "TreeEnsembleClassifier", [("x", X)], TEXT_LABEL, classlabels_strings=WORDS, base_values=[0.1, -0.1, 0.2], **forest("class", [0, 1, 2], seed=6))
    ml("tree_classifier_sparse_leaves", "TreeEnsembleClassifier", [("x", X)], LABEL, classlabels_int64s=[5, 9, 7], **forest("class", [2], seed=6, low=-1))
    ml("tree_classifier_missing", "TreeEnsembleClassifier", [("x", holes)], LABEL, classlabels_int64s=[5, 9, 7], **forest("class", [0, 1, 2], seed=7, missing=True))
    ml("tree_regressor_missing", "TreeEnsembleRegressor", [("x", holes)], n_targets=1, **forest("target", [0], seed=7, missing=True))
    ml("tree_classifier_i64", "TreeEnsembleClassifier", [("x", (X * 2).astype(np.int64))], LABEL, classlabels_int64s=[5, 9, 7], **forest("class", [0, 1, 2], seed=8))
    ml("tree_regressor_f64", "TreeEnsembleRegressor", [("x", X.astype(np.float64))], 1, 3, n_targets=1, **forest("target", [0], seed=8, dtype=np.float64))
    ml("tree_classifier_f64", "TreeEnsembleClassifier", [("x", X.astype(np.float64))], LABEL, 3, classlabels_int64s=[5, 9, 7], **forest("class", [0, 1, 2], seed=8, dtype=np.float64))
    # Two classes with weights for both: the specification's "top class"; ONNX Runtime answers 1 or 0, which need not be labels.
    both = forest("class", [0, 1], seed=9)
    weights = np.zeros((4, 2))
    score = onnx_forest(X, both, weights)
    ml("tree_classifier_both", "TreeEnsembleClassifier", [("x", X)], LABEL, classlabels_int64s=[5, 9], expected=[np.array([5, 9])[np.argmax(score, 1)], score.astype(np.float32)], **both)


def onnx_forest(x, a, out):
    """Sums of the leaves' weights, by the definition."""
    compare = dict(zip(MODES, (np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal)))
    index = {(t, n): i for i, (t, n) in enumerate(zip(a["nodes_treeids"], a["nodes_nodeids"]))}
    for r, row in enumerate(x):
        for t in sorted(set(a["nodes_treeids"])):
            n = 0
            while a["nodes_modes"][index[t, n]] != "LEAF":
                i = index[t, n]
                yes = compare[a["nodes_modes"][i]](row[a["nodes_featureids"][i]], np.float32(a["nodes_values"][i]))
                n = a["nodes_truenodeids"][i] if yes else a["nodes_falsenodeids"][i]
            for tt, nn, i, w in zip(a["class_treeids"], a["class_nodeids"], a["class_ids"], a["class_weights"]):
                if (tt, nn) == (t, n):
                    out[r, i] += w
    return out


def trees_5():
    tensor = helper.make_tensor
    for dtype, number in ((np.float32, T.FLOAT), (np.float64, T.DOUBLE)):
        for aggregate in range(4):
            if dtype == np.float64 and aggregate != 1:
                continue
            ml(f"tree_ensemble_{np.dtype(dtype).name}_{aggregate}", "TreeEnsemble", [("x", X.astype(dtype))], [number], 5, n_targets=2, aggregate_function=aggregate, post_transform=0, tree_roots=[0, 2],
               nodes_featureids=[0, 1, 2], nodes_modes=tensor("m", T.UINT8, [3], [0, 3, 2]), nodes_splits=tensor("s", number, [3], [0.5, 0.0, 0.25]), nodes_truenodeids=[1, 0, 2],
               nodes_trueleafs=[0, 1, 1], nodes_falsenodeids=[2, 1, 3], nodes_falseleafs=[1, 1, 1], leaf_targetids=[0, 1, 0, 1], leaf_weights=tensor("w", number, [4], [5.25, 12.12, -12.25, 0.5]))
    x = np.array([[0.0, 0.11], [1.2, 0.5], [0.1, 0.25], [np.nan, 1.8]], np.float32)
    members = tensor("v", T.FLOAT, [8], [1.2, 3.7, 8.0, 9.0, np.nan, 12.0, 7.0, np.nan])
    ml("tree_ensemble_members", "TreeEnsemble", [("x", x)], 1, 5, n_targets=4, aggregate_function=1, membership_values=members, nodes_missing_value_tracks_true=[0, 1, 0], nodes_featureids=[0, 0, 0],
       nodes_falseleafs=[1, 0, 1], nodes_falsenodeids=[2, 2, 3], nodes_trueleafs=[0, 1, 1], nodes_truenodeids=[1, 0, 1], nodes_modes=tensor("m", T.UINT8, [3], [0, 6, 6]),
       nodes_splits=tensor("s", T.FLOAT, [3], [11.0, 232344.0, 1.0]), leaf_targetids=[0, 1, 2, 3], leaf_weights=tensor("w", T.FLOAT, [4], [1.0, 10.0, 1000.0, 100.0]), tree_roots=[0],
       expected=[np.array([[0, 0, 0, 100], [1, 0, 0, 0], [0, 0, 0, 100], [0, 0, 1000, 0]], np.float32)])


def maps():
    value = helper.make_tensor_type_proto(T.FLOAT, [])
    sequence = lambda key: [helper.make_sequence_type_proto(helper.make_map_type_proto(key, value))]
    ml("zip_map_strings", "ZipMap", [("x", X)], sequence(T.STRING), classlabels_strings=WORDS)
    ml("zip_map_ints", "ZipMap", [("x", X)], sequence(T.INT64), classlabels_int64s=[1, 5, 9])

    table = lambda key, of: helper.make_map_type_proto(key, helper.make_tensor_type_proto(of, []))
    words, numbers = {"b": 2.5, "a": 1.0, "z": 7.0}, {4: 1.5, 0: -2.0, 2: 3.0}
    ml("dict_vectorizer_strings", "DictVectorizer", [("x", words)], types={"x": table(T.STRING, T.FLOAT)}, string_vocabulary=WORDS)
    ml("dict_vectorizer_ints", "DictVectorizer", [("x", numbers)], types={"x": table(T.INT64, T.FLOAT)}, int64_vocabulary=[0, 1, 4])
    ml("cast_map_dense", "CastMap", [("x", numbers)], types={"x": table(T.INT64, T.FLOAT)}, cast_to="TO_FLOAT", map_form="DENSE")
    ml("cast_map_sparse", "CastMap", [("x", numbers)], [T.INT64], types={"x": table(T.INT64, T.FLOAT)}, cast_to="TO_INT64", map_form="SPARSE", max_map=6)
    ml("cast_map_strings", "CastMap", [("x", {1: "2.5", 0: "-7"})], types={"x": table(T.INT64, T.STRING)}, cast_to="TO_FLOAT", expected=[np.array([[-7, 2.5]], np.float32)])


def make():
    for part in (linear, scale, encode, svm, trees, trees_5, maps):
        part()
