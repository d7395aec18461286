"""The sentences with which questions are refused, as patterns."""

NO_ATTENTION = r"attention rollout needs attention among all tokens of an image, .* shows no attention on the way"
WINDOWS = r"attention rollout needs attention among all tokens of an image, .* attends within windows"
SOME_TOKENS = r"attention rollout needs attention among all tokens of an image, .* tokens"
NO_RELU = r"the (guided|deconvolution) rule is about ReLUs, and gradients meet none between the question and the input"
NO_RULE = r"LRP has no rule for .* computes\. It has rules for convolutions"
NOT_A_MEAN = (
    r"CAM needs class scores that are .* over the global average of the last features; .* computes them otherwise"
)
NO_GRID = r"class activation maps need a layer that gives \[channel, row, column\] or one token per place"
ABOUT_CLASSES = r"CAM explains class scores, not layers inside the network"
CHECKPOINTS = r"LRP needs each value as it was computed, .* \(torch\.utils\.checkpoint\)"
INSIDE = r"gradients cannot start within what .* forgets and computes again \(torch\.utils\.checkpoint\)"
ROWS = r"a layer is read image by image, one row for each; .* such as windows, patches or tokens"
NO_SCORES = r"class scores are \[batch, class\]; this network gives"

NO_RELUS = dict.fromkeys(("deconvolution", "guidedbackprop", "guidedgradcam"), NO_RELU)

POSSIBLE = NO_RELUS | {
    "attentionrollout": "attention rollout needs attention among all tokens of an image",
    "lrp": NO_RULE,
    "cam": NOT_A_MEAN,
}
"""The questions that a network may refuse, if it is not said which it does."""
