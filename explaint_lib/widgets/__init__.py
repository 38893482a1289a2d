"""Interactive figures that work the same in a notebook with a kernel and on a published page without one.

What they show: attention maps (`AttentionViewer`) and nearest-neighbour lists (`NeighbourhoodExplorer`), each
beside its control, and the null of a score, drawn while the reader watches (`NullExplorer`). They take arrays and
strings, never a model. What they do **not** license: a picture that looks meaningful is not evidence; the widgets
therefore put the control on the same scale as the claim.
"""

from explaint_lib.widgets._attention import AttentionViewer
from explaint_lib.widgets._neighbourhood import NeighbourhoodExplorer
from explaint_lib.widgets._nulls import NullExplorer

__all__ = ["AttentionViewer", "NeighbourhoodExplorer", "NullExplorer"]
