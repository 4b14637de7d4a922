"""What a model is and what it hears: bundles, onnxruntime, analysis of the input, features."""
