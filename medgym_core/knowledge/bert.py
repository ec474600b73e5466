"""The ONNX graph of a BERT encoder (Devlin et al. 2019) with mean pooling, written straight from its weights.

One text a run: token ids int64 (1, L) in, the mean of the last layer's L states out, float32 (1, D). With one text
there is no padding and no mask, and the ranges over which activations are quantised are the text's own: a vector
depends on its text alone, never on what it was batched with.

In int8 a linear layer multiplies unsigned 8-bit activations (one scale a text and layer, found while running) with
weights of one scale an output column. Weights use 7 bits: sums of pairs then fit in 16 bits, which processors without
VNNI need (they saturate otherwise), so that all of them give the same integers.
"""

import numpy as np

HEADS = 12
EPSILON = 1e-12  # of layer normalisation, from the model's configuration
OPSET, IR_VERSION = 18, 9
CONTRIB = "com.microsoft"  # onnxruntime's own operators: fused attention, quantised products, GELU
LARGEST_WEIGHT = 63  # 7 bits
MOST_TOKENS = 256  # the model was trained on at most 128 and is published with 256


class Graph:
    """Nodes and constants under construction; every method returns the name of what it adds."""

    def __init__(self, weights: dict[str, np.ndarray], int8: bool):
        self.weights, self.int8 = weights, int8
        self.nodes, self.constants = [], []

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def linear(self, x: str, output: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """`x @ weight.T + bias`; weight (out, in) as the checkpoint stores it."""
        offset = self.constant(f"{output}.bias", bias)
        if not self.int8:
            product = self.add("MatMul", [x, self.constant(f"{output}.weight", weight.T)], f"{output}.product")
            return self.add("Add", [product, offset], output)
        scale = np.maximum(np.abs(weight).max(axis=1), 1e-12) / LARGEST_WEIGHT  # (out,)
        quantised = self.constant(f"{output}.weight", np.rint(weight / scale[:, None]).astype(np.int8).T)
        scales = self.constant(f"{output}.scale", scale.astype(np.float32))
        return self.add("DynamicQuantizeMatMul", [x, quantised, scales, "", offset], output, CONTRIB)

    def normalised(self, x: str, y: str, output: str, prefix: str) -> str:
        """Layer normalisation of `x + y` with the weights at `prefix`."""
        gain = self.constant(f"{output}.gain", self.weights[f"{prefix}.weight"])
        bias = self.constant(f"{output}.bias", self.weights[f"{prefix}.bias"])
        total = self.add("Add", [x, y], f"{output}.sum")
        return self.add("LayerNormalization", [total, gain, bias], output, axis=-1, epsilon=EPSILON)

    def embedded(self) -> str:
        """Word + position + segment, normalised; segment 0 everywhere."""
        words = self.weights["embeddings.word_embeddings.weight"]
        table = self.constant("words", words.astype(np.float16) if self.int8 else words)
        word = self.add("Gather", [table, "ids"], "word")
        if self.int8:
            word = self.add("Cast", [word], "word.float", to=1)  # 1: float32
        segment = self.weights["embeddings.token_type_embeddings.weight"][0]
        places = self.weights["embeddings.position_embeddings.weight"][:MOST_TOKENS] + segment
        length = self.add("Shape", ["ids"], "length", start=1, end=2)
        bounds = [self.constant("first", np.array([0])), length, self.constant("rows", np.array([0]))]
        place = self.add("Slice", [self.constant("places", places), *bounds], "place")
        return self.normalised(word, place, "embedded", "embeddings.LayerNorm")

    def layer(self, x: str, number: int) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        here, prefix = f"layer{number}", f"encoder.layer.{number}"
        kinds = ("query", "key", "value")
        attention, outputs = f"{prefix}.attention.self", [f"{here}.{kind}" for kind in kinds]
        weight = np.concatenate([self.weights[f"{attention}.{kind}.weight"] for kind in kinds])
        bias = np.concatenate([self.weights[f"{attention}.{kind}.bias"] for kind in kinds])
        self.split(self.linear(x, f"{here}.heads", weight, bias), outputs)
        mixed = self.add("MultiHeadAttention", outputs, f"{here}.mixed", CONTRIB, num_heads=HEADS)
        mixed = self.dense(mixed, f"{here}.attended", f"{prefix}.attention.output.dense")
        x = self.normalised(mixed, x, f"{here}.first", f"{prefix}.attention.output.LayerNorm")
        wide = self.dense(x, f"{here}.wide", f"{prefix}.intermediate.dense")
        wide = self.add("Gelu", [wide], f"{here}.gelu", CONTRIB)
        narrow = self.dense(wide, f"{here}.narrow", f"{prefix}.output.dense")
        return self.normalised(narrow, x, f"{here}.second", f"{prefix}.output.LayerNorm")

    def split(self, x: str, outputs: list[str]) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node("Split", [x], outputs, axis=-1, num_outputs=len(outputs)))

    def dense(self, x: str, output: str, prefix: str) -> str:
        return self.linear(x, output, self.weights[f"{prefix}.weight"], self.weights[f"{prefix}.bias"])


def onnx_bytes(weights: dict[str, np.ndarray], int8: bool = True) -> bytes:
    """The serialised model of a checkpoint's `weights` (names as in the checkpoint, float32)."""
    from onnx import TensorProto, helper

    graph = Graph(weights, int8)
    x = graph.embedded()
    for number in range(layers(weights)):
        x = graph.layer(x, number)
    graph.add("ReduceMean", [x, graph.constant("tokens", np.array([1]))], "mean", keepdims=0)
    dim = weights["embeddings.LayerNorm.weight"].shape[0]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "L"])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, dim])
    whole = helper.make_graph(graph.nodes, "bert", [ids], [mean], graph.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(whole, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()


def layers(weights: dict[str, np.ndarray]) -> int:
    """How many layers the checkpoint has."""
    return len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})
