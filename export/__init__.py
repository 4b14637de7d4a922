"""The torch side: models, training, export, evaluation."""
