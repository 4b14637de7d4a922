"""A model that is loaded while files are listened to: onnxruntime takes a second for it, and a core of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .bundle import open_bundle
from .controller import Controller
from .providers import Provider


class LoadingController:
    """Begins to load a model, and gives it when it is wanted.

    Args:
        model: a bundle's folder or the name of one that ships.
        provider: as for :class:`.controller.Controller`.

    Attributes:
        manifest: what the model says of itself, known at once.

    Raises:
        ModelError: the bundle is missing, or not what it says.
    """

    def __init__(self, model: str | Path, provider: Provider = "auto") -> None:
        self.manifest = open_bundle(model).manifest
        thread = ThreadPoolExecutor(1)
        self._loading = thread.submit(Controller, model, provider)
        thread.shutdown(wait=False)

    def ready(self) -> Controller:
        """Waits for the model.

        Raises:
            ModelError: the bundle is damaged.
            ProviderError: CUDA was asked for and is not there.
        """
        return self._loading.result()
