"""What the first run on a machine does once, done before a chapter could show it: models loaded, fonts listed.

``python book/prepare.py [MODEL ...]`` is what `chapters.prepare` runs, in a process of its own that gives the memory
back. Without a model it lists the fonts.
"""

from __future__ import annotations

import sys


def main(models: list[str]) -> int:
    """Load each model once, which fetches and converts it where needed; return the exit code."""
    if not models:
        import matplotlib.font_manager  # noqa: F401  (importing it writes the list)

        return 0
    from explaint_lib import encoders
    from explaint_lib._common import ExplaintError

    for model in models:
        try:
            encoders.load_vectors(model, progress=True)
        except ExplaintError as fault:
            print(f"{model}: {fault}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
