"""The words of the planted transformers: eight classes of twelve, so that pictures of them can be read."""

from __future__ import annotations

CLASSES: dict[str, tuple[str, ...]] = {
    "bird": (
        "robin", "owl", "crow", "duck", "swan", "hawk",
        "wren", "stork", "finch", "gull", "dove", "heron",
    ),
    "fruit": (
        "apple", "pear", "plum", "cherry", "grape", "lemon",
        "peach", "mango", "fig", "melon", "lime", "date",
    ),
    "tool": (
        "hammer", "saw", "chisel", "drill", "wrench", "axe",
        "spade", "rake", "pliers", "file", "plane", "shears",
    ),
    "vehicle": (
        "bus", "truck", "train", "tram", "ferry", "canoe",
        "van", "taxi", "scooter", "tractor", "sledge", "yacht",
    ),
    "garment": (
        "coat", "shirt", "scarf", "glove", "sock", "hat",
        "skirt", "belt", "boot", "vest", "apron", "shawl",
    ),
    "furniture": (
        "chair", "table", "sofa", "desk", "bench", "stool",
        "bed", "shelf", "cradle", "wardrobe", "chest", "lamp",
    ),
    "instrument": (
        "drum", "flute", "violin", "harp", "piano", "guitar",
        "trumpet", "cello", "oboe", "banjo", "horn", "lute",
    ),
    "mammal": (
        "dog", "cat", "horse", "cow", "fox", "wolf",
        "bear", "mouse", "otter", "goat", "lion", "rabbit",
    ),
}  # fmt: skip

WORDS: tuple[str, ...] = tuple(word for words in CLASSES.values() for word in words)
CLASS_OF_WORD: tuple[str, ...] = tuple(label for label, words in CLASSES.items() for _ in words)
